//! The reasons for which a connection is refused.

/// The reason for which a connection was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// Each connection of the source has a request in progress, and the source has its part, holds much while others
    /// need the rest, or has a request in progress while only the reserved connections are left.
    Source,
    /// Its source has too many handshakes in flight.
    Handshakes,
}

impl Refusal {
    /// Every reason.
    pub(super) const ALL: [Self; 2] = [Self::Source, Self::Handshakes];

    /// The word in the metric.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Source => "source",
            Self::Handshakes => "handshakes",
        }
    }
}
