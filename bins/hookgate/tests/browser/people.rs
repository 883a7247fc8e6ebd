//! Members of each role, tokens and sessions.

use hookgate_testkit::browser::Setup;
use hookgate_testkit::https::Http;

use crate::person::{NO_SCRIPTS, Person};
use crate::support::Server;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_role_sees_and_does_its_own() {
    each_role(Setup::default()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_role_sees_and_does_its_own_without_scripts() {
    each_role(NO_SCRIPTS).await;
}

async fn each_role(setup: Setup) {
    let server = Server::start();
    server
        .post(Http::One, &server.demo_url(), r#"{"title":"Disk full"}"#)
        .await;
    let delivery = server.deliveries(|items| items.len() == 1).await[0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let owner = Person::signed_in(&server, setup).await;
    for (role, sees_payload, manages, acts) in [
        ("admin", true, true, true),
        ("operator", true, false, true),
        ("viewer", false, false, false),
    ] {
        owner.go("/members").await;
        owner.write("#f-name", role).await;
        owner.choose("#f-role", role).await;
        owner.press("Add").await;
        owner.sees("Member added.").await;
        owner.press(&format!("Sign-in link for {role}")).await;
        let link = owner.text_of("#link").await;
        let member = Person::new(&server, setup).await;
        member.sign_in(&link).await;
        member.go(&format!("/deliveries/{delivery}")).await;
        member.sees("INC-1").await;
        assert_eq!(member.text().await.contains("Disk full"), sees_payload, "{role}");
        member.open("demo").await;
        let has_links = member
            .count("a[href$='/edit'], a[href$='/regenerate'], a[href$='/revoke']")
            .await
            > 0;
        assert_eq!(has_links, manages, "{role}");
        member.go("/webhooks/new").await;
        let may_create = member.count("#f-allowlist").await == 1;
        assert_eq!(may_create, manages, "{role}: {}", member.text().await);
        member.go("/incidents/INC-1").await;
        member.sees("Opened by a delivery").await;
        let buttons = member.count("form[action$='/resolve']").await;
        assert_eq!(buttons == 1, acts, "{role}");
        member.go("/audit").await;
        assert_eq!(member.text().await.contains("member.add"), manages, "{role}");
        member.close().await;
    }
    owner.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tokens_and_sessions_end() {
    end_tokens_and_sessions(Setup::default()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tokens_and_sessions_end_without_scripts() {
    end_tokens_and_sessions(NO_SCRIPTS).await;
}

async fn end_tokens_and_sessions(setup: Setup) {
    let server = Server::start();
    let person = Person::signed_in(&server, setup).await;
    person.go("/tokens").await;
    person.write("#f-name", "backup").await;
    person.press("Create token").await;
    assert!(person.text_of("#token").await.starts_with("hgt_"));
    person.go("/tokens").await;
    assert!(!person.text().await.contains("hgt_"), "a token is shown once");
    person.press("Revoke backup").await;
    person.press("Revoke token").await;
    person.sees("Token revoked.").await;

    person.go("/account").await;
    person.write("#f-password", "correct horse battery").await;
    person.write("#f-again", "correct horse battery").await;
    person.press("Set password").await;
    person.sees("Password saved.").await;
    person.find("details.menu summary").await.click().await.unwrap();
    person.press_first("form[action='/sign-out'] button").await;
    person.find("#f-password").await;
    person.go("/webhooks").await;
    assert!(person.path().await.starts_with("/sign-in"), "the session is over");
    person.write("#f-name", "owner").await;
    person.write("#f-password", "wrong horse battery").await;
    person.press("Sign in").await;
    person.find("[role=alert]").await;
    person.write("#f-name", "owner").await;
    person.write("#f-password", "correct horse battery").await;
    person.press("Sign in").await;
    person.sees("demo").await;
    person.close().await;
}
