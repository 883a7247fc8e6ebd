//! The database server is down or slow, or one of several nodes can't reach it.

use std::time::Duration;

use hookgate_testkit::postgres::Postgres;
use tokio::time::sleep;

use crate::load::Load;
use crate::site::{Node, Site};
use crate::target::Target;

const SENDERS: usize = 8;
/// Number of deliveries that are acknowledged or get 503 before a fault goes on to its next step.
const STEP: usize = 100;
/// Delay of a slow database for each message.
const DELAY: Duration = Duration::from_millis(30);
/// Time in which a node receives nothing: less than the 15 seconds after which it closes the connection.
const SILENCE: Duration = Duration::from_secs(2);

#[tokio::test(flavor = "multi_thread")]
async fn deliveries_are_put_off_while_the_database_is_gone() {
    for nodes in [1, 3] {
        let postgres = Postgres::start().unwrap();
        let site = Site::start(&postgres, nodes).await;
        let (_, path) = site.create(0, "load").await.unwrap();
        let target = Target::nodes(&site, &path);
        let load = Load::start(&target, "t", SENDERS);
        load.acknowledges(STEP).await;
        site.nodes.iter().for_each(|node| node.way.refuse());
        load.is_put_off(STEP).await;
        site.nodes.iter().for_each(|node| node.way.heal());
        let well = target.well_again().await;
        load.acknowledges(STEP).await;
        let sent = load.end().await;
        sent.is_kept(&Site::sql(&postgres, "SELECT title FROM incidents"));
        sent.answered_all();
        assert!(site.nodes.iter().all(Node::is_running));
        println!("{nodes} nodes, database gone: {sent}; well again after {well:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_database_makes_deliveries_slow_and_nothing_else() {
    let postgres = Postgres::start().unwrap();
    let site = Site::start(&postgres, 3).await;
    let (_, path) = site.create(0, "load").await.unwrap();
    let target = Target::nodes(&site, &path);
    let load = Load::start(&target, "t", SENDERS);
    load.acknowledges(STEP).await;
    site.nodes.iter().for_each(|node| node.way.slow(DELAY));
    load.acknowledges(STEP).await;
    site.nodes.iter().for_each(|node| node.way.heal());
    let well = target.well_again().await;
    let sent = load.end().await;
    sent.is_kept(&Site::sql(&postgres, "SELECT title FROM incidents"));
    sent.took_all();
    println!("3 nodes, slow database: {sent}; well again after {well:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_cannot_hear_the_database_holds_up_no_other() {
    let postgres = Postgres::start().unwrap();
    let site = Site::start(&postgres, 3).await;
    let (_, path) = site.create(0, "load").await.unwrap();
    let target = Target::nodes(&site, &path);
    let load = Load::start(&target, "t", SENDERS);
    load.acknowledges(STEP).await;
    site.nodes[0].way.stall();
    let others = Target {
        gates: target.gates[1..].to_vec(),
        ..target.clone()
    };
    let elsewhere = Load::start(&others, "other", SENDERS);
    elsewhere.acknowledges(STEP).await;
    sleep(SILENCE).await;
    elsewhere.acknowledges(STEP).await;
    site.nodes[0].way.heal();
    let well = target.well_again().await;
    let (sent, others) = (load.end().await, elsewhere.end().await);
    let titles = Site::sql(&postgres, "SELECT title FROM incidents");
    sent.is_kept(&titles);
    others.is_kept(&titles);
    sent.answered_all();
    others.answered_all();
    println!("one of 3 nodes deaf: all {sent}; the other two {others}; well again after {well:?}");
}
