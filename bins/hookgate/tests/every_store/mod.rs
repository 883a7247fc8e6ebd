//! Tests that nodes pass on the embedded store and on a PostgreSQL server.

mod addresses;
mod api;
mod audit;
mod codes;
mod command_line;
mod durability;
mod everywhere;
mod exports;
mod idempotency;
mod leaks;
pub(crate) mod needles;
mod openapi;
mod paging;
mod people;
mod readers;
mod refused_payloads;
mod revocation;
mod warnings;
