//! The list of deliveries, its pages and filters, and the page of one delivery.

use serde_json::{Value, json};

use crate::tests::test_app::{TestApp, TestWebhook};

/// An app with an accepted and a refused delivery.
async fn with_deliveries() -> (TestApp, TestWebhook) {
    let app = TestApp::new().await;
    let webhook = app.webhook("disk").await;
    app.deliver(&webhook, &json!({"title": "Disk full"})).await.data();
    app.deliver_text(&webhook.url, "{")
        .await
        .assert_error(400, "INVALID_JSON");
    (app, webhook)
}

/// Path of the page of a delivery with this outcome.
async fn page_of(app: &TestApp, outcome: &str) -> String {
    let found = app.get(&format!("/api/v1/deliveries?outcome={outcome}")).await;
    format!("/deliveries/{}", found.column("id")[0])
}

/// The deliveries of a list, in its order.
fn ids(page: &str) -> Vec<String> {
    let links = page.split("href=\"/deliveries/").skip(1);
    links
        .map(|rest| rest.split('"').next().expect("an ID").to_owned())
        .collect()
}

/// Target of the link with this text.
fn link(page: &str, name: &str) -> Option<String> {
    let (before, _) = page.split_once(&format!(">{name}</a>"))?;
    let (_, href) = before.rsplit_once("href=\"")?;
    Some(href.split('"').next()?.replace("&amp;", "&"))
}

#[tokio::test]
async fn the_list_has_every_delivery() {
    let (app, _) = with_deliveries().await;
    let page = app.visitor("viewer").await.get("/logs").await;
    page.assert_page(200, &["INVALID_JSON", "INC-1", "192.0.2.1"]);
    assert_eq!(ids(&page.body).len(), 2);
}

#[tokio::test]
async fn a_delivery_and_its_incidents_lead_to_each_other() {
    let (app, webhook) = with_deliveries().await;
    let delivery = app.change_incidents(&webhook, &["a", "b"]).await;
    let visitor = app.visitor("viewer").await;
    let page = visitor.page(&format!("/deliveries/{delivery}")).await;
    assert!(page.contains("it opened or updated 2 incidents:"), "{page}");
    for incident in ["INC-2", "INC-3"] {
        assert!(
            page.contains(&format!("href=\"/incidents/{incident}\"")),
            "{page}"
        );
        let incident = visitor.page(&format!("/incidents/{incident}")).await;
        assert!(ids(&incident).contains(&delivery.to_string()), "{incident}");
    }
}

#[tokio::test]
async fn the_list_is_filtered() {
    let (app, webhook) = with_deliveries().await;
    let visitor = app.visitor("viewer").await;
    for (query, count) in [
        (format!("webhook={}", webhook.handle), 2),
        ("outcome=refused".to_owned(), 1),
        ("code=IP_NOT_ALLOWED".to_owned(), 0),
        ("source=192.0.2.0/24&outcome=accepted".to_owned(), 1),
    ] {
        let page = visitor.page(&format!("/logs?{query}")).await;
        assert_eq!(ids(&page).len(), count, "{query}");
    }
    visitor
        .get("/logs?outcome=refused&code=IP_NOT_ALLOWED")
        .await
        .assert_page(200, &["No matching deliveries."]);
}

#[tokio::test]
async fn an_invalid_filter_is_named_and_shows_nothing() {
    let (app, _) = with_deliveries().await;
    let visitor = app.visitor("viewer").await;
    for query in ["source=10.0.0.1/8", "from=yesterday", "request_id=1"] {
        let page = visitor.page(&format!("/logs?{query}")).await;
        assert!(
            page.contains("aria-invalid=\"true\"") && ids(&page).is_empty(),
            "{query}: {page}"
        );
    }
    let page = visitor.page("/logs?utm_source=mail").await;
    assert_eq!(ids(&page).len(), 2);
}

