//! `cargo xtask bench`: the gate against a bare hyper + rustls echo and others, in one run, and the console's pages.
//!
//! Servers run pinned to one core and the load generator to another, in turns, so that other load of the machine
//! affects all systems alike. Absolute figures depend on the machine; only the ratios count. The measurements are in
//! `cases`, the systems in `systems`, the goals in `goals`.

mod addresses;
mod cases;
mod figures;
mod generator;
mod goals;
mod growth;
mod idle;
mod instructions;
mod load;
mod measure;
mod nginx;
mod node;
mod nodes;
mod pages;
mod rounds;
mod server;
mod start;
mod store;
mod systems;
mod tree;
mod unsynced;

use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, ValueEnum};

use cases::Case;
use figures::Figures;
use instructions::CountsArguments;
use xtask::process::need_postgres;
use xtask::process::{self, Outcome, cargo, need, target_directory};

/// Programs that the benchmark uses, with the Debian package of each.
const PROGRAMS: [(&str, &str); 6] = [
    ("curl", "curl"),
    ("sqlite3", "sqlite3"),
    ("wrk", "wrk"),
    ("h2load", "nghttp2-client"),
    ("nginx", "nginx"),
    ("taskset", "util-linux"),
];

/// A part of the benchmark that runs alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Part {
    /// The match of an address against 10,000 networks
    Addresses,
    /// The cost of a full store: a million webhooks, ten million deliveries
    Growth,
    /// Instructions, allocations and system calls of a request
    Instructions,
}

/// Measure the gate against a bare server, as ratios in one run
#[derive(Parser)]
#[command(name = "cargo xtask bench", bin_name = "cargo xtask bench")]
struct Arguments {
    /// Measure only this part
    part: Option<Part>,
    #[command(flatten)]
    counts: CountsArguments,
    /// Print one JSON object on standard output
    #[arg(long)]
    json: bool,
    /// Measure only the console's pages
    #[arg(long)]
    pages: bool,
    /// Measure only several nodes on one PostgreSQL server
    #[arg(long, conflicts_with = "pages")]
    nodes: bool,
    /// Measure only this case; several by repeating
    #[arg(long, value_name = "CASE")]
    only: Vec<Case>,
    /// Rounds in which everything is measured once; the median counts
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..))]
    rounds: u16,
    /// Seconds of load in each measurement
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..))]
    seconds: u32,
    /// Deliveries in the store of `growth`; a tenth as many webhooks
    #[arg(long, default_value_t = 10_000_000, value_parser = clap::value_parser!(u32).range(10_000..))]
    rows: u32,
}

fn main() -> ExitCode {
    process::exit(run(&Arguments::parse()))
}

fn run(arguments: &Arguments) -> Outcome<()> {
    let mut figures = Figures::default();
    if arguments.part == Some(Part::Addresses) {
        return addresses::print();
    }
    let scratch = Scratch::new()?;
    if arguments.part == Some(Part::Instructions) {
        instructions::run(&arguments.counts, &scratch.0, &mut figures)?;
        return print(&figures, arguments.json);
    }
    need(&PROGRAMS)?;
    need_postgres()?;
    build()?;
    let (rounds, seconds) = (usize::from(arguments.rounds), arguments.seconds);
    if arguments.nodes {
        nodes::run(&scratch.0, rounds, seconds, &mut figures)?;
    } else if arguments.pages {
        pages::run(&scratch.0, &mut figures)?;
    } else if arguments.part == Some(Part::Growth) {
        growth::run(&scratch.0, arguments.rows, rounds, seconds, &mut figures)?;
    } else if arguments.only.is_empty() {
        compare(&scratch.0, Case::value_variants(), rounds, seconds, &mut figures)?;
        addresses::measure(&mut figures)?;
        pages::run(&scratch.0, &mut figures)?;
    } else {
        compare(&scratch.0, &arguments.only, rounds, seconds, &mut figures)?;
    }
    goals::derive(&mut figures);
    print(&figures, arguments.json)
}

/// Prints the figures, and the goals if the run measured one.
fn print(figures: &Figures, as_json: bool) -> Outcome<()> {
    let mut out = std::io::stdout().lock();
    if as_json {
        writeln!(out, "{}", figures.json())?;
        return goals::print(figures, &mut std::io::stderr());
    }
    figures.print(&mut out)?;
    goals::print(figures, &mut out)
}

fn build() -> Outcome<()> {
    server::build()?;
    let echo = ["--package", "hookgate-transport", "--example", "bare_echo"];
    process::run(cargo().args(["build", "--release", "--locked"]).args(echo))?;
    generator::build()
}

/// Every round has every case, so that a busy minute of the machine affects one round of each.
fn compare(
    scratch: &std::path::Path,
    cases: &[Case],
    rounds: usize,
    seconds: u32,
    figures: &mut Figures,
) -> Outcome<()> {
    for round in 1..=rounds {
        rounds::announce(round, rounds)?;
        for case in cases {
            rounds::round(*case, scratch, round, seconds, figures)?;
        }
    }
    Ok(())
}

/// A directory for data and certificates in the build directory. It is removed at the end.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Outcome<Self> {
        let path = target_directory().join(format!("bench-{}", std::process::id()));
        fs::create_dir_all(&path)?;
        Ok(Self(path.canonicalize()?))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // A leftover is in the build directory and does no harm.
        let _ = fs::remove_dir_all(&self.0);
    }
}
