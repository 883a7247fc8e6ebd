//! What happens when something around the server fails: the real binary over real TLS, under load. `docs/faults.md` is
//! the table of faults, of what users may expect of each, and of these tests.
//!
//! A request has failed if it was sent over an open connection and nothing answered it, or anything but 201 and, where the
//! fault allows it, 503 with `Retry-After`. A connection that was never opened, or was known to be closed, sends none.
//!
//! The loads here are small enough for every run; `cargo xtask endurance` runs the same tests with large ones.

#![expect(clippy::unwrap_used, reason = "a test ends where it goes wrong")]
#![expect(clippy::print_stdout, reason = "figures of a run are what it is for")]

mod clock;
mod database;
mod disk_full;
mod failing_calls;
mod load;
#[path = "../black_box/node.rs"]
mod node;
mod paused_node;
mod power_loss;
#[path = "../black_box/publisher.rs"]
#[expect(dead_code, reason = "the black-box tests use all of it")]
mod publisher;
mod resources;
mod scarcity;
mod schema;
mod shim;
#[path = "../cluster/site.rs"]
#[expect(dead_code, reason = "the tests of several nodes use all of it")]
mod site;
mod stopping;
#[path = "../black_box/support.rs"]
#[expect(dead_code, reason = "the black-box tests use all of it")]
mod support;
mod target;

/// Which store a server of these tests has; nodes have PostgreSQL.
const STORE: support::Store = support::Store::Embedded;

/// How much larger than usual the loads are.
fn scale() -> usize {
    std::env::var("HOOKGATE_TEST_SCALE").map_or(1, |scale| scale.parse().unwrap())
}
