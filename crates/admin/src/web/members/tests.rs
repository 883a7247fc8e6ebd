//! The members of the organization and their sign-in links.

use serde_json::json;

use crate::tests::test_app::TestApp;
use crate::tests::test_app::visitor::webhook_form;

/// ID of the member with this name.
async fn id_of(app: &TestApp, name: &str) -> String {
    let members = app.get("/api/v1/members").await;
    let place = members.column("name").iter().position(|known| known == name);
    members.column("id").swap_remove(place.expect("a member"))
}

/// An app with the viewer Ada, and the path of her forms.
async fn with_ada() -> (TestApp, String) {
    let app = TestApp::new().await;
    app.post("/api/v1/members", &json!({"name": "Ada", "role": "viewer"}))
        .await
        .data();
    let path = format!("/members/{}", id_of(&app, "Ada").await);
    (app, path)
}

#[tokio::test]
async fn the_list_shows_members_to_everybody() {
    let (app, path) = with_ada().await;
    let page = app.visitor("viewer").await.get("/members").await;
    page.assert_page(200, &["Ada", "never signed in"]);
    assert!(!page.body.contains(&format!("{path}/role")), "{}", page.body);
    app.visitor("admin")
        .await
        .get("/members")
        .await
        .assert_page(200, &[&format!("{path}/role")]);
}

#[tokio::test]
async fn a_form_with_a_problem_is_shown_as_it_was_typed() {
    let (app, _) = with_ada().await;
    let visitor = app.visitor("admin").await;
    for (name, role, problem) in [
        ("ADA", "operator", "This name is already in use."),
        ("", "operator", "a name of 1 to 100 characters is needed"),
        (
            "Eve",
            "owner",
            "Only an owner may make, change or remove an owner.",
        ),
        ("Eve", "root", "not a role"),
        ("Eve", "", "choose a role"),
    ] {
        let answer = visitor
            .submit("/members", &[("name", name), ("role", role)])
            .await;
        answer.assert_page(422, &[problem, &format!("value=\"{name}\"")]);
    }
    assert_eq!(visitor.submit("/members", &[("name", "Eve")]).await.status, 422);
}

#[tokio::test]
async fn an_operator_manages_nobody() {
    let (app, path) = with_ada().await;
    let visitor = app.visitor("operator").await;
    let answers = [
        visitor
            .submit("/members", &[("name", "Eve"), ("role", "viewer")])
            .await,
        visitor
            .submit(&format!("{path}/role"), &[("role", "admin"), ("was", "viewer")])
            .await,
        visitor.submit(&format!("{path}/link"), &[]).await,
        visitor.get(&format!("{path}/link")).await,
        visitor
            .submit(&format!("{path}/remove"), &[("confirm", "yes")])
            .await,
    ];
    for answer in answers {
        answer.assert_page(403, &["You need the admin role for this."]);
    }
}

#[tokio::test]
async fn a_role_is_changed_if_it_is_the_one_that_was_shown() {
    let (app, path) = with_ada().await;
    let visitor = app.visitor("admin").await;
    let form = format!("{path}/role");
    let changed = visitor
        .submit(&form, &[("role", "operator"), ("was", "viewer")])
        .await;
    changed.assert_redirect("/members?done=member-changed");
    let twice = visitor
        .submit(&form, &[("role", "operator"), ("was", "viewer")])
        .await;
    twice.assert_redirect("/members?done=member-changed");
    let late = visitor
        .submit(&form, &[("role", "admin"), ("was", "viewer")])
        .await;
    late.assert_page(
        422,
        &["Someone else changed the role of Ada to operator in the meantime."],
    );
    for fields in [
        &[("role", "admin")][..],
        &[("was", "operator")],
        &[("role", "root"), ("was", "operator")],
    ] {
        assert_eq!(visitor.submit(&form, fields).await.status, 422, "{fields:?}");
    }
}

#[tokio::test]
async fn the_last_owner_stays() {
    let app = TestApp::new().await;
    let visitor = app.visitor("owner").await;
    let path = format!("/members/{}", id_of(&app, "owner").await);
    let answer = visitor
        .submit(&format!("{path}/role"), &[("role", "viewer"), ("was", "owner")])
        .await;
    answer.assert_page(
        422,
        &["The last owner can&#39;t be removed or given another role."],
    );
    let answer = visitor
        .submit(&format!("{path}/remove"), &[("confirm", "yes")])
        .await;
    answer.assert_page(
        422,
        &["The last owner can&#39;t be removed or given another role."],
    );
}

#[tokio::test]
async fn a_removal_asks_first_and_names_the_webhooks_that_the_member_knows() {
    let app = TestApp::new().await;
    let (owner, ada) = (app.visitor("owner").await, app.sign_in("Ada", "admin").await);
    ada.submit("/webhooks", &webhook_form(&[("name", "disk")])).await;
    let form = format!("/members/{}/remove", id_of(&app, "Ada").await);
    let question = owner.submit(&form, &[]).await;
    question.assert_page(
        200,
        &["Remove Ada?", "disk", "1 webhook. These URLs keep working"],
    );
    owner
        .submit(&form, &[("confirm", "yes")])
        .await
        .assert_redirect("/members?done=member-removed");
    owner
        .get("/webhooks")
        .await
        .assert_page(200, &["known to a former member"]);
    ada.get("/webhooks")
        .await
        .assert_redirect("/sign-in?next=%2Fwebhooks");
}

#[tokio::test]
async fn an_absent_member_is_not_found() {
    let visitor = TestApp::new().await.visitor("admin").await;
    for id in ["ada", "mem_01hf7yat000000000000000000"] {
        for form in ["link", "remove"] {
            let answer = visitor.submit(&format!("/members/{id}/{form}"), &[]).await;
            assert_eq!(answer.status, 404, "{id} {form}");
        }
        let answer = visitor
            .submit(
                &format!("/members/{id}/role"),
                &[("role", "viewer"), ("was", "admin")],
            )
            .await;
        assert_eq!(answer.status, 404, "{id}");
        visitor
            .get(&format!("/members/{id}/link"))
            .await
            .assert_page(404, &["There is no such member."]);
    }
}
