//! Runs the benchmark's own load generator: starts it on its core, gives the start signal, and reads its report.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use super::load::{BODY, Latency, Sent};
use super::tree::{GENERATORS, Process, pinned};
use xtask::process::{Outcome, cargo, run, target_directory};

/// The requests and the expected status of the answers.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    pub(crate) address: SocketAddr,
    /// A file with the paths to send to in turn.
    pub(crate) paths: PathBuf,
    pub(crate) status: u16,
    /// A token of the admin API; with it, requests are GETs.
    pub(crate) token: Option<String>,
}

/// A generator that has opened its connections.
pub(crate) struct Generator {
    process: Process,
    input: std::process::ChildStdin,
    output: BufReader<std::process::ChildStdout>,
}

/// Builds the generator. Its own cost must be small, so it is a release build.
pub(crate) fn build() -> Outcome<()> {
    let build = ["build", "--release", "--locked", "--package", "bench"];
    run(cargo().args(build).args(["--bin", "load_generator"]))
}

impl Target {
    /// Deliveries to these paths in turn, with this expected status.
    pub(crate) fn new(address: SocketAddr, paths: &[String], status: u16, file: &Path) -> Outcome<Self> {
        fs::write(file, paths.join("\n"))?;
        Ok(Self {
            address,
            paths: file.to_owned(),
            status,
            token: None,
        })
    }

    /// The first URL, for generators that take only one.
    pub(crate) fn url(&self) -> Outcome<String> {
        let paths = fs::read_to_string(&self.paths)?;
        let path = paths.lines().next().ok_or("no path")?;
        Ok(format!("https://localhost:{}{path}", self.address.port()))
    }
}

impl Generator {
    /// Starts the generator and waits until it is ready.
    pub(crate) fn start(load: &str, target: &Target, shape: &[&str]) -> Outcome<Self> {
        let mut command = command(load, Some(target))?;
        let mut child = command
            .args(shape)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let input = child.stdin.take().ok_or("no standard input")?;
        let mut output = BufReader::new(child.stdout.take().ok_or("no standard output")?);
        let process = Process::of(child);
        let mut line = String::new();
        output.read_line(&mut line)?;
        if line.trim() != "ready" {
            return Err(format!("the load generator did not get ready: {load} {shape:?}").into());
        }
        Ok(Self {
            process,
            input,
            output,
        })
    }

    /// Gives the start signal, and waits for the report.
    pub(crate) fn go(mut self) -> Outcome<Value> {
        writeln!(self.input, "go")?;
        let mut line = String::new();
        self.output.read_line(&mut line)?;
        if line.is_empty() {
            // The generator wrote the error to standard error, which it shares with the benchmark.
            return Err(format!("the load generator {} failed", self.process.id()).into());
        }
        Ok(serde_json::from_str(&line)?)
    }

    /// Gives the start signal, and returns answers, rate and latency from the report.
    pub(crate) fn send(self) -> Outcome<Sent> {
        let report = self.go()?;
        let figure = |name: &str| report[name].as_f64().ok_or(name.to_owned());
        let answers = figure("answers")?;
        if answers == 0.0 {
            return Err("the load generator got no answer".into());
        }
        Ok(Sent {
            answers,
            rate: answers / figure("seconds")?,
            latency: Some(Latency {
                p50: figure("p50_us")? / 1000.0,
                p99: figure("p99_us")? / 1000.0,
                p999: figure("p999_us")? / 1000.0,
            }),
        })
    }
}

/// Milliseconds from the start of this server to its first good answer.
pub(crate) fn first_answer_ms(target: &Target, server: &[PathBuf]) -> Outcome<f64> {
    let mut command = command("start", Some(target))?;
    // The generator's core is inherited, so the server is moved to the core of servers.
    command
        .args(["--", "taskset", "-c", super::tree::SERVERS])
        .args(server);
    figure(&mut command, "first_answer_ms")
}

/// Microseconds that the disk needs for one `fdatasync` of this new file.
pub(crate) fn fdatasync_us(file: &Path) -> Outcome<f64> {
    figure(command("durable", None)?.arg(file), "p50_us")
}

fn figure(command: &mut Command, name: &str) -> Outcome<f64> {
    let output = command.stderr(Stdio::inherit()).output()?;
    let report: Value = serde_json::from_slice(&output.stdout)
        .map_err(|_| format!("the load generator failed: {}", output.status))?;
    Ok(report[name]
        .as_f64()
        .ok_or("the load generator left out a figure")?)
}

fn command(load: &str, target: Option<&Target>) -> Outcome<Command> {
    let mut command = pinned(GENERATORS);
    command
        .arg(target_directory().join("release/load_generator"))
        .arg(load);
    let Some(target) = target else {
        return Ok(command);
    };
    command.args(["--address", &target.address.to_string(), "--paths"]);
    command.arg(&target.paths);
    command.args(["--status", &target.status.to_string()]);
    if let Some(token) = &target.token {
        command.args(["--header", &format!("Authorization: Bearer {token}")]);
    } else {
        let body = target.paths.with_extension("body");
        fs::write(&body, BODY)?;
        command.arg("--body").arg(body);
    }
    Ok(command)
}
