//! `cargo xtask test`: every test of the workspace.

use crate::process::{self, Outcome, cargo, need};

/// Programs that the build and the tests use, with the Debian package of each.
const PROGRAMS: [(&str, &str); 5] = [
    ("cc", "gcc"),
    ("curl", "curl"),
    ("sqlite3", "sqlite3"),
    ("chromium", "chromium"),
    ("chromedriver", "chromium-driver"),
];

pub(crate) fn run() -> Outcome<()> {
    need(&PROGRAMS)?;
    process::run(cargo().args(["test", "--workspace", "--all-features", "--locked"]))
}
