//! `cargo xtask bench`: the gate against a bare hyper + rustls echo, in one run, and the console's pages.
//!
//! Servers run pinned to one core and the load generator to another, in turns, so that whatever else the machine does
//! hits both alike. Absolute figures belong to the machine; the ratios are what counts.

mod load;
mod nodes;
mod pages;
mod server;

use std::fs;
use std::io::Write;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use serde_json::{Map, Value, json};

use crate::process::{self, Outcome, cargo, need, root, say};
use load::{Load, Measured};
use server::Server;

/// Programs that the benchmark uses, with the Debian package of each.
const PROGRAMS: [(&str, &str); 5] = [
    ("curl", "curl"),
    ("sqlite3", "sqlite3"),
    ("wrk", "wrk"),
    ("h2load", "nghttp2-client"),
    ("taskset", "util-linux"),
];

/// A part that is measured by itself.
#[derive(Clone, Copy, ValueEnum)]
enum Only {
    Addresses,
}

#[derive(Args)]
pub(crate) struct Arguments {
    /// Only this: the match of an address against 10,000 networks
    only: Option<Only>,
    /// One JSON object on standard output
    #[arg(long)]
    json: bool,
    /// Only the console's pages
    #[arg(long)]
    pages: bool,
    /// Only several nodes on one PostgreSQL server
    #[arg(long, conflicts_with = "pages")]
    nodes: bool,
    /// How often each pair is measured; the median counts
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Seconds of load in each measurement
    #[arg(long, default_value_t = 4)]
    seconds: u32,
}

pub(crate) fn run(arguments: &Arguments) -> Outcome<()> {
    if let Some(Only::Addresses) = arguments.only {
        let bench = [
            "bench",
            "--quiet",
            "--locked",
            "--package",
            "hookgate-domain",
            "--bench",
            "networks",
        ];
        return process::run(cargo().args(bench));
    }
    need(&PROGRAMS)?;
    process::run(cargo().args(["build", "--release", "--locked", "--package", "hookgate"]))?;
    process::run(cargo().args([
        "build",
        "--release",
        "--locked",
        "--package",
        "hookgate-transport",
        "--example",
        "bare_echo",
    ]))?;
    let directory = Scratch::new()?;
    let mut figures = Map::new();
    if arguments.nodes {
        nodes::run(&directory.0, arguments.rounds, arguments.seconds, &mut figures)?;
        return print(arguments.json, figures);
    }
    let loads = if arguments.pages { &[] } else { &Load::ALL[..] };
    for &load in loads {
        let mut rounds = Vec::new();
        for round in 1..=arguments.rounds.max(1) {
            let echo = measure(&Server::echo(&directory.0)?, load, arguments.seconds)?;
            let gate = measure(
                &Server::gate(&directory.0.join(format!("{}-{round}", load.name())))?,
                load,
                arguments.seconds,
            )?;
            say(&format!(
                "{} round {round}: echo {echo}, sqlite {gate}",
                load.name()
            ));
            rounds.push((echo, gate));
        }
        summarize(load.name(), &rounds, &mut figures);
    }
    pages::run(&directory.0, &mut figures)?;
    print(arguments.json, figures)
}

fn print(as_json: bool, figures: Map<String, Value>) -> Outcome<()> {
    if as_json {
        writeln!(std::io::stdout(), "{}", Value::Object(figures))?;
        return Ok(());
    }
    for (name, value) in &figures {
        writeln!(std::io::stdout(), "{name:<32} {value}")?;
    }
    Ok(())
}

fn measure(server: &Server, load: Load, seconds: u32) -> Outcome<Measured> {
    // The first requests fill caches and pools.
    load.run(server, 1)?;
    load.run(server, seconds)
}

/// Medians, spreads and ratios of one case. A ratio is taken within a round, and the median over the rounds.
fn summarize(case: &str, rounds: &[(Measured, Measured)], figures: &mut Map<String, Value>) {
    let column = |figure: fn(&(Measured, Measured)) -> f64| rounds.iter().map(figure).collect::<Vec<_>>();
    let columns: [(String, Vec<f64>); 8] = [
        (format!("echo.{case}.rate"), column(|(echo, _)| echo.rate)),
        (format!("echo.{case}.cpu_us"), column(|(echo, _)| echo.cpu_us)),
        (format!("sqlite.{case}.rate"), column(|(_, gate)| gate.rate)),
        (format!("sqlite.{case}.cpu_us"), column(|(_, gate)| gate.cpu_us)),
        (
            format!("sqlite.{case}.rate_vs_echo"),
            column(|(echo, gate)| gate.rate / echo.rate),
        ),
        (
            format!("sqlite.{case}.cpu_vs_echo"),
            column(|(echo, gate)| gate.cpu_us / echo.cpu_us),
        ),
        (format!("sqlite.{case}.p99_ms"), column(|(_, gate)| gate.p99_ms)),
        (
            format!("sqlite.{case}.resident_mib"),
            column(|(_, gate)| gate.resident_mib),
        ),
    ];
    for (name, mut values) in columns {
        values.sort_by(f64::total_cmp);
        let median = median(values.iter().copied());
        let spread = (values[values.len() - 1] - values[0]) / median.max(f64::MIN_POSITIVE);
        figures.insert(name.clone(), json!(rounded(median)));
        figures.insert(format!("{name}_spread"), json!(rounded(spread)));
    }
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<_> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn rounded(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}

/// A directory for data and certificates, on the disk that the build is on, gone at the end.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Outcome<Self> {
        let path = root()
            .join("target")
            .join(format!("bench-{}", std::process::id()));
        fs::create_dir_all(&path)?;
        Ok(Self(path))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What is left behind is in the build directory and does no harm.
        let _ = fs::remove_dir_all(&self.0);
    }
}
