//! One, two and three nodes on one PostgreSQL server. Nodes and database share the first core, so more nodes can't show
//! a gain here, only their cost: the CPU of each delivery, in nodes and database together.

use std::path::Path;
use std::thread;

use hookgate_testkit::postgres::Postgres;

use super::figures::Figures;
use super::load::{Sent, wrk};
use super::node::{Site, certificates};
use super::rounds::announce;
use super::tree::{Process, cpu_seconds, pin};
use xtask::process::{Outcome, say};

/// Connections of all senders together.
const CONNECTIONS: u32 = 64;
/// Numbers of nodes to measure.
const NODES: [u32; 3] = [1, 2, 3];

/// Some nodes that serve one webhook.
struct Nodes {
    processes: Vec<Process>,
    urls: Vec<String>,
}

/// Measures each number of nodes in turn.
pub(super) fn run(scratch: &Path, rounds: usize, seconds: u32, figures: &mut Figures) -> Outcome<()> {
    let postgres = Postgres::start().map_err(|error| error.to_string())?;
    pin(&postgres.processes())?;
    for round in 1..=rounds {
        announce(round, rounds)?;
        let mut one = None;
        for nodes in NODES {
            let directory = scratch.join(format!("nodes-{nodes}-{round}"));
            let started = Nodes::start(&postgres, scratch, &directory, nodes)?;
            let case = format!("postgres.{nodes}_nodes");
            let rate = started.measure(&postgres, seconds, &case, figures)?;
            say(&format!("round {round}: {case} {rate:.0}/s"));
            let one = *one.get_or_insert(rate);
            figures.add(format!("{case}.rate_vs_one_node"), rate / one);
        }
    }
    Ok(())
}

impl Nodes {
    fn start(postgres: &Postgres, scratch: &Path, directory: &Path, nodes: u32) -> Outcome<Self> {
        let certificates = certificates(scratch)?;
        let store = postgres.database().map_err(|error| error.to_string())?;
        let mut started = Self {
            processes: Vec::new(),
            urls: Vec::new(),
        };
        let mut path = None;
        for number in 0..nodes {
            let place = directory.join(number.to_string());
            let site = Site::new(&place, &certificates, &format!("url = \"{store}\""))?;
            started.processes.push(site.serve(&[])?);
            let path: &String = match &mut path {
                Some(path) => path,
                none => none.insert(site.webhook()?),
            };
            let port = site.address.port();
            started.urls.push(format!("https://localhost:{port}{path}"));
        }
        Ok(started)
    }

    /// Returns the rate of all nodes, and adds all figures.
    fn measure(&self, postgres: &Postgres, seconds: u32, case: &str, figures: &mut Figures) -> Outcome<f64> {
        self.send(1)?;
        let nodes: Vec<u32> = self.processes.iter().map(Process::id).collect();
        let cpu = || (cpu_seconds(&nodes), cpu_seconds(&postgres.processes()));
        let (nodes_before, database_before) = cpu();
        let sent = self.send(seconds)?;
        let (nodes_after, database_after) = cpu();
        let answers: f64 = sent.iter().map(|sent| sent.answers).sum();
        let database = (database_after - database_before) * 1e6 / answers;
        let rate = sent.iter().map(|sent| sent.rate).sum();
        let slowest = sent.iter().filter_map(|sent| sent.latency);
        let resident: Outcome<f64> = self.processes.iter().map(Process::resident_mib).sum();
        for (figure, value) in [
            ("rate", rate),
            ("cpu_us", (nodes_after - nodes_before) * 1e6 / answers + database),
            ("database_cpu_us", database),
            ("p99_ms", slowest.map(|latency| latency.p99).fold(0.0, f64::max)),
            ("resident_mib", resident?),
        ] {
            figures.add(format!("{case}.{figure}"), value);
        }
        Ok(rate)
    }

    /// Sends to all nodes at once.
    fn send(&self, seconds: u32) -> Outcome<Vec<Sent>> {
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
}
