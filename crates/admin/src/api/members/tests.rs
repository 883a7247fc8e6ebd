//! Members and API tokens.

use std::time::Duration;

use serde_json::json;

use crate::tests::test_app::{Answer, TestApp};

const MEMBERS: &str = "/api/v1/members";
const TOKENS: &str = "/api/v1/tokens";

async fn add(app: &TestApp, name: &str, role: &str) -> Answer {
    app.post(MEMBERS, &json!({"name": name, "role": role})).await
}

/// Path of a new member.
async fn member(app: &TestApp, name: &str, role: &str) -> String {
    let added = add(app, name, role).await.data();
    format!("{MEMBERS}/{}", added["id"].as_str().expect("an ID"))
}

async fn create(app: &TestApp, name: &str, role: &str) -> Answer {
    app.post(TOKENS, &json!({"name": name, "role": role})).await
}

#[tokio::test]
async fn an_admin_adds_a_member_without_a_password() {
    let app = TestApp::new().await;
    let added = add(&app.role("admin").await, "Ada", "operator").await;
    let ada = added.data();
    assert_eq!(
        (added.status, &ada["name"], &ada["role"]),
        (201, &json!("Ada"), &json!("operator"))
    );
    assert_eq!(
        (&ada["has_password"], &ada["created_at"]),
        (&json!(false), &json!("2023-11-14T22:13:20Z"))
    );
}

#[tokio::test]
async fn members_are_listed_in_pages() {
    let app = TestApp::new().await;
    for name in ["Ada", "Bob", "Cyd"] {
        app.clock.advance(Duration::from_secs(1));
        add(&app, name, "viewer").await.data();
    }
    let viewer = app.role("viewer").await;
    assert_eq!(
        viewer.all("/api/v1/members?limit=1", "name").await,
        ["Ada", "Bob", "Cyd"]
    );
    let full = viewer.get("/api/v1/members?limit=3").await.data();
    assert!(full["next"].is_null(), "{full}");
    for (query, field) in [
        ("limit=0", "limit"),
        ("cursor=x", "cursor"),
        ("role=viewer", "role"),
    ] {
        viewer
            .get(&format!("{MEMBERS}?{query}"))
            .await
            .assert_invalid(&[field]);
    }
}

#[tokio::test]
async fn a_name_is_taken_in_any_spelling() {
    let app = TestApp::new().await;
    add(&app, "Ada", "operator").await.data();
    for name in ["Ada", "ADA"] {
        add(&app, name, "viewer").await.assert_error(409, "CONFLICT");
    }
}

#[tokio::test]
async fn an_invalid_field_of_a_new_member_is_reported() {
    let app = TestApp::new().await;
    for (new, field) in [
        (json!({"name": "", "role": "viewer"}), "name"),
        (json!({"name": "a".repeat(101), "role": "viewer"}), "name"),
        (json!({"name": "a", "role": "Viewer"}), "role"),
        (
            json!({"name": "a", "role": "viewer", "password": "short"}),
            "password",
        ),
        (json!({"name": "a"}), "body"),
        (json!({"name": "a", "role": "viewer", "admin": true}), "body"),
    ] {
        app.post(MEMBERS, &new).await.assert_invalid(&[field]);
    }
    assert_eq!(app.get(MEMBERS).await.data()["items"], json!([]));
}

#[tokio::test]
async fn a_token_sets_no_password_and_makes_no_sign_in_link() {
    let app = TestApp::new().await;
    let new = json!({"name": "Eve", "role": "viewer", "password": "correct horse"});
    let answer = app.post(MEMBERS, &new).await;
    answer.assert_error(403, "FORBIDDEN");
    assert!(!answer.body.contains("correct horse"));
    let path = member(&app, "Ada", "viewer").await;
    let answer = app.post(&format!("{path}/sign-in-link"), &json!({})).await;
    answer.assert_error(403, "FORBIDDEN");
}

