//! Named lists of networks.

use serde_json::{Value, json};

use crate::tests::test_app::TestApp;

const SETS: &str = "/api/v1/address-sets";
const OFFICE: &str = "/api/v1/address-sets/office";

/// An app with the set `office` of two networks.
async fn with_office() -> TestApp {
    let app = TestApp::new().await;
    let new = json!({"name": "office", "networks": ["192.0.2.0/24", "2001:db8::/32"]});
    app.post(SETS, &new).await.data();
    app
}

#[tokio::test]
async fn a_new_set_has_its_networks() {
    let app = TestApp::new().await;
    let new = json!({"name": "office", "networks": ["192.0.2.0/24", "198.51.100.7"]});
    let made = app.post(SETS, &new).await;
    assert_eq!((made.status, made.header("etag")), (201, "\"1\""));
    let set = app.role("viewer").await.get(OFFICE).await;
    assert_eq!(set.header("etag"), "\"1\"");
    let set = set.data();
    for (field, value) in [
        ("name", json!("office")),
        ("provider", Value::Null),
        ("url", Value::Null),
        ("version", json!(1)),
        ("pending", Value::Null),
        ("stale", json!(false)),
        ("networks", json!(["192.0.2.0/24", "198.51.100.7/32"])),
    ] {
        assert_eq!(set[field], value, "{field}");
    }
}

#[tokio::test]
async fn a_published_set_is_read_from_a_document() {
    let app = TestApp::new().await;
    let new = json!({"name": "ci", "provider": "list", "document": "198.51.100.0/24\n203.0.113.7"});
    let set = app.post(SETS, &new).await.data();
    assert_eq!(
        (&set["provider"], &set["count"], &set["url"]),
        (&json!("list"), &json!(2), &Value::Null)
    );
    app.with("if-match", "*")
        .patch("/api/v1/address-sets/ci", &json!({"networks": ["192.0.2.1"]}))
        .await
        .assert_error(409, "CONFLICT");
}

#[tokio::test]
async fn sets_are_listed_by_name() {
    let app = with_office().await;
    let new = json!({"name": "backup", "networks": ["192.0.2.1"]});
    app.post(SETS, &new).await.data();
    assert_eq!(app.get(SETS).await.column("name"), ["backup", "office"]);
    app.get("/api/v1/address-sets?limit=1")
        .await
        .assert_invalid(&["limit"]);
}

#[tokio::test]
async fn an_invalid_field_of_a_new_set_is_reported() {
    let app = with_office().await;
    for (new, field) in [
        (json!({"name": "Not a name", "networks": ["192.0.2.1"]}), "name"),
        (json!({"name": "office", "networks": ["192.0.2.1"]}), "name"),
        (json!({"name": "a", "networks": ["192.0.2.1/24"]}), "networks"),
        (json!({"name": "a", "networks": []}), "networks"),
        (json!({"name": "a"}), "networks"),
        (
            json!({"name": "a", "networks": ["192.0.2.1"], "provider": "list"}),
            "networks",
        ),
        (json!({"name": "a", "provider": "nobody"}), "provider"),
        (json!({"name": "a", "provider": "list"}), "url"),
        (
            json!({"name": "a", "provider": "list", "url": "http://example.org/"}),
            "url",
        ),
        (
            json!({"name": "a", "provider": "list", "url": "https://127.0.0.1/"}),
            "url",
        ),
        (
            json!({"name": "a", "provider": "aws", "document": "{"}),
            "document",
        ),
        (
            json!({"name": "a", "provider": "list", "filter": "service=EC2", "document": ""}),
            "filter",
        ),
        (json!({"name": "a", "network": []}), "body"),
    ] {
        app.post(SETS, &new).await.assert_invalid(&[field]);
    }
    assert_eq!(app.get(SETS).await.column("name"), ["office"]);
}

#[tokio::test]
async fn a_repeated_request_creates_one_set() {
    let app = TestApp::new().await.with("idempotency-key", "first");
    let new = json!({"name": "office", "networks": ["192.0.2.1"]});
    assert_eq!(app.post(SETS, &new).await.status, 201);
    let again = app.post(SETS, &new).await;
    assert_eq!((again.status, again.header("etag")), (200, "\"1\""));
    let other = json!({"name": "home", "networks": ["192.0.2.1"]});
    app.post(SETS, &other)
        .await
        .assert_error(409, "IDEMPOTENCY_CONFLICT");
}

#[tokio::test]
async fn an_operator_changes_no_set() {
    let app = with_office().await;
    let operator = app.role("operator").await.with("if-match", "*");
    let networks = json!({"networks": ["192.0.2.1"]});
    let new = json!({"name": "home", "networks": ["192.0.2.1"]});
    operator.post(SETS, &new).await.assert_error(403, "FORBIDDEN");
    operator
        .patch(OFFICE, &networks)
        .await
        .assert_error(403, "FORBIDDEN");
    operator.delete(OFFICE).await.assert_error(403, "FORBIDDEN");
    assert_eq!(operator.get(OFFICE).await.data()["version"], 1);
}

