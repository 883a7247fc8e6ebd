//! `cargo xtask test`: every test of the workspace.

mod missing;
mod without;

use clap::Args;

use crate::tools::need_tools;
use xtask::process::{self, Outcome, cargo, need};

/// Programs that the build and the tests use, with the Debian package of each.
const PROGRAMS: [(&str, &str); 15] = [
    ("cc", "gcc"),
    ("curl", "curl"),
    ("sqlite3", "sqlite3"),
    ("python3", "python3"),
    ("chromium", "chromium"),
    ("chromedriver", "chromium-driver"),
    ("ip", "iproute2"),
    ("mount", "mount"),
    ("prlimit", "util-linux"),
    ("nginx", "nginx"),
    ("haproxy", "haproxy"),
    ("caddy", "caddy"),
    ("pgbouncer", "pgbouncer"),
    ("valgrind", "valgrind"),
    ("h2load", "nghttp2-client"),
];

#[derive(Args)]
pub(crate) struct TestArguments {
    /// Install nothing; leave out the tests whose programs are missing, and name them at the end
    #[arg(long)]
    no_install: bool,
}

pub(crate) fn run(arguments: &TestArguments) -> Outcome<()> {
    if arguments.no_install {
        return without::run();
    }
    need_all()?;
    process::run(cargo().args(["test", "--workspace", "--all-features", "--locked"]))
}

/// Installs the programs that the tests need.
pub(crate) fn need_all() -> Outcome<()> {
    need(&PROGRAMS)?;
    process::need_postgres()?;
    need_nginx_stream()?;
    need_tools()
}

/// Installs nginx's stream module, which is a package of its own.
fn need_nginx_stream() -> Outcome<()> {
    if process::has_nginx_stream() {
        return Ok(());
    }
    process::install(&["libnginx-mod-stream"])
}
