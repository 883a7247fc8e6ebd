//! A closed loop: each of some open connections sends its next request when it has the answer to the last one.

use std::cell::RefCell;
use std::net::Ipv4Addr;
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
pub(crate) struct ClosedShape {
    #[arg(long)]
    connections: u32,
    #[arg(long)]
    seconds: u64,
    /// Connections that send at once; all by default
    #[arg(long)]
    at_once: Option<u32>,
    /// Most requests of one connection; after them another one that has not sent yet takes its place
    #[arg(long)]
    most_each: Option<u32>,
    /// Use a loopback address of its own for each connection
    #[arg(long)]
    own_addresses: bool,
}

pub(crate) async fn run(requests: Rc<Requests>, shape: &ClosedShape) -> Outcome<Value> {
    let sessions = Rc::new(RefCell::new(open(&requests, shape).await?));
    ready()?;
    let begun = Instant::now();
    let end = begun + Duration::from_secs(shape.seconds);
    let mut senders = JoinSet::new();
    for _ in 0..shape.at_once.unwrap_or(shape.connections) {
        let (requests, sessions) = (Rc::clone(&requests), Rc::clone(&sessions));
        let most = shape.most_each.unwrap_or(u32::MAX);
        senders.spawn_local(async move {
            send(&requests, &sessions, most, end)
                .await
                .map_err(|error| error.to_string())
        });
    }
    let mut samples = Samples::default();
    while let Some(sent) = senders.join_next().await {
        samples.append(sent??);
    }
    Ok(samples.report(begun.elapsed()))
}

/// Opens all connections. Each sends one request, so that no work of a handshake is left for the measurement.
async fn open(requests: &Requests, shape: &ClosedShape) -> Outcome<Vec<Session>> {
    let config = tls::config(false)?;
    let mut sessions = Vec::new();
    for number in 0..shape.connections {
        // 127.1.0.0 and up: all of 127.0.0.0/8 is this machine.
        let own = Ipv4Addr::from_bits((127 << 24 | 1 << 16) + number);
        let mut session = Session::open(requests, &config, shape.own_addresses.then_some(own)).await?;
        session.exchange(requests).await?;
        sessions.push(session);
    }
    Ok(sessions)
}

/// Sends over one connection after the other until the end of the run, or until none is left.
async fn send(
    requests: &Requests,
    sessions: &RefCell<Vec<Session>>,
    most: u32,
    end: Instant,
) -> Outcome<Samples> {
    let mut samples = Samples::default();
    loop {
        let Some(mut session) = sessions.borrow_mut().pop() else {
            return Ok(samples);
        };
        for _ in 0..most {
            let begun = Instant::now();
            if begun >= end {
                return Ok(samples);
            }
            session.exchange(requests).await?;
            samples.add(begun.elapsed());
        }
    }
}
