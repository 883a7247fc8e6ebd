//! Incidents from opening to reopening, and their notes.

use std::time::Duration;

use serde_json::{Value, json};

use crate::tests::test_app::{TestApp, TestWebhook};

const INCIDENTS: &str = "/api/v1/incidents";
const FIRST: &str = "/api/v1/incidents/INC-1";
const NOTES: &str = "/api/v1/incidents/INC-1/notes";

/// An app with one open incident, and its webhook.
async fn with_incident() -> (TestApp, TestWebhook) {
    let app = TestApp::new().await;
    let webhook = app.webhook("disk").await;
    fire(&app, &webhook).await;
    (app, webhook)
}

async fn fire(app: &TestApp, webhook: &TestWebhook) -> Value {
    let payload =
        json!({"title": "Disk full", "severity": "high", "dedup_key": "disk", "description": "98 %"});
    app.deliver(webhook, &payload).await.data()
}

async fn set(app: &TestApp, status: &str) -> crate::tests::test_app::Answer {
    app.patch(FIRST, &json!({"status": status})).await
}

#[tokio::test]
async fn an_incident_has_the_fields_of_its_delivery() {
    let (app, webhook) = with_incident().await;
    let incident = app.get(FIRST).await.data();
    for (field, value) in [
        ("id", "INC-1"),
        ("title", "Disk full"),
        ("severity", "SEV1"),
        ("status", "open"),
        ("dedup_key", "disk"),
        ("description", "98 %"),
        ("webhook", &webhook.handle),
    ] {
        assert_eq!(incident[field], value, "{field}");
    }
    assert_eq!(
        (&incident["occurrences"], &incident["acknowledged_at"]),
        (&json!(1), &Value::Null)
    );
    assert_eq!(incident["timeline"][0]["kind"], "opened");
}

#[tokio::test]
async fn a_viewer_sees_the_title_and_no_other_text_of_the_sender() {
    let (app, _) = with_incident().await;
    let viewer = app.role("viewer").await;
    for incident in [
        viewer.get(FIRST).await.data(),
        viewer.get(INCIDENTS).await.data()["items"][0].clone(),
    ] {
        assert_eq!(
            (&incident["withheld"], &incident["title"]),
            (&json!(true), &json!("Disk full"))
        );
        assert_eq!(incident["description"], Value::Null);
    }
}

#[tokio::test]
async fn an_absent_incident_is_not_found() {
    let app = TestApp::new().await;
    for id in ["INC-1", "INC-0", "1", "inc"] {
        let path = format!("{INCIDENTS}/{id}");
        app.get(&path).await.assert_error(404, "NOT_FOUND");
        let answer = app.patch(&path, &json!({"status": "resolved"})).await;
        answer.assert_error(404, "NOT_FOUND");
        let answer = app.post(&format!("{path}/notes"), &json!({"text": "seen"})).await;
        answer.assert_error(404, "NOT_FOUND");
    }
}

#[tokio::test]
async fn incidents_are_listed_newest_first_in_pages() {
    let app = TestApp::new().await;
    let webhook = app.webhook("disk").await;
    for title in ["a", "b", "c"] {
        app.deliver(&webhook, &json!({"title": title})).await.data();
    }
    assert_eq!(
        app.all("/api/v1/incidents?limit=1", "title").await,
        ["c", "b", "a"]
    );
    let full = app.get("/api/v1/incidents?limit=3").await.data();
    assert!(full["next"].is_null(), "{full}");
}

#[tokio::test]
async fn incidents_are_filtered_by_status_and_webhook() {
    let (app, webhook) = with_incident().await;
    let other = app.webhook("cpu").await;
    app.deliver(&other, &json!({"title": "Load"})).await.data();
    set(&app, "resolved").await.data();
    for (query, titles) in [
        ("status=open".to_owned(), &["Load"][..]),
        ("status=resolved".to_owned(), &["Disk full"]),
        ("status=acknowledged".to_owned(), &[]),
        (format!("webhook={}", webhook.handle), &["Disk full"]),
        (format!("webhook={}&status=open", webhook.handle), &[]),
    ] {
        let found = app.get(&format!("{INCIDENTS}?{query}")).await;
        assert_eq!(found.column("title"), titles, "{query}");
    }
}

