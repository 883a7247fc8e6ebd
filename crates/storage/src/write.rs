//! The statements of transactions that write. Each is one function over a connection.
//!
//! A query by a unique key has no LIMIT: SQLite plans a statement with a bound limit anew each time.

pub(crate) mod address_sets;
pub(crate) mod audit;
pub(crate) mod audit_holdings;
mod column_statement;
pub(crate) mod columns;
pub(crate) mod counters;
pub(crate) mod deliveries;
pub(crate) mod doomed;
mod fragment;
pub(crate) mod freed;
pub(crate) mod holdings;
pub(crate) mod incident_events;
pub(crate) mod incidents;
pub(crate) mod keys;
pub(crate) mod leftovers;
pub(crate) mod links;
pub(crate) mod partitions;
pub(crate) mod people;
pub(crate) mod prune;
mod row_insert;
mod rows_insert;
pub(crate) mod settings;
pub(crate) mod shown;
pub(crate) mod sources;
mod unresolved;
pub(crate) mod usage;
pub(crate) mod webhooks;
