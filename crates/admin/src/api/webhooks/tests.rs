//! Webhooks from creation to revocation.

use std::time::Duration;

use hyper::Method;
use serde_json::{Value, json};

use crate::tests::test_app::TestApp;

const WEBHOOKS: &str = "/api/v1/webhooks";

#[tokio::test]
async fn a_new_webhook_accepts_deliveries_and_shows_its_url_once() {
    let app = TestApp::new().await;
    let made = app.post(WEBHOOKS, &json!({"name": "disk"})).await;
    let webhook = made.data();
    let path = format!("{WEBHOOKS}/{}", webhook["handle"].as_str().expect("a handle"));
    assert_eq!((made.status, made.header("location")), (201, &*path));
    assert_eq!(made.header("etag"), "\"1\"");
    let url = webhook["url"].as_str().expect("a URL");
    assert_eq!(app.deliver_text(url, r#"{"title":"t"}"#).await.status, 201);
    let shown = app.get(&path).await;
    assert!(shown.data().get("url").is_none() && !shown.body.contains(url));
    assert_eq!(shown.header("etag"), "\"1\"");
}

#[tokio::test]
async fn absent_fields_have_their_defaults() {
    let app = TestApp::new().await;
    let made = app.post(WEBHOOKS, &json!({"name": "disk"})).await.data();
    for (field, value) in [
        ("name", json!("disk")),
        ("sender", json!("custom")),
        ("state", json!("active")),
        ("allowlist", Value::Null),
        ("allowlist_mode", json!("enforce")),
        ("max_body", json!(262_144)),
        ("per_minute", Value::Null),
        ("overload", json!(429)),
        ("payload_logging", json!(true)),
        ("signature", Value::Null),
        ("rotation_days", json!(90)),
        ("revision", json!(1)),
    ] {
        assert_eq!(made[field], value, "{field}");
    }
    assert!(made.get("signing_secret").is_none());
}

#[tokio::test]
async fn a_signing_secret_is_in_the_answer_that_creates_it() {
    let app = TestApp::new().await;
    let made = app.post(WEBHOOKS, &json!({"name": "disk", "signed": true})).await;
    let secret = made.data()["signing_secret"]
        .as_str()
        .expect("a secret")
        .to_owned();
    assert!(secret.starts_with("whsec_"));
    let shown = app.get(WEBHOOKS).await;
    assert_eq!(shown.data()["items"][0]["signature"], "standard-webhooks");
    assert!(!shown.body.contains(&secret));
}

#[tokio::test]
async fn each_invalid_field_of_a_new_webhook_is_reported() {
    let app = TestApp::new().await;
    for (new, fields) in [
        (json!({}), &["body"][..]),
        (json!(["disk"]), &["body"]),
        (json!({"name": "a", "nam": 1}), &["body"]),
        (json!({"name": ""}), &["name"]),
        (json!({"name": "a".repeat(101)}), &["name"]),
        (json!({"name": "a", "sender": "x"}), &["sender"]),
        (json!({"name": "a", "allowlist": []}), &["allowlist"]),
        (json!({"name": "a", "allowlist": ["any"]}), &["allowlist"]),
        (
            json!({"name": "a", "allowlist": ["192.0.2.1/24"]}),
            &["allowlist"],
        ),
        (json!({"name": "a", "allowlist": ["@nobody"]}), &["allowlist"]),
        (json!({"name": "a", "allowlist_mode": "x"}), &["allowlist_mode"]),
        (json!({"name": "a", "max_body": 0}), &["max_body"]),
        (json!({"name": "a", "max_body": 1_048_577}), &["max_body"]),
        (json!({"name": "a", "per_minute": 0}), &["body"]),
        (json!({"name": "a", "overload": 500}), &["overload"]),
        (json!({"name": "a", "rotation_days": 0}), &["body"]),
        (json!({"name": "", "max_body": 0}), &["name", "max_body"]),
    ] {
        app.post(WEBHOOKS, &new).await.assert_invalid(fields);
    }
    assert_eq!(app.get(WEBHOOKS).await.data()["items"], json!([]));
}

#[tokio::test]
async fn a_body_that_is_not_json_is_refused() {
    let app = TestApp::new().await;
    let send = async |app: &TestApp, body| app.send(Method::POST, WEBHOOKS, body).await;
    send(&app, "{").await.assert_error(400, "INVALID_JSON");
    send(&app, "").await.assert_error(400, "INVALID_JSON");
    let form = app.with("content-type", "text/plain");
    send(&form, r#"{"name":"a"}"#)
        .await
        .assert_error(415, "UNSUPPORTED_MEDIA_TYPE");
    let large = format!("\"{}\"", "a".repeat(1024 * 1024));
    send(&app, &large).await.assert_error(413, "PAYLOAD_TOO_LARGE");
}

#[tokio::test]
async fn a_repeated_request_creates_nothing_and_shows_no_secret() {
    let app = TestApp::new().await.with("idempotency-key", "first");
    let new = json!({"name": "disk", "signed": true});
    let first = app.post(WEBHOOKS, &new).await.data();
    let again = app.post(WEBHOOKS, &new).await;
    assert_eq!((again.status, &again.data()["handle"]), (200, &first["handle"]));
    assert!(again.data()["url"].is_null() && again.data().get("signing_secret").is_none());
    let other = app.post(WEBHOOKS, &json!({"name": "cpu"})).await;
    other.assert_error(409, "IDEMPOTENCY_CONFLICT");
    assert_eq!(app.get(WEBHOOKS).await.column("name"), ["disk"]);
}

#[tokio::test]
async fn an_operator_changes_no_webhook() {
    let app = TestApp::new().await;
    let webhook = app.webhook("disk").await;
    let operator = app.role("operator").await.with("if-match", "*");
    let (path, none) = (webhook.path(""), json!({}));
    operator.get(&path).await.data();
    let answers = [
        operator.post(WEBHOOKS, &json!({"name": "cpu"})).await,
        operator.patch(&path, &json!({"name": "cpu"})).await,
        operator.post(&webhook.path("regenerate"), &none).await,
        operator.post(&webhook.path("revoke"), &none).await,
    ];
    for answer in answers {
        answer.assert_error(403, "FORBIDDEN");
        assert_eq!(answer.json()["error"]["details"], "this needs the admin role");
    }
    assert_eq!(app.get(WEBHOOKS).await.column("name"), ["disk"]);
}

#[tokio::test]
async fn webhooks_are_listed_in_pages_in_the_order_of_their_creation() {
    let app = TestApp::new().await;
    for name in ["a", "b", "c"] {
        app.clock.advance(Duration::from_secs(1));
        app.webhook(name).await;
    }
    let viewer = app.role("viewer").await;
    assert_eq!(
        viewer.all("/api/v1/webhooks?limit=1", "name").await,
        ["a", "b", "c"]
    );
    let full = viewer.get("/api/v1/webhooks?limit=3").await.data();
    assert!(full["next"].is_null(), "{full}");
    assert_eq!(full["items"][0]["health"], "quiet");
}

#[tokio::test]
async fn an_invalid_parameter_of_the_list_is_reported() {
    let app = TestApp::new().await;
    for (query, field) in [
        ("limit=0", "limit"),
        ("limit=201", "limit"),
        ("limit=x", "limit"),
        ("limit=", "limit"),
        ("limit=1&limit=1", "limit"),
        ("limt=1", "limt"),
        ("cursor=x", "cursor"),
    ] {
        let answer = app.get(&format!("{WEBHOOKS}?{query}")).await;
        answer.assert_invalid(&[field]);
    }
}

#[tokio::test]
async fn a_change_needs_the_revision_that_was_read() {
    let app = TestApp::new().await;
    let path = app.webhook("disk").await.path("");
    let change = json!({"per_minute": 60});
    app.patch(&path, &change)
        .await
        .assert_error(428, "PRECONDITION_REQUIRED");
    let edited = app.with("if-match", "\"1\"").patch(&path, &change).await;
    assert_eq!(
        (&edited.data()["per_minute"], edited.header("etag")),
        (&json!(60), "\"2\"")
    );
    let late = app.with("if-match", "\"1\"").patch(&path, &change).await;
    late.assert_error(412, "PRECONDITION_FAILED");
    for (tags, status) in [("W/\"2\"", 412), ("2", 412), ("\"7\", \"2\"", 200), ("*", 200)] {
        let answer = app.with("if-match", tags).patch(&path, &change).await;
        assert_eq!(answer.status, status, "{tags}: {answer:?}");
    }
}

#[tokio::test]
async fn null_clears_a_field_and_an_absent_field_keeps_its_value() {
    let app = TestApp::new().await.with("if-match", "*");
    let new = json!({"name": "disk", "allowlist": ["192.0.2.0/24"], "per_minute": 60});
    let path = app.webhook_like(&new).await.path("");
    let edited = app.patch(&path, &json!({"per_minute": null})).await.data();
    assert_eq!(
        (&edited["per_minute"], &edited["allowlist"][0]),
        (&Value::Null, &json!("192.0.2.0/24"))
    );
    let edited = app
        .patch(&path, &json!({"allowlist": null, "overload": 503}))
        .await
        .data();
    assert_eq!(
        (&edited["allowlist"], &edited["overload"]),
        (&Value::Null, &json!(503))
    );
}

#[tokio::test]
async fn each_invalid_field_of_a_change_is_reported() {
    let app = TestApp::new().await.with("if-match", "*");
    let path = app.webhook("disk").await.path("");
    let change = json!({"name": "", "allowlist": [], "allowlist_mode": "x", "max_body": 0, "overload": 1});
    let all = ["name", "allowlist", "allowlist_mode", "max_body", "overload"];
    app.patch(&path, &change).await.assert_invalid(&all);
    app.patch(&path, &json!({"sender": "custom"}))
        .await
        .assert_invalid(&["body"]);
    app.patch(&path, &json!({"allowlist": ["@nobody"]}))
        .await
        .assert_invalid(&["allowlist"]);
}

#[tokio::test]
async fn an_absent_webhook_is_not_found() {
    let app = TestApp::new().await.with("if-match", "*");
    for handle in ["nobody", "hk_nobody", "hk_01hf7yat000000000000000000"] {
        let path = format!("{WEBHOOKS}/{handle}");
        app.get(&path).await.assert_error(404, "NOT_FOUND");
        app.patch(&path, &json!({})).await.assert_error(404, "NOT_FOUND");
        for action in ["regenerate", "revoke"] {
            let answer = app.post(&format!("{path}/{action}"), &json!({})).await;
            answer.assert_error(404, "NOT_FOUND");
        }
    }
}

#[tokio::test]
async fn a_regenerated_webhook_has_another_url() {
    let app = TestApp::new().await;
    let webhook = app.webhook("disk").await;
    app.clock.advance(Duration::from_secs(1));
    let made = app.post(&webhook.path("regenerate"), &json!({})).await;
    let fresh = made.data()["url"].as_str().expect("a URL").to_owned();
    assert_eq!((made.status, made.header("etag")), (200, "\"2\""));
    let old = app.deliver(&webhook, &json!({"title": "t"})).await;
    old.assert_error(410, "WEBHOOK_REVOKED");
    assert_eq!(app.deliver_text(&fresh, r#"{"title":"t"}"#).await.status, 201);
    let shown = app.get(&webhook.path("")).await.data();
    assert_eq!(shown["retired_url_use"]["refused"], 1);
}

#[tokio::test]
async fn a_revoked_webhook_accepts_nothing_and_stays_revoked() {
    let app = TestApp::new().await;
    let webhook = app.webhook("disk").await;
    let revoked = app.post(&webhook.path("revoke"), &json!({})).await;
    assert_eq!(
        (revoked.data()["state"].as_str(), revoked.header("etag")),
        (Some("revoked"), "\"2\"")
    );
    let refused = app.deliver(&webhook, &json!({"title": "t"})).await;
    refused.assert_error(410, "WEBHOOK_REVOKED");
    for action in ["revoke", "regenerate"] {
        let answer = app.post(&webhook.path(action), &json!({})).await;
        answer.assert_error(410, "WEBHOOK_REVOKED");
    }
    let edited = app
        .with("if-match", "*")
        .patch(&webhook.path(""), &json!({"name": "a"}))
        .await;
    edited.assert_error(410, "WEBHOOK_REVOKED");
}

#[tokio::test]
async fn a_page_of_webhooks_ends_where_their_allowlists_are_long() {
    let app = TestApp::new().await;
    let networks: Vec<_> = (0..10_000)
        .map(|number| format!("10.{}.{}.1", number / 250, number % 250))
        .collect();
    for name in ["a", "b", "c"] {
        app.clock.advance(Duration::from_secs(1));
        app.webhook_like(&json!({"name": name, "allowlist": networks}))
            .await;
    }
    let first = app.get("/api/v1/webhooks?limit=200").await;
    assert_eq!(first.column("name"), ["a", "b"]);
    let next = first.data()["next"].as_str().expect("a cursor").to_owned();
    let last = app.get(&format!("{WEBHOOKS}?cursor={next}")).await;
    assert_eq!(
        (last.column("name"), &last.data()["next"]),
        (vec!["c".to_owned()], &Value::Null)
    );
}

#[tokio::test]
async fn the_life_of_a_webhook_is_on_the_audit_trail() {
    let app = TestApp::new().await.with("if-match", "*");
    let webhook = app.webhook("disk").await;
    app.patch(&webhook.path(""), &json!({"per_minute": 60}))
        .await
        .data();
    for action in ["regenerate", "revoke"] {
        app.post(&webhook.path(action), &json!({})).await.data();
    }
    let trail = app
        .get(&format!("/api/v1/audit?subject={}", webhook.handle))
        .await;
    let acts = [
        "webhook.revoke",
        "webhook.regenerate",
        "webhook.edit",
        "webhook.create",
    ];
    assert_eq!(trail.column("act"), acts);
}
