//! SIGTERM under load: every request is answered 201, also if nodes are restarted one after the other.

use std::process::Stdio;

use hookgate_testkit::postgres::Postgres;

use crate::load::Load;
use crate::scale;
use crate::site::Site;
use crate::support::{Server, sql};
use crate::target::Target;

/// Number of stops at scale one.
const ROUNDS: usize = 6;
const SENDERS: usize = 16;
/// Number of deliveries before each stop.
const EACH: usize = 200;

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_told_to_stop_fails_no_request() {
    let scratch = tempfile::tempdir().unwrap();
    let data = scratch.path().join("data");
    let mut first = Server::start_in(&data, "error", Stdio::inherit());
    let demo = Target::demo(&first);
    assert_eq!(first.signal("-TERM"), Some(0), "at once, too");
    let (mut sent, rounds) = (Vec::new(), ROUNDS * scale());
    for round in 0..rounds {
        let mut server = Server::start_in(&data, "error", Stdio::inherit());
        let target = Target {
            gates: vec![server.address()],
            ..demo.clone()
        };
        let load = Load::start(&target, &format!("r{round}-"), SENDERS);
        load.acknowledges(EACH).await;
        assert_eq!(tokio::task::block_in_place(|| server.signal("-TERM")), Some(0));
        let book = load.end().await;
        book.took_all();
        sent.push(book);
    }
    let titles = sql(&data, "SELECT title FROM incidents");
    for sent in &sent {
        sent.is_kept(&titles);
    }
    let acknowledged: usize = sent.iter().map(|sent| sent.acknowledged.len()).sum();
    println!("{rounds} stops under load: {acknowledged} acknowledged, 0 requests failed");
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_that_are_restarted_one_by_one_fail_no_request() {
    let postgres = Postgres::start().unwrap();
    let site = Site::start(&postgres, 3).await;
    let (_, path) = site.create(0, "load").await.unwrap();
    let target = Target::nodes(&site, &path);
    let load = Load::start(&target, "t", SENDERS);
    let rounds = scale();
    for node in site.nodes.iter().cycle().take(3 * rounds) {
        load.acknowledges(EACH).await;
        node.signal("-TERM");
        assert_eq!(tokio::task::block_in_place(|| node.wait()), Some(0));
        tokio::task::block_in_place(|| node.start_again());
    }
    let well = target.well_again().await;
    let sent = load.end().await;
    sent.is_kept(&Site::sql(&postgres, "SELECT title FROM incidents"));
    sent.took_all();
    println!(
        "{} nodes restarted: {sent}; well again after {well:?}",
        3 * rounds
    );
}
