//! One time zone per page: the reader's with scripts, UTC without.

use hookgate_testkit::browser::Setup;
use hookgate_testkit::https::Http;
use serde_json::json;

use crate::person::Person;
use crate::support::Server;

/// The displayed times of tables, of the chart's axis and of its tooltips, each with the time that the browser's own
/// formatter gives.
const CLOCKS: &str = "
    const clock = (at) => new Intl.DateTimeFormat('en-GB', {
        timeZone: 'Asia/Tokyo', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' }).format(at);
    const tables = [...document.querySelectorAll('main time[datetime]')].map(
        (time) => [time.textContent.slice(-8, -3), clock(new Date(time.getAttribute('datetime')))]);
    const charts = [...document.querySelectorAll('[data-time]')].map(
        (text) => [/\\d\\d:\\d\\d/.exec(text.textContent)[0], clock(new Date(text.dataset.time * 60000))]);
    return [tables.length, charts.length, [...tables, ...charts].filter(([shown, expected]) => shown !== expected)]";

/// The input of a reader for a time some minutes from now.
const TYPED: &str = "
    const at = new Date(Date.now() + MINUTES * 60000);
    const local = new Date(at.getTime() - at.getTimezoneOffset() * 60000).toISOString().slice(0, 16);
    document.querySelector('#f-from').value = local;
    return at.toISOString().slice(0, 16)";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_times_of_a_page_are_in_the_readers_zone() {
    let server = Server::start();
    server
        .post(Http::One, &server.demo_url(), r#"{"title":"Disk full"}"#)
        .await;
    let handle = server.ready["webhook"]["handle"].as_str().unwrap().to_owned();
    // Clocks there are never changed, so a local time is one time in every hour of the year.
    let setup = Setup {
        zone: "Asia/Tokyo",
        ..Setup::default()
    };
    let person = Person::signed_in(&server, setup).await;
    person.go(&format!("/webhooks/{handle}?range=1h")).await;
    person.sees("Times in Asia/Tokyo (UTC+9)").await;
    let clocks = person.run(CLOCKS).await;
    assert!(
        clocks[0].as_u64() >= Some(2) && clocks[1].as_u64() >= Some(2),
        "{clocks}"
    );
    assert_eq!(clocks[2], json!([]), "shown and expected");

    for (minutes, is_found) in [("-5", true), ("5", false)] {
        person.go("/logs").await;
        let utc = person.run(&TYPED.replace("MINUTES", minutes)).await;
        person.press("Filter").await;
        let url = person.run("return location.search").await;
        let from = format!("from={}", utc.as_str().unwrap().replace(':', "%3A"));
        assert!(url.as_str().unwrap().contains(&from), "{url} is UTC: {from}");
        let rows = person
            .run("return document.querySelectorAll('tbody tr').length")
            .await;
        assert_eq!(rows != 0, is_found, "{minutes}: {rows}");
    }
    person.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn typed_times_hide_nothing_and_stay_over_links_and_back() {
    let server = Server::start();
    let setup = Setup {
        zone: "Europe/Berlin",
        ..Setup::default()
    };
    let person = Person::signed_in(&server, setup).await;
    let field = "return document.querySelector('#f-from').value";
    for page in ["/logs", "/audit"] {
        // A link with a zone fills the field, and comes back as it was after Back.
        person.go(&format!("{page}?from=2026-11-24T03:30:00Z")).await;
        person.sees("Times in Europe/Berlin").await;
        assert_eq!(person.run(field).await, json!("2026-11-24T04:30"), "{page}");
        person.go("/account").await;
        person.browser.driver.back().await.unwrap();
        person.sees("Times in Europe/Berlin").await;
        assert_eq!(person.run(field).await, json!("2026-11-24T04:30"), "{page}");
        // An hour that is skipped, one that comes twice, and summer.
        for (local, from, to) in [
            ("2026-03-29T02:30", "2026-03-29T01:30", "2026-03-29T01:30"),
            ("2026-10-25T02:30", "2026-10-25T00:30", "2026-10-25T01:30"),
            ("2026-07-01T12:00", "2026-07-01T10:00", "2026-07-01T10:00"),
        ] {
            let script = format!(
                "for (const id of ['#f-from', '#f-to']) document.querySelector(id).value = '{local}';
                 const data = new FormData(document.querySelector('form.filter'));
                 return [data.get('from'), data.get('to')]"
            );
            assert_eq!(person.run(&script).await, json!([from, to]), "{page} {local}");
        }
    }
    person.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_scripts_all_times_are_utc() {
    let server = Server::start();
    server
        .post(Http::One, &server.demo_url(), r#"{"title":"Disk full"}"#)
        .await;
    let setup = Setup {
        scripts: false,
        zone: "Europe/Berlin",
        ..Setup::default()
    };
    let person = Person::signed_in(&server, setup).await;
    person.go("/logs").await;
    person.sees("Times in UTC").await;
    person.sees("From (UTC)").await;
    person.close().await;
}