#[tokio::test]
async fn an_absent_set_is_not_found() {
    let app = TestApp::new().await.with("if-match", "*");
    let networks = json!({"networks": ["192.0.2.1"]});
    for name in ["home", "Not%20a%20name", "@home"] {
        let path = format!("{SETS}/{name}");
        app.get(&path).await.assert_error(404, "NOT_FOUND");
        app.patch(&path, &networks).await.assert_error(404, "NOT_FOUND");
        app.delete(&path).await.assert_error(404, "NOT_FOUND");
        app.get(&format!("{path}/versions"))
            .await
            .assert_error(404, "NOT_FOUND");
    }
}

#[tokio::test]
async fn a_change_needs_the_revision_that_was_read() {
    let app = with_office().await;
    let networks = json!({"networks": ["192.0.2.0/24"]});
    app.patch(OFFICE, &networks)
        .await
        .assert_error(428, "PRECONDITION_REQUIRED");
    let edited = app.with("if-match", "\"1\"").patch(OFFICE, &networks).await;
    assert_eq!(
        (edited.data()["removed"].clone(), edited.header("etag")),
        (json!(["2001:db8::/32"]), "\"2\"")
    );
    let late = app.with("if-match", "\"1\"").patch(OFFICE, &networks).await;
    late.assert_error(412, "PRECONDITION_FAILED");
    let same = app.with("if-match", "*").patch(OFFICE, &networks).await;
    assert_eq!(same.data()["removed"], json!([]));
}

#[tokio::test]
async fn invalid_networks_of_a_change_are_reported() {
    let app = with_office().await.with("if-match", "*");
    for (body, field) in [
        (json!({"networks": []}), "networks"),
        (json!({"networks": ["office"]}), "networks"),
        (json!({"networks": "192.0.2.1"}), "body"),
        (json!({}), "body"),
    ] {
        app.patch(OFFICE, &body).await.assert_invalid(&[field]);
    }
}

#[tokio::test]
async fn earlier_versions_are_kept() {
    let app = with_office().await.with("if-match", "*");
    app.patch(OFFICE, &json!({"networks": ["192.0.2.0/24", "198.51.100.7"]}))
        .await
        .data();
    let versions = app.get("/api/v1/address-sets/office/versions").await;
    assert_eq!(
        (versions.column("version"), versions.column("added")),
        (
            vec!["2".to_owned(), "1".to_owned()],
            vec!["1".to_owned(), "2".to_owned()]
        )
    );
    assert_eq!(versions.column("made_by"), ["owner", "owner"]);
    let first = app.get("/api/v1/address-sets/office?version=1").await.data();
    assert_eq!(first["networks"], json!(["192.0.2.0/24", "2001:db8::/32"]));
    app.get("/api/v1/address-sets/office?version=9")
        .await
        .assert_error(404, "NOT_FOUND");
    app.get("/api/v1/address-sets/office?version=x")
        .await
        .assert_invalid(&["version"]);
}

#[tokio::test]
async fn a_set_counts_for_the_allowlists_that_name_it() {
    let app = with_office().await.with("if-match", "*");
    let webhook = app
        .webhook_like(&json!({"name": "disk", "allowlist": ["@office"]}))
        .await;
    assert_eq!(app.deliver(&webhook, &json!({"title": "t"})).await.status, 201);
    app.patch(OFFICE, &json!({"networks": ["198.51.100.0/24"]}))
        .await
        .data();
    let refused = app.deliver(&webhook, &json!({"title": "t"})).await;
    refused.assert_error(403, "IP_NOT_ALLOWED");
}

#[tokio::test]
async fn a_set_is_removed_when_no_allowlist_names_it() {
    let app = with_office().await.with("if-match", "*");
    let webhook = app
        .webhook_like(&json!({"name": "disk", "allowlist": ["@office"]}))
        .await;
    let used = app.delete(OFFICE).await;
    used.assert_error(409, "CONFLICT");
    assert!(used.body.contains("remove it from them first"), "{used:?}");
    app.patch(&webhook.path(""), &json!({"allowlist": null}))
        .await
        .data();
    assert_eq!(app.delete(OFFICE).await.data(), json!({"name": "office"}));
    app.delete(OFFICE).await.assert_error(404, "NOT_FOUND");
}

#[tokio::test]
async fn metrics_count_the_networks_of_each_set() {
    let app = with_office().await;
    let metrics = app.get("/metrics").await.body;
    assert!(
        metrics.contains(r#"hookgate_address_set_networks{set="office"} 2"#),
        "{metrics}"
    );
}
