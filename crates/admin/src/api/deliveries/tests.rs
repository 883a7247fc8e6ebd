//! Accepted and refused deliveries, one by one, in pages and as a file.

use std::time::Duration;

use serde_json::{Value, json};

use crate::tests::test_app::{TestApp, TestWebhook};

const DELIVERIES: &str = "/api/v1/deliveries";
const EXPORT: &str = "/api/v1/deliveries/export";

/// An app with an accepted delivery and, a minute later, a refused one.
async fn with_deliveries() -> (TestApp, TestWebhook) {
    let app = TestApp::new().await;
    let webhook = app.webhook("disk").await;
    app.deliver(&webhook, &json!({"title": "Disk full", "severity": "high"}))
        .await
        .data();
    app.clock.advance(Duration::from_mins(1));
    app.deliver_text(&webhook.url, "{")
        .await
        .assert_error(400, "INVALID_JSON");
    (app, webhook)
}

/// Path of the delivery with this outcome.
async fn path_of(app: &TestApp, outcome: &str) -> String {
    let found = app.get(&format!("{DELIVERIES}?outcome={outcome}")).await;
    format!("{DELIVERIES}/{}", found.column("id")[0])
}

#[tokio::test]
async fn an_accepted_delivery_has_its_payload_and_its_answer() {
    let (app, webhook) = with_deliveries().await;
    let operator = app.role("operator").await;
    let record = operator.get(&path_of(&app, "accepted").await).await.data();
    for (field, value) in [
        ("outcome", json!("accepted")),
        ("code", Value::Null),
        ("status", json!(201)),
        ("webhook", json!(webhook.handle)),
        ("webhook_name", json!("disk")),
        ("source", json!("192.0.2.1")),
        ("incident", json!("INC-1")),
        ("payload", json!({"title": "Disk full", "severity": "high"})),
        ("would_be_refused", json!(false)),
        ("count", json!(1)),
    ] {
        assert_eq!(record[field], value, "{field}");
    }
    assert_eq!(record["answer"]["body"]["data"]["incident"]["id"], "INC-1");
    assert_eq!(record["headers"][0], json!(["content-type", "application/json"]));
}

#[tokio::test]
async fn a_delivery_has_all_its_incidents() {
    let (app, webhook) = with_deliveries().await;
    let delivery = app.change_incidents(&webhook, &["a", "b"]).await;
    let record = app.get(&format!("{DELIVERIES}/{delivery}")).await.data();
    assert_eq!(
        (&record["incident"], &record["incidents"]),
        (&json!("INC-2"), &json!(["INC-2", "INC-3"]))
    );
    let answered = &record["answer"]["body"]["data"]["incidents"];
    assert_eq!(answered[1], json!({"id": "INC-3", "status": "open"}));
    let record = app.get(&path_of(&app, "refused").await).await.data();
    assert_eq!(record["incidents"], json!([]));
}

#[tokio::test]
async fn a_refused_delivery_has_its_code() {
    let (app, _) = with_deliveries().await;
    let record = app.get(&path_of(&app, "refused").await).await.data();
    assert_eq!(
        (&record["code"], &record["status"]),
        (&json!("INVALID_JSON"), &json!(400))
    );
    assert_eq!(record["answer"]["body"]["error"]["code"], "INVALID_JSON");
    assert_eq!(
        (&record["incident"], &record["payload"]),
        (&Value::Null, &json!("{"))
    );
}

#[tokio::test]
async fn a_viewer_sees_no_payload() {
    let (app, _) = with_deliveries().await;
    let viewer = app.role("viewer").await;
    let record = viewer.get(&path_of(&app, "accepted").await).await.data();
    assert_eq!(
        (&record["payload"], &record["no_payload"]),
        (&Value::Null, &json!("hidden"))
    );
    let list = viewer.get(DELIVERIES).await;
    assert_eq!(list.column("payload"), ["null", "null"]);
    assert!(app.get(DELIVERIES).await.body.contains("Disk full"));
}

#[tokio::test]
async fn an_absent_delivery_is_not_found() {
    let app = TestApp::new().await;
    for id in ["x", "1", "dlv_000000000001a"] {
        app.get(&format!("{DELIVERIES}/{id}"))
            .await
            .assert_error(404, "NOT_FOUND");
    }
}

#[tokio::test]
async fn deliveries_are_listed_newest_first_in_pages() {
    let app = TestApp::new().await;
    let webhook = app.webhook("disk").await;
    for title in ["a", "b", "c"] {
        app.deliver(&webhook, &json!({"title": title})).await.data();
    }
    assert_eq!(
        app.all("/api/v1/deliveries?limit=1", "incident").await,
        ["INC-3", "INC-2", "INC-1"]
    );
    let full = app.get("/api/v1/deliveries?limit=3").await.data();
    assert!(full["next"].is_null(), "{full}");
}

