//! A delivery that was answered 2xx is on disk: the server is killed with SIGKILL, again and again.

use std::collections::BTreeMap;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use hookgate_testkit::https::Http;
use serde_json::Value;

use crate::support::{Server, Store, post, run, sql};

/// Times that the server is killed.
const ROUNDS: u64 = 50;
/// Connections that send at the same time.
const SENDERS: u64 = 8;
/// Minimum number of deliveries before the server is killed.
const SENT_A_ROUND: u64 = 24;

#[tokio::test(flavor = "multi_thread")]
async fn kill_9_loses_no_acknowledged_delivery_and_doubles_none() {
    let scratch = tempfile::tempdir().unwrap();
    let directory = scratch.path().join("data");
    let first = Server::start_in(&directory, "error", Stdio::inherit());
    let path = first.demo_url()[first.ready["gate"].as_str().unwrap().len()..].to_owned();
    drop(first);
    let next = Arc::new(AtomicU64::new(1));
    let mut acknowledged = Vec::new();
    for round in 0..ROUNDS {
        let mut server = Server::start_in(&directory, "error", Stdio::inherit());
        let url = format!("{}{path}", server.ready["gate"].as_str().unwrap());
        let senders: Vec<_> = (0..SENDERS)
            .map(|sender| {
                tokio::spawn(send_until_cut_off(
                    server.client.clone(),
                    server.address(),
                    url.clone(),
                    Arc::clone(&next),
                    sender,
                ))
            })
            .collect();
        let enough = next.load(Ordering::Relaxed) + SENT_A_ROUND;
        tokio::time::sleep(Duration::from_millis(20 + round * 7 % 90)).await;
        // On a machine that is busy with something else it may take longer.
        while next.load(Ordering::Relaxed) < enough && senders.iter().any(|sender| !sender.is_finished()) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        server.signal("-KILL");
        for sender in senders {
            acknowledged.extend(sender.await.unwrap());
        }
    }
    assert!(
        acknowledged.len() > 500,
        "the load was real: {}",
        acknowledged.len()
    );

    let opened = run(&directory, &["incidents", "list", "--limit", "1"], "");
    assert!(opened.status.success());
    let rows = sql(
        &directory,
        "SELECT title, count(*), min(number) FROM incidents GROUP BY title",
    );
    let stored: BTreeMap<&str, (&str, &str)> = rows
        .lines()
        .map(|row| {
            let mut columns = row.split('|');
            (
                columns.next().unwrap(),
                (columns.next().unwrap(), columns.next().unwrap()),
            )
        })
        .collect();
    for (title, incident) in &acknowledged {
        assert_eq!(
            stored.get(title.as_str()),
            Some(&("1", incident.trim_start_matches("INC-"))),
            "{title}"
        );
    }
    assert!(stored.values().all(|(count, _)| *count == "1"));
    assert_eq!(
        sql(&directory, "SELECT count(*) FROM incidents"),
        sql(
            &directory,
            "SELECT count(*) FROM deliveries WHERE incident IS NOT NULL"
        )
    );
    if crate::STORE == Store::Embedded {
        assert_eq!(sql(&directory, "PRAGMA integrity_check").trim(), "ok");
    }
}

/// Sends numbered deliveries until the connection breaks. Returns the title and incident of each that was answered 2xx.
async fn send_until_cut_off(
    client: hookgate_testkit::https::Client,
    address: std::net::SocketAddr,
    url: String,
    next: Arc<AtomicU64>,
    sender: u64,
) -> Vec<(String, String)> {
    let http = if sender.is_multiple_of(2) {
        Http::One
    } else {
        Http::Two
    };
    let mut acknowledged = Vec::new();
    let Ok(mut connection) = client.connect(address, http).await else {
        return acknowledged;
    };
    loop {
        let title = format!("t{}", next.fetch_add(1, Ordering::Relaxed));
        match connection
            .send(post(&url, &format!(r#"{{"title":"{title}"}}"#)))
            .await
        {
            Ok(answer) if answer.status == 201 => {
                let body: Value = serde_json::from_str(&answer.body).unwrap();
                acknowledged.push((title, body["data"]["incident"]["id"].as_str().unwrap().to_owned()));
            }
            Ok(answer) => panic!("{answer:?}"),
            Err(_) => return acknowledged,
        }
    }
}
