//! An open loop: requests are due at a fixed rate, however late earlier answers are, and a latency is counted from the
//! time at which its request was due. So a server that stalls can't hide the requests that it delayed (coordinated
//! omission).

use std::rc::Rc;
use std::thread;
use std::time::Duration;

use clap::Args;
use serde_json::Value;
use tokio::sync::Mutex;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::http::{Requests, Session};
use crate::samples::Samples;
use crate::{Outcome, ready, tls};

/// Head start of waking a sleeping thread: the system wakes it some 60 us late. The rest of the time is spun away.
const AWAKE_BEFORE: Duration = Duration::from_micros(200);

#[derive(Args)]
pub(crate) struct FixedShape {
    /// Requests a second
    #[arg(long)]
    rate: u32,
    #[arg(long)]
    connections: u32,
    #[arg(long)]
    seconds: u32,
}

/// Times at which requests are due. Rate and duration bound the queue.
type Due = Rc<Mutex<UnboundedReceiver<Instant>>>;

pub(crate) async fn run(requests: Rc<Requests>, shape: &FixedShape) -> Outcome<Value> {
    let config = tls::config(false)?;
    let mut sessions = Vec::new();
    for _ in 0..shape.connections {
        let mut session = Session::open(&requests, &config, None).await?;
        session.exchange(&requests).await?;
        sessions.push(session);
    }
    ready()?;
    let begun = Instant::now();
    let (sender, receiver) = unbounded_channel();
    let (count, interval) = (
        shape.rate * shape.seconds,
        Duration::from_secs(1) / shape.rate.max(1),
    );
    let clock = thread::spawn(move || tick(begun, count, interval, &sender));
    let due: Due = Rc::new(Mutex::new(receiver));
    let mut senders = JoinSet::new();
    for session in sessions {
        let (requests, due) = (Rc::clone(&requests), Rc::clone(&due));
        senders.spawn_local(async move {
            send(&requests, session, &due)
                .await
                .map_err(|error| error.to_string())
        });
    }
    let mut samples = Samples::default();
    while let Some(sent) = senders.join_next().await {
        samples.append(sent??);
    }
    clock.join().map_err(|_| "the clock panicked")?;
    Ok(samples.report(begun.elapsed()))
}

/// Sends each due time when it comes. The timers of the runtime are a millisecond late.
fn tick(begun: Instant, count: u32, interval: Duration, sender: &UnboundedSender<Instant>) {
    for number in 0..count {
        let due = begun + interval * number;
        thread::sleep(
            due.saturating_duration_since(Instant::now())
                .saturating_sub(AWAKE_BEFORE),
        );
        while Instant::now() < due {
            std::hint::spin_loop();
        }
        if sender.send(due).is_err() {
            return;
        }
    }
}

/// Sends a request for each due time, until there are no more.
async fn send(requests: &Requests, mut session: Session, due: &Due) -> Outcome<Samples> {
    let mut samples = Samples::default();
    loop {
        let next = due.lock().await.recv().await;
        let Some(should_leave) = next else {
            return Ok(samples);
        };
        session.exchange(requests).await?;
        samples.add(should_leave.elapsed());
    }
}
