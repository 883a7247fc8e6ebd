//! Networks of a set compared with the deliveries of the last days.

use serde_json::json;

use crate::tests::test_app::TestApp;

const PREVIEW: &str = "/api/v1/address-sets/office/preview";

/// An app with the set `office`, and a webhook that it let a delivery through to.
async fn with_senders() -> TestApp {
    let app = TestApp::new().await;
    let new = json!({"name": "office", "networks": ["192.0.2.0/24", "198.51.100.0/24"]});
    app.post("/api/v1/address-sets", &new).await.data();
    let webhook = app
        .webhook_like(&json!({"name": "disk", "allowlist": ["@office"]}))
        .await;
    app.deliver(&webhook, &json!({"title": "t"})).await.data();
    app
}

#[tokio::test]
async fn a_preview_tells_which_senders_would_stop() {
    let app = with_senders().await;
    let proposal = json!({"networks": ["198.51.100.0/24"], "days": 30});
    let preview = app.post(PREVIEW, &proposal).await.data();
    let webhook = &preview["webhooks"][0];
    assert_eq!(
        (&preview["all_webhooks"], &webhook["name"]),
        (&json!(1), &json!("disk"))
    );
    assert_eq!(
        (
            &webhook["preview"]["would_stop"]["senders"],
            &webhook["preview"]["days"]
        ),
        (&json!(1), &json!(30))
    );
    assert_eq!(app.get("/api/v1/address-sets/office").await.data()["version"], 1);
}

#[tokio::test]
async fn networks_that_keep_the_senders_stop_none() {
    let app = with_senders().await;
    let preview = app
        .post(PREVIEW, &json!({"networks": ["192.0.2.1"]}))
        .await
        .data();
    let preview = &preview["webhooks"][0]["preview"];
    assert_eq!(
        (&preview["would_stop"]["senders"], &preview["days"]),
        (&json!(0), &json!(7))
    );
}

#[tokio::test]
async fn an_invalid_proposal_is_reported() {
    let app = with_senders().await;
    for (proposal, field) in [
        (json!({"networks": []}), "networks"),
        (json!({"networks": ["192.0.2.1/24"]}), "networks"),
        (json!({"networks": ["192.0.2.1"], "days": 8}), "days"),
        // No version is pending, so there is nothing to preview.
        (json!({}), "networks"),
        (json!({"network": []}), "body"),
    ] {
        app.post(PREVIEW, &proposal).await.assert_invalid(&[field]);
    }
}

#[tokio::test]
async fn an_operator_previews_nothing() {
    let app = with_senders().await;
    let answer = app
        .role("operator")
        .await
        .post(PREVIEW, &json!({"networks": ["192.0.2.1"]}))
        .await;
    answer.assert_error(403, "FORBIDDEN");
}

#[tokio::test]
async fn an_absent_set_is_not_found() {
    let app = TestApp::new().await;
    for name in ["home", "Not-a-Name"] {
        let path = format!("/api/v1/address-sets/{name}/preview");
        let answer = app.post(&path, &json!({"networks": ["192.0.2.1"]})).await;
        answer.assert_error(404, "NOT_FOUND");
    }
}
