//! `cargo xtask endurance`: the tests with scalable loads, under large loads, on the release build. It takes half an
//! hour.

use crate::test::need_all;
use xtask::process::{self, Outcome, cargo};

/// The tests, one after another.
const TARGETS: [&str; 4] = ["cluster", "faults", "hostile", "soak"];

/// Factor of the loads: some 200,000 deliveries and 2,000 changes of policy for each kind of fault of several nodes,
/// 200 power cuts, 60 stops, ten seconds of each attack, and twenty minutes of steady load.
const SCALE: &str = "10";

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
