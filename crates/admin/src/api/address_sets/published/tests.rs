//! Downloads of published lists, and the approval of pending versions.

use hookgate_domain::Networks;
use hookgate_domain::address_set::{Provider, SetFilter, SetOrigin};
use hookgate_gate::DownloadedList;
use hookgate_testkit::samples;
use serde_json::{Value, json};

use crate::tests::test_app::{CLIENT, TestApp};

const SET: &str = "/api/v1/address-sets/ci";
const REFRESH: &str = "/api/v1/address-sets/ci/refresh";
const DECIDE: &str = "/api/v1/address-sets/ci/decide";

/// An app with the published set `ci` of four networks.
async fn with_list() -> TestApp {
    let app = TestApp::new().await;
    let list = "198.51.100.1 198.51.100.2 198.51.100.3 198.51.100.4";
    let new = json!({"name": "ci", "provider": "list", "document": list});
    app.post("/api/v1/address-sets", &new).await.data();
    app
}

/// The same, with a version of one network that waits for approval, because it is less than half.
async fn with_pending() -> TestApp {
    let app = with_list().await;
    let published = DownloadedList::Document {
        bytes: b"198.51.100.1".to_vec(),
        etag: None,
    };
    let name = "ci".parse().expect("a name");
    let outcome = app
        .gate
        .address_set_refresh(&samples::actor_context(), &name, published)
        .await;
    assert_eq!(outcome.expect("an outcome").set.pending, Some(2));
    app
}

#[tokio::test]
async fn a_set_without_a_url_is_not_refreshed() {
    let app = with_list().await;
    let answer = app.post(REFRESH, &json!({})).await;
    answer.assert_error(409, "CONFLICT");
    assert_eq!(
        answer.json()["error"]["details"],
        "this set has no URL to download from"
    );
}

#[tokio::test]
async fn a_failed_download_leaves_the_set_as_it_is_and_says_why() {
    let app = TestApp::new().await;
    let origin = SetOrigin::Published {
        provider: Provider::List,
        filter: SetFilter::default(),
        url: Some("https://127.0.0.1/list".into()),
    };
    let (by, name) = (samples::actor_context(), "ci".parse().expect("a name"));
    let networks = Networks::of([CLIENT.into()]).expect("networks");
    let made = app.gate.address_set_create(&by, name, origin, networks, None);
    made.await.expect("a set");
    let change = app.post(REFRESH, &json!({})).await.data();
    assert!(change["set"]["fault"].is_string(), "{change}");
    assert_eq!(
        (&change["set"]["version"], &change["removed"]),
        (&json!(1), &json!([]))
    );
}

#[tokio::test]
async fn a_pending_version_is_approved() {
    let app = with_pending().await;
    assert_eq!(app.get(SET).await.data()["pending"], 2);
    let set = app.post(DECIDE, &json!({"version": 2, "approve": true})).await;
    assert_eq!(set.header("etag"), "\"3\"");
    let set = set.data();
    assert_eq!(
        (&set["version"], &set["count"], &set["pending"]),
        (&json!(2), &json!(1), &Value::Null)
    );
}

#[tokio::test]
async fn a_pending_version_is_rejected() {
    let app = with_pending().await;
    let set = app
        .post(DECIDE, &json!({"version": 2, "approve": false}))
        .await
        .data();
    assert_eq!(
        (&set["version"], &set["count"], &set["pending"]),
        (&json!(1), &json!(4), &Value::Null)
    );
    let states = app.get("/api/v1/address-sets/ci/versions").await.column("state");
    assert_eq!(states, ["rejected", "active"]);
}

#[tokio::test]
async fn a_pending_version_is_previewed() {
    let app = with_pending().await;
    let webhook = json!({"name": "disk", "allowlist": ["@ci"]});
    app.webhook_like(&webhook).await;
    let preview = app
        .post("/api/v1/address-sets/ci/preview", &json!({}))
        .await
        .data();
    assert_eq!(preview["all_webhooks"], 1);
}

#[tokio::test]
async fn only_the_pending_version_is_decided_about() {
    for (app, version) in [
        (with_list().await, 1),
        (with_pending().await, 1),
        (with_pending().await, 3),
    ] {
        let answer = app
            .post(DECIDE, &json!({"version": version, "approve": true}))
            .await;
        answer.assert_error(409, "CONFLICT");
    }
}

#[tokio::test]
async fn an_incomplete_decision_is_reported() {
    let app = with_pending().await;
    for body in [
        json!({}),
        json!({"version": 2}),
        json!({"version": "2", "approve": true}),
    ] {
        app.post(DECIDE, &body).await.assert_invalid(&["body"]);
    }
}

#[tokio::test]
async fn an_operator_refreshes_and_decides_nothing() {
    let app = with_pending().await;
    let operator = app.role("operator").await;
    operator
        .post(REFRESH, &json!({}))
        .await
        .assert_error(403, "FORBIDDEN");
    let answer = operator
        .post(DECIDE, &json!({"version": 2, "approve": true}))
        .await;
    answer.assert_error(403, "FORBIDDEN");
}

#[tokio::test]
async fn an_absent_set_is_not_found() {
    let app = TestApp::new().await;
    app.post(REFRESH, &json!({})).await.assert_error(404, "NOT_FOUND");
    let answer = app.post(DECIDE, &json!({"version": 1, "approve": true})).await;
    answer.assert_error(404, "NOT_FOUND");
}
