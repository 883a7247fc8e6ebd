//! `cargo xtask test`: every test of the workspace.

use crate::process::{self, Outcome, cargo, need};

/// Programs that tests use as senders, with the Debian package of each.
const PROGRAMS: [(&str, &str); 2] = [("curl", "curl"), ("cc", "gcc")];

pub(crate) fn run() -> Outcome<()> {
    need(&PROGRAMS)?;
    process::run(cargo().args(["test", "--workspace", "--all-features", "--locked"]))
}
