//! A node is paused, as a virtual machine is during a migration, and resumes: it must not act on outdated knowledge.

use std::fs::{self, DirEntry};
use std::io;
use std::time::Duration;

use hookgate_testkit::https::Http;
use hookgate_testkit::postgres::Postgres;
use serde_json::Value;
use tokio::task::JoinSet;

use crate::load::Load;
use crate::scale;
use crate::site::{Node, Site};
use crate::target::Target;

const ROUNDS: usize = 10;
/// Number of requests that wait at a paused node.
const WAITING: usize = 8;
const SENDERS: usize = 6;
/// Number of deliveries of the load in each round.
const EACH: usize = 20;
/// Interval of checking whether a node stands still.
const LOOK_EVERY: Duration = Duration::from_millis(1);

#[tokio::test(flavor = "multi_thread")]
async fn what_was_revoked_while_a_node_stood_still_is_refused_when_it_goes_on() {
    let postgres = Postgres::start().unwrap();
    let site = Site::start(&postgres, 3).await;
    let (_, path) = site.create(0, "load").await.unwrap();
    let all = Target::nodes(&site, &path);
    let load = Load::start(&all, "t", SENDERS);
    let rounds = ROUNDS * scale();
    let mut longest = Duration::ZERO;
    for round in 0..rounds {
        let (still, other) = (round % 3, (round + 1) % 3);
        let (handle, path) = site.create(other, &format!("w{round}")).await.unwrap();
        let target = Target::nodes(&site, &path);
        // The node knows the webhook, and has every connection open.
        let mut connections = Vec::new();
        for number in 0..WAITING {
            let http = Http::BOTH[number % 2];
            let mut open = site.client.connect(target.gates[still], http).await.unwrap();
            let first = target
                .send(&mut open, target.gates[still], "before")
                .await
                .unwrap();
            assert_eq!(first.status, 201, "{first:?}");
            connections.push(open);
        }
        stop(&site.nodes[still]).await;
        let mut waiting = JoinSet::new();
        for mut open in connections {
            let target = target.clone();
            waiting.spawn(async move { target.send(&mut open, target.gates[still], "waiting").await });
        }
        let revoke = format!("/api/v1/webhooks/{handle}/revoke");
        let revoked = site.call(other, "POST", &revoke, None, &[]).await.unwrap();
        assert_eq!(revoked.status, 200, "{revoked:?}");
        site.nodes[still].signal("-CONT");
        while let Some(answer) = waiting.join_next().await {
            let answer = answer.unwrap().unwrap();
            let body: Value = serde_json::from_str(&answer.body).unwrap();
            assert_eq!(body["error"]["code"], "WEBHOOK_REVOKED", "{answer:?}");
        }
        longest = longest.max(all.well_again().await);
        load.acknowledges(EACH).await;
    }
    let sent = load.end().await;
    sent.is_kept(&Site::sql(&postgres, "SELECT title FROM incidents"));
    let after = Site::sql(
        &postgres,
        "SELECT count(*) FROM incidents WHERE title = 'waiting'",
    );
    assert_eq!(after.trim(), "0", "nothing was stored behind a revocation");
    println!("{rounds} times a node stood still: {sent}; well again after {longest:?} at most");
}

/// Stops every thread of a node, until it gets `-CONT`. The signal alone only asks for it: on a busy machine, threads that
/// run go on for a while, and may commit what they have.
async fn stop(node: &Node) {
    node.signal("-STOP");
    let threads = format!("/proc/{}/task", node.pid());
    while !fs::read_dir(&threads).unwrap().all(is_stopped) {
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

fn is_stopped(thread: io::Result<DirEntry>) -> bool {
    let stat = fs::read_to_string(thread.unwrap().path().join("stat")).unwrap();
    // The state follows the name, which is in parentheses and may hold anything.
    stat.rsplit_once(") ").unwrap().1.starts_with('T')
}