#[tokio::test]
async fn an_invalid_parameter_of_the_list_is_reported() {
    let app = TestApp::new().await;
    for (query, field) in [
        ("status=broken", "status"),
        ("webhook=disk", "webhook"),
        ("limit=0", "limit"),
        ("cursor=x", "cursor"),
        ("state=open", "state"),
    ] {
        app.get(&format!("{INCIDENTS}?{query}"))
            .await
            .assert_invalid(&[field]);
    }
}

#[tokio::test]
async fn an_operator_acknowledges_and_resolves() {
    let (app, _) = with_incident().await;
    let operator = app.role("operator").await;
    app.clock.advance(Duration::from_mins(1));
    let acknowledged = set(&operator, "acknowledged").await.data();
    assert_eq!(
        (&acknowledged["status"], &acknowledged["seconds_to_acknowledge"]),
        (&json!("acknowledged"), &json!(60))
    );
    app.clock.advance(Duration::from_mins(1));
    let resolved = set(&operator, "resolved").await.data();
    assert_eq!(
        (&resolved["status"], &resolved["seconds_to_resolve"]),
        (&json!("resolved"), &json!(120))
    );
    let record = app.get(FIRST).await.data();
    assert_eq!(record["timeline"][2]["actor"]["name"], "operator");
    assert_eq!(
        record["summary"],
        "Resolved after 2 min by operator (token), acknowledged after 1 min by operator (token)."
    );
}

#[tokio::test]
async fn a_viewer_changes_no_incident() {
    let (app, _) = with_incident().await;
    let viewer = app.role("viewer").await;
    set(&viewer, "resolved").await.assert_error(403, "FORBIDDEN");
    let note = viewer.post(NOTES, &json!({"text": "seen"})).await;
    note.assert_error(403, "FORBIDDEN");
    assert_eq!(app.get(FIRST).await.data()["status"], "open");
}

#[tokio::test]
async fn a_status_that_the_incident_has_already_is_a_conflict() {
    let (app, _) = with_incident().await;
    let conflict = async |status: &str, reason: &str| {
        let answer = set(&app, status).await;
        answer.assert_error(409, "CONFLICT");
        assert_eq!(answer.json()["error"]["details"], reason);
    };
    conflict("open", "the incident is not resolved").await;
    set(&app, "acknowledged").await.data();
    conflict("acknowledged", "the incident is already acknowledged").await;
    set(&app, "resolved").await.data();
    conflict("resolved", "the incident is already resolved").await;
    conflict("acknowledged", "the incident is already resolved").await;
}

#[tokio::test]
async fn an_incident_is_reopened_within_a_day() {
    let (app, _) = with_incident().await;
    set(&app, "resolved").await.data();
    app.clock.advance(Duration::from_hours(24));
    let reopened = set(&app, "open").await.data();
    assert_eq!(
        (&reopened["status"], &reopened["resolved_at"]),
        (&json!("open"), &Value::Null)
    );
    set(&app, "resolved").await.data();
    app.clock.advance(Duration::from_hours(25));
    set(&app, "open").await.assert_error(409, "CONFLICT");
}

#[tokio::test]
async fn an_incident_is_not_reopened_beside_another_with_its_dedup_key() {
    let (app, webhook) = with_incident().await;
    set(&app, "resolved").await.data();
    assert_eq!(fire(&app, &webhook).await["incident"]["id"], "INC-2");
    let taken = set(&app, "open").await;
    taken.assert_error(409, "CONFLICT");
    assert!(
        taken.body.contains("INC-2 is open with the same dedup key"),
        "{}",
        taken.body
    );
}

