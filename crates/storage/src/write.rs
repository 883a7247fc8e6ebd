//! The statements that the writer runs inside its transactions. Each is one function over a connection.

pub(crate) mod counters;
pub(crate) mod deliveries;
pub(crate) mod incidents;
pub(crate) mod keys;
pub(crate) mod prune;
pub(crate) mod settings;
pub(crate) mod webhooks;
