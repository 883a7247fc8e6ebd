//! The servers that are no node in production: the bare echo, and `hookgate dev`.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use super::tree::{Process, SERVERS, pinned};
use xtask::process::{Outcome, target_directory};

/// `hookgate dev`.
pub(crate) struct Server {
    process: Process,
}

/// The bare echo with this certificate, and where it listens.
pub(crate) fn echo(certificates: &Path) -> Outcome<(Process, SocketAddr)> {
    let binary = target_directory().join("release/examples/bare_echo");
    let (process, line) = start(
        pinned(SERVERS)
            .arg(binary)
            .arg(certificates.join("gate.pem"))
            .arg(certificates.join("gate.key"))
            .arg("127.0.0.1:0"),
    )?;
    Ok((process, line.trim().parse()?))
}

impl Server {
    /// `hookgate dev` in this directory, and what it says once it is ready.
    pub(crate) fn dev(directory: &Path) -> Outcome<(Self, Value)> {
        let (process, line) = start(
            pinned(SERVERS)
                .arg(binary())
                .args(["dev", "--json", "--gate", "127.0.0.1:0", "--data"])
                .arg(directory),
        )?;
        Ok((Self { process }, serde_json::from_str(&line)?))
    }

    /// What a command says of the data in this directory.
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

/// The program that is measured.
pub(crate) fn binary() -> PathBuf {
    target_directory().join("release/hookgate")
}

/// Starts a server and waits for its first line, which says that it is ready.
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
