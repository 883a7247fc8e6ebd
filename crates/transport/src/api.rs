//! The admin API, one endpoint a function, one resource a file.

mod deliveries;
pub(crate) mod document;
mod incidents;
