//! `cargo xtask coverage`: measures the line coverage of the domain crate by its own tests.

use std::process::Command;

use xtask::process::{self, Outcome, cargo, need_cargo_tool, say};

/// Version of cargo-llvm-cov with which the figures were measured.
const CARGO_LLVM_COV: &str = "0.9.1";
/// Least coverage, in percent of the lines. The rest are match arms that no input reaches.
const LEAST_LINES: &str = "98";

pub(crate) fn run() -> Outcome<()> {
    need_cargo_tool("llvm-cov", "cargo-llvm-cov", CARGO_LLVM_COV)?;
    need_llvm_tools()?;
    process::run(cargo().args([
        "llvm-cov",
        "--package",
        "hookgate-domain",
        "--all-features",
        "--locked",
        "--fail-under-lines",
        LEAST_LINES,
    ]))
}

/// Installs the toolchain component that reads coverage data.
fn need_llvm_tools() -> Outcome<()> {
    let output = Command::new("rustc")
        .args(["--print", "target-libdir"])
        .output()?;
    let libraries = String::from_utf8(output.stdout)?;
    let programs = std::path::Path::new(libraries.trim()).with_file_name("bin");
    if programs.join("llvm-cov").is_file() {
        return Ok(());
    }
    say("installing llvm-tools, a component of the toolchain");
    process::run(Command::new("rustup").args(["component", "add", "llvm-tools"]))
}
