//! One, two and three nodes on one PostgreSQL server. Nodes and database share the first core, so what more nodes can show
//! here is what they cost, not what they bring: the CPU of each delivery, in nodes and database together.

use std::fs;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use hookgate_testkit::postgres::Postgres;
use serde_json::{Map, Value, json};

use super::load::{Measured, wrk};
use super::server::{Server, binary, cpu_seconds_of, resident_mib_of};
use super::{median, rounded};
use crate::process::{Outcome, say};

/// Connections of all senders together.
const CONNECTIONS: u32 = 64;
/// How many nodes are measured.
const NODES: [u32; 3] = [1, 2, 3];

/// What one measurement showed.
struct Shared {
    /// Nodes and database together; the memory is that of the nodes.
    both: Measured,
    /// The part of the CPU that was the database's.
    database_cpu_us: f64,
}

/// Some nodes that serve one webhook.
struct Nodes {
    processes: Vec<Child>,
    urls: Vec<String>,
}

/// Measures them in turns.
pub(super) fn run(
    directory: &Path,
    rounds: usize,
    seconds: u32,
    figures: &mut Map<String, Value>,
) -> Outcome<()> {
    let postgres = Postgres::start().map_err(|error| error.to_string())?;
    for process in postgres.processes() {
        pin(process)?;
    }
    let mut all: [Vec<Shared>; 3] = Default::default();
    for round in 1..=rounds.max(1) {
        for (place, nodes) in NODES.iter().enumerate() {
            let site = directory.join(format!("nodes-{nodes}-{round}"));
            let measured = Nodes::start(&postgres, directory, &site, *nodes)?.measure(&postgres, seconds)?;
            say(&format!("round {round}: {nodes} nodes {}", measured.both));
            all[place].push(measured);
        }
    }
    let one = median(all[0].iter().map(|measured| measured.both.rate));
    for (nodes, rounds) in NODES.iter().zip(&all) {
        let case = format!("postgres.{nodes}_nodes");
        let rate = median(rounds.iter().map(|measured| measured.both.rate));
        figures.insert(format!("{case}.rate"), json!(rounded(rate)));
        figures.insert(format!("{case}.rate_vs_one_node"), json!(rounded(rate / one)));
        for (name, figure) in [
            ("cpu_us", (|measured| measured.both.cpu_us) as fn(&Shared) -> f64),
            ("database_cpu_us", |measured| measured.database_cpu_us),
            ("p99_ms", |measured| measured.both.p99_ms),
            ("resident_mib", |measured| measured.both.resident_mib),
        ] {
            let value = rounded(median(rounds.iter().map(figure)));
            figures.insert(format!("{case}.{name}"), json!(value));
        }
    }
    Ok(())
}

impl Nodes {
    fn start(postgres: &Postgres, directory: &Path, site: &Path, nodes: u32) -> Outcome<Self> {
        let certificate = directory.join("certificate");
        if !certificate.join("gate.pem").exists() {
            drop(Server::gate(&certificate)?);
        }
        let url = postgres.database().map_err(|error| error.to_string())?;
        let mut started = Self {
            processes: Vec::new(),
            urls: Vec::new(),
        };
        let mut path = String::new();
        for number in 0..nodes {
            let config = configure(&site.join(number.to_string()), &certificate, &url)?;
            let gate = config.1;
            let process = Command::new("taskset")
                .args(["-c", "0"])
                .arg(binary())
                .args(["serve", "--config"])
                .arg(&config.0)
                .env("HOOKGATE_LOG_LEVEL", "error")
                .stdout(Stdio::null())
                .spawn()?;
            started.processes.push(process);
            while TcpStream::connect(gate).is_err() {
                thread::sleep(Duration::from_millis(10));
            }
            if number == 0 {
                path = create(&config.0)?;
            }
            started
                .urls
                .push(format!("https://localhost:{}{path}", gate.port()));
        }
        Ok(started)
    }

