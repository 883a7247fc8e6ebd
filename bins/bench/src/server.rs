//! Servers that are not production nodes: the bare echo, and `hookgate dev`.

use std::ffi::OsString;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use super::tree::{Process, SERVERS, pinned};
use xtask::process::{Outcome, cargo, run, target_directory};

/// `hookgate dev`.
pub(crate) struct Server {
    process: Process,
}

/// Starts the bare echo with this certificate, by another program if there is one; returns its address.
pub(crate) fn echo(certificates: &Path, starter: &[OsString]) -> Outcome<(Process, SocketAddr)> {
    let binary = target_directory().join("release/examples/bare_echo");
    let (process, line) = start(
        pinned(SERVERS)
            .args(starter)
            .arg(binary)
            .arg(certificates.join("gate.pem"))
            .arg(certificates.join("gate.key"))
            .arg("127.0.0.1:0"),
    )?;
    Ok((process, line.trim().parse()?))
}

impl Server {
    /// Starts `hookgate dev` in this directory; returns the JSON that it prints when it is ready.
    pub(crate) fn dev(directory: &Path) -> Outcome<(Self, Value)> {
        let (process, line) = start(
            pinned(SERVERS)
                .arg(binary())
                .args(["dev", "--json", "--gate", "127.0.0.1:0", "--data"])
                .arg(directory),
        )?;
        Ok((Self { process }, serde_json::from_str(&line)?))
    }

    /// Runs a command on the data in this directory and returns its JSON.
    #[expect(clippy::unused_self, reason = "it runs beside the server")]
    pub(crate) fn command(&self, directory: &Path, arguments: &[&str]) -> Outcome<Value> {
        let output = Command::new(binary())
            .args(arguments)
            .args(["--json", "--data"])
            .arg(directory)
            .output()?;
        Ok(serde_json::from_slice(&output.stdout)?)
    }

    /// Resident memory in MiB.
    pub(crate) fn resident_mib(&self) -> Outcome<f64> {
        self.process.resident_mib()
    }
}

/// Builds the measured program.
pub(crate) fn build() -> Outcome<()> {
    run(cargo().args(["build", "--release", "--locked", "--package", "hookgate"]))
}

/// The measured program.
pub(crate) fn binary() -> PathBuf {
    target_directory().join("release/hookgate")
}

/// Starts a server and waits for its first line, by which it reports that it is ready.
fn start(command: &mut Command) -> Outcome<(Process, String)> {
    let mut child = command.stdout(Stdio::piped()).spawn()?;
    let mut line = String::new();
    BufReader::new(child.stdout.take().ok_or("no standard output")?).read_line(&mut line)?;
    let mut process = Process::of(child);
    if line.is_empty() {
        process.is_there()?;
        return Err("the server did not start".into());
    }
    Ok((process, line))
}