#[tokio::test]
async fn a_repeated_request_adds_one_member() {
    let app = TestApp::new().await.with("idempotency-key", "ada");
    let first = add(&app, "Ada", "viewer").await.data();
    let again = add(&app, "Ada", "viewer").await;
    assert_eq!((again.status, &again.data()["id"]), (200, &first["id"]));
    add(&app, "Bob", "viewer")
        .await
        .assert_error(409, "IDEMPOTENCY_CONFLICT");
    app.delete(&format!("{MEMBERS}/{}", first["id"].as_str().expect("an ID")))
        .await
        .data();
    add(&app, "Ada", "viewer").await.assert_error(409, "CONFLICT");
}

#[tokio::test]
async fn an_operator_manages_nobody() {
    let app = TestApp::new().await;
    let path = member(&app, "Ada", "viewer").await;
    let operator = app.role("operator").await;
    let answers = [
        add(&operator, "Bob", "viewer").await,
        operator.patch(&path, &json!({"role": "admin"})).await,
        operator.get(&format!("{path}/removal")).await,
        operator.post(&format!("{path}/sign-in-link"), &json!({})).await,
        operator.delete(&path).await,
        create(&operator, "ci", "viewer").await,
        operator.get(TOKENS).await,
        operator
            .delete("/api/v1/tokens/tok_01hf7yat000000000000000000")
            .await,
    ];
    for answer in answers {
        answer.assert_error(403, "FORBIDDEN");
        assert_eq!(answer.json()["error"]["details"], "this needs the admin role");
    }
}

#[tokio::test]
async fn a_member_gets_another_role() {
    let app = TestApp::new().await;
    let path = member(&app, "Ada", "viewer").await;
    let changed = app.patch(&path, &json!({"role": "admin"})).await.data();
    assert_eq!(
        (&changed["name"], &changed["role"]),
        (&json!("Ada"), &json!("admin"))
    );
    app.patch(&path, &json!({"role": "root"}))
        .await
        .assert_invalid(&["role"]);
    app.patch(&path, &json!({})).await.assert_invalid(&["body"]);
}

#[tokio::test]
async fn only_an_owner_touches_an_owner() {
    let app = TestApp::new().await;
    let path = member(&app, "Ada", "owner").await;
    member(&app, "Bob", "owner").await;
    let admin = app.role("admin").await;
    let answers = [
        add(&admin, "Eve", "owner").await,
        admin.patch(&path, &json!({"role": "viewer"})).await,
        admin.delete(&path).await,
    ];
    for answer in answers {
        answer.assert_error(409, "CONFLICT");
        assert_eq!(
            answer.json()["error"]["details"],
            "only an owner may make, change or remove an owner"
        );
    }
    assert_eq!(app.patch(&path, &json!({"role": "viewer"})).await.status, 200);
}

#[tokio::test]
async fn the_last_owner_stays() {
    let app = TestApp::new().await;
    let path = member(&app, "Ada", "owner").await;
    app.patch(&path, &json!({"role": "viewer"}))
        .await
        .assert_error(409, "CONFLICT");
    app.delete(&path).await.assert_error(409, "CONFLICT");
}

#[tokio::test]
async fn an_absent_member_is_not_found() {
    let app = TestApp::new().await;
    for id in ["ada", "mem_01hf7yat000000000000000000"] {
        let path = format!("{MEMBERS}/{id}");
        app.patch(&path, &json!({"role": "viewer"}))
            .await
            .assert_error(404, "NOT_FOUND");
        app.get(&format!("{path}/removal"))
            .await
            .assert_error(404, "NOT_FOUND");
        app.post(&format!("{path}/sign-in-link"), &json!({}))
            .await
            .assert_error(404, "NOT_FOUND");
        app.delete(&path).await.assert_error(404, "NOT_FOUND");
    }
}

#[tokio::test]
async fn a_removed_member_is_gone() {
    let app = TestApp::new().await;
    let path = member(&app, "Ada", "viewer").await;
    let preview = app.get(&format!("{path}/removal")).await.data();
    assert_eq!(
        (&preview["webhooks"], &preview["webhooks_count"]),
        (&json!([]), &json!(0))
    );
    let removed = app.delete(&path).await.data();
    assert_eq!(
        (&removed["name"], &removed["webhooks_count"]),
        (&json!("Ada"), &json!(0))
    );
    app.delete(&path).await.assert_error(404, "NOT_FOUND");
    assert_eq!(app.get(MEMBERS).await.data()["items"], json!([]));
}
