//! The benchmark's own load generator, for loads that wrk and h2load can't make: new connections, full or resumed; an
//! open loop at a fixed rate; sources with addresses of their own; idle connections. A release build, pinned to one
//! core by `cargo xtask bench`.
//!
//! It opens its connections, prints `ready`, waits for a line on standard input, sends, and prints one JSON object. An
//! answer with another status than the expected one ends it with an error. It trusts any certificate, because checking
//! one is not part of the measurement. It knows nothing of the server.

mod closed;
mod connect;
mod durable;
mod fixed;
mod http;
mod idle;
mod samples;
mod start;
mod tls;

use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::rc::Rc;

use clap::{Args, Parser, Subcommand};
use serde_json::{Value, json};
use tokio::task::LocalSet;

use http::Requests;

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    load: Load,
}

#[derive(Subcommand)]
enum Load {
    /// Connections that stay open, each sending its next request when it has the answer
    Closed {
        #[command(flatten)]
        target: Target,
        #[command(flatten)]
        shape: closed::ClosedShape,
    },
    /// A new connection for each request
    Connect {
        #[command(flatten)]
        target: Target,
        #[command(flatten)]
        shape: connect::ConnectShape,
    },
    /// A fixed number of requests a second, however late earlier answers are
    Fixed {
        #[command(flatten)]
        target: Target,
        #[command(flatten)]
        shape: fixed::FixedShape,
    },
    /// Connections that send one request and stay
    Idle {
        #[command(flatten)]
        target: Target,
        #[command(flatten)]
        shape: idle::IdleShape,
    },
    /// From the start of a server to its first answer of the expected status
    Start {
        #[command(flatten)]
        target: Target,
        #[command(flatten)]
        shape: start::StartShape,
    },
    /// Time until a page of this new file is on disk
    Durable { file: PathBuf },
}

/// The address, the requests, and the expected status of every answer.
#[derive(Args)]
struct Target {
    #[arg(long)]
    address: SocketAddr,
    /// A file with the paths to send to in turn, one in a line
    #[arg(long)]
    paths: PathBuf,
    /// A file with the body of every request; without it, requests are GETs
    #[arg(long)]
    body: Option<PathBuf>,
    /// A header field of every request, as `name: value`
    #[arg(long)]
    header: Vec<String>,
    /// The status that every answer has to have
    #[arg(long, default_value_t = 201)]
    status: u16,
}

fn main() -> ExitCode {
    match run(Cli::parse().load) {
        Ok(result) => match writeln!(std::io::stdout(), "{result}") {
            Ok(()) => ExitCode::SUCCESS,
            Err(_) => ExitCode::FAILURE,
        },
        Err(error) => {
            // With standard error gone nobody can read the error.
            let _ = writeln!(std::io::stderr(), "{error}");
            ExitCode::FAILURE
        }
    }
}

fn run(load: Load) -> Outcome<Value> {
    // One thread, because the generator has one core.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    LocalSet::new().block_on(&runtime, async {
        match load {
            Load::Closed { target, shape } => closed::run(target.requests()?, &shape).await,
            Load::Connect { target, shape } => connect::run(target.requests()?, &shape).await,
            Load::Fixed { target, shape } => fixed::run(target.requests()?, &shape).await,
            Load::Idle { target, shape } => idle::run(target.requests()?, &shape).await,
            Load::Start { target, shape } => start::run(target.requests()?, &shape).await,
            Load::Durable { file } => Ok(json!({"p50_us": durable::median_us(&file)?})),
        }
    })
}

impl Target {
    fn requests(self) -> Outcome<Rc<Requests>> {
        let paths = std::fs::read_to_string(self.paths)?;
        let paths: Vec<_> = paths.lines().map(str::to_owned).collect();
        if paths.is_empty() {
            return Err("there is no path to send to".into());
        }
        let body = self.body.map(std::fs::read).transpose()?;
        let fields = &self.header;
        Ok(Rc::new(Requests::new(
            self.address,
            paths,
            body,
            fields,
            self.status,
        )))
    }
}

/// Prints `ready`, and waits for a line that starts the load.
fn ready() -> Outcome<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "ready")?;
    out.flush()?;
    let mut word = String::new();
    std::io::stdin().read_line(&mut word)?;
    Ok(())
}
