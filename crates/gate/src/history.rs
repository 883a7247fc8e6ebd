//! The history: deliveries, incidents and usage as they are read, and what people do with an incident.

pub(crate) mod incidents;
pub(crate) mod page;
mod payload_faults;
mod proxy_suspect;
pub(crate) mod records;
pub(crate) mod retention;
pub(crate) mod search;
pub(crate) mod sources;
pub(crate) mod timeline;
pub(crate) mod usage;
pub(crate) mod withheld;
