//! Usage: deliveries counted by minute, hour and code, and by day and source.

pub(crate) mod counts;
pub(crate) mod holdings;
pub(crate) mod observation;
pub(crate) mod off_record;
pub(crate) mod queries;
pub(crate) mod recorder;
pub(crate) mod recount;
pub(crate) mod source_queries;
pub(crate) mod source_statements;
pub(crate) mod statements;
