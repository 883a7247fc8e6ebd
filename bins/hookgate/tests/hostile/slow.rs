//! Peers that take their time, to hold connections that others need.

use std::time::Duration;

use hookgate_testkit::https::Http;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};

use crate::answers::{answers, read};
use crate::stage::{Target, attack, is_judged};

/// Between two bytes.
const CRUMB_EVERY: Duration = Duration::from_millis(500);
/// What a busy machine may add to a limit.
const LATE: Duration = Duration::from_secs(2);

fn connections() -> usize {
    if is_judged() { 1_000 } else { 150 }
}

/// Ends of the connections that `one` was done with: what the server said, and the longest that one was held.
async fn each<A, F>(target: Target, one: A) -> (Vec<String>, Duration)
where
    A: Fn(Target) -> F,
    F: Future<Output = (String, Duration)> + Send + 'static,
{
    let mut peers = JoinSet::new();
    for _ in 0..connections() {
        peers.spawn(one(target.clone()));
    }
    let (mut said, mut longest) = (Vec::new(), Duration::ZERO);
    for (summary, held) in peers.join_all().await {
        longest = longest.max(held);
        if !said.contains(&summary) {
            said.push(summary);
        }
    }
    (said, longest)
}

/// Begins a request and goes on byte by byte, until the server ends it.
async fn crumbs(target: Target, beginning: String) -> (String, Duration) {
    let stream = target.client.tls(target.address, Http::One).await.unwrap();
    let (mut reader, mut writer) = tokio::io::split(stream);
    let begun = Instant::now();
    let write = async {
        let _ = writer.write_all(beginning.as_bytes()).await;
        while writer.write_all(b"x").await.is_ok() {
            sleep(CRUMB_EVERY).await;
        }
        std::future::pending::<()>().await;
    };
    let bytes = tokio::select! {
        bytes = read(&mut reader) => bytes,
        () = write => None,
    };
    let summary = bytes.map_or("no end".to_owned(), |bytes| {
        answers(&bytes)
            .iter()
            .map(|answer| answer.summary.as_str())
            .collect()
    });
    (summary, begun.elapsed())
}

fn ended(outcome: &(Vec<String>, Duration), said: &str, limit: Duration) {
    assert_eq!(outcome.0, [said]);
    assert!(!is_judged() || outcome.1 < limit + LATE, "{:?}", outcome.1);
}

#[test]
fn slow_heads() {
    let outcome = attack("slow heads", |target| {
        each(target, |target| {
            crumbs(target, "POST / HTTP/1.1\r\nHost: localhost\r\nX: ".to_owned())
        })
    });
    ended(&outcome, "REQUEST_TIMEOUT", Duration::from_secs(10));
}

#[test]
fn slow_bodies() {
    let outcome = attack("slow bodies", |target| {
        each(target, |target| {
            let head = format!(
                "POST {} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n",
                target.path
            );
            crumbs(target, head)
        })
    });
    ended(&outcome, "REQUEST_TIMEOUT", Duration::from_secs(15));
}

/// Nothing but the beginning of a handshake.
#[test]
fn stalled_handshakes() {
    let outcome = attack("stalled handshakes", |target| {
        each(target, |target| async move {
            let mut stream = TcpStream::connect(target.address).await.unwrap();
            let begun = Instant::now();
            let _ = stream.write_all(&[0x16, 3, 1, 2, 0, 1, 0]).await;
            let bytes = read(&mut stream).await;
            (format!("{bytes:?}"), begun.elapsed())
        })
    });
    ended(&outcome, "Some([])", Duration::from_secs(5));
}

/// Connections of which nothing comes after the handshake. They may stay for a minute.
#[test]
fn idle_connections() {
    let outcome = attack("idle connections", |target| {
        each(target, |target| async move {
            let stream = target.client.tls(target.address, Http::One).await.unwrap();
            sleep_until(target.until).await;
            drop(stream);
            ("held".to_owned(), Duration::ZERO)
        })
    });
    assert_eq!(outcome.0, ["held"]);
}
