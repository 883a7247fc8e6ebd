//! A retry at another node, at the same time or later, is the same delivery; and each node sees the deliveries of others.

use std::collections::BTreeSet;
use std::sync::Arc;

use hookgate_testkit::https::{Answer, Bytes, Full, Http, Request};
use hookgate_testkit::postgres::Postgres;
use serde_json::Value;

use crate::site::Site;

const ROUNDS: usize = 100;

#[tokio::test(flavor = "multi_thread")]
async fn a_retry_sent_to_two_nodes_at_once_is_one_incident_with_one_answer() {
    let postgres = Postgres::start().unwrap();
    let site = Arc::new(Site::start(&postgres, 2).await);
    let (_, path) = site.create(0, "retries").await.unwrap();
    for round in 0..ROUNDS {
        let key = format!("key-{round}");
        let body = format!(r#"{{"title":"{key}"}}"#);
        let (one, two) = tokio::join!(
            send(&site, 0, &path, &body, Some(&key)),
            send(&site, 1, &path, &body, Some(&key))
        );
        let statuses = BTreeSet::from([one.status.as_u16(), two.status.as_u16()]);
        assert_eq!(statuses, BTreeSet::from([200, 201]), "{one:?} {two:?}");
        assert_eq!(data(&one), data(&two));
        let conflict = send(&site, round % 2, &path, r#"{"title":"another"}"#, Some(&key)).await;
        assert_eq!(conflict.status, 409);
    }
    let count = |what: &str| Site::sql(&postgres, what).trim().to_owned();
    assert_eq!(count("SELECT count(*) FROM incidents"), ROUNDS.to_string());
    assert_eq!(
        count("SELECT count(*) FROM deliveries WHERE incident IS NOT NULL AND count = 2"),
        ROUNDS.to_string()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn deliveries_of_one_dedup_key_at_two_nodes_at_once_are_one_incident() {
    let postgres = Postgres::start().unwrap();
    let site = Arc::new(Site::start(&postgres, 2).await);
    let (_, path) = site.create(0, "dedup").await.unwrap();
    for round in 0..ROUNDS {
        let body = format!(r#"{{"title":"t","dedup_key":"disk-{round}"}}"#);
        let (one, two) = tokio::join!(
            send(&site, 0, &path, &body, None),
            send(&site, 1, &path, &body, None)
        );
        assert_eq!(data(&one)["incident"]["id"], data(&two)["incident"]["id"]);
    }
    let doubled = Site::sql(&postgres, "SELECT count(*) FROM incidents WHERE occurrences <> 2");
    assert_eq!(doubled.trim(), "0");
}

/// A delivery that one node has answered is visible on all nodes: history, incidents, and usage.
#[tokio::test(flavor = "multi_thread")]
async fn what_one_node_took_is_seen_on_the_others() {
    let postgres = Postgres::start().unwrap();
    let site = Arc::new(Site::start(&postgres, 2).await);
    let (handle, path) = site.create(1, "seen").await.unwrap();
    let get = async |node: usize, path: &str| data(&site.call(node, "GET", path, None, &[]).await.unwrap());
    for round in 1..=5_usize {
        let sent = send(&site, round % 2, &path, r#"{"title":"t"}"#, None).await;
        let (id, other) = (&data(&sent)["delivery_id"], (round + 1) % 2);
        let newest = &get(other, "/api/v1/deliveries?limit=1").await["items"][0];
        assert_eq!(&newest["id"], id);
        let incidents = get(other, "/api/v1/incidents").await;
        assert_eq!(incidents["items"].as_array().unwrap().len(), round);
        let usage = get(other, &format!("/api/v1/webhooks/{handle}/usage?range=1h")).await;
        let accepted: u64 = usage["buckets"]
            .as_array()
            .unwrap()
            .iter()
            .map(|bucket| bucket["accepted"].as_u64().unwrap())
            .sum();
        assert_eq!(accepted, u64::try_from(round).unwrap());
    }
}

async fn send(site: &Site, node: usize, path: &str, body: &str, key: Option<&str>) -> Answer {
    let address = site.nodes[node].gate;
    let mut request = Request::post(format!("https://localhost:{}{path}", address.port()));
    if let Some(key) = key {
        request = request.header("idempotency-key", key);
    }
    let request = request.body(Full::from(Bytes::from(body.to_owned()))).unwrap();
    let mut connection = site.client.connect(address, Http::One).await.unwrap();
    connection.send(request).await.unwrap()
}

fn data(answer: &Answer) -> Value {
    let body: Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(body["success"], true, "{answer:?}");
    body["data"].clone()
}
