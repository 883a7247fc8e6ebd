//! API tokens.

use std::time::Duration;

use serde_json::{Value, json};

use crate::tests::test_app::{Answer, TestApp};

const TOKENS: &str = "/api/v1/tokens";

async fn create(app: &TestApp, name: &str, role: &str) -> Answer {
    app.post(TOKENS, &json!({"name": name, "role": role})).await
}

#[tokio::test]
async fn a_new_token_is_shown_once_and_has_its_role() {
    let app = TestApp::new().await;
    let made = create(&app.role("admin").await, "ci", "viewer").await;
    let token = made.data();
    assert_eq!(
        (made.status, &token["name"], &token["role"], &token["state"]),
        (201, &json!("ci"), &json!("viewer"), &json!("live"))
    );
    let secret = token["token"].as_str().expect("a secret");
    let program = app.bearer(secret);
    assert_eq!(program.get("/api/v1/webhooks").await.status, 200);
    program.get("/api/v1/audit").await.assert_error(403, "FORBIDDEN");
    assert!(!app.get(TOKENS).await.body.contains(secret));
}

#[tokio::test]
async fn a_token_expires() {
    let app = TestApp::new().await;
    let new = json!({"name": "ci", "role": "viewer", "expires_days": 30});
    let made = app.post(TOKENS, &new).await.data();
    assert_eq!(made["expires_at"], "2023-12-14T22:13:20Z");
    app.clock.advance(Duration::from_hours(30 * 24));
    let program = app.bearer(made["token"].as_str().expect("a secret"));
    program
        .get("/api/v1/webhooks")
        .await
        .assert_error(401, "UNAUTHENTICATED");
    let listed = app.get(TOKENS).await;
    assert_eq!(listed.column("state"), ["live", "expired"]);
}

#[tokio::test]
async fn a_token_makes_none_that_may_more_or_lives_longer() {
    let app = TestApp::new().await;
    create(&app.role("admin").await, "ci", "owner")
        .await
        .assert_error(403, "FORBIDDEN");
    let new = json!({"name": "short", "role": "admin", "expires_days": 1});
    let made = app.post(TOKENS, &new).await.data();
    let short = app.bearer(made["token"].as_str().expect("a secret"));
    let inherited = create(&short, "ci", "viewer").await.data();
    assert_eq!(inherited["expires_at"], made["expires_at"]);
    let longer = json!({"name": "ci", "role": "viewer", "expires_days": 2});
    short.post(TOKENS, &longer).await.assert_error(409, "CONFLICT");
}

#[tokio::test]
async fn an_invalid_field_of_a_new_token_is_reported() {
    let app = TestApp::new().await;
    for (new, field) in [
        (json!({"name": "", "role": "viewer"}), "name"),
        (json!({"name": "ci", "role": "root"}), "role"),
        (json!({"name": "ci", "role": "viewer", "expires_days": 0}), "body"),
        (
            json!({"name": "ci", "role": "viewer", "expires_days": 70_000}),
            "body",
        ),
        (json!({"role": "viewer"}), "body"),
    ] {
        app.post(TOKENS, &new).await.assert_invalid(&[field]);
    }
}

#[tokio::test]
async fn a_repeated_request_creates_one_token() {
    let app = TestApp::new().await.with("idempotency-key", "ci");
    let first = create(&app, "ci", "viewer").await.data();
    let again = create(&app, "ci", "viewer").await;
    assert_eq!(
        (again.status, &again.data()["id"], &again.data()["token"]),
        (200, &first["id"], &Value::Null)
    );
    create(&app, "cd", "viewer")
        .await
        .assert_error(409, "IDEMPOTENCY_CONFLICT");
}

#[tokio::test]
async fn tokens_are_listed_in_pages() {
    let app = TestApp::new().await;
    for name in ["a", "b"] {
        app.clock.advance(Duration::from_secs(1));
        create(&app, name, "viewer").await.data();
    }
    assert_eq!(
        app.all("/api/v1/tokens?limit=1", "name").await,
        ["owner", "a", "b"]
    );
    for (query, field) in [
        ("limit=201", "limit"),
        ("cursor=x", "cursor"),
        ("state=live", "state"),
    ] {
        app.get(&format!("{TOKENS}?{query}"))
            .await
            .assert_invalid(&[field]);
    }
}

#[tokio::test]
async fn a_token_is_revoked_once() {
    let app = TestApp::new().await;
    let made = create(&app, "ci", "viewer").await.data();
    let path = format!("{TOKENS}/{}", made["id"].as_str().expect("an ID"));
    let revoked = app.delete(&path).await.data();
    assert_eq!(
        (&revoked["state"], &revoked["revoked_at"]),
        (&json!("revoked"), &json!("2023-11-14T22:13:20Z"))
    );
    app.delete(&path).await.assert_error(409, "CONFLICT");
    for id in ["ci", "tok_01hf7yat000000000000000000"] {
        app.delete(&format!("{TOKENS}/{id}"))
            .await
            .assert_error(404, "NOT_FOUND");
    }
}
