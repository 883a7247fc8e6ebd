//! The audit trail: its rows, queries and statements, and the number of entries of each actor and act.

pub(crate) mod holdings;
pub(crate) mod queries;
pub(crate) mod row;
pub(crate) mod statements;
