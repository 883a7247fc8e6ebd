//! `cargo xtask endurance`: the tests of several nodes and of faults under large loads, on the release build. It takes
//! some minutes.

use crate::process::{self, Outcome, cargo};
use crate::test::need_all;

/// How much larger than usual the loads are: some 200,000 deliveries and 2,000 changes of policy for each kind of fault of
/// several nodes, 200 power cuts, 60 stops.
const SCALE: &str = "10";

pub(crate) fn run() -> Outcome<()> {
    need_all()?;
    let tests = [
        "test",
        "--release",
        "--locked",
        "-p",
        "hookgate",
        "--test",
        "cluster",
        "--test",
        "faults",
    ];
    process::run(
        cargo()
            .args(tests)
            .args(["--", "--nocapture", "--test-threads=1"])
            .env("HOOKGATE_TEST_SCALE", SCALE),
    )
}
