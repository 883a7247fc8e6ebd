//! Runs other programs, and installs missing ones.

use std::error::Error;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

/// The result of a task, with an error for people.
pub type Outcome<T> = Result<T, Box<dyn Error>>;

/// Prints a line for people on standard error.
pub fn say(text: &str) {
    // With standard error gone nobody can read the text.
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// The cargo that runs this program, in the workspace's root.
#[must_use]
pub fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root());
    // Variables with which cargo describes this package. Build scripts that depend on them would run again, and
    // everything that depends on those scripts.
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
            command.env_remove(name);
        }
    }
    command
}

/// The workspace's root.
#[must_use]
pub fn root() -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "..", ".."].iter().collect()
}

/// Runs the command and fails if the command fails.
///
/// # Errors
/// A program is missing and can't be installed, or it failed.
pub fn run(command: &mut Command) -> Outcome<()> {
    say(&format!("> {}", shown(command)));
    let status = command
        .status()
        .map_err(|error| format!("can't run {}: {error}", shown(command)))?;
    if status.success() {
        Ok(())
    } else {
        Err(format!("{} failed: {status}", shown(command)).into())
    }
}

/// Installs the Debian packages of missing programs.
///
/// # Errors
/// A program is missing and can't be installed, or it failed.
pub fn need(programs: &[(&str, &str)]) -> Outcome<()> {
    let missing: Vec<&str> = programs
        .iter()
        .filter(|(program, _)| !is_there(program))
        .map(|(_, package)| *package)
        .collect();
    if missing.is_empty() {
        Ok(())
    } else {
        install(&missing)
    }
}

/// Installs Debian packages.
///
/// # Errors
/// A program is missing and can't be installed, or it failed.
pub fn install(packages: &[&str]) -> Outcome<()> {
    say(&format!("installing Debian packages: {}", packages.join(" ")));
    let root = Command::new("id")
        .arg("-u")
        .output()
        .is_ok_and(|output| output.stdout.trim_ascii() == b"0");
    let apt = |arguments: &[&str]| {
        let mut command = if root {
            Command::new("apt-get")
        } else {
            Command::new("sudo")
        };
        if !root {
            command.arg("apt-get");
        }
        run(command.args(arguments).env("DEBIAN_FRONTEND", "noninteractive"))
    };
    apt(&["update", "-qq"])?;
    apt(&[&["install", "-y", "-qq", "--no-install-recommends"], packages].concat())
}

/// Installs a subcommand of cargo if it is missing.
///
/// # Errors
/// A program is missing and can't be installed, or it failed.
pub fn need_cargo_tool(subcommand: &str, package: &str, version: &str) -> Outcome<()> {
    let is_there = cargo()
        .args([subcommand, "--version"])
        .output()
        .is_ok_and(|output| output.status.success());
    if is_there {
        return Ok(());
    }
    say(&format!("installing {package} {version} (a few minutes, once)"));
    run(cargo().args(["install", package, "--locked", "--version", version]))
}

/// `true` if a program is on the `PATH`.
#[must_use]
pub fn is_there(program: &str) -> bool {
    std::env::var_os("PATH")
        .is_some_and(|path| std::env::split_paths(&path).any(|directory| directory.join(program).is_file()))
}

fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words
        .map(|word| word.to_string_lossy().into_owned())
        .collect::<Vec<_>>()
        .join(" ")
}

/// `true` if nginx's stream module is installed.
#[must_use]
pub fn has_nginx_stream() -> bool {
    Path::new("/usr/lib/nginx/modules/ngx_stream_module.so").exists()
}

/// `true` if a version of PostgreSQL is installed.
#[must_use]
pub fn has_postgres() -> bool {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
    versions
        .flatten()
        .any(|version| version.path().join("bin/initdb").is_file())
}

/// Installs PostgreSQL, which the tests of several nodes use. Its programs are not on the `PATH`, and each version has
/// a directory of its own.
///
/// # Errors
/// A program is missing and can't be installed, or it failed.
pub fn need_postgres() -> Outcome<()> {
    if !has_postgres() {
        install(&["postgresql"])?;
    }
    if has_postgres() {
        Ok(())
    } else {
        Err("PostgreSQL's initdb is missing, though Debian's package postgresql is installed".into())
    }
}

/// The directory that cargo builds into.
#[must_use]
pub fn target_directory() -> PathBuf {
    root().join(std::env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into()))
}

/// The exit code of a task. It prints the error on standard error.
#[must_use]
pub fn exit(outcome: Outcome<()>) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("xtask: {error}"));
            ExitCode::FAILURE
        }
    }
}
