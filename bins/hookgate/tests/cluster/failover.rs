//! The primary ends under load and a synchronous standby takes over: no acknowledged delivery is lost, and no node needs a
//! restart.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use hookgate_testkit::https::Http;
use hookgate_testkit::postgres::Postgres;
use serde_json::Value;
use tokio::task::JoinSet;

use crate::site::{Node, Site};
use crate::support::{comes, post};

const NODES: usize = 2;
const SENDERS: usize = 8;
/// Number of deliveries that are acknowledged before the primary ends, and after the standby has taken over.
const LOAD: usize = 200;

#[derive(Default)]
struct Tally {
    next: AtomicUsize,
    is_over: AtomicBool,
    acknowledged: AtomicUsize,
    put_off: AtomicUsize,
}

#[tokio::test(flavor = "multi_thread")]
async fn a_standby_takes_over_and_nothing_acknowledged_is_lost() {
    let mut primary = Postgres::start().unwrap();
    let standby = primary.standby().unwrap();
    let site = Arc::new(Site::start(&primary, NODES).await);
    let (_, path) = site.create(0, "load").await.unwrap();
    let tally = Arc::new(Tally::default());
    let mut senders = JoinSet::new();
    for number in 0..SENDERS {
        senders.spawn(send(Arc::clone(&site), Arc::clone(&tally), path.clone(), number));
    }
    let acknowledged = || tally.acknowledged.load(Ordering::Relaxed);
    comes("a load", async || acknowledged() >= LOAD).await;

    primary.kill();
    let put_off = || tally.put_off.load(Ordering::Relaxed);
    comes("some are put off", async || put_off() > 0).await;
    standby.promote().unwrap();
    let down = acknowledged();
    for node in &site.nodes {
        node.way.retarget(standby.address());
    }
    comes("the service is back by itself", async || {
        acknowledged() >= down + LOAD
    })
    .await;
    tally.is_over.store(true, Ordering::Relaxed);
    let mut acknowledged = BTreeSet::new();
    while let Some(sent) = senders.join_next().await {
        acknowledged.extend(sent.unwrap());
    }
    assert!(site.nodes.iter().all(Node::is_running));
    let stored = Site::sql(&standby, "SELECT title FROM incidents");
    let stored: Vec<_> = stored.lines().collect();
    let kept: BTreeSet<_> = stored.iter().copied().collect();
    assert_eq!(kept.len(), stored.len(), "nothing is doubled");
    let lost: Vec<_> = acknowledged
        .iter()
        .filter(|title| !kept.contains(title.as_str()))
        .collect();
    assert!(lost.is_empty(), "{lost:?}");
    println!(
        "{} acknowledged, {} put off, 0 lost",
        acknowledged.len(),
        tally.put_off.load(Ordering::Relaxed)
    );
}

/// Sends numbered deliveries until the tally ends. Returns the titles of those that were answered 201.
async fn send(site: Arc<Site>, tally: Arc<Tally>, path: String, number: usize) -> Vec<String> {
    let address = site.nodes[number % NODES].gate;
    let url = format!("https://localhost:{}{path}", address.port());
    let mut connection = site
        .client
        .connect(address, Http::BOTH[number / 2 % 2])
        .await
        .unwrap();
    let mut acknowledged = Vec::new();
    while !tally.is_over.load(Ordering::Relaxed) {
        let title = format!("t{}", tally.next.fetch_add(1, Ordering::Relaxed));
        // Nodes stay up, so every request is answered.
        let answer = connection
            .send(post(&url, &format!(r#"{{"title":"{title}"}}"#)))
            .await
            .unwrap();
        match answer.status.as_u16() {
            201 => {
                tally.acknowledged.fetch_add(1, Ordering::Relaxed);
                acknowledged.push(title);
            }
            503 => {
                assert!(answer.header("retry-after").parse::<u32>().unwrap() > 0);
                let body: Value = serde_json::from_str(&answer.body).unwrap();
                assert_eq!(body["error"]["code"], "UNAVAILABLE");
                tally.put_off.fetch_add(1, Ordering::Relaxed);
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            _ => panic!("{answer:?}"),
        }
    }
    acknowledged
}
