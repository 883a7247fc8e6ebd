//! Sessions of the console, as a browser keeps them.

use crate::tests::test_app::TestApp;
use crate::tests::test_app::visitor::{TestVisitor, cookie};

const PASSWORD: &str = "a long enough password";

/// The owner with a password, signed in by a link.
async fn owner_of(app: &TestApp) -> TestVisitor {
    let owner = app.visitor("owner").await;
    let password = [("password", PASSWORD), ("again", PASSWORD)];
    assert_eq!(owner.submit("/account/password", &password).await.status, 303);
    owner
}

/// The target of a sign-in by password.
async fn sign_in(visitor: &TestVisitor, name: &str, password: &str) -> String {
    let fields = [("name", name), ("password", password)];
    visitor
        .submit("/sign-in", &fields)
        .await
        .header("location")
        .to_owned()
}

#[tokio::test]
async fn the_cookie_is_for_this_host_alone_and_no_script_sees_it() {
    let app = TestApp::new().await;
    app.member("ada", "viewer").await;
    let answer = app.stranger().submit(&app.sign_in_path("ada").await, &[]).await;
    assert_eq!(answer.header("cache-control"), "no-store");
    let cookies = answer.cookies();
    let (pair, attributes) = cookies[0].split_once("; ").expect("attributes");
    assert!(pair.starts_with("__Host-hookgate=hgs_"), "{pair}");
    assert_eq!(attributes, "Path=/; Secure; HttpOnly; SameSite=Strict");
    let (pair, attributes) = cookies[1].split_once("; ").expect("attributes");
    assert!(pair.starts_with("__Host-hookgate-device="), "{pair}");
    assert_eq!(
        attributes,
        "Path=/; Max-Age=34560000; Secure; HttpOnly; SameSite=Strict"
    );
}

/// Strangers can send this form, so little of it is buffered; the longest name and password fit.
#[tokio::test]
async fn strangers_send_small_forms() {
    let stranger = TestApp::new().await.stranger();
    let (name, password) = ("\u{1F980}".repeat(100), "\u{1F980}".repeat(200));
    let longest = [("name", &*name), ("password", &*password)];
    assert_eq!(stranger.submit("/sign-in", &longest).await.status, 422);
    let larger = [("name", "owner"), ("password", &*"x".repeat(64 * 1024))];
    assert_eq!(stranger.submit("/sign-in", &larger).await.status, 413);
}

#[tokio::test]
async fn a_session_is_dead_after_signing_out() {
    let visitor = TestApp::new().await.visitor("viewer").await;
    assert!(visitor.is_alive().await);
    visitor.submit("/sign-out", &[]).await;
    assert!(!visitor.is_alive().await);
}

/// A second sign-in in the same browser ends the first session, since no page could end that one later.
#[tokio::test]
async fn a_new_session_takes_the_place_of_the_one_before() {
    let app = TestApp::new().await;
    let first = owner_of(&app).await;
    let fields = [("name", "owner"), ("password", PASSWORD)];
    let second = first.begin("/sign-in", &fields).await;
    assert!(!first.is_alive().await && second.is_alive().await);
    let wrong = [("name", "owner"), ("password", "not this one")];
    assert_eq!(second.submit("/sign-in", &wrong).await.status, 422);
    assert!(second.is_alive().await, "a failed attempt ends nothing");
    let elsewhere = app.stranger().begin("/sign-in", &fields).await;
    assert!(second.is_alive().await && elsewhere.is_alive().await);
}

#[tokio::test]
async fn a_link_signs_in_once() {
    let app = TestApp::new().await;
    app.member("ada", "viewer").await;
    let path = app.sign_in_path("ada").await;
    assert!(app.stranger().begin(&path, &[]).await.is_alive().await);
    let again = app.stranger().submit(&path, &[]).await;
    assert!(cookie(&again).is_empty() && again.status != 303, "{again:?}");
}

#[tokio::test]
async fn a_member_is_told_of_failed_sign_ins() {
    const TOLD: &str = "failed sign-in";
    const ONE: &str = "1 failed sign-in since your last sign-in, at ";
    let app = TestApp::new().await;
    let (first, stranger) = (owner_of(&app).await, app.stranger());
    let by_password = [("name", "owner"), ("password", PASSWORD)];
    assert_eq!(sign_in(&stranger, "owner", PASSWORD).await, "/webhooks");
    for name in ["owner", "OWNER", "nobody"] {
        assert_eq!(sign_in(&stranger, name, "not this one").await, "");
    }
    let page = first.page("/account").await;
    assert!(
        page.contains("2 failed sign-ins since your last sign-in"),
        "{page}"
    );
    let with_next = [by_password[0], by_password[1], ("next", "/logs?outcome=refused")];
    let answer = stranger.submit("/sign-in", &with_next).await;
    answer.assert_redirect("/logs?outcome=refused&done=signed-in");
    assert!(!first.page("/account").await.contains(TOLD), "it is told once");

    assert_eq!(sign_in(&stranger, "owner", "nor this one").await, "");
    let second = app.stranger().begin("/sign-in", &by_password).await;
    for path in ["/webhooks?done=signed-in", "/account"] {
        second.get(path).await.assert_page(200, &[ONE, "192.0.2.1"]);
    }
    assert!(!second.page("/webhooks").await.contains(TOLD));
    let third = app.stranger().begin("/sign-in", &by_password).await;
    for path in ["/webhooks?done=signed-in", "/account"] {
        assert!(!third.page(path).await.contains(TOLD), "{path}");
    }
    assert_eq!(sign_in(&stranger, "owner", "not this one").await, "");
    let answer = stranger.submit(&app.sign_in_path("owner").await, &[]).await;
    answer.assert_redirect("/webhooks?done=signed-in");
}
