//! Deliveries: from a request to its record, with the limits on the way.

pub(crate) mod delivery;
pub(crate) mod failures;
pub(crate) mod memory_budget;
pub(crate) mod payload_parser;
mod receive;
pub(crate) mod unknown_url_limiter;
pub(crate) mod url_cache;
