//! Members, sessions, sign-in links and tokens: rows, queries, statements, and the check of an actor.

pub(crate) mod actor;
pub(crate) mod links;
pub(crate) mod member_change;
pub(crate) mod queries;
mod row;
pub(crate) mod statements;
