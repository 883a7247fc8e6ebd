//! The page of one webhook.

use std::time::Duration;

use serde_json::json;

use crate::tests::test_app::TestApp;

#[tokio::test]
async fn what_comes_to_a_dead_url_is_told_with_since_when() {
    let app = TestApp::new().await;
    let (visitor, old) = (app.visitor("viewer").await, app.webhook("hook").await);
    let (page, payload) = (format!("/webhooks/{}", old.handle), json!({"title": "t"}));
    app.deliver(&old, &payload).await.data();
    let shown = app.get(&old.path("")).await.data();
    assert!(
        shown["revoked_at"].is_null() && shown.get("retired_url_use").is_none(),
        "{shown}"
    );

    app.clock.advance(Duration::from_secs(1));
    let fresh = app.post(&old.path("regenerate"), &json!({})).await.data();
    let fresh = fresh["url"].as_str().expect("a URL");
    app.deliver_text(fresh, r#"{"title":"t"}"#).await.data();
    for _ in 0..2 {
        app.deliver(&old, &payload)
            .await
            .assert_error(410, "WEBHOOK_REVOKED");
    }
    let shown = app.get(&old.path("")).await.data();
    let used = &shown["retired_url_use"];
    assert_eq!(
        (&used["accepted"], &used["refused"], &used["complete"]),
        (&json!(0), &json!(2), &json!(true))
    );
    assert!(
        used["since"] == shown["issued_at"] && used["last_at"].is_string(),
        "{shown}"
    );
    visitor.get(&page).await.assert_page(
        200,
        &["Old URLs are still in use: 2 deliveries to them refused since"],
    );

    app.clock.advance(Duration::from_secs(1));
    app.post(&old.path("revoke"), &json!({})).await.data();
    visitor
        .get(&page)
        .await
        .assert_page(200, &["Since then: accepted 0, refused 0."]);
    app.deliver_text(fresh, r#"{"title":"t"}"#)
        .await
        .assert_error(410, "WEBHOOK_REVOKED");
    let shown = app.get(&old.path("")).await.data();
    let used = &shown["retired_url_use"];
    assert_eq!(
        (&used["refused"], &used["since"]),
        (&json!(1), &shown["revoked_at"])
    );
    visitor
        .get(&page)
        .await
        .assert_page(200, &["Since then: accepted 0, refused 1 (last at "]);
}
