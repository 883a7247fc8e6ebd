//! API tokens in the console.

use crate::tests::test_app::TestApp;

const FORM: [(&str, &str); 3] = [("name", "ci"), ("role", "viewer"), ("expires_days", "90")];

#[tokio::test]
async fn a_new_token_is_shown_once_and_works() {
    let app = TestApp::new().await;
    let visitor = app.visitor("admin").await;
    let made = visitor.submit("/tokens", &FORM).await;
    let page = visitor.follow(&made).await;
    let secret = page
        .split("hgt_")
        .nth(1)
        .expect("a token")
        .split('<')
        .next()
        .expect("an end");
    let program = app.bearer(&format!("hgt_{secret}"));
    assert_eq!(program.get("/api/v1/webhooks").await.status, 200);
    let later = visitor.page(made.header("location")).await;
    assert!(
        later.contains("was shown once") && !later.contains("hgt_"),
        "{later}"
    );
}

#[tokio::test]
async fn a_form_with_a_problem_is_shown_as_it_was_typed() {
    let app = TestApp::new().await;
    let visitor = app.visitor("admin").await;
    for (name, role, expires, problem) in [
        ("", "viewer", "90", "a name of 1 to 100 characters is needed"),
        ("ci", "root", "90", "not a role"),
        ("ci", "", "90", "choose a role"),
        ("ci", "viewer", "x", "invalid digit"),
    ] {
        let fields = [("name", name), ("role", role), ("expires_days", expires)];
        let answer = visitor.submit("/tokens", &fields).await;
        answer.assert_page(422, &[problem, &format!("value=\"{name}\"")]);
    }
    assert_eq!(visitor.submit("/tokens", &FORM[..2]).await.status, 422);
    let higher = [("name", "ci"), ("role", "owner"), ("expires_days", "")];
    visitor
        .submit("/tokens", &higher)
        .await
        .assert_page(403, &["You need the owner role for this."]);
    assert_eq!(app.get("/api/v1/tokens").await.column("name"), ["owner"]);
}

#[tokio::test]
async fn a_token_is_revoked_after_a_question() {
    let app = TestApp::new().await;
    let program = app.role("viewer").await;
    let id = app.get("/api/v1/tokens").await.column("id").swap_remove(1);
    let visitor = app.visitor("admin").await;
    let form = format!("/tokens/{id}/revoke");
    visitor
        .submit(&form, &[])
        .await
        .assert_page(200, &["Revoke the token viewer?"]);
    assert_eq!(program.get("/api/v1/webhooks").await.status, 200);
    visitor
        .submit(&form, &[("confirm", "yes")])
        .await
        .assert_redirect("/tokens?done=token-revoked");
    program
        .get("/api/v1/webhooks")
        .await
        .assert_error(401, "UNAUTHENTICATED");
    let again = visitor.submit(&form, &[("confirm", "yes")]).await;
    again.assert_page(409, &["The token is revoked already."]);
}

#[tokio::test]
async fn an_operator_sees_and_makes_no_tokens() {
    let app = TestApp::new().await;
    let id = app.get("/api/v1/tokens").await.column("id").remove(0);
    let visitor = app.visitor("operator").await;
    let answers = [
        visitor.get("/tokens").await,
        visitor.get(&format!("/tokens/{id}/made")).await,
        visitor.submit("/tokens", &FORM).await,
        visitor
            .submit(&format!("/tokens/{id}/revoke"), &[("confirm", "yes")])
            .await,
    ];
    for answer in answers {
        answer.assert_page(403, &["You need the admin role for this."]);
    }
}

#[tokio::test]
async fn an_absent_token_is_not_found() {
    let visitor = TestApp::new().await.visitor("admin").await;
    for id in ["ci", "tok_01hf7yat000000000000000000"] {
        visitor
            .get(&format!("/tokens/{id}/made"))
            .await
            .assert_page(404, &["There is no such token."]);
        let answer = visitor
            .submit(&format!("/tokens/{id}/revoke"), &[("confirm", "yes")])
            .await;
        assert_eq!(answer.status, 404, "{id}");
    }
}
