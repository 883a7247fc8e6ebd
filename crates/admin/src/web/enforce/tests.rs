//! From observe to enforce mode, in the console.

use std::time::Duration;

use serde_json::json;

use crate::tests::test_app::{TestApp, TestWebhook};

/// An app whose webhook observes, and has accepted two deliveries that its allowlist would refuse.
async fn observing() -> (TestApp, TestWebhook, String) {
    let app = TestApp::new().await;
    let new = json!({"name": "hook", "allowlist": ["198.51.100.1"], "allowlist_mode": "observe"});
    let webhook = app.webhook_like(&new).await;
    for _ in 0..2 {
        app.deliver(&webhook, &json!({"title": "t"})).await.data();
    }
    app.clock.advance(Duration::from_mins(1));
    let path = format!("/webhooks/{}", webhook.handle);
    (app, webhook, path)
}

#[tokio::test]
async fn the_question_tells_who_would_be_refused() {
    let (app, webhook, path) = observing().await;
    let visitor = app.visitor("admin").await;
    let effect = "of 1 sender, 1 would be refused (2 of 2 deliveries).";
    visitor
        .get(&path)
        .await
        .assert_page(200, &["Observing for ", effect, "/enforce"]);
    visitor
        .get(&format!("{path}/enforce"))
        .await
        .assert_page(200, &["Enforce the allowlist?", effect]);
    assert_eq!(
        app.deliver(&webhook, &json!({"title": "t"})).await.status,
        201,
        "a question changes nothing"
    );
}

#[tokio::test]
async fn an_enforced_allowlist_refuses() {
    let (app, webhook, path) = observing().await;
    let visitor = app.visitor("admin").await;
    let done = visitor
        .submit(&format!("{path}/enforce"), &[("revision", "1")])
        .await;
    done.assert_redirect(&format!("{path}?done=enforced"));
    app.deliver(&webhook, &json!({"title": "t"}))
        .await
        .assert_error(403, "IP_NOT_ALLOWED");
    assert!(!visitor.page(&path).await.contains("Observing for"));
    visitor
        .get(&format!("{path}/enforce"))
        .await
        .assert_redirect(&path);
}

#[tokio::test]
async fn the_question_is_asked_again_if_the_webhook_has_changed() {
    let (app, webhook, path) = observing().await;
    let visitor = app.visitor("admin").await;
    let change = json!({"rotation_days": 30});
    app.with("if-match", "*")
        .patch(&webhook.path(""), &change)
        .await
        .data();
    let stale = visitor
        .submit(&format!("{path}/enforce"), &[("revision", "1")])
        .await;
    stale.assert_page(200, &["Enforce the allowlist?", "name=\"revision\" value=\"2\""]);
    assert_eq!(
        app.get(&webhook.path("")).await.data()["allowlist_mode"],
        "observe"
    );
}

#[tokio::test]
async fn enforcing_takes_an_admin() {
    let (app, webhook, path) = observing().await;
    let visitor = app.visitor("operator").await;
    let page = visitor.page(&path).await;
    assert!(
        page.contains("Observing for") && !page.contains("/enforce"),
        "{page}"
    );
    let form = format!("{path}/enforce");
    let answers = [
        visitor.get(&form).await,
        visitor.submit(&form, &[("revision", "1")]).await,
    ];
    for answer in answers {
        answer.assert_page(403, &["You need the admin role for this."]);
    }
    assert_eq!(
        app.get(&webhook.path("")).await.data()["allowlist_mode"],
        "observe"
    );
}
