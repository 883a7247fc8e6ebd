//! Address sets in the console.

use hookgate_gate::DownloadedList;
use hookgate_testkit::samples;
use serde_json::json;

use crate::tests::test_app::TestApp;

const OFFICE: &str = "/address-sets/office";

/// An app with the set `office` of two networks.
async fn with_office() -> TestApp {
    let app = TestApp::new().await;
    let new = json!({"name": "office", "networks": ["192.0.2.0/24", "2001:db8::/32"]});
    app.post("/api/v1/address-sets", &new).await.data();
    app
}

/// An app with the published set `ci`, whose second version waits for approval.
async fn with_pending() -> TestApp {
    let app = TestApp::new().await;
    let list = "198.51.100.1 198.51.100.2 198.51.100.3";
    let new = json!({"name": "ci", "provider": "list", "document": list});
    app.post("/api/v1/address-sets", &new).await.data();
    let published = DownloadedList::Document {
        bytes: b"198.51.100.1".to_vec(),
        etag: None,
    };
    let name = "ci".parse().expect("a name");
    let refreshed = app
        .gate
        .address_set_refresh(&samples::actor_context(), &name, published)
        .await;
    assert_eq!(refreshed.expect("an outcome").set.pending, Some(2));
    app
}

#[tokio::test]
async fn a_set_is_shown_with_its_networks_and_its_webhooks() {
    let app = with_office().await;
    app.webhook_like(&json!({"name": "disk", "allowlist": ["@office"]}))
        .await;
    let visitor = app.visitor("viewer").await;
    visitor.get("/address-sets").await.assert_page(200, &["@office"]);
    let page = visitor.get(OFFICE).await;
    page.assert_page(
        200,
        &["your own networks", "192.0.2.0/24", "2001:db8::/32", "disk"],
    );
    assert!(!page.body.contains("Save networks"), "{page:?}");
}

#[tokio::test]
async fn a_set_is_created_of_networks_or_of_a_document() {
    let app = TestApp::new().await;
    let visitor = app.visitor("admin").await;
    let own = [("name", "office"), ("networks", "192.0.2.0/24\r\n198.51.100.7")];
    assert_eq!(visitor.submit("/address-sets", &own).await.status, 303);
    let published = [
        ("name", "ci"),
        ("provider", "list"),
        ("filter", ""),
        ("url", ""),
        ("document", "203.0.113.7"),
    ];
    assert_eq!(visitor.submit("/address-sets", &published).await.status, 303);
    assert_eq!(app.get("/api/v1/address-sets").await.column("count"), ["1", "2"]);
}

#[tokio::test]
async fn a_form_with_a_problem_is_shown_as_it_was_typed() {
    let app = with_office().await;
    let visitor = app.visitor("admin").await;
    for (name, networks) in [
        ("office", "192.0.2.1"),
        ("Not a name", "192.0.2.1"),
        ("home", "192.0.2.1/24"),
        ("home", ""),
    ] {
        let answer = visitor
            .submit("/address-sets", &[("name", name), ("networks", networks)])
            .await;
        answer.assert_page(422, &[name, networks]);
    }
    assert_eq!(app.get("/api/v1/address-sets").await.column("name"), ["office"]);
}

#[tokio::test]
async fn networks_are_changed_after_a_preview() {
    let app = with_office().await;
    let visitor = app.visitor("admin").await;
    let fields = [("networks", "192.0.2.0/24"), ("revision", "1")];
    visitor
        .submit(&format!("{OFFICE}/preview"), &fields)
        .await
        .assert_page(200, &["2001:db8::/32"]);
    assert_eq!(app.get("/api/v1/address-sets/office").await.data()["version"], 1);
    let saved = visitor.submit(&format!("{OFFICE}/edit"), &fields).await;
    saved.assert_redirect("/address-sets/office?done=set-changed");
    let wrong = visitor
        .submit(&format!("{OFFICE}/edit"), &[("networks", "x"), ("revision", "2")])
        .await;
    assert_eq!(wrong.status, 422);
    assert_eq!(
        app.get("/api/v1/address-sets/office").await.data()["networks"],
        json!(["192.0.2.0/24"])
    );
}

#[tokio::test]
async fn a_pending_version_is_shown_and_decided_about() {
    for (approve, done, count) in [("yes", "set-approved", 1), ("no", "set-rejected", 3)] {
        let app = with_pending().await;
        let visitor = app.visitor("admin").await;
        visitor
            .get("/address-sets/ci")
            .await
            .assert_page(200, &["Version 2 needs approval", "198.51.100.2"]);
        let fields = [("version", "2"), ("approve", approve)];
        let decided = visitor.submit("/address-sets/ci/decide", &fields).await;
        decided.assert_redirect(&format!("/address-sets/ci?done={done}"));
        assert_eq!(app.get("/api/v1/address-sets/ci").await.data()["count"], count);
        let again = visitor.submit("/address-sets/ci/decide", &fields).await;
        again.assert_page(409, &["No such version needs approval."]);
    }
}

#[tokio::test]
async fn an_incomplete_decision_is_refused() {
    let visitor = with_pending().await.visitor("admin").await;
    for (fields, status) in [
        (&[("version", "2")][..], 422),
        (&[("version", "2"), ("approve", "maybe")], 422),
        (&[("approve", "yes")], 400),
    ] {
        let answer = visitor.submit("/address-sets/ci/decide", fields).await;
        assert_eq!(answer.status, status, "{fields:?}");
    }
}

#[tokio::test]
async fn a_set_without_a_url_is_not_refreshed() {
    let visitor = with_office().await.visitor("admin").await;
    let answer = visitor.submit(&format!("{OFFICE}/refresh"), &[]).await;
    answer.assert_page(409, &["This set has no URL to download from."]);
}

#[tokio::test]
async fn a_set_is_removed_after_a_question_when_no_allowlist_names_it() {
    let app = with_office().await.with("if-match", "*");
    let webhook = app
        .webhook_like(&json!({"name": "disk", "allowlist": ["@office"]}))
        .await;
    let visitor = app.visitor("admin").await;
    let form = format!("{OFFICE}/remove");
    visitor
        .submit(&form, &[])
        .await
        .assert_page(200, &["Remove the address set @office?"]);
    let used = visitor.submit(&form, &[("confirm", "yes")]).await;
    assert_eq!(used.status, 409, "{used:?}");
    app.patch(&webhook.path(""), &json!({"allowlist": null}))
        .await
        .data();
    let removed = visitor.submit(&form, &[("confirm", "yes")]).await;
    removed.assert_redirect("/address-sets?done=set-removed");
    visitor
        .get(OFFICE)
        .await
        .assert_page(404, &["There is no such address set."]);
}

#[tokio::test]
async fn an_operator_changes_no_set() {
    let visitor = with_office().await.visitor("operator").await;
    let fields = [
        ("name", "home"),
        ("networks", "192.0.2.1"),
        ("revision", "1"),
        ("version", "1"),
        ("approve", "yes"),
    ];
    visitor
        .submit("/address-sets", &fields)
        .await
        .assert_page(403, &["You need the admin role for this."]);
    for name in ["edit", "preview", "refresh", "decide", "remove"] {
        let answer = visitor.submit(&format!("{OFFICE}/{name}"), &fields).await;
        answer.assert_page(403, &["You need the admin role for this."]);
    }
}
