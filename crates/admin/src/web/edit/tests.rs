//! The form of a webhook, its preview, and the suggestion of an allowlist.

use serde_json::{Value, json};

use crate::tests::test_app::visitor::{TestVisitor, webhook_form};
use crate::tests::test_app::{TestApp, TestWebhook};

/// An app with a webhook that has accepted a delivery, an admin, and the path of the webhook's page.
async fn with_admin() -> (TestApp, TestVisitor, TestWebhook, String) {
    let app = TestApp::new().await;
    let webhook = app.webhook("disk").await;
    app.deliver(&webhook, &json!({"title": "t"})).await.data();
    let path = format!("/webhooks/{}", webhook.handle);
    (app.clone(), app.visitor("admin").await, webhook, path)
}

#[tokio::test]
async fn the_form_has_the_values_of_the_webhook() {
    let app = TestApp::new().await;
    let new = json!({"name": "disk", "allowlist": ["192.0.2.0/24"], "per_minute": 60});
    let path = format!("/webhooks/{}/edit", app.webhook_like(&new).await.handle);
    let page = app.visitor("admin").await.get(&path).await;
    page.assert_page(
        200,
        &["value=\"disk\"", ">192.0.2.0/24</textarea>", "value=\"60\""],
    );
}

#[tokio::test]
async fn an_address_is_added_to_a_list_and_never_to_none() {
    let (app, visitor, _, path) = with_admin().await;
    let page = visitor.page(&format!("{path}/edit?add=203.0.113.9")).await;
    assert!(
        !page.contains("203.0.113.9"),
        "one entry would refuse all others: {page}"
    );
    let new = json!({"name": "cpu", "allowlist": ["192.0.2.0/24"]});
    let path = format!(
        "/webhooks/{}/edit?add=203.0.113.9",
        app.webhook_like(&new).await.handle
    );
    visitor
        .get(&path)
        .await
        .assert_page(200, &[">192.0.2.0/24\n203.0.113.9</textarea>"]);
}

#[tokio::test]
async fn a_saved_form_changes_the_webhook() {
    let (app, visitor, webhook, path) = with_admin().await;
    let form = webhook_form(&[
        ("name", "cpu"),
        ("allowlist", "192.0.2.0/24\r\n198.51.100.7 # backup"),
        ("observe", "on"),
        ("per_minute", "60"),
        ("overload", "postpone"),
        ("rotation_days", ""),
    ]);
    let saved = visitor.submit(&format!("{path}/edit"), &form).await;
    saved.assert_redirect(&format!("{path}?done=edited"));
    let shown = app.get(&webhook.path("")).await.data();
    for (field, value) in [
        ("name", json!("cpu")),
        ("allowlist", json!(["192.0.2.0/24", "198.51.100.7/32"])),
        ("allowlist_mode", json!("observe")),
        ("per_minute", json!(60)),
        ("overload", json!(503)),
        ("rotation_days", Value::Null),
        ("revision", json!(2)),
    ] {
        assert_eq!(shown[field], value, "{field}");
    }
}

#[tokio::test]
async fn a_form_with_a_problem_is_shown_as_it_was_typed() {
    let (app, visitor, webhook, path) = with_admin().await;
    for (field, value) in [
        ("name", ""),
        ("allowlist", "192.0.2.1/24"),
        ("allowlist", "@nobody"),
        ("body_bytes", "many"),
        ("per_minute", "0"),
        ("rotation_days", "0"),
    ] {
        let answer = visitor
            .submit(&format!("{path}/edit"), &webhook_form(&[(field, value)]))
            .await;
        answer.assert_page(422, &["aria-invalid=\"true\"", value]);
    }
    assert_eq!(app.get(&webhook.path("")).await.data()["revision"], 1);
}

#[tokio::test]
async fn a_preview_tells_who_would_be_refused_and_saves_nothing() {
    let (app, visitor, webhook, path) = with_admin().await;
    let form = webhook_form(&[("allowlist", "198.51.100.0/24")]);
    let preview = visitor.submit(&format!("{path}/preview"), &form).await;
    preview.assert_page(200, &["192.0.2.1", ">198.51.100.0/24</textarea>", "<form"]);
    let script = visitor.with("x-fragment", "1");
    let part = script.submit(&format!("{path}/preview"), &form).await;
    part.assert_page(200, &["192.0.2.1"]);
    assert!(!part.body.contains("<form"), "a part of the page: {part:?}");
    let days = [&form[..], &[("days", "8")]].concat();
    assert_eq!(
        visitor.submit(&format!("{path}/preview"), &days).await.status,
        422
    );
    assert_eq!(app.get(&webhook.path("")).await.data()["revision"], 1);
}

#[tokio::test]
async fn a_suggestion_is_in_the_form_and_not_saved() {
    let (app, visitor, webhook, path) = with_admin().await;
    let suggested = visitor
        .submit(&format!("{path}/suggest"), &webhook_form(&[]))
        .await;
    suggested.assert_page(200, &[">192.0.2.1</textarea>", "1 address"]);
    assert_eq!(app.get(&webhook.path("")).await.data()["allowlist"], Value::Null);
}

#[tokio::test]
async fn an_operator_edits_nothing() {
    let (app, _, _, path) = with_admin().await;
    let visitor = app.visitor("operator").await;
    visitor
        .get(&format!("{path}/edit"))
        .await
        .assert_page(403, &["You need the admin role for this."]);
    for name in ["edit", "preview", "suggest"] {
        let answer = visitor
            .submit(&format!("{path}/{name}"), &webhook_form(&[]))
            .await;
        answer.assert_page(403, &["You need the admin role for this."]);
    }
}

#[tokio::test]
async fn an_absent_or_revoked_webhook_is_not_edited() {
    let (app, visitor, webhook, path) = with_admin().await;
    for name in ["edit", "preview", "suggest"] {
        let answer = visitor
            .submit(&format!("/webhooks/nobody/{name}"), &webhook_form(&[]))
            .await;
        answer.assert_page(404, &["There is no such webhook."]);
    }
    app.post(&webhook.path("revoke"), &json!({})).await.data();
    let answer = visitor
        .submit(&format!("{path}/edit"), &webhook_form(&[("revision", "2")]))
        .await;
    answer.assert_page(410, &["Webhook has been revoked."]);
}
