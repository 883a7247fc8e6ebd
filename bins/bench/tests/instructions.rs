//! The cost of a request stays within its bounds: instructions, counted by Valgrind in a release build, and allocations.

use std::process::Command;

use xtask::process::{has_postgres, is_there};

/// `cargo xtask bench instructions --write` sets new bounds.
#[test]
fn no_request_costs_more_than_its_bound() {
    // Without this, the benchmark would install them.
    for program in ["valgrind", "h2load", "taskset"] {
        assert!(is_there(program), "{program} is not installed");
    }
    assert!(has_postgres(), "PostgreSQL is not installed");
    let status = Command::new(env!("CARGO_BIN_EXE_bench"))
        .args(["instructions", "--check"])
        .status()
        .unwrap();
    assert!(status.success(), "see the counts above");
}
