//! The metrics of a listener's connections.

/// The metrics of a listener.
#[derive(Clone, Debug)]
pub struct ConnectionGauges {
    /// The name of the listener.
    pub listener: &'static str,
    /// Open connections.
    pub open: u64,
    /// Limit on open connections.
    pub limit: u64,
    /// Connections evicted for others.
    pub evicted: u64,
    /// Connections refused, by reason.
    pub refused: Vec<(&'static str, u64)>,
}
