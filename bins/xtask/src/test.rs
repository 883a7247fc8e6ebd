//! `cargo xtask test`: every test of the workspace.

use crate::tools::need_tools;
use xtask::process::{self, Outcome, cargo, need};

/// Programs that the build and the tests use, with the Debian package of each.
const PROGRAMS: [(&str, &str); 13] = [
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
];

pub(crate) fn run() -> Outcome<()> {
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
    if std::path::Path::new("/usr/lib/nginx/modules/ngx_stream_module.so").exists() {
        return Ok(());
    }
    process::install(&["libnginx-mod-stream"])
}
