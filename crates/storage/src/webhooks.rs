//! Webhooks and tombstones: rows, queries, statements, look-ups by URL, and the recipients of secrets.

pub(crate) mod change;
pub(crate) mod find;
pub(crate) mod known_digests;
pub(crate) mod lookups;
pub(crate) mod queries;
pub(crate) mod row;
pub(crate) mod shown;
pub(crate) mod statements;
