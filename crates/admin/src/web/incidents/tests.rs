//! The list of incidents, the page of one, and its forms.

use std::time::Duration;

use serde_json::json;

use crate::tests::test_app::{TestApp, TestWebhook};

const PAGE: &str = "/incidents/INC-1";

async fn fire(app: &TestApp, webhook: &TestWebhook) {
    let payload = json!({"title": "Disk full", "dedup_key": "disk", "description": "98 percent"});
    app.deliver(webhook, &payload).await.data();
}

/// An app with one open incident, and its webhook.
async fn with_incident() -> (TestApp, TestWebhook) {
    let app = TestApp::new().await;
    let webhook = app.webhook("disk").await;
    fire(&app, &webhook).await;
    (app, webhook)
}

/// Path of a form of the incident.
fn form(name: &str) -> String {
    format!("{PAGE}/{name}")
}

#[tokio::test]
async fn the_list_shows_open_incidents_unless_another_status_is_asked_for() {
    let (app, _) = with_incident().await;
    let visitor = app.visitor("operator").await;
    visitor
        .get("/incidents")
        .await
        .assert_page(200, &["Disk full", "Open 1"]);
    visitor
        .submit(&form("resolve"), &[])
        .await
        .assert_redirect("/incidents/INC-1?done=resolved");
    visitor
        .get("/incidents")
        .await
        .assert_page(200, &["No incidents with this status.", "Open 0"]);
    visitor
        .get("/incidents?status=resolved")
        .await
        .assert_page(200, &["Disk full"]);
    visitor
        .get("/incidents?status=all")
        .await
        .assert_page(200, &["Disk full"]);
}

#[tokio::test]
async fn an_unknown_status_is_named_and_left_out() {
    let (app, _) = with_incident().await;
    let page = app.visitor("viewer").await.get("/incidents?status=broken").await;
    page.assert_page(
        200,
        &["Unknown &#34;broken&#34; for &#34;status&#34;", "Disk full"],
    );
}

#[tokio::test]
async fn an_incident_is_shown_with_its_timeline() {
    let (app, webhook) = with_incident().await;
    fire(&app, &webhook).await;
    let page = app.visitor("operator").await.get(PAGE).await;
    page.assert_page(
        200,
        &[
            "<title>INC-1 Disk full · Hookgate</title>",
            "98 percent",
            "Updated by ",
        ],
    );
}

#[tokio::test]
async fn a_viewer_sees_no_description_and_no_forms() {
    let (app, _) = with_incident().await;
    let page = app.visitor("viewer").await.get(PAGE).await;
    page.assert_page(200, &["Disk full", "Viewers do not see description"]);
    assert!(
        !page.body.contains("98 percent") && !page.body.contains("Acknowledge</button>"),
        "{}",
        page.body
    );
}

#[tokio::test]
async fn an_absent_incident_is_not_found() {
    let visitor = TestApp::new().await.visitor("operator").await;
    for id in ["INC-1", "1"] {
        visitor
            .get(&format!("/incidents/{id}"))
            .await
            .assert_page(404, &["There is no "]);
        for form in ["acknowledge", "resolve", "reopen"] {
            let answer = visitor.submit(&format!("/incidents/{id}/{form}"), &[]).await;
            assert_eq!(answer.status, 404, "{id} {form}");
        }
        let answer = visitor
            .submit(&format!("/incidents/{id}/note"), &[("text", "seen")])
            .await;
        assert_eq!(answer.status, 404, "{id}");
    }
}

#[tokio::test]
async fn a_viewer_changes_nothing() {
    let (app, _) = with_incident().await;
    let visitor = app.visitor("viewer").await;
    for name in ["acknowledge", "resolve", "reopen"] {
        visitor
            .submit(&form(name), &[])
            .await
            .assert_page(403, &["You need the operator role for this."]);
    }
    let answer = visitor.submit(&form("note"), &[("text", "seen")]).await;
    answer.assert_page(403, &["You need the operator role for this."]);
}

#[tokio::test]
async fn the_confirmation_of_an_act_is_shown_while_it_is_true() {
    let (app, _) = with_incident().await;
    let visitor = app.visitor("operator").await;
    let done = "/incidents/INC-1?done=acknowledged";
    visitor
        .submit(&form("acknowledge"), &[])
        .await
        .assert_redirect(done);
    visitor
        .get(done)
        .await
        .assert_page(200, &["Incident acknowledged."]);
    visitor
        .submit(&form("resolve"), &[])
        .await
        .assert_redirect("/incidents/INC-1?done=resolved");
    assert!(!visitor.page(done).await.contains("Incident acknowledged."));
}

#[tokio::test]
async fn the_second_of_two_members_learns_who_was_first() {
    let (app, _) = with_incident().await;
    let (ada, bob) = (
        app.sign_in("ada", "operator").await,
        app.sign_in("bob", "operator").await,
    );
    ada.submit(&form("acknowledge"), &[]).await;
    app.clock.advance(Duration::from_mins(2));
    let second = bob.submit(&form("acknowledge"), &[]).await;
    second.assert_redirect("/incidents/INC-1?done=earlier");
    let said = bob.page("/incidents/INC-1?done=earlier").await;
    assert!(said.contains("ada acknowledged this 2 min ago."), "{said}");
    let said = ada.page("/incidents/INC-1?done=earlier").await;
    assert!(said.contains("You acknowledged this 2 min ago."), "{said}");
}

#[tokio::test]
async fn a_reopening_that_is_not_possible_shows_the_reason() {
    let (app, webhook) = with_incident().await;
    let visitor = app.visitor("operator").await;
    visitor.submit(&form("resolve"), &[]).await;
    fire(&app, &webhook).await;
    let refused = visitor.submit(&form("reopen"), &[]).await;
    refused.assert_page(
        409,
        &["Nothing was changed: INC-2 is open with the same dedup key"],
    );
    visitor.submit("/incidents/INC-2/resolve", &[]).await;
    visitor
        .submit(&form("reopen"), &[])
        .await
        .assert_redirect("/incidents/INC-1?done=reopened");
}

#[tokio::test]
async fn a_note_is_added_once_for_each_form() {
    let (app, _) = with_incident().await;
    let visitor = app.visitor("operator").await;
    let key = "a".repeat(32);
    for _ in 0..2 {
        let answer = visitor
            .submit_as(&key, &form("note"), &[("text", "rebooted")])
            .await;
        answer.assert_redirect("/incidents/INC-1#timeline");
    }
    assert_eq!(visitor.page(PAGE).await.matches("rebooted").count(), 1);
}

#[tokio::test]
async fn an_empty_note_is_refused_and_a_long_one_is_kept_in_its_form() {
    let (app, _) = with_incident().await;
    let visitor = app.visitor("operator").await;
    for text in [" ", &"x".repeat(2_001)] {
        let answer = visitor.submit(&form("note"), &[("text", text)]).await;
        answer.assert_page(
            422,
            &["Nothing was added: a note has 1 to 2,000 characters", text],
        );
    }
    assert_eq!(visitor.submit(&form("note"), &[]).await.status, 422);
}
