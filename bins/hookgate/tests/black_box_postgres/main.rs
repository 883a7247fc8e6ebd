//! Black-box tests: nodes on a PostgreSQL server, which pass the same tests as the embedded store.

#![expect(clippy::unwrap_used, reason = "a test ends where it goes wrong")]

#[path = "../black_box/addresses.rs"]
mod addresses;
#[path = "../black_box/api.rs"]
mod api;
#[path = "../black_box/audit.rs"]
mod audit;
#[path = "../black_box/codes.rs"]
mod codes;
#[path = "../black_box/command_line.rs"]
mod command_line;
#[path = "../black_box/durability.rs"]
mod durability;
#[path = "../black_box/everywhere.rs"]
mod everywhere;
#[path = "../black_box/exports.rs"]
mod exports;
#[path = "../black_box/idempotency.rs"]
mod idempotency;
#[path = "../black_box/leaks.rs"]
mod leaks;
#[path = "../black_box/needles.rs"]
mod needles;
#[path = "../black_box/node.rs"]
mod node;
#[path = "../black_box/openapi.rs"]
mod openapi;
#[path = "../black_box/paging.rs"]
mod paging;
#[path = "../black_box/people.rs"]
mod people;
mod pooler;
mod poolers;
#[path = "../black_box/program.rs"]
mod program;
#[path = "../black_box/publisher.rs"]
mod publisher;
#[path = "../black_box/readers.rs"]
mod readers;
#[path = "../black_box/refused_payloads.rs"]
mod refused_payloads;
#[path = "../black_box/revocation.rs"]
mod revocation;
mod schemas;
#[path = "../black_box/support.rs"]
mod support;
#[path = "../black_box/visitor.rs"]
mod visitor;
#[path = "../black_box/warnings.rs"]
mod warnings;

/// The store of these tests.
const STORE: support::Store = support::Store::Postgres;
