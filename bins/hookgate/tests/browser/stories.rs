//! The main tasks of the console, with and without scripts.

use hookgate_testkit::browser::Setup;
use hookgate_testkit::https::Http;

use crate::person::{NO_SCRIPTS, Person};
use crate::support::Server;

pub(crate) async fn deliver(server: &Server, url: &str, body: &str) -> u16 {
    server.post(Http::One, url, body).await.status.as_u16()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_delivery_arrives_without_a_reload() {
    let server = Server::start();
    let person = Person::signed_in(&server, Setup::default()).await;
    let url = person.create("Disk alerts").await;
    person.copy("Copy URL").await;
    person.run("window.stayed = true").await;
    assert_eq!(deliver(&server, &url, r#"{"title":"Disk full"}"#).await, 201);
    person.sees("INC-1").await;
    person.sees("accepted").await;
    assert_eq!(deliver(&server, &url, "{").await, 400);
    person.sees("INVALID_JSON").await;
    assert_eq!(
        person.run("return window.stayed").await,
        true,
        "the page was not loaded again"
    );
    person.go("/webhooks").await;
    assert!(!person.text().await.contains(&url), "a URL is shown once");
    person.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_webhooks_page_lives() {
    let server = Server::start();
    let person = Person::signed_in(&server, Setup::default()).await;
    person.open("demo").await;
    person.run("window.stayed = true").await;
    assert_eq!(
        deliver(&server, &server.demo_url(), r#"{"title":"Disk full"}"#).await,
        201
    );
    person.sees("INC-1").await;
    assert_eq!(person.run("return window.stayed").await, true);
    person.go("/webhooks").await;
    person.open("demo").await;
    person.sees("1 accepted, 0 refused").await;
    person.sees("127.0.0.1").await;
    for range in ["1h", "7d", "30d"] {
        person.press(range).await;
        person.sees("1 accepted, 0 refused").await;
        assert!(person.path().await.ends_with(&format!("?range={range}")));
    }
    person.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_life_of_a_webhook() {
    life_of_a_webhook(Setup::default()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_life_of_a_webhook_without_scripts() {
    life_of_a_webhook(NO_SCRIPTS).await;
}

async fn life_of_a_webhook(setup: Setup) {
    let server = Server::start();
    let person = Person::signed_in(&server, setup).await;
    let first = person.create("Disk alerts").await;
    assert_eq!(deliver(&server, &first, r#"{"title":"Disk full"}"#).await, 201);

    person.open("Disk alerts").await;
    person.sees("INC-1").await;
    person.press("Edit").await;
    person.write("#f-allowlist", "10.0.0.7/8").await;
    person.press("Save changes").await;
    person.sees("10.0.0.0/8").await;
    person.sees("10.0.0.7").await;
    person.write("#f-allowlist", "10.0.0.0/8").await;
    person.press("Preview the allowlist").await;
    person
        .sees("1 sender from the last 7 days (1 delivery) would be refused.")
        .await;
    person.sees("would be refused").await;
    person.press("Save changes").await;
    person.sees("Changes saved.").await;
    person.sees("10.0.0.0/8").await;

    assert_eq!(deliver(&server, &first, r#"{"title":"Disk full"}"#).await, 403);
    server.deliveries(|items| items.len() == 2).await;
    person.go("/logs?outcome=refused").await;
    person.press_first("tbody a[href^='/deliveries/']").await;
    person
        .sees("The source address is not in the webhook's allowlist.")
        .await;
    person.press("Allow this address").await;
    person.press("Save changes").await;
    person.sees("Changes saved.").await;
    assert_eq!(deliver(&server, &first, r#"{"title":"Disk full"}"#).await, 201);

    person.open("Disk alerts").await;
    person.press("Regenerate the URL").await;
    person
        .sees("2 deliveries from 1 sender in the last 24 hours")
        .await;
    person.press("Regenerate now").await;
    let second = person.text_of("#url").await;
    assert_ne!(first, second);
    assert_eq!(deliver(&server, &first, "{}").await, 410);
    assert_eq!(deliver(&server, &second, r#"{"title":"Disk full"}"#).await, 201);

    person.open("Disk alerts").await;
    person.press("Revoke the webhook").await;
    person.write("#f-name", "disk alerts").await;
    let field = person.find("#f-name").await;
    field.send_keys("\u{E007}").await.unwrap();
    if !setup.scripts {
        // The server refuses it. With scripts, the button does not work with another name, and no form is sent.
        person.leaves(&field, "the wrong name").await;
    }
    assert_eq!(
        deliver(&server, &second, r#"{"title":"Disk full"}"#).await,
        201,
        "another name revokes nothing"
    );
    person.write("#f-name", "Disk alerts").await;
    person.press("Revoke permanently").await;
    person.sees("Webhook revoked.").await;
    assert_eq!(deliver(&server, &second, "{}").await, 410);
    person.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn logs_are_narrowed_and_exported() {
    narrow_and_export(Setup::default()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn logs_are_narrowed_and_exported_without_scripts() {
    narrow_and_export(NO_SCRIPTS).await;
}

async fn narrow_and_export(setup: Setup) {
    let server = Server::start();
    for body in [r#"{"title":"Disk full"}"#, "{", r#"{"title":1}"#] {
        deliver(&server, &server.demo_url(), body).await;
    }
    server.deliveries(|items| items.len() == 3).await;
    let person = Person::signed_in(&server, setup).await;
    person.go("/logs").await;
    person.sees("VALIDATION_ERROR").await;
    person.choose("#f-outcome", "refused").await;
    person.choose("#f-code", "INVALID_JSON").await;
    person.press("Filter").await;
    person.sees("Clear").await;
    assert!(
        person.path().await.contains("code=INVALID_JSON"),
        "the state is in the address"
    );
    assert_eq!(person.count("tbody tr").await, 1);
    for format in ["CSV", "NDJSON"] {
        let link = person
            .find(&format!("a[href*='format={}']", format.to_lowercase()))
            .await;
        let href = link.attr("href").await.unwrap().unwrap();
        assert!(href.contains("code=INVALID_JSON"), "{href}");
        if setup.scripts {
            let script = format!(
                "const r = new XMLHttpRequest(); r.open('GET', '{href}', false); r.send(); return r.responseText"
            );
            let file = person.run(&script).await;
            let file = file.as_str().unwrap();
            assert!(
                file.contains("INVALID_JSON") && !file.contains("VALIDATION_ERROR"),
                "{file}"
            );
        }
    }
    person.write("#f-source", "nonsense").await;
    person.press("Filter").await;
    person.sees("not an IP address").await;
    person.find("[aria-invalid=true]").await;
    person.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_incident_is_resolved() {
    resolve(Setup::default()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_incident_is_resolved_without_scripts() {
    resolve(NO_SCRIPTS).await;
}

async fn resolve(setup: Setup) {
    let server = Server::start();
    for _ in 0..2 {
        deliver(
            &server,
            &server.demo_url(),
            r#"{"title":"Disk full","dedup_key":"disk"}"#,
        )
        .await;
    }
    let person = Person::signed_in(&server, setup).await;
    person.go("/incidents?status=open").await;
    person.press("INC-1").await;
    person.press("Acknowledge").await;
    person.sees("Incident acknowledged.").await;
    person.press("Resolve").await;
    person.sees("Incident resolved.").await;
    for entry in [
        "Opened by a delivery",
        "Updated by a delivery",
        "Acknowledged by owner",
        "Resolved by owner",
        "black-box/1",
    ] {
        person.sees(entry).await;
    }
    assert_eq!(server.json(&["incidents", "show", "INC-1"])["status"], "resolved");
    person.press("Reopen").await;
    person.sees("Incident reopened.").await;
    person.close().await;
}
