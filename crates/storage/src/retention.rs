//! Retention: removes the history that is too old or too much, and keeps account of the bytes of each webhook.

pub(crate) mod age_statements;
pub(crate) mod doomed;
pub(crate) mod freed;
pub(crate) mod holdings;
pub(crate) mod leftovers;
pub(crate) mod partitions;
mod prune_candidates;
pub(crate) mod prune_file;
mod prune_file_size;
mod prune_people;
pub(crate) mod prune_server;
mod prune_server_size;
pub(crate) mod size;
mod size_statements;
