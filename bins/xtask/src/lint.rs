//! `cargo xtask lint`: format, clippy, tests and bounds that documents name, retired names, dependencies,
//! documentation.

use crate::{bounds, named_tests, retired_words};
use xtask::process::{self, Outcome, cargo, need_cargo_tool};

/// Version of cargo-deny for which `deny.toml` was written.
const CARGO_DENY: &str = "0.20.2";

pub(crate) fn run() -> Outcome<()> {
    process::run(cargo().args(["fmt", "--all", "--check"]))?;
    process::run(cargo().args([
        "clippy",
        "--workspace",
        "--all-targets",
        "--all-features",
        "--locked",
        "--",
        "-D",
        "warnings",
    ]))?;
    named_tests::check()?;
    bounds::check()?;
    retired_words::check()?;
    dependencies()?;
    domain_is_pure()?;
    let doc = ["doc", "--workspace", "--all-features", "--no-deps", "--locked"];
    process::run(cargo().args(doc).env("RUSTDOCFLAGS", "-D warnings"))
}

/// Runs the checks of cargo-deny that need no network.
fn dependencies() -> Outcome<()> {
    need_cargo_tool("deny", "cargo-deny", CARGO_DENY)?;
    process::run(cargo().args(["fetch", "--locked"]))?;
    process::run(cargo().args(["deny", "--offline", "check", "bans", "licenses", "sources"]))
}

/// Checks that no crate of the server is in the dependency tree of the domain crate, which is published for embedders.
fn domain_is_pure() -> Outcome<()> {
    let output = cargo()
        .args([
            "tree",
            "--package",
            "hookgate-domain",
            "--locked",
            "--prefix",
            "none",
        ])
        .output()?;
    let tree = String::from_utf8(output.stdout)?;
    if !output.status.success() || tree.is_empty() {
        return Err("cargo tree failed".into());
    }
    let names = tree.lines().filter_map(|line| line.split_whitespace().next());
    match names
        .into_iter()
        .find(|name| matches!(*name, "tokio" | "hyper" | "diesel" | "serde_json" | "serde"))
    {
        Some(name) => Err(format!("hookgate-domain depends on {name}").into()),
        None => Ok(()),
    }
}
