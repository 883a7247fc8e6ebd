//! The system clock jumps or stands still: deliveries keep the order of their commits, a retry stays a retry within the
//! window, and a revoked URL stays revoked.

use std::process::Stdio;

use hookgate_testkit::https::{Answer, Bytes, Full, Http, Request};
use hookgate_testkit::postgres::Postgres;
use serde_json::Value;

use crate::shim::{Shim, clock};
use crate::site::{Environment, Site};
use crate::support::{Server, sql};
use crate::target::Target;

const HOUR: i64 = 3_600;
const YEARS: i64 = 10 * 365 * 24 * HOUR;
/// A jump of 50 years: back to about the time at which a clock without battery begins.
const AGES: i64 = 5 * YEARS;
/// Jumps after which a retry is still a retry: within its 24 hours, or before the first request.
const JUMPS: [i64; 5] = [HOUR, -HOUR, -YEARS, -AGES, 0];
/// The time at which the clock stops.
const MOMENT: i64 = 1_800_000_000;
/// Deliveries after each jump.
const EACH: usize = 5;

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_jumps_or_stands_still_changes_no_order_and_no_answer() {
    let shim = Shim::compile("clock");
    let scratch = tempfile::tempdir().unwrap();
    let data = scratch.path().join("data");
    let mut server = Server::start_by(&mut shim.hookgate(), &data, "error", Stdio::inherit());
    let target = Target::demo(&server);
    let dead = revoked(&server, &target);
    let ids = jump(&shim, &target, &dead).await;
    let stored = sql(
        &data,
        "SELECT title FROM incidents WHERE title LIKE 'n%' ORDER BY number",
    );
    in_order(&ids, &stored);
    assert_eq!(server.signal("-TERM"), Some(0));
}

/// A webhook of the server that was revoked after its use.
fn revoked(server: &Server, target: &Target) -> Target {
    let url = server.create("dead", &[]);
    server.json(&["webhook", "revoke", "dead", "--yes"]);
    Target {
        path: url[url.find("/webhooks/").unwrap()..].to_owned(),
        ..target.clone()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_whose_clocks_disagree_agree_on_order_and_answers() {
    let shim = Shim::compile("clock");
    let postgres = Postgres::start().unwrap();
    // The first delivery is sent at the right time.
    let environments = vec![Environment::new(), shim.environment().to_vec()];
    let site = Site::start_in(&postgres, environments).await;
    let (_, path) = site.create(0, "load").await.unwrap();
    let (handle, dead) = site.create(0, "dead").await.unwrap();
    let revoke = format!("/api/v1/webhooks/{handle}/revoke");
    assert_eq!(
        site.call(0, "POST", &revoke, None, &[]).await.unwrap().status,
        200
    );
    let ids = jump(&shim, &Target::nodes(&site, &path), &Target::nodes(&site, &dead)).await;
    let stored = Site::sql(
        &postgres,
        "SELECT title FROM incidents WHERE title LIKE 'n%' ORDER BY number",
    );
    in_order(&ids, &stored);
}

/// Makes the shim's clock jump and stop, with deliveries to every gate. Returns their IDs in order.
async fn jump(shim: &Shim, target: &Target, dead: &Target) -> Vec<String> {
    let mut ids = Vec::new();
    let first = retry(target, 0).await;
    assert_eq!(first.status, 201, "{first:?}");
    for jump in JUMPS {
        shim.set(clock::SHIFT, jump);
        check(target, dead, &first, &mut ids).await;
    }
    shim.set(clock::STOPPED_AT, MOMENT);
    deliver(target, &mut ids).await;
    is_revoked(dead).await;
    shim.set(clock::STOPPED_AT, 0);
    // By this clock the window of the retry is over.
    shim.set(clock::SHIFT, YEARS);
    deliver(target, &mut ids).await;
    is_revoked(dead).await;
    shim.set(clock::SHIFT, 0);
    check(target, dead, &first, &mut ids).await;
    println!(
        "{} gates, clocks that jump: {} deliveries in order",
        target.gates.len(),
        ids.len()
    );
    ids
}

async fn check(target: &Target, dead: &Target, first: &Answer, ids: &mut Vec<String>) {
    deliver(target, ids).await;
    is_revoked(dead).await;
    for gate in 0..target.gates.len() {
        let again = retry(target, gate).await;
        assert_eq!((again.status.as_u16(), &again.body), (200, &first.body));
    }
}

/// Sends numbered deliveries, to one gate after the other.
async fn deliver(target: &Target, ids: &mut Vec<String>) {
    for gate in (0..target.gates.len()).cycle().take(EACH) {
        let answer = target.deliver(gate, &format!("n{}", ids.len())).await.unwrap();
        assert_eq!(answer.status, 201, "{answer:?}");
        let body: Value = serde_json::from_str(&answer.body).unwrap();
        ids.push(body["data"]["delivery_id"].as_str().unwrap().to_owned());
    }
}

async fn is_revoked(dead: &Target) {
    for gate in 0..dead.gates.len() {
        assert_eq!(dead.deliver(gate, "dead").await.unwrap().status, 410);
    }
}

/// Sends the same request, with the same key.
async fn retry(target: &Target, gate: usize) -> Answer {
    let url = format!("https://localhost:{}{}", target.gates[gate].port(), target.path);
    let request = Request::post(url)
        .header("idempotency-key", "once")
        .body(Full::from(Bytes::from_static(br#"{"title":"retried"}"#)));
    target.client.send(Http::One, request.unwrap()).await.unwrap()
}

/// Checks that IDs and incident numbers rise in the order of the deliveries.
fn in_order(ids: &[String], titles: &str) {
    assert!(ids.is_sorted_by(|one, next| one < next), "{ids:?}");
    let expected: Vec<_> = (0..ids.len()).map(|number| format!("n{number}")).collect();
    assert_eq!(titles.lines().collect::<Vec<_>>(), expected);
}
