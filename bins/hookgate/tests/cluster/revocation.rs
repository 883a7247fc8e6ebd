//! Revoking, regenerating and closing act at once, on every node. Senders on three nodes, administrators on any of them, and
//! a real-time history that must be linearizable; then the same under faults.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use hookgate_testkit::postgres::Postgres;
use tokio::task::JoinSet;

use crate::administrator::Administrator;
use crate::history::violations;
use crate::scale;
use crate::senders::{Book, send};
use crate::site::Site;

const NODES: usize = 3;
const SENDERS: usize = 12;
const ADMINISTRATORS: usize = 4;
/// Changes by each administrator, at scale one.
const CHANGES: usize = 50;
/// Minimum number of answered deliveries for each change, or there was no load. A busy machine answers about eight.
const LEAST_LOAD: usize = 3;

#[tokio::test(flavor = "multi_thread")]
async fn every_change_of_policy_is_linearizable() {
    let postgres = Postgres::start().unwrap();
    let book = history(&postgres, async |_| std::future::pending().await).await;
    assert_eq!(book.cut_off.load(Ordering::Relaxed), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn so_it_is_while_nodes_are_killed() {
    let postgres = Postgres::start().unwrap();
    let faults = async |site: Arc<Site>| {
        for round in 0.. {
            tokio::time::sleep(Duration::from_millis(400)).await;
            let node = &site.nodes[round % NODES];
            node.kill();
            tokio::time::sleep(Duration::from_millis(100)).await;
            tokio::task::block_in_place(|| node.start_again());
        }
    };
    let book = history(&postgres, faults).await;
    assert!(book.cut_off.load(Ordering::Relaxed) > 0, "some were cut off");
}

#[tokio::test(flavor = "multi_thread")]
async fn so_it_is_while_connections_to_the_database_are_cut() {
    let postgres = Postgres::start().unwrap();
    let faults = async |site: Arc<Site>| {
        for round in 0.. {
            tokio::time::sleep(Duration::from_millis(250)).await;
            let node = &site.nodes[round % NODES];
            if round % 4 < 3 {
                node.way.cut();
            } else {
                node.way.refuse();
                tokio::time::sleep(Duration::from_millis(300)).await;
                node.way.heal();
            }
        }
    };
    let book = history(&postgres, faults).await;
    assert!(book.put_off.load(Ordering::Relaxed) > 0, "some were put off");
}

#[tokio::test(flavor = "multi_thread")]
async fn so_it_is_while_the_database_stands_still() {
    let postgres = Postgres::start().unwrap();
    let stalled = &postgres;
    let faults = async |_| {
        loop {
            tokio::time::sleep(Duration::from_millis(1_500)).await;
            stalled.pause();
            tokio::time::sleep(Duration::from_secs(5)).await;
            stalled.resume();
        }
    };
    history(stalled, faults).await;
}

/// Runs senders and administrators during a fault, and checks their observations.
async fn history<F: Future<Output = ()>>(
    postgres: &Postgres,
    faults: impl FnOnce(Arc<Site>) -> F,
) -> Arc<Book> {
    let site = Arc::new(Site::start(postgres, NODES).await);
    let book = Book::open();
    let mut senders = JoinSet::new();
    for number in 0..SENDERS {
        senders.spawn(send(Arc::clone(&site), Arc::clone(&book), number % NODES, number));
    }
    let mut administrators = JoinSet::new();
    for number in 1..=ADMINISTRATORS {
        let administrator = Administrator::new(Arc::clone(&site), Arc::clone(&book), number);
        administrators.spawn(administrator.work(CHANGES * scale()));
    }
    tokio::select! {
        () = faults(Arc::clone(&site)) => {}
        () = async { while let Some(done) = administrators.join_next().await { done.unwrap() } } => {}
    }
    book.end();
    while let Some(done) = senders.join_next().await {
        done.unwrap();
    }
    let histories = book.histories();
    let changes: usize = histories.values().map(|history| history.changes.len()).sum();
    let answered = book.answered.load(Ordering::Relaxed);
    assert_eq!(violations(&histories), []);
    assert!(changes >= ADMINISTRATORS * CHANGES * scale(), "{changes} changes");
    assert!(answered >= LEAST_LOAD * changes, "{answered} deliveries");
    println!(
        "{answered} deliveries, {changes} changes, {} put off, {} cut off: 0 violations",
        book.put_off.load(Ordering::Relaxed),
        book.cut_off.load(Ordering::Relaxed)
    );
    book
}
