//! `cargo xtask test`: every test of the workspace.

use crate::process::{self, Outcome, cargo, need};
use crate::tools::need_tools;

/// Programs that the build and the tests use, with the Debian package of each.
const PROGRAMS: [(&str, &str); 6] = [
    ("cc", "gcc"),
    ("curl", "curl"),
    ("sqlite3", "sqlite3"),
    ("python3", "python3"),
    ("chromium", "chromium"),
    ("chromedriver", "chromium-driver"),
];

pub(crate) fn run() -> Outcome<()> {
    need(&PROGRAMS)?;
    need_tools()?;
    process::run(cargo().args(["test", "--workspace", "--all-features", "--locked"]))
}
