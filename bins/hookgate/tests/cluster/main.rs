//! Several nodes on one PostgreSQL server: the promises hold on all of them, under faults too.
//!
//! The loads here are small enough for every run; `cargo xtask endurance` runs the same tests with large ones.

#![expect(clippy::unwrap_used, reason = "a test ends where it goes wrong")]
#![expect(clippy::print_stdout, reason = "figures of a run are what it is for")]

mod administrator;
mod failover;
mod history;
mod moving;
mod retries;
mod revocation;
mod senders;
mod site;
#[path = "../support/mod.rs"]
#[expect(dead_code, reason = "the black-box tests use all of it")]
mod support;

/// The store of these tests.
const STORE: support::Store = support::Store::Postgres;

/// Factor of the loads; 1 by default.
fn scale() -> usize {
    std::env::var("HOOKGATE_TEST_SCALE").map_or(1, |scale| scale.parse().unwrap())
}