#[tokio::test]
async fn an_invalid_status_is_reported() {
    let (app, _) = with_incident().await;
    for body in [
        json!({"status": "closed"}),
        json!({}),
        json!({"status": "open", "by": "me"}),
    ] {
        app.patch(FIRST, &body).await.assert_invalid(&["body"]);
    }
}

#[tokio::test]
async fn a_note_is_on_the_timeline() {
    let (app, _) = with_incident().await;
    let noted = app.post(NOTES, &json!({"text": "rebooted"})).await;
    assert_eq!(noted.status, 201);
    let entry = &noted.data()["timeline"][1];
    assert_eq!(
        (&entry["kind"], &entry["note"], &entry["actor"]["name"]),
        (&json!("note"), &json!("rebooted"), &json!("owner"))
    );
}

#[tokio::test]
async fn a_webhook_id_in_a_note_is_masked() {
    let (app, webhook) = with_incident().await;
    let noted = app
        .post(NOTES, &json!({"text": format!("Sent to {}", webhook.url)}))
        .await;
    let note = noted.data()["timeline"][1]["note"]
        .as_str()
        .expect("a note")
        .to_owned();
    assert!(
        note.contains("wh_***") && !noted.body.contains(&webhook.url),
        "{note}"
    );
}

#[tokio::test]
async fn a_repeated_request_adds_one_note() {
    let (app, _) = with_incident().await;
    let app = app.with("idempotency-key", "one");
    let add = async |text: &str| app.post(NOTES, &json!({"text": text})).await;
    assert_eq!(add("Once").await.status, 201);
    let again = add("Once").await;
    let timeline = again.data()["timeline"].as_array().expect("a timeline").len();
    assert_eq!((again.status, timeline), (200, 2));
    add("Twice").await.assert_error(409, "IDEMPOTENCY_CONFLICT");
}

#[tokio::test]
async fn an_empty_or_long_note_is_refused() {
    let (app, _) = with_incident().await;
    for text in ["", " \n", &"x".repeat(2_001)] {
        app.post(NOTES, &json!({"text": text}))
            .await
            .assert_invalid(&["text"]);
    }
    app.post(NOTES, &json!({"note": "x"}))
        .await
        .assert_invalid(&["body"]);
}

#[tokio::test]
async fn the_timeline_tells_all_that_happened() {
    let app = TestApp::new().await;
    let webhook = app.webhook("disk").await;
    for severity in ["medium", "medium", "medium", "critical"] {
        let payload = json!({"title": "Disk full", "dedup_key": "disk", "severity": severity});
        app.deliver(&webhook, &payload).await.data();
    }
    set(&app, "acknowledged").await.data();
    set(&app, "resolved").await.data();
    let late = json!({"dedup_key": "disk", "status": "resolved"});
    let late = app.deliver(&webhook, &late).await.data();
    assert_eq!(late["incidents"], json!([{"id": "INC-1", "status": "resolved"}]));
    let incident = app.get(FIRST).await.data();
    let timeline = incident["timeline"].as_array().expect("a timeline");
    let kinds: Vec<_> = timeline
        .iter()
        .map(|entry| entry["kind"].as_str().expect("a kind"))
        .collect();
    assert_eq!(
        kinds,
        [
            "opened",
            "updated",
            "severity",
            "acknowledged",
            "resolved",
            "resolved_late"
        ]
    );
    assert_eq!(
        (&timeline[1]["count"], &timeline[5]["delivery"]),
        (&json!(2), &late["delivery_id"])
    );
    assert_eq!(
        (&timeline[2]["from"], &timeline[2]["to"]),
        (&json!("SEV2"), &json!("SEV0"))
    );
    app.visitor("operator")
        .await
        .get("/incidents/INC-1")
        .await
        .assert_page(
            200,
            &[
                "Updated by 2 deliveries",
                "Severity changed from SEV2 to SEV0 by the sender",
                "The sender reported it resolved, ",
                "(token)",
            ],
        );
}
