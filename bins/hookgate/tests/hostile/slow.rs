//! Slow peers, which hold connections that others need.

use std::collections::BTreeSet;
use std::time::Duration;

use hookgate_testkit::https::{Http, TlsStream};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

use crate::answers::{PATIENCE, answers, read};
use crate::stage::{Target, attack, is_judged};

/// Interval between two bytes.
const CRUMB_EVERY: Duration = Duration::from_millis(500);
/// Tolerance for a busy machine.
const LATE: Duration = Duration::from_secs(2);

fn connections() -> usize {
    if is_judged() { 1_000 } else { 150 }
}

/// The ends of all connections, and the longest time that one was held.
#[derive(Debug)]
struct HeldConnections {
    ends: BTreeSet<String>,
    longest: Duration,
}

impl HeldConnections {
    /// Checks that all connections ended in the same way, within this time.
    fn ended(&self, end: &str, limit: Duration) {
        assert!(self.ends.iter().eq([end]), "{self:?}");
        assert!(!is_judged() || self.longest < limit + LATE, "{self:?}");
    }
}

/// Opens connections one by one, so that no handshake waits for the others, and holds all of them.
async fn many<S, F>(
    target: Target,
    open: impl AsyncFn(&Target) -> S,
    hold: impl Fn(S, Target) -> F,
) -> HeldConnections
where
    F: Future<Output = String> + Send + 'static,
{
    let mut peers = JoinSet::new();
    for _ in 0..connections() {
        let end = hold(open(&target).await, target.clone());
        peers.spawn(async {
            let begun = Instant::now();
            (end.await, begun.elapsed())
        });
    }
    let (ends, times): (BTreeSet<_>, Vec<_>) = peers.join_all().await.into_iter().unzip();
    let longest = times.into_iter().max().unwrap_or_default();
    HeldConnections { ends, longest }
}

async fn tls(target: &Target) -> TlsStream<TcpStream> {
    target.client.tls(target.address, Http::One).await.unwrap()
}

/// Begins a request and continues byte by byte, until the server ends the connection. Returns the answer.
async fn crumbs(stream: TlsStream<TcpStream>, beginning: String) -> String {
    let (mut reader, mut writer) = tokio::io::split(stream);
    let write = async {
        let _ = writer.write_all(beginning.as_bytes()).await;
        while writer.write_all(b"x").await.is_ok() {
            sleep(CRUMB_EVERY).await;
        }
        std::future::pending::<()>().await;
    };
    let bytes = tokio::select! {
        bytes = read(&mut reader) => bytes.expect("the server closes"),
        () = write => Vec::new(),
    };
    let answers = answers(&bytes);
    answers.iter().map(|answer| answer.summary.as_str()).collect()
}

#[test]
fn slow_heads() {
    let held = attack("slow heads", |target| {
        many(target, tls, |stream, _| {
            crumbs(stream, "POST / HTTP/1.1\r\nHost: localhost\r\nX: ".to_owned())
        })
    });
    held.ended("REQUEST_TIMEOUT", Duration::from_secs(10));
}

#[test]
fn slow_bodies() {
    let held = attack("slow bodies", |target| {
        many(target, tls, |stream, target| {
            let line = format!("POST {} HTTP/1.1\r\n", target.path);
            crumbs(stream, line + "Host: localhost\r\nContent-Length: 1000\r\n\r\n")
        })
    });
    held.ended("REQUEST_TIMEOUT", Duration::from_secs(15));
}

/// Only the beginning of a handshake.
#[test]
fn stalled_handshakes() {
    let open = async |target: &Target| TcpStream::connect(target.address).await.unwrap();
    let held = attack("stalled handshakes", move |target| {
        many(target, open, |mut stream, _| async move {
            let _ = stream.write_all(&[0x16, 3, 1, 2, 0, 1, 0]).await;
            let said = read(&mut stream).await.expect("the server closes");
            said.escape_ascii().to_string()
        })
    });
    held.ended("", Duration::from_secs(5));
}

/// Connections without a byte after the handshake. They may stay open for a minute, and a short run doesn't wait for that.
#[test]
fn idle_connections() {
    let (patience, end) = if is_judged() {
        (PATIENCE, "closed")
    } else {
        (Duration::from_secs(1), "held")
    };
    let held = attack("idle connections", move |target| {
        many(target, tls, move |mut stream, _| async move {
            let said = timeout(patience, stream.read_u8()).await;
            said.map_or("held", |_| "closed").to_owned()
        })
    });
    held.ended(end, Duration::from_mins(1));
}
