//! The servers that are measured, each pinned to the first core.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::process::{Outcome, root};

/// Ticks of the kernel's CPU accounting per second (`getconf CLK_TCK`), the same on every Linux.
const TICKS_PER_SECOND: f64 = 100.0;

/// A running server and where to send.
pub(crate) struct Server {
    child: Child,
    pub(crate) url: String,
}

impl Server {
    /// The bare echo. It takes the certificate of a gate that was started in the same directory.
    pub(crate) fn echo(directory: &Path) -> Outcome<Self> {
        let certificate = directory.join("certificate");
        if !certificate.join("gate.pem").exists() {
            drop(Self::gate(&certificate)?);
        }
        let binary = root().join("target/release/examples/bare_echo");
        let (child, line) = start(
            Command::new("taskset")
                .args(["-c", "0"])
                .arg(binary)
                .arg(certificate.join("gate.pem"))
                .arg(certificate.join("gate.key"))
                .arg("127.0.0.1:0"),
        )?;
        let port = line.trim().rsplit(':').next().unwrap_or_default().to_owned();
        Ok(Self {
            child,
            url: format!("https://localhost:{port}/webhooks/custom/echo"),
        })
    }

    /// The gate on SQLite, in a data directory of its own, with an allowlist and everything else as it comes.
    pub(crate) fn gate(directory: &Path) -> Outcome<Self> {
        let (mut server, _) = Self::dev(directory)?;
        let allow = ["--allow", "127.0.0.1, 192.0.2.0/24"];
        let created = server.command(directory, &[&["webhook", "create", "bench"], &allow[..]].concat())?;
        server
            .url
            .push_str(created["url"].as_str().ok_or("no webhook was created")?);
        Ok(server)
    }

    /// `hookgate dev` in this directory, and what it says once it is ready.
    pub(crate) fn dev(directory: &Path) -> Outcome<(Self, Value)> {
        let (child, line) = start(
            Command::new("taskset")
                .args(["-c", "0"])
                .arg(binary())
                .args(["dev", "--json", "--gate", "127.0.0.1:0", "--data"])
                .arg(directory),
        )?;
        let url = String::new();
        Ok((Self { child, url }, serde_json::from_str(&line)?))
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

    /// CPU seconds that the server has used, user and system.
    pub(crate) fn cpu_seconds(&self) -> Outcome<f64> {
        cpu_seconds_of(self.child.id())
    }

    /// Resident memory in MiB.
    pub(crate) fn resident_mib(&self) -> Outcome<f64> {
        resident_mib_of(self.child.id())
    }
}

/// CPU seconds that a process has used, user and system.
pub(super) fn cpu_seconds_of(process: u32) -> Outcome<f64> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat"))?;
    // The second field may hold spaces and ends at the last parenthesis.
    let after = stat.rsplit(')').next().unwrap_or_default();
    let fields: Vec<&str> = after.split_whitespace().collect();
    let ticks = |index: usize| {
        fields
            .get(index)
            .and_then(|field| field.parse::<f64>().ok())
            .unwrap_or(0.0)
    };
    Ok((ticks(11) + ticks(12)) / TICKS_PER_SECOND)
}

/// Resident memory of a process in MiB.
pub(super) fn resident_mib_of(process: u32) -> Outcome<f64> {
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .unwrap_or("0 kB");
    Ok(line.trim().trim_end_matches(" kB").trim().parse::<f64>()? / 1024.0)
}

impl Drop for Server {
    fn drop(&mut self) {
        // It has either ended already or is ended now.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The program that is measured.
pub(super) fn binary() -> PathBuf {
    root().join("target/release/hookgate")
}

/// Starts a server and waits for its first line, which says that it is ready.
fn start(command: &mut Command) -> Outcome<(Child, String)> {
    let mut child = command.stdout(Stdio::piped()).spawn()?;
    let mut line = String::new();
    BufReader::new(child.stdout.take().ok_or("no standard output")?).read_line(&mut line)?;
    if line.is_empty() {
        return Err(format!("the server did not start: {}", child.wait()?).into());
    }
    Ok((child, line))
}
