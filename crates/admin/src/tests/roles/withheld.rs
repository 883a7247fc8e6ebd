//! Data from senders is for operators: a marker in each part of a request, and no answer to a viewer that holds one.

use serde_json::{Value, json};

use super::maker::Maker;
use super::matrix::{API, CONSOLE, EVERYBODY};

/// A text that a viewer must not see. Title and service are shown to everybody.
const MARKER: &str = "withheldmarker";

const ACCEPTED: &str = r#"{
    "title": "Disk full", "service": "database", "description": "withheldmarker-description",
    "severity": "withheldmarkerword", "source_url": "https://withheldmarker.example/", "dedup_key": "withheldmarker-key",
    "metadata": {"withheldmarker-name": "withheldmarker-value"}, "other": "withheldmarker-other"
}"#;
const REFUSED: &str = r#"{"title": ["withheldmarker-title"], "withheldmarker-field": 1}"#;

async fn send(maker: &Maker, body: &str) -> Value {
    let headers = [
        ("x-sent", "withheldmarker-header"),
        ("referer", "https://withheldmarker.example/"),
    ];
    maker
        .app
        .deliver_with(&maker.webhook.url, &headers, body)
        .await
        .json()
}

/// Sends an accepted and a refused delivery. Returns the ID of the incident, and those of the deliveries.
async fn sent(maker: &Maker) -> (String, Vec<String>) {
    let accepted = send(maker, ACCEPTED).await;
    assert_eq!(accepted["success"], true, "{accepted}");
    assert_eq!(send(maker, REFUSED).await["success"], false);
    let incident = accepted["data"]["incident"]["id"].as_str().expect("an incident");
    let deliveries = maker.app.get("/api/v1/deliveries").await.column("id");
    assert_eq!(deliveries.len(), 2);
    (incident.to_owned(), deliveries)
}

#[tokio::test]
async fn a_viewer_sees_nothing_of_what_was_sent() {
    let maker = Maker::new().await;
    let (incident, deliveries) = sent(&maker).await;
    let handle = maker.webhook.handle.clone();
    let objects = |path: &str| -> Vec<String> {
        let Some((before, rest)) = path.split_once('{') else {
            return vec![path.to_owned()];
        };
        let after = rest.split_once('}').expect("an end").1;
        let objects = match before.trim_end_matches('/').rsplit('/').next() {
            Some("deliveries") => &deliveries[..],
            Some("incidents") => std::slice::from_ref(&incident),
            _ => std::slice::from_ref(&handle),
        };
        objects
            .iter()
            .map(|object| format!("{before}{object}{after}"))
            .collect()
    };
    let (viewer, operator) = (maker.app.role("viewer").await, maker.app.role("operator").await);
    let visitor = maker.app.visitor("viewer").await;
    let (mut seen, mut looked) = (0, 0);
    let read = API
        .iter()
        .chain(CONSOLE)
        .filter(|row| row.0 == "GET" && row.2 == EVERYBODY);
    for path in read
        .flat_map(|row| objects(row.1))
        .filter(|path| !path.ends_with("/live"))
    {
        let more = match &*path {
            "/api/v1/deliveries/export" | "/logs/export" => "?format=ndjson",
            "/search" => "?q=withheldmarker",
            "/incidents" => "?status=all",
            _ => "",
        };
        let path = format!("{path}{more}");
        let body = if path.starts_with("/api") {
            seen += usize::from(operator.get(&path).await.body.contains(MARKER));
            viewer.get(&path).await.body
        } else {
            visitor.get(&path).await.body
        };
        // The search box repeats what was typed into it.
        let body = body
            .replace("value=\"withheldmarker\"", "")
            .replace("<bdi>withheldmarker</bdi>", "");
        assert!(!body.contains(MARKER), "{path}: {body}");
        looked += 1;
    }
    assert!(looked > 20, "{looked}");
    assert!(seen >= 5, "an operator sees it: {seen}");

    let shown = viewer.get(&format!("/api/v1/incidents/{incident}")).await.data();
    let visible = (&shown["withheld"], &shown["title"], &shown["service"]);
    assert_eq!(visible, (&json!(true), &json!("Disk full"), &json!("database")));
    let page = visitor.get(&format!("/incidents/{incident}")).await;
    page.assert_page(200, &["Viewers do not see description"]);
    let whole = operator
        .get(&format!("/api/v1/incidents/{incident}"))
        .await
        .data();
    assert_eq!(whole["withheld"], Value::Null);
}

#[tokio::test]
async fn live_views_and_exports_show_a_viewer_nothing_of_what_was_sent() {
    let maker = Maker::new().await;
    let (visitor, operator) = (
        maker.app.visitor("viewer").await,
        maker.app.visitor("operator").await,
    );
    let handle = &maker.webhook.handle;
    let mut views = Vec::new();
    for path in [
        "/logs/live",
        &format!("/logs/live?webhook={handle}"),
        &format!("/webhooks/{handle}/live"),
    ] {
        let view = visitor.open(path).await;
        assert_eq!(view.head.status, 200, "{path}");
        views.push(view);
    }
    let (_, deliveries) = sent(&maker).await;
    for view in &mut views {
        let seen = view.read_until(&deliveries).await;
        assert!(!seen.contains(MARKER), "{seen}");
    }

    let viewer = maker.app.role("viewer").await;
    let (mut rows, mut seen) = (0, 0);
    for format in ["csv", "excel", "ndjson"] {
        for filter in ["", "&outcome=refused", "&outcome=accepted"] {
            let query = format!("export?format={format}{filter}");
            let path = format!("/logs/{query}");
            for answer in [
                visitor.get(&path).await,
                viewer.get(&format!("/api/v1/deliveries/{query}")).await,
            ] {
                assert_eq!(answer.status, 200, "{path}: {answer:?}");
                assert!(!answer.body.contains(MARKER), "{path}: {answer:?}");
                rows += deliveries
                    .iter()
                    .filter(|id| answer.body.contains(id.as_str()))
                    .count();
            }
            seen += usize::from(operator.page(&path).await.contains(MARKER));
        }
    }
    assert_eq!(rows, 24, "each export has its deliveries");
    assert!(seen >= 3, "an operator sees it: {seen}");
}
