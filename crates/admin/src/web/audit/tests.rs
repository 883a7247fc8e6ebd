//! The audit trail in the console: filters by name and time, and the export.

use serde_json::json;

use crate::tests::test_app::visitor::{TestVisitor, webhook_form};
use crate::tests::test_app::{Answer, TestApp};

/// An app whose admin Mallory created a webhook and was removed, and an owner who looks into it.
async fn with_mallory() -> (TestApp, TestVisitor) {
    let app = TestApp::new().await;
    let mallory = app.sign_in("Mallory@example.org", "admin").await;
    mallory
        .submit("/webhooks", &webhook_form(&[("name", "mallorys hook")]))
        .await;
    let id = app.get("/api/v1/members").await.column("id").remove(0);
    app.delete(&format!("/api/v1/members/{id}")).await.data();
    let owner = app.visitor("owner").await;
    (app, owner)
}

/// The rows of a page.
fn rows(page: &Answer) -> &str {
    page.body.split("<tbody>").nth(1).unwrap_or_default()
}

#[tokio::test]
async fn a_removed_member_is_found_by_name() {
    let (app, owner) = with_mallory().await;
    owner
        .get("/audit")
        .await
        .assert_page(200, &["value=\"member:Mallory@example.org\"", "(command line)"]);
    for who in [
        "Mallory@example.org",
        "mallory%40EXAMPLE.org",
        "member:Mallory@example.org",
    ] {
        let page = owner.get(&format!("/audit?who={who}&what=webhook")).await;
        assert!(
            rows(&page).contains("webhook.create") && rows(&page).contains("mallorys hook"),
            "{page:?}"
        );
        assert!(!rows(&page).contains("session.sign_in"), "{page:?}");
    }
    let found = app
        .get("/api/v1/audit?actor=mallory@example.org&act=webhook")
        .await;
    assert_eq!(found.column("act"), ["webhook.create"]);
}

#[tokio::test]
async fn times_have_a_beginning_and_an_end() {
    let (_, owner) = with_mallory().await;
    let page = owner
        .get("/audit?from=2020-01-01T00:00&to=2020-02-01T00:00")
        .await;
    page.assert_page(200, &["No matching events."]);
    let page = owner
        .get("/audit?from=2023-11-14T22:13:20&to=2023-11-14T22:13:21&what=webhook")
        .await;
    page.assert_page(200, &["webhook.create"]);
}

#[tokio::test]
async fn a_filter_that_stands_for_nothing_is_told_with_what_it_could_be() {
    let (_, owner) = with_mallory().await;
    for (query, said) in [
        ("what=webhok", "address_set, incident"),
        ("who=nobody", "command-line, system"),
        ("about=nothing+such", "INC-1"),
        ("from=yesterday", "RFC 3339"),
        (
            "from=2026-01-02T00:00&to=2026-01-01T00:00",
            "the end is not after the beginning",
        ),
    ] {
        let page = owner.get(&format!("/audit?{query}")).await;
        page.assert_page(200, &[said]);
        assert!(!page.body.contains("No matching events."), "{query}: {page:?}");
        assert_eq!(
            owner.get(&format!("/audit/export?{query}")).await.status,
            422,
            "{query}"
        );
    }
}

#[tokio::test]
async fn the_trail_is_exported_and_the_export_is_on_it() {
    let (app, owner) = with_mallory().await;
    let filter = "what=webhook&who=Mallory@example.org";
    let file = owner.get(&format!("/audit/export?{filter}&format=ndjson")).await;
    let entry = file.json();
    assert_eq!(entry["act"], "webhook.create");
    assert!(
        entry["change"]
            .as_str()
            .expect("a text")
            .contains("allowlist: any"),
        "{entry}"
    );
    let trail = app.get("/api/v1/audit?act=audit").await.data();
    let asked = json!({"act": "webhook", "actor": "Mallory@example.org", "format": "ndjson"});
    assert_eq!(
        (&trail["items"][0]["after"], &trail["items"][0]["actor"]["kind"]),
        (&asked, &json!("member"))
    );
}

#[tokio::test]
async fn an_operator_does_not_read_the_trail() {
    let visitor = TestApp::new().await.visitor("operator").await;
    for path in ["/audit", "/audit/export"] {
        visitor
            .get(path)
            .await
            .assert_page(403, &["You need the admin role for this."]);
    }
}
