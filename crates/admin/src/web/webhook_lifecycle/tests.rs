//! URLs from creation to revocation, in the console.

use serde_json::json;

use crate::tests::test_app::visitor::webhook_form;
use crate::tests::test_app::{TestApp, TestWebhook};

/// The webhook URL on a page.
fn url_on(page: &str) -> &str {
    let start = page.find("https://localhost:8443/webhooks/").expect("a URL");
    page[start..]
        .split(['<', '"', '&', '\'', ' ', '\n'])
        .next()
        .expect("an end")
}

/// Path of a page of the webhook in the console.
fn page(webhook: &TestWebhook, name: &str) -> String {
    format!("/webhooks/{}/{name}", webhook.handle)
}

#[tokio::test]
async fn a_new_url_is_shown_once_and_works() {
    let app = TestApp::new().await;
    let visitor = app.visitor("admin").await;
    let made = visitor
        .submit("/webhooks", &webhook_form(&[("name", "disk")]))
        .await;
    let shown = visitor.follow(&made).await;
    assert_eq!(
        app.deliver_text(url_on(&shown), r#"{"title":"t"}"#).await.status,
        201
    );
    let later = visitor.page(made.header("location")).await;
    assert!(later.contains("The URL was shown once"), "{later}");
    assert!(!later.contains(url_on(&shown)), "{later}");
}

#[tokio::test]
async fn a_signing_secret_is_shown_beside_the_url() {
    let app = TestApp::new().await;
    let visitor = app.visitor("admin").await;
    let form = webhook_form(&[("signed", "on")]);
    let shown = visitor.follow(&visitor.submit("/webhooks", &form).await).await;
    assert!(
        shown.contains("Signing secret – shown only once") && shown.contains("whsec_"),
        "{shown}"
    );
}

#[tokio::test]
async fn a_form_with_a_problem_is_shown_as_it_was_typed() {
    let app = TestApp::new().await;
    let visitor = app.visitor("admin").await;
    for (field, value) in [
        ("name", ""),
        ("allowlist", "192.0.2.1/24"),
        ("allowlist", "@nobody"),
        ("body_bytes", "0"),
        ("per_minute", "0"),
        ("rotation_days", "0"),
    ] {
        let answer = visitor
            .submit("/webhooks", &webhook_form(&[(field, value)]))
            .await;
        answer.assert_page(422, &["aria-invalid=\"true\"", value]);
    }
    assert_eq!(app.get("/api/v1/webhooks").await.data()["items"], json!([]));
}

#[tokio::test]
async fn an_operator_changes_no_url() {
    let app = TestApp::new().await;
    let webhook = app.webhook("disk").await;
    let visitor = app.visitor("operator").await;
    let answers = [
        visitor.submit("/webhooks", &webhook_form(&[])).await,
        visitor.get(&page(&webhook, "regenerate")).await,
        visitor.submit(&page(&webhook, "regenerate"), &[]).await,
        visitor.get(&page(&webhook, "url")).await,
        visitor.get(&page(&webhook, "revoke")).await,
        visitor
            .submit(&page(&webhook, "revoke"), &[("name", "disk")])
            .await,
    ];
    for answer in answers {
        answer.assert_page(403, &["You need the admin role for this."]);
    }
}

#[tokio::test]
async fn a_regenerated_webhook_has_another_url() {
    let app = TestApp::new().await;
    let webhook = app.webhook("disk").await;
    app.deliver(&webhook, &json!({"title": "t"})).await.data();
    let visitor = app.visitor("admin").await;
    let question = visitor.get(&page(&webhook, "regenerate")).await;
    question.assert_page(200, &["stops working immediately", "1 delivery", "192.0.2.1"]);
    let made = visitor.submit(&page(&webhook, "regenerate"), &[]).await;
    let shown = visitor.follow(&made).await;
    assert!(shown.contains("The old URL no longer works."), "{shown}");
    assert_eq!(
        app.deliver_text(url_on(&shown), r#"{"title":"t"}"#).await.status,
        201
    );
    app.deliver(&webhook, &json!({"title": "t"}))
        .await
        .assert_error(410, "WEBHOOK_REVOKED");
}

#[tokio::test]
async fn a_webhook_is_revoked_when_its_name_was_typed() {
    let app = TestApp::new().await;
    let webhook = app.webhook("disk").await;
    let visitor = app.visitor("admin").await;
    let form = page(&webhook, "revoke");
    visitor
        .get(&form)
        .await
        .assert_page(200, &["Revoke <bdi>disk</bdi> permanently?"]);
    for fields in [&[("name", "Disk")][..], &[]] {
        let answer = visitor.submit(&form, fields).await;
        answer.assert_page(422, &["The name does not match. Type it exactly as shown."]);
    }
    assert_eq!(app.deliver(&webhook, &json!({"title": "t"})).await.status, 201);
    let revoked = visitor.submit(&form, &[("name", " disk ")]).await;
    revoked.assert_redirect(&format!("/webhooks/{}?done=revoked", webhook.handle));
    app.deliver(&webhook, &json!({"title": "t"}))
        .await
        .assert_error(410, "WEBHOOK_REVOKED");
    let again = visitor.submit(&form, &[("name", "disk")]).await;
    again.assert_page(410, &["Webhook has been revoked."]);
}

#[tokio::test]
async fn an_absent_webhook_is_not_found() {
    let visitor = TestApp::new().await.visitor("admin").await;
    for handle in ["nobody", "hk_01hf7yat000000000000000000"] {
        for name in ["regenerate", "revoke"] {
            let path = format!("/webhooks/{handle}/{name}");
            visitor
                .get(&path)
                .await
                .assert_page(404, &["There is no such webhook."]);
            assert_eq!(
                visitor.submit(&path, &[("name", "disk")]).await.status,
                404,
                "{path}"
            );
        }
        visitor
            .get(&format!("/webhooks/{handle}/url"))
            .await
            .assert_page(404, &["There is no such webhook."]);
    }
}
