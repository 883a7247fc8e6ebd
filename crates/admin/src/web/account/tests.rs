//! The sessions and the password of a member.

use crate::tests::test_app::TestApp;

const PASSWORD: &str = "a long enough password";

#[tokio::test]
async fn a_new_password_signs_in_and_ends_the_other_sessions() {
    let app = TestApp::new().await;
    let ada = app.sign_in("ada", "viewer").await;
    let other = app.stranger().begin(&app.sign_in_path("ada").await, &[]).await;
    let set = ada
        .submit(
            "/account/password",
            &[("password", PASSWORD), ("again", PASSWORD)],
        )
        .await;
    set.assert_redirect("/account?done=password-set");
    assert!(ada.is_alive().await && !other.is_alive().await);
    let fields = [("name", "ada"), ("password", PASSWORD)];
    assert!(app.stranger().begin("/sign-in", &fields).await.is_alive().await);
}

#[tokio::test]
async fn a_password_that_is_not_accepted_is_told() {
    let ada = TestApp::new().await.sign_in("ada", "viewer").await;
    for (password, again, problem) in [
        ("", "", "a new password is needed"),
        ("short", "short", "8"),
        (PASSWORD, "another one", "the two passwords do not match"),
        ("password1", "password1", "common"),
    ] {
        let fields = [("password", password), ("again", again)];
        let answer = ada.submit("/account/password", &fields).await;
        answer.assert_page(422, &[problem]);
        assert!(
            password.is_empty() || !answer.body.contains(&format!("\"{password}\"")),
            "{answer:?}"
        );
    }
}

#[tokio::test]
async fn a_password_is_changed_by_those_who_know_it() {
    let app = TestApp::new().await;
    let ada = app.sign_in("ada", "viewer").await;
    ada.submit(
        "/account/password",
        &[("password", PASSWORD), ("again", PASSWORD)],
    )
    .await;
    let session = app
        .stranger()
        .begin("/sign-in", &[("name", "ada"), ("password", PASSWORD)])
        .await;
    let change = async |current| {
        let fields = [
            ("current", current),
            ("password", "another password"),
            ("again", "another password"),
        ];
        session.submit("/account/password", &fields).await
    };
    change("a wrong password")
        .await
        .assert_page(422, &["The current password is wrong."]);
    change("")
        .await
        .assert_page(422, &["The current password is wrong."]);
    change(PASSWORD)
        .await
        .assert_redirect("/account?done=password-set");
}

#[tokio::test]
async fn a_session_is_ended_by_its_member_alone() {
    let app = TestApp::new().await;
    let (ada, bob) = (
        app.sign_in("ada", "viewer").await,
        app.sign_in("bob", "viewer").await,
    );
    let other = app.stranger().begin(&app.sign_in_path("ada").await, &[]).await;
    let page = ada.page("/account").await;
    let row = page
        .split("<tr>")
        .find(|row| row.contains("/end\"") && !row.contains("this device"));
    let action = row.expect("another session").split("action=\"").nth(1);
    let path = action
        .and_then(|rest| rest.split('"').next())
        .expect("a path")
        .to_owned();
    assert_eq!(bob.submit(&path, &[]).await.status, 404);
    assert!(other.is_alive().await);
    ada.submit(&path, &[])
        .await
        .assert_redirect("/account?done=session-ended");
    assert!(ada.is_alive().await && !other.is_alive().await);
    assert_eq!(ada.submit("/account/sessions/x/end", &[]).await.status, 404);
}
