//! A revoked URL is dead when the call returns, with any requests in flight and from any interface: here, another process.

use std::time::{Duration, Instant};

use hookgate_testkit::https::{Client, Http};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::watch;

use crate::support::{Server, post, wants_the_body};

/// Webhooks that are revoked, regenerated or closed under load.
const ROUNDS: usize = 50;
/// Connections that send at the same time.
const SENDERS: usize = 6;
/// An answer, with the moment at which its request began.
type Observation = (Instant, u16);

#[tokio::test(flavor = "multi_thread")]
async fn no_delivery_that_starts_after_the_change_returned_is_accepted() {
    let server = Server::start();
    let mut accepted_before = 0;
    for round in 0..ROUNDS {
        let (name, set) = (format!("w{round}"), format!("s{round}"));
        server.json(&["addresses", "create", &set, "--network", "127.0.0.0/8"]);
        let url = server.create(&name, &["--allow", &format!("@{set}")]);
        let (stop, stopped) = watch::channel(false);
        let senders: Vec<_> = (0..SENDERS)
            .map(|sender| {
                let http = Http::BOTH[sender % 2];
                tokio::spawn(send_until(
                    stopped.clone(),
                    server.client.clone(),
                    server.address(),
                    url.clone(),
                    http,
                ))
            })
            .collect();
        tokio::time::sleep(Duration::from_millis(30)).await;
        let change: &[&str] = match round % 4 {
            0 => &["webhook", "revoke", &name, "--yes"],
            1 => &["webhook", "regenerate", &name],
            2 => &["webhook", "edit", &name, "--allow", "192.0.2.1"],
            _ => &["addresses", "edit", &set, "--network", "192.0.2.1"],
        };
        let command = { tokio::task::block_in_place(|| server.json(change)) };
        let returned = now();
        assert!(command["handle"].is_string() || command["set"].is_object());
        tokio::time::sleep(Duration::from_millis(30)).await;
        stop.send(true).unwrap();
        let mut seen: Vec<Observation> = Vec::new();
        for sender in senders {
            seen.extend(sender.await.unwrap());
        }
        let expected = if round % 4 >= 2 { 403 } else { 410 };
        let after: Vec<_> = seen.iter().filter(|(began, _)| *began > returned).collect();
        assert!(!after.is_empty(), "the load went on");
        assert!(
            after.iter().all(|(_, status)| *status == expected),
            "{change:?}: {after:?}"
        );
        accepted_before += seen.iter().filter(|(_, status)| *status == 201).count();
    }
    assert!(accepted_before > ROUNDS, "the load was real: {accepted_before}");
}

async fn send_until(
    stopped: watch::Receiver<bool>,
    client: Client,
    address: std::net::SocketAddr,
    url: String,
    http: Http,
) -> Vec<Observation> {
    let mut connection = client.connect(address, http).await.unwrap();
    let mut seen = Vec::new();
    loop {
        // One more request begins after the end was reported, so it starts after the change in any case.
        let is_last = *stopped.borrow();
        let began = now();
        let answer = connection.send(post(&url, r#"{"title":"t"}"#)).await.unwrap();
        seen.push((began, answer.status.as_u16()));
        if is_last {
            return seen;
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the test compares moments, whatever the time is"
)]
fn now() -> Instant {
    Instant::now()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_during_a_slow_body_is_seen_at_the_commit() {
    let server = Server::start();
    let url = server.create("slow", &[]);
    assert_eq!(
        server.post(Http::One, &url, r#"{"title":"warm"}"#).await.status,
        201
    );
    let path = &url[server.ready["gate"].as_str().unwrap().len()..];
    let mut stream = server.client.tls(server.address(), Http::One).await.unwrap();
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\nexpect: 100-continue\r\ncontent-length: 13\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    // The gate asks for the body after it has checked the head.
    wants_the_body(&mut stream).await;
    tokio::task::block_in_place(|| server.json(&["webhook", "revoke", "slow", "--yes"]));
    stream.write_all(br#"{"title":"t"}"#).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 410 "), "{answer}");
}
