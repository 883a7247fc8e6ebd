//! Credentials that create credentials: a new one is not stronger, and does not outlive its creator's access.

use serde_json::json;

use crate::tests::test_app::TestApp;
use crate::tests::test_app::visitor::{TestVisitor, cookie};

/// Path of a sign-in link that a member creates for another one in the console.
async fn link(by: &TestVisitor, member: &str) -> String {
    let made = by.submit(&format!("/members/{member}/link"), &[]).await;
    let page = by.follow(&made).await;
    let from = page.find("/sign-in/hgl_").expect("a link");
    page[from..]
        .split(['"', '<', ' ', '\n'])
        .next()
        .expect("an end")
        .to_owned()
}

/// `true` if the link still signs in.
async fn works(app: &TestApp, link: &str) -> bool {
    cookie(&app.stranger().submit(link, &[]).await).starts_with("__Host-hookgate=hgs_")
}

/// A session and an unused link from an admin end if the member gets a role that the admin may not give, or if the
/// admin loses the role or the membership.
#[tokio::test]
async fn what_a_link_opened_ends_with_what_its_maker_may() {
    for end in ["guest is an owner", "admin is a viewer", "admin is removed"] {
        let app = TestApp::new().await;
        let admin = app.member("ada", "admin").await;
        let ada = app.stranger().begin(&app.sign_in_path("ada").await, &[]).await;
        let guest = app.member("bob", "viewer").await;
        let began = app.stranger().begin(&link(&ada, &guest).await, &[]).await;
        let unused = link(&ada, &guest).await;
        assert!(began.is_alive().await, "{end}");
        let path = |id: &str| format!("/api/v1/members/{id}");
        let done = match end {
            "guest is an owner" => app.patch(&path(&guest), &json!({"role": "owner"})).await,
            "admin is a viewer" => app.patch(&path(&admin), &json!({"role": "viewer"})).await,
            _ => app.delete(&path(&admin)).await,
        };
        assert_eq!(done.status, 200, "{end}: {done:?}");
        assert!(!began.is_alive().await, "{end}");
        assert!(!works(&app, &unused).await, "{end}");
    }
}

/// Signing out does not end an invitation.
#[tokio::test]
async fn an_invitation_outlives_signing_out() {
    let app = TestApp::new().await;
    let ada = app.sign_in("ada", "admin").await;
    let link = link(&ada, &app.member("bob", "viewer").await).await;
    ada.submit("/sign-out", &[]).await;
    assert!(works(&app, &link).await);
}

/// A session from a member's link can't create a credential that would outlive it, and the error gives a remedy.
#[tokio::test]
async fn a_session_by_a_members_link_makes_no_credential() {
    let app = TestApp::new().await;
    let ada = app.sign_in("ada", "admin").await;
    let guest = app.member("bob", "admin").await;
    let began = app.stranger().begin(&link(&ada, &guest).await, &[]).await;
    let token = [("name", "ci"), ("role", "viewer"), ("expires_days", "")];
    for (path, fields) in [(&*format!("/members/{guest}/link"), &[][..]), ("/tokens", &token)] {
        let refused = began.submit(path, fields).await;
        refused.assert_page(403, &["sign in with your password"]);
    }
}