    fn measure(&self, postgres: &Postgres, seconds: u32) -> Outcome<Shared> {
        self.send(1)?;
        for process in postgres.processes() {
            pin(process)?;
        }
        let (nodes_before, database_before) = (self.cpu_seconds()?, database_cpu_seconds(postgres));
        let sent = self.send(seconds)?;
        let nodes = self.cpu_seconds()? - nodes_before;
        let database = database_cpu_seconds(postgres) - database_before;
        let requests: f64 = sent.iter().map(|(requests, ..)| requests).sum();
        let resident: Outcome<f64> = self.processes.iter().map(|node| resident_mib_of(node.id())).sum();
        let both = Measured {
            rate: sent.iter().map(|(_, rate, _)| rate).sum(),
            cpu_us: (nodes + database) * 1e6 / requests,
            p99_ms: sent.iter().map(|(.., p99)| *p99).fold(0.0, f64::max),
            resident_mib: resident?,
        };
        Ok(Shared {
            both,
            database_cpu_us: database * 1e6 / requests,
        })
    }

    /// Sends to all nodes at once.
    fn send(&self, seconds: u32) -> Outcome<Vec<(f64, f64, f64)>> {
        let nodes = u32::try_from(self.urls.len())?;
        let senders: Vec<_> = self
            .urls
            .iter()
            .cloned()
            .map(|url| {
                thread::spawn(move || {
                    wrk(&url, seconds, CONNECTIONS / nodes).map_err(|error| error.to_string())
                })
            })
            .collect();
        let mut sent = Vec::new();
        for sender in senders {
            sent.push(sender.join().map_err(|_| "a sender panicked")??);
        }
        Ok(sent)
    }

    fn cpu_seconds(&self) -> Outcome<f64> {
        self.processes.iter().map(|node| cpu_seconds_of(node.id())).sum()
    }
}

/// A process of the database may end any time; what it used is left out then.
fn database_cpu_seconds(postgres: &Postgres) -> f64 {
    let processes = postgres.processes().into_iter();
    processes.filter_map(|process| cpu_seconds_of(process).ok()).sum()
}

impl Drop for Nodes {
    fn drop(&mut self) {
        for process in &mut self.processes {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

/// The configuration of a node, and where its gate listens.
fn configure(directory: &Path, certificate: &Path, url: &str) -> Outcome<(PathBuf, SocketAddr)> {
    fs::create_dir_all(directory)?;
    let [gate, console] = [
        TcpListener::bind("127.0.0.1:0")?,
        TcpListener::bind("127.0.0.1:0")?,
    ];
    let [gate, console] = [gate.local_addr()?, console.local_addr()?];
    let certificate = certificate.canonicalize()?;
    let file = |name: &str| certificate.join(name).display().to_string();
    let text = format!(
        "public_url = \"https://localhost:{}\"\n[store]\nurl = \"{url}\"\nsealing_key_file = \"{}\"\n\
         [gate]\nlisten = \"{gate}\"\ncertificate = \"{}\"\nkey = \"{}\"\n[console]\nlisten = \"{console}\"\n",
        gate.port(),
        file("sealing.key"),
        file("gate.pem"),
        file("gate.key"),
    );
    let config = directory.join("hookgate.toml");
    fs::write(&config, text)?;
    Ok((config, gate))
}

/// The path of a new webhook's URL, with an allowlist.
fn create(config: &Path) -> Outcome<String> {
    let output = Command::new(binary())
        .args(["webhook", "create", "bench", "--allow", "127.0.0.1, 192.0.2.0/24"])
        .args(["--json", "--config"])
        .arg(config)
        .output()?;
    let made: Value = serde_json::from_slice(&output.stdout)?;
    let url = made["url"].as_str().ok_or("no webhook was created")?;
    Ok(url[url.find("/webhooks/").ok_or("no webhook URL")?..].to_owned())
}

/// Keeps a process on the first core.
fn pin(process: u32) -> Outcome<()> {
    // One that has ended by now needs no core.
    Command::new("taskset")
        .args(["-a", "-p", "-c", "0", &process.to_string()])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()?;
    Ok(())
}
