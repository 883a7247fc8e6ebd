//! `cargo xtask endurance`: the tests that take loads, under large ones, on the release build. It takes some minutes.

use crate::process::{self, Outcome, cargo};
use crate::test::need_all;

/// How much larger than usual the loads are: some 200,000 deliveries and 2,000 changes of policy for each kind of fault,
/// and 15 seconds of each attack.
const SCALE: &str = "10";

/// Several nodes on one database; peers that mean harm.
const TARGETS: [&str; 2] = ["cluster", "hostile"];

pub(crate) fn run() -> Outcome<()> {
    need_all()?;
    for target in TARGETS {
        process::run(
            cargo()
                .args([
                    "test",
                    "--release",
                    "--locked",
                    "-p",
                    "hookgate",
                    "--test",
                    target,
                ])
                .args(["--", "--nocapture", "--test-threads=1"])
                .env("HOOKGATE_TEST_SCALE", SCALE),
        )?;
    }
    Ok(())
}
