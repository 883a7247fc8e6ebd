//! `cargo xtask test`: every test of the workspace.

use crate::process::{self, Outcome, cargo, need};
use crate::tools::need_tools;

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

/// Installs what the tests need.
pub(crate) fn need_all() -> Outcome<()> {
    need(&PROGRAMS)?;
    need_postgres()?;
    need_nginx_stream()?;
    need_tools()
}

/// The part of nginx that passes connections on, a package of its own.
fn need_nginx_stream() -> Outcome<()> {
    if std::path::Path::new("/usr/lib/nginx/modules/ngx_stream_module.so").exists() {
        return Ok(());
    }
    process::install(&["libnginx-mod-stream"])
}

/// The database of the tests of several nodes. Its programs are on no path, and each version has a directory.
pub(crate) fn need_postgres() -> Outcome<()> {
    let is_there = || {
        let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
        versions
            .flatten()
            .any(|version| version.path().join("bin/initdb").is_file())
    };
    if !is_there() {
        process::install(&["postgresql"])?;
    }
    if is_there() {
        Ok(())
    } else {
        Err("PostgreSQL's initdb is missing, though Debian's package postgresql is installed".into())
    }
}