#[tokio::test]
async fn a_page_stays_as_it_is_if_deliveries_arrive_meanwhile() {
    let app = TestApp::new().await;
    let webhook = app.webhook("disk").await;
    for title in ["a", "b"] {
        app.deliver(&webhook, &json!({"title": title})).await.data();
    }
    let first = app.get("/api/v1/deliveries?limit=1").await.data();
    app.deliver(&webhook, &json!({"title": "c"})).await.data();
    let next = first["next"].as_str().expect("a cursor");
    let second = app.get(&format!("{DELIVERIES}?limit=1&cursor={next}")).await;
    assert_eq!(second.column("incident"), ["INC-1"]);
}

#[tokio::test]
async fn deliveries_are_filtered() {
    let (app, webhook) = with_deliveries().await;
    let request = app.get(DELIVERIES).await.column("request_id");
    let middle = "2023-11-14T22:13:50Z";
    for (query, outcomes) in [
        (
            format!("webhook={}", webhook.handle),
            &["refused", "accepted"][..],
        ),
        ("outcome=accepted".to_owned(), &["accepted"]),
        ("outcome=refused&code=INVALID_JSON".to_owned(), &["refused"]),
        ("code=IP_NOT_ALLOWED".to_owned(), &[]),
        ("would_be_refused=true".to_owned(), &[]),
        ("source=192.0.2.1".to_owned(), &["refused", "accepted"]),
        ("source=192.0.2.0/24&outcome=refused".to_owned(), &["refused"]),
        ("source=198.51.100.0/24".to_owned(), &[]),
        (format!("from={middle}"), &["refused"]),
        (format!("to={middle}"), &["accepted"]),
        (format!("request_id={}", request[1]), &["accepted"]),
    ] {
        let found = app.get(&format!("{DELIVERIES}?{query}")).await;
        assert_eq!(found.column("outcome"), outcomes, "{query}");
    }
}

#[tokio::test]
async fn an_observed_allowlist_marks_deliveries_that_it_would_refuse() {
    let app = TestApp::new().await;
    let new = json!({"name": "disk", "allowlist": ["198.51.100.0/24"], "allowlist_mode": "observe"});
    let webhook = app.webhook_like(&new).await;
    assert_eq!(app.deliver(&webhook, &json!({"title": "t"})).await.status, 201);
    let found = app.get("/api/v1/deliveries?would_be_refused=true").await;
    assert_eq!(found.column("outcome"), ["accepted"]);
}

#[tokio::test]
async fn an_invalid_parameter_is_reported() {
    let app = TestApp::new().await;
    for (query, field) in [
        ("webhook=disk", "webhook"),
        ("outcome=x", "outcome"),
        ("code=x", "code"),
        ("would_be_refused=false", "would_be_refused"),
        ("source=10.0.0.1/8", "source"),
        ("from=yesterday", "from"),
        ("to=2026", "to"),
        ("request_id=1", "request_id"),
        ("sourc=192.0.2.1", "sourc"),
    ] {
        app.get(&format!("{DELIVERIES}?{query}"))
            .await
            .assert_invalid(&[field]);
        app.get(&format!("{EXPORT}?{query}"))
            .await
            .assert_invalid(&[field]);
    }
    for (path, field) in [
        ("/api/v1/deliveries?limit=0", "limit"),
        ("/api/v1/deliveries?cursor=x", "cursor"),
        ("/api/v1/deliveries?format=csv", "format"),
        ("/api/v1/deliveries/export?format=xml", "format"),
        ("/api/v1/deliveries/export?limit=1", "limit"),
    ] {
        app.get(path).await.assert_invalid(&[field]);
    }
}

#[tokio::test]
async fn deliveries_are_exported_as_csv() {
    let (app, _) = with_deliveries().await;
    let file = app.role("viewer").await.get(EXPORT).await;
    assert_eq!(
        (file.status, file.header("content-type")),
        (200, "text/csv; charset=utf-8")
    );
    let name = "attachment; filename=\"hookgate-deliveries.csv\"";
    assert_eq!(file.header("content-disposition"), name);
    assert_eq!(file.body.lines().count(), 3, "{}", file.body);
    let excel = app.get(&format!("{EXPORT}?format=excel&outcome=accepted")).await;
    assert!(excel.body.starts_with('\u{feff}') && excel.body.lines().count() == 2);
}

#[tokio::test]
async fn an_export_has_payloads_for_those_who_may_see_them() {
    let (app, _) = with_deliveries().await;
    let path = format!("{EXPORT}?format=ndjson&outcome=accepted");
    let file = app.role("operator").await.get(&path).await;
    assert_eq!(file.json()["payload"]["title"], "Disk full");
    let file = app.role("viewer").await.get(&path).await;
    assert_eq!(file.json()["payload"], Value::Null);
}
