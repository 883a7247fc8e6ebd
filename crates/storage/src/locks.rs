//! Locks that transactions share, apart from the locks of rows. SQLite runs one writing transaction at a time
//! and needs none of them.
//!
//! On PostgreSQL they are taken in one order: members, policies, and then the rows of webhooks, counters and
//! incidents.

pub(crate) mod history;
pub(crate) mod members;
pub(crate) mod policies;
