//! A new TLS connection for each request: connect, handshake, one POST, close.

use std::rc::Rc;
use std::time::Duration;

use clap::Args;
use serde_json::Value;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::http::{Requests, Session};
use crate::samples::Samples;
use crate::{Outcome, ready, tls};

#[derive(Args)]
pub(crate) struct ConnectShape {
    #[arg(long)]
    workers: u32,
    #[arg(long)]
    seconds: u64,
    /// Resume the TLS session of the connection before
    #[arg(long)]
    resume: bool,
}

pub(crate) async fn run(requests: Rc<Requests>, shape: &ConnectShape) -> Outcome<Value> {
    ready()?;
    let begun = Instant::now();
    let end = begun + Duration::from_secs(shape.seconds);
    let mut workers = JoinSet::new();
    for _ in 0..shape.workers {
        let (requests, resume) = (Rc::clone(&requests), shape.resume);
        workers.spawn_local(async move {
            work(&requests, resume, end)
                .await
                .map_err(|error| error.to_string())
        });
    }
    let mut samples = Samples::default();
    while let Some(done) = workers.join_next().await {
        samples.append(done??);
    }
    Ok(samples.report(begun.elapsed()))
}

/// Connects again and again. Each worker has its own session tickets, and a ticket is used once: it resumes the next
/// connection.
async fn work(requests: &Requests, resume: bool, end: Instant) -> Outcome<Samples> {
    let config = tls::config(resume)?;
    let mut samples = Samples::default();
    let mut first = true;
    loop {
        let begun = Instant::now();
        if begun >= end {
            return Ok(samples);
        }
        let session = Session::open(requests, &config, None).await?;
        if session.is_resumed() != (resume && !first) {
            return Err("a handshake was not of the kind that is measured".into());
        }
        session.exchange_last(requests).await?;
        samples.add(begun.elapsed());
        first = false;
    }
}
