//! Black-box tests: nodes on a PostgreSQL server, which pass the same tests as the embedded store.

#![expect(clippy::unwrap_used, reason = "a test ends where it goes wrong")]

#[path = "../every_store/mod.rs"]
mod every_store;
mod pooler;
mod poolers;
mod schemas;
#[path = "../support/mod.rs"]
mod support;

/// The store of these tests.
const STORE: support::Store = support::Store::Postgres;
