//! Sessions, forms and errors, the same for every page.

mod credentials;
mod forms;
mod links;
mod search;
mod sessions;

use hyper::Method;

use crate::tests::test_app::TestApp;
use crate::tests::test_app::visitor::webhook_form;

#[tokio::test]
async fn a_stranger_is_sent_to_the_sign_in_page() {
    let app = TestApp::new().await;
    for (path, next) in [
        ("/webhooks", "%2Fwebhooks"),
        ("/logs?outcome=refused", "%2Flogs%3Foutcome%3Drefused"),
    ] {
        app.get(path)
            .await
            .assert_redirect(&format!("/sign-in?next={next}"));
    }
    let signed_out = app
        .visitor("viewer")
        .await
        .with("cookie", "__Host-hookgate=hgs_x");
    signed_out
        .get("/members")
        .await
        .assert_redirect("/sign-in?next=%2Fmembers");
    app.get("/sign-in").await.assert_page(200, &["name=\"password\""]);
}

#[tokio::test]
async fn a_token_is_no_session() {
    let app = TestApp::new().await.role("admin").await;
    app.get("/tokens")
        .await
        .assert_redirect("/sign-in?next=%2Ftokens");
}

#[tokio::test]
async fn an_unknown_page_is_not_found() {
    let visitor = TestApp::new().await.visitor("viewer").await;
    for path in ["/nothing", "/webhooks/", "/logs/x", "/incidents/INC-1/x"] {
        visitor.get(path).await.assert_page(404, &["Page not found"]);
    }
    visitor.get("/").await.assert_redirect("/webhooks");
}

#[tokio::test]
async fn another_method_is_refused() {
    let app = TestApp::new().await;
    let refused = app.send(Method::DELETE, "/webhooks", "").await;
    assert_eq!(
        (refused.status, refused.header("allow")),
        (405, "GET, HEAD, POST")
    );
    let refused = app.visitor("viewer").await.submit("/logs", &[]).await;
    assert_eq!((refused.status, refused.header("allow")), (405, "GET, HEAD"));
}

#[tokio::test]
async fn a_form_of_another_session_does_nothing_and_is_shown_again() {
    let app = TestApp::new().await;
    let (ada, bob) = (
        app.sign_in("ada", "admin").await,
        app.sign_in("bob", "admin").await,
    );
    let csrf = ada.get("/account").await.value("csrf").to_owned();
    let mut fields = webhook_form(&[("name", "disk")]);
    let key = "a".repeat(32);
    fields.extend([("csrf", csrf.as_str()), ("once", &key)]);
    let answer = bob.submit_only("/webhooks", &fields).await;
    answer.assert_page(403, &["value=\"disk\""]);
    for without in ["csrf", "once"] {
        let fields: Vec<_> = fields
            .iter()
            .copied()
            .filter(|(name, _)| *name != without)
            .collect();
        assert_eq!(
            ada.submit_only("/webhooks", &fields).await.status,
            403,
            "{without}"
        );
    }
    assert_eq!(app.get("/api/v1/webhooks").await.column("name").len(), 0);
    assert_eq!(ada.submit_only("/webhooks", &fields).await.status, 303);
}

#[tokio::test]
async fn a_form_from_another_site_is_refused() {
    let app = TestApp::new().await;
    let visitor = app.visitor("admin").await;
    for origin in ["https://hookgate.example.org", "http://localhost:8444", "null"] {
        let answer = visitor
            .with("origin", origin)
            .submit("/webhooks", &webhook_form(&[]))
            .await;
        assert_eq!(answer.status, 403, "{origin}");
    }
    assert_eq!(app.get("/api/v1/webhooks").await.column("name").len(), 0);
}

#[tokio::test]
async fn a_form_with_a_malformed_key_is_refused() {
    let visitor = TestApp::new().await.visitor("admin").await;
    for key in ["a", &"x".repeat(32)] {
        let answer = visitor.submit_as(key, "/webhooks", &webhook_form(&[])).await;
        assert_eq!(answer.status, 422, "{key}");
    }
}