#[tokio::test]
async fn pages_stay_where_they_are_while_deliveries_arrive() {
    let app = TestApp::new().await;
    let webhook = app.webhook("disk").await;
    let deliver = async |count: usize| {
        for _ in 0..count {
            app.deliver(&webhook, &json!({"title": "a"})).await.data();
        }
    };
    let all = async || app.all("/api/v1/deliveries?limit=200", "id").await;
    deliver(120).await;
    let (expected, visitor) = (all().await, app.visitor("viewer").await);
    let first = visitor.page("/logs").await;
    assert_eq!(
        (ids(&first), link(&first, "← Newer")),
        (expected[..50].to_vec(), None)
    );
    deliver(3).await;
    let second = visitor.page(&link(&first, "Older →").expect("a link")).await;
    assert_eq!(ids(&second), expected[50..100]);
    let third = visitor.page(&link(&second, "Older →").expect("a link")).await;
    assert_eq!(
        (ids(&third), link(&third, "Older →")),
        (expected[100..].to_vec(), None)
    );
    let back = visitor.page(&link(&third, "← Newer").expect("a link")).await;
    assert_eq!(ids(&back), expected[50..100]);
    // Three newer deliveries are fewer than a page, so the newest page is filled up with older ones.
    let back = visitor.page(&link(&back, "← Newer").expect("a link")).await;
    assert_eq!(ids(&back), expected[..50]);
    let newest = visitor.page(&link(&back, "← Newer").expect("a link")).await;
    assert_eq!(
        (ids(&newest), link(&newest, "← Newer")),
        (all().await[..50].to_vec(), None)
    );
}

#[tokio::test]
async fn an_accepted_delivery_is_shown_with_request_and_response() {
    let (app, _) = with_deliveries().await;
    let page = app
        .visitor("operator")
        .await
        .get(&page_of(&app, "accepted").await)
        .await;
    page.assert_page(
        200,
        &[
            "Disk full",
            "content-type",
            "Status <strong>201</strong>",
            "X-Request-Id",
        ],
    );
}

#[tokio::test]
async fn a_refused_delivery_is_shown_with_the_reason() {
    let (app, _) = with_deliveries().await;
    let page = app
        .visitor("operator")
        .await
        .get(&page_of(&app, "refused").await)
        .await;
    page.assert_page(200, &["<code>INVALID_JSON</code>", "Status <strong>400</strong>"]);
}

#[tokio::test]
async fn a_viewer_sees_neither_payload_nor_headers() {
    let (app, _) = with_deliveries().await;
    let page = app
        .visitor("viewer")
        .await
        .get(&page_of(&app, "accepted").await)
        .await;
    page.assert_page(
        200,
        &["Viewers do not see payloads.", "Viewers do not see headers."],
    );
    assert!(!page.body.contains("Disk full"), "{}", page.body);
}

#[tokio::test]
async fn an_absent_delivery_is_not_found() {
    let visitor = TestApp::new().await.visitor("viewer").await;
    for id in ["x", "dlv_000000000001a"] {
        visitor
            .get(&format!("/deliveries/{id}"))
            .await
            .assert_page(404, &["There is no such delivery."]);
    }
}

#[tokio::test]
async fn the_list_is_exported_as_it_is_filtered() {
    let (app, _) = with_deliveries().await;
    let visitor = app.visitor("viewer").await;
    let file = visitor.get("/logs/export?outcome=refused").await;
    assert_eq!(
        (file.status, file.header("content-type")),
        (200, "text/csv; charset=utf-8")
    );
    assert_eq!(file.body.lines().count(), 2, "{}", file.body);
    let file = visitor.get("/logs/export?outcome=accepted&format=ndjson").await;
    assert_eq!(file.json()["payload"], Value::Null);
}

#[tokio::test]
async fn a_file_is_never_wider_than_its_filter() {
    let (app, webhook) = with_deliveries().await;
    let visitor = app.visitor("viewer").await;
    for path in [
        "/logs/export?source=10.0.0.1/8".to_owned(),
        "/logs/export?format=xml".to_owned(),
        "/logs/live?from=yesterday".to_owned(),
        format!("/webhooks/{}/live?code=x", webhook.handle),
    ] {
        assert_eq!(visitor.get(&path).await.status, 422, "{path}");
    }
    assert_eq!(visitor.get("/webhooks/nobody/live").await.status, 404);
}
