//! Address sets, and an allowlist in observe mode, in the browser.

use hookgate_testkit::browser::Setup;

use crate::person::{NO_SCRIPTS, Person};
use crate::stories::deliver;
use crate::support::Server;
use crate::support::publisher::Publisher;

const ALERT: &str = r#"{"title":"Disk full"}"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_set_is_edited() {
    edit_a_set(Setup::default()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_set_is_edited_without_scripts() {
    edit_a_set(NO_SCRIPTS).await;
}

async fn edit_a_set(setup: Setup) {
    let server = Server::start();
    let person = Person::signed_in(&server, setup).await;
    person.go("/address-sets").await;
    person.sees("No address sets yet.").await;
    person.write("#f-name", "office").await;
    person.write("#f-networks", "127.0.0.1\n10.0.0.7/8").await;
    person.press("Create set").await;
    person.sees("entry 2: the address has bits set behind /8").await;
    person.write("#f-networks", "127.0.0.1\n192.0.2.0/24").await;
    person.press("Create set").await;
    person.sees("Address set created.").await;

    let url = person.create("Disk alerts").await;
    person.open("Disk alerts").await;
    person.press("Edit").await;
    person.write("#f-allowlist", "@office # where we sit").await;
    person.press("Save changes").await;
    person.sees("@office").await;
    assert_eq!(deliver(&server, &url, ALERT).await, 201);

    person.go("/address-sets/office").await;
    person.sees("Disk alerts").await;
    person.write("#f-networks", "192.0.2.0/24").await;
    person.press("Preview").await;
    person
        .sees("your own address (127.0.0.1) would not be allowed.")
        .await;
    person
        .sees("0 networks added, 1 network removed. 1 sender from the last 7 days would be refused.")
        .await;
    person.press("Save networks").await;
    person
        .sees("Address set changed. In effect now in every allowlist that uses it.")
        .await;
    person.sees("replaced").await;
    assert_eq!(deliver(&server, &url, ALERT).await, 403);
    person.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_is_imported_and_its_shrink_approved() {
    import_and_approve(Setup::default()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_is_imported_and_its_shrink_approved_without_scripts() {
    import_and_approve(NO_SCRIPTS).await;
}

async fn import_and_approve(setup: Setup) {
    let server = Server::start();
    let publisher = Publisher::start(r#"{"hooks":["127.0.0.0/8","192.30.252.0/22","185.199.108.0/22"]}"#);
    let person = Person::signed_in(&server, setup).await;
    person.go("/address-sets").await;
    person.write("#i-name", "github").await;
    person.choose("#i-provider", "github").await;
    person.write("#i-url", &publisher.url("/elsewhere")).await;
    person.press("Import list").await;
    person.sees("redirects are not followed").await;
    person.write("#i-url", &publisher.url("/list")).await;
    person.press("Import list").await;
    person.sees("Address set created.").await;
    person.sees("current").await;
    person.sees("192.30.252.0/22").await;
    server.json(&["webhook", "edit", "demo", "--allow", "@github"]);
    assert_eq!(deliver(&server, &server.demo_url(), ALERT).await, 201);

    publisher.publish(r#"{"hooks":["192.30.252.0/22"]}"#);
    person.press("Refresh now").await;
    person
        .sees("Version 2 needs approval: it would remove or add more than half of the set")
        .await;
    person
        .sees("1 sender from the last 7 days would be refused.")
        .await;
    assert_eq!(
        deliver(&server, &server.demo_url(), ALERT).await,
        201,
        "the last good version stays in use"
    );
    person.press("Reject it").await;
    person.sees("Version rejected; nothing changes.").await;
    publisher.publish(r#"{"hooks":["192.30.252.0/23"]}"#);
    person.press("Refresh now").await;
    person.press("Approve version 3").await;
    person.sees("Version approved; in effect now.").await;
    assert_eq!(deliver(&server, &server.demo_url(), ALERT).await, 403);

    drop(publisher);
    person.press("Refresh now").await;
    person
        .sees("The published list could not be read, so the last good version stays in use")
        .await;
    server.json(&["webhook", "edit", "demo", "--allow-any"]);
    person.go("/address-sets/github").await;
    person.press("Remove the set").await;
    person.press("Remove the set").await;
    person.sees("Address set removed.").await;
    person.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_allowlist_is_observed_and_then_enforced() {
    observe(Setup::default()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_allowlist_is_observed_and_then_enforced_without_scripts() {
    observe(NO_SCRIPTS).await;
}

async fn observe(setup: Setup) {
    let server = Server::start();
    let person = Person::signed_in(&server, setup).await;
    let url = person.create("Disk alerts").await;
    person.open("Disk alerts").await;
    // A list of one address would refuse all that may send now.
    person
        .go(&format!("{}/edit?add=192.0.2.9", person.path().await))
        .await;
    let list = person.find("#f-allowlist").await.prop("value").await;
    assert_eq!(list.unwrap().unwrap_or_default(), "");
    person.write("#f-allowlist", "192.0.2.0/24").await;
    person.press("Preview the allowlist").await;
    person.sees("would not be allowed").await;
    person.find("#f-observe").await.click().await.unwrap();
    person.press("Save changes").await;
    person.sees("observe only").await;
    assert_eq!(deliver(&server, &url, ALERT).await, 201);
    person.go("/logs").await;
    person.sees("would be refused").await;
    person.press_first("tbody a[href^='/deliveries/']").await;
    person.sees("When it is enforced, this address is refused").await;
    person.sees("127.0.0.1 connected directly.").await;
    person.press("Allow this address").await;
    person.press("Suggest a list from history").await;
    person.sees("127.0.0.1").await;
    person.find("#f-observe").await.click().await.unwrap();
    person.press("Save changes").await;
    person.sees("Changes saved.").await;
    assert_eq!(deliver(&server, &url, ALERT).await, 201);
    person.go("/logs").await;
    person.sees("accepted").await;
    person.close().await;
}
