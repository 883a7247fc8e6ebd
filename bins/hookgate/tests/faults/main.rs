//! Faults around the server: the real binary over real TLS, under load. `docs/faults.md` is the table of faults, with the
//! expected behaviour and the test of each.
//!
//! A request fails if it is sent over an open connection and gets no answer, or another one than 201 and, if the fault allows
//! it, 503 with `Retry-After`. No request counts for a connection that was never opened, or was known to be closed.
//!
//! The loads here are small enough for every run; `cargo xtask endurance` runs the same tests with large ones.

#![expect(clippy::unwrap_used, reason = "a test ends where it goes wrong")]
#![expect(clippy::print_stdout, reason = "figures of a run are what it is for")]

mod clock;
mod database;
mod disk_full;
mod failing_calls;
mod load;
mod paused_node;
mod power_loss;
mod resources;
mod scarcity;
mod schema;
mod shim;
#[path = "../cluster/site.rs"]
#[expect(dead_code, reason = "the tests of several nodes use all of it")]
mod site;
mod stopping;
#[path = "../support/mod.rs"]
#[expect(dead_code, reason = "the black-box tests use all of it")]
mod support;
mod target;

/// The store of a server in these tests; nodes have PostgreSQL.
const STORE: support::Store = support::Store::Embedded;

/// Factor of the loads; 1 by default.
fn scale() -> usize {
    std::env::var("HOOKGATE_TEST_SCALE").map_or(1, |scale| scale.parse().unwrap())
}
