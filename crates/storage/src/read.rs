//! The queries that read. Each is one function over a connection; none of them blocks the writer.

pub(crate) mod address_sets;
pub(crate) mod audit;
pub(crate) mod deliveries;
pub(crate) mod incidents;
pub(crate) mod people;
mod periods;
pub(crate) mod runs;
pub(crate) mod settings;
pub(crate) mod shown;
pub(crate) mod size;
pub(crate) mod sources;
pub(crate) mod usage;
pub(crate) mod webhooks;
mod window;
