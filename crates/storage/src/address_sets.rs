//! Address sets: their rows, queries and statements.

pub(crate) mod queries;
mod row;
pub(crate) mod statements;
