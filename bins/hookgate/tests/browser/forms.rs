//! Forms in difficult cases: a double click, a reload, a concurrent change by another member, and an ended session.

use hookgate_testkit::browser::{By, Setup};

use crate::person::{NO_SCRIPTS, Person};
use crate::stories::deliver;
use crate::support::{Server, sql};

fn webhooks(server: &Server, name: &str) -> usize {
    let items = server.json(&["webhook", "list"])["items"]
        .as_array()
        .unwrap()
        .clone();
    items.iter().filter(|webhook| webhook["name"] == name).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_double_click_and_a_reload_repeat_nothing() {
    let server = Server::start();
    let person = Person::signed_in(&server, Setup::default()).await;
    person.go("/webhooks/new").await;
    person.write("#f-name", "Disk alerts").await;
    let button = person
        .browser
        .driver
        .find(By::Css("main form button.primary"))
        .await
        .unwrap();
    person
        .browser
        .driver
        .action_chain()
        .double_click_element(&button)
        .perform()
        .await
        .unwrap();
    let url = person.text_of("#url").await;
    assert_eq!(webhooks(&server, "Disk alerts"), 1);

    person.browser.driver.refresh().await.unwrap();
    person.sees("The URL was shown once").await;
    assert_eq!(webhooks(&server, "Disk alerts"), 1);
    // The page still waits for the first delivery.
    assert_eq!(deliver(&server, &url, r#"{"title":"Disk full"}"#).await, 201);
    person.sees("INC-1").await;

    person.press("regenerate it").await;
    person.press("Regenerate now").await;
    let url = person.text_of("#url").await;
    person.browser.driver.refresh().await.unwrap();
    person.sees("The URL was shown once").await;
    assert_eq!(
        deliver(&server, &url, r#"{"title":"Disk full"}"#).await,
        201,
        "still this one"
    );
    person.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_colleagues_change_is_seen_before_it_is_overwritten() {
    overwrite(Setup::default()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_colleagues_change_is_seen_before_it_is_overwritten_without_scripts() {
    overwrite(NO_SCRIPTS).await;
}

async fn overwrite(setup: Setup) {
    let server = Server::start();
    let person = Person::signed_in(&server, setup).await;
    person.open("demo").await;
    person.press("Edit").await;
    person.write("#f-per_minute", "77").await;
    server.json(&["webhook", "edit", "demo", "--allow", "192.0.2.1"]);
    for _ in 0..2 {
        person.press("Save changes").await;
        person
            .sees("after you opened the form. Your changes were not saved.")
            .await;
        person.sees("192.0.2.1").await;
        person.sees("77").await;
    }
    assert_eq!(
        server.json(&["webhook", "show", "demo"])["allowlist"][0],
        "192.0.2.1/32"
    );
    person.press("Overwrite with mine").await;
    person.sees("Changes saved.").await;
    let saved = server.json(&["webhook", "show", "demo"]);
    assert_eq!(
        (saved["per_minute"].as_i64(), saved["allowlist"].is_null()),
        (Some(77), true)
    );
    person.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_form_survives_the_end_of_its_session() {
    survive(Setup::default()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_form_survives_the_end_of_its_session_without_scripts() {
    survive(NO_SCRIPTS).await;
}

async fn survive(setup: Setup) {
    let server = Server::start();
    let person = Person::signed_in(&server, setup).await;
    person.go("/account").await;
    person.write("#f-password", "correct horse battery").await;
    person.write("#f-again", "correct horse battery").await;
    person.press("Set password").await;
    person.sees("Password saved.").await;
    person.go("/webhooks/new").await;
    person.write("#f-name", "Disk alerts").await;
    person.write("#f-allowlist", "192.0.2.1\n198.51.100.0/24").await;
    sql(server.directory(), "DELETE FROM sessions");
    person.press("Create webhook").await;
    person.sees("What you typed is kept").await;
    person.write("#f-name", "owner").await;
    person.write("#f-password", "correct horse battery").await;
    person.press("Sign in").await;
    person.sees("nothing was saved").await;
    assert_eq!(webhooks(&server, "Disk alerts"), 0);
    person.press("Create webhook").await;
    person.find("#url").await;
    let saved = server.json(&["webhook", "show", "Disk alerts"]);
    assert_eq!(saved["allowlist"].as_array().unwrap().len(), 2);
    person.close().await;
}
