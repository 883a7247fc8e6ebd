//! The audit trail: filters, pages, and its export.

use std::time::Duration;

use serde_json::{Value, json};

use crate::tests::test_app::TestApp;

const AUDIT: &str = "/api/v1/audit";

/// An app whose trail has, from the newest entry: `webhook.revoke`, `webhook.create` and `token.create`, a minute
/// apart.
async fn with_trail() -> TestApp {
    let app = TestApp::new().await;
    app.clock.advance(Duration::from_mins(1));
    let webhook = app.webhook("disk").await;
    app.clock.advance(Duration::from_mins(1));
    app.post(&webhook.path("revoke"), &json!({})).await.data();
    app
}

#[tokio::test]
async fn an_entry_names_actor_act_and_subject() {
    let app = with_trail().await;
    let page = app.get(AUDIT).await;
    assert_eq!(
        page.column("act"),
        ["webhook.revoke", "webhook.create", "token.create"]
    );
    let items = &page.data()["items"];
    let (entry, first) = (&items[0], &items[2]);
    assert_eq!(
        (&entry["actor"]["kind"], &entry["actor"]["name"]),
        (&json!("token"), &json!("owner"))
    );
    assert_eq!(
        (&entry["from"], &entry["subject"]["name"]),
        (&json!("192.0.2.1"), &json!("disk"))
    );
    assert_eq!(
        (&first["actor"]["kind"], &first["from"]),
        (&json!("command_line"), &Value::Null)
    );
}

#[tokio::test]
async fn an_edit_tells_what_it_changed() {
    let app = TestApp::new().await.with("if-match", "*");
    let webhook = app.webhook("disk").await;
    app.patch(&webhook.path(""), &json!({"per_minute": 60}))
        .await
        .data();
    let entry = app.get("/api/v1/audit?act=webhook.edit").await.data()["items"][0].clone();
    assert_eq!(entry["after"], json!({"per_minute": 60}));
}

#[tokio::test]
async fn an_operator_does_not_read_the_trail() {
    let app = TestApp::new().await;
    for role in ["viewer", "operator"] {
        let reader = app.role(role).await;
        reader.get(AUDIT).await.assert_error(403, "FORBIDDEN");
        reader
            .get("/api/v1/audit/export")
            .await
            .assert_error(403, "FORBIDDEN");
    }
    assert_eq!(app.role("admin").await.get(AUDIT).await.status, 200);
}

#[tokio::test]
async fn the_trail_is_read_in_pages() {
    let app = with_trail().await;
    let acts = app.all("/api/v1/audit?limit=1", "act").await;
    assert_eq!(acts, ["webhook.revoke", "webhook.create", "token.create"]);
    assert_eq!(app.all("/api/v1/audit?limit=2", "act").await, acts);
    let full = app.get("/api/v1/audit?limit=3").await.data();
    assert!(full["next"].is_null(), "{full}");
}

#[tokio::test]
async fn the_trail_is_filtered() {
    let app = with_trail().await;
    let handle = app.get("/api/v1/webhooks").await.column("handle").remove(0);
    for (query, acts) in [
        (
            "act=webhook".to_owned(),
            &["webhook.revoke", "webhook.create"][..],
        ),
        ("act=webhook.create".to_owned(), &["webhook.create"]),
        ("act=member".to_owned(), &[]),
        ("actor=command-line".to_owned(), &["token.create"]),
        (
            "actor=token:owner".to_owned(),
            &["webhook.revoke", "webhook.create"],
        ),
        ("actor=OWNER&act=webhook.revoke".to_owned(), &["webhook.revoke"]),
        ("subject=disk".to_owned(), &["webhook.revoke", "webhook.create"]),
        (format!("subject={handle}"), &["webhook.revoke", "webhook.create"]),
        (
            "from=2023-11-14T22:14:20Z".to_owned(),
            &["webhook.revoke", "webhook.create"],
        ),
        ("to=2023-11-14T22:14:20Z".to_owned(), &["token.create"]),
    ] {
        let found = app.get(&format!("{AUDIT}?{query}")).await;
        assert_eq!(found.column("act"), acts, "{query}");
    }
}

#[tokio::test]
async fn a_filter_without_a_meaning_is_reported() {
    let app = with_trail().await;
    for (query, field) in [
        ("act=webhok", "act"),
        ("actor=nobody", "actor"),
        ("subject=nothing", "subject"),
        ("from=yesterday", "from"),
        ("from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z", "to"),
        ("who=owner", "who"),
    ] {
        app.get(&format!("{AUDIT}?{query}"))
            .await
            .assert_invalid(&[field]);
        app.get(&format!("{AUDIT}/export?{query}"))
            .await
            .assert_invalid(&[field]);
    }
    for (query, field) in [
        ("limit=0", "limit"),
        ("cursor=0", "cursor"),
        ("cursor=x", "cursor"),
    ] {
        app.get(&format!("{AUDIT}?{query}"))
            .await
            .assert_invalid(&[field]);
    }
}

#[tokio::test]
async fn the_trail_is_exported_as_a_file() {
    let app = with_trail().await;
    let csv = app.get("/api/v1/audit/export?act=webhook").await;
    assert_eq!(
        (csv.status, csv.header("content-type")),
        (200, "text/csv; charset=utf-8")
    );
    assert!(
        csv.body.starts_with("id,at,actor_kind,") && csv.body.lines().count() == 3,
        "{}",
        csv.body
    );
    let lines = app
        .get("/api/v1/audit/export?format=ndjson&act=webhook.create")
        .await;
    assert_eq!(lines.json()["act"], "webhook.create");
    app.get("/api/v1/audit/export?format=xml")
        .await
        .assert_invalid(&["format"]);
}

#[tokio::test]
async fn an_export_is_on_the_trail_with_its_filter() {
    let app = with_trail().await;
    app.get("/api/v1/audit/export?act=webhook&actor=owner").await;
    let entry = app.get("/api/v1/audit?act=audit").await.data()["items"][0].clone();
    assert_eq!(entry["act"], "audit.export");
    assert_eq!(
        entry["after"],
        json!({"act": "webhook", "actor": "owner", "format": "csv"})
    );
}
