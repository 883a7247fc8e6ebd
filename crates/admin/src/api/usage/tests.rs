//! The usage of a webhook, and allowlists compared with it.

use serde_json::{Value, json};

use crate::tests::test_app::{TestApp, TestWebhook};

/// An app whose webhook has accepted two deliveries and refused one.
async fn with_usage() -> (TestApp, TestWebhook) {
    let app = TestApp::new().await;
    let webhook = app.webhook("disk").await;
    for title in ["a", "b"] {
        app.deliver(&webhook, &json!({"title": title})).await.data();
    }
    app.deliver_text(&webhook.url, "{")
        .await
        .assert_error(400, "INVALID_JSON");
    (app, webhook)
}

#[tokio::test]
async fn usage_counts_deliveries_and_sources() {
    let (app, webhook) = with_usage().await;
    let usage = app.role("viewer").await.get(&webhook.path("usage")).await.data();
    assert_eq!(
        (&usage["webhook"], &usage["range"]),
        (&json!(webhook.handle), &json!("24h"))
    );
    assert_eq!(
        usage["totals"],
        json!({"accepted": 2, "refused": {"INVALID_JSON": 1}})
    );
    let source = &usage["sources"][0];
    assert_eq!(
        (&source["source"], &source["accepted"], &source["refused"]),
        (&json!("192.0.2.1"), &json!(2), &json!(1))
    );
    assert_eq!(source["refused_by"], json!({"INVALID_JSON": 1}));
}

#[tokio::test]
async fn each_range_has_its_buckets() {
    let (app, webhook) = with_usage().await;
    for range in ["1h", "24h", "7d", "30d"] {
        let usage = app
            .get(&format!("{}?range={range}", webhook.path("usage")))
            .await
            .data();
        let buckets = usage["buckets"].as_array().expect("buckets");
        let accepted = buckets.iter().filter_map(|bucket| bucket["accepted"].as_u64());
        assert_eq!((&usage["range"], accepted.sum()), (&json!(range), 2_u64));
    }
}

#[tokio::test]
async fn an_invalid_range_is_reported() {
    let (app, webhook) = with_usage().await;
    for (query, field) in [("range=1d", "range"), ("range=", "range"), ("rang=1h", "rang")] {
        let answer = app.get(&format!("{}?{query}", webhook.path("usage"))).await;
        answer.assert_invalid(&[field]);
    }
}

#[tokio::test]
async fn an_absent_webhook_is_not_found() {
    let app = TestApp::new().await;
    for handle in ["nobody", "hk_01hf7yat000000000000000000"] {
        let path = format!("/api/v1/webhooks/{handle}");
        app.get(&format!("{path}/usage"))
            .await
            .assert_error(404, "NOT_FOUND");
        app.get(&format!("{path}/allowlist/suggestion"))
            .await
            .assert_error(404, "NOT_FOUND");
        let answer = app.post(&format!("{path}/allowlist/preview"), &json!({})).await;
        answer.assert_error(404, "NOT_FOUND");
    }
}

#[tokio::test]
async fn the_senders_of_the_last_days_are_suggested() {
    let (app, webhook) = with_usage().await;
    let suggestion = app.get(&webhook.path("allowlist/suggestion")).await.data();
    assert_eq!(
        (&suggestion["allowlist"], &suggestion["widths"]),
        (&json!(["192.0.2.1"]), &json!(["1 address"]))
    );
    assert_eq!(
        (&suggestion["senders"], &suggestion["other_sources"]),
        (&json!(1), &json!(0))
    );
    let answer = app
        .get(&format!("{}?days=7", webhook.path("allowlist/suggestion")))
        .await;
    answer.assert_invalid(&["days"]);
}

#[tokio::test]
async fn an_operator_compares_no_allowlists() {
    let (app, webhook) = with_usage().await;
    let operator = app.role("operator").await;
    let answer = operator.get(&webhook.path("allowlist/suggestion")).await;
    answer.assert_error(403, "FORBIDDEN");
    let answer = operator
        .post(&webhook.path("allowlist/preview"), &json!({}))
        .await;
    answer.assert_error(403, "FORBIDDEN");
}

#[tokio::test]
async fn a_preview_tells_which_senders_would_stop() {
    let (app, webhook) = with_usage().await;
    let preview = async |body: Value| app.post(&webhook.path("allowlist/preview"), &body).await.data();
    let other = preview(json!({"allowlist": ["198.51.100.0/24"]})).await;
    assert_eq!(other["would_stop"], json!({"senders": 1, "deliveries": 2}));
    assert_eq!(other["senders"][0]["passes_then"], false);
    for allowlist in [json!(["192.0.2.0/24"]), Value::Null] {
        let same = preview(json!({"allowlist": allowlist, "days": 30})).await;
        assert_eq!(
            (&same["would_stop"]["senders"], &same["days"]),
            (&json!(0), &json!(30))
        );
    }
    assert!(app.get(&webhook.path("")).await.data()["allowlist"].is_null());
}

#[tokio::test]
async fn a_preview_warns_of_wide_entries() {
    let (app, webhook) = with_usage().await;
    let wide = json!({"allowlist": ["0.0.0.0/0"]});
    let preview = app.post(&webhook.path("allowlist/preview"), &wide).await.data();
    assert_eq!(preview["warnings"][0], "0.0.0.0/0 allows every IPv4 address");
}

#[tokio::test]
async fn an_invalid_proposal_is_reported() {
    let (app, webhook) = with_usage().await;
    for (proposal, field) in [
        (json!({"allowlist": ["192.0.2.1/24"]}), "allowlist"),
        (json!({"allowlist": ["@nobody"]}), "allowlist"),
        (json!({"allowlist": []}), "allowlist"),
        (json!({"allowlist": null, "days": 8}), "days"),
        (json!({"allow": null}), "body"),
    ] {
        let answer = app.post(&webhook.path("allowlist/preview"), &proposal).await;
        answer.assert_invalid(&[field]);
    }
}
