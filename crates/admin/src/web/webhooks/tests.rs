//! The list of webhooks: failing ones first, and each once.

use std::time::Duration;

use hookgate_domain::Timestamp;

use super::*;
use crate::tests::test_app::TestApp;

#[test]
fn a_cursor_remembers_what_is_still_to_come() {
    let handle = |number: i64| WebhookHandle::new(Timestamp::from_micros(number * 1_000_000), [0; 10]);
    let cursor = Cursor::new(handle(5), &[handle(7), handle(2), handle(6)]);
    assert_eq!(cursor.shown_before, [handle(7), handle(6)]);
    assert_eq!(cursor.to_string().parse(), Ok(cursor));
    assert!(handle(5).to_string().parse::<Cursor>().is_ok());
    for wrong in [
        "",
        ".",
        "hk_x",
        &format!("{}.", handle(5)),
        &format!("{}.x", handle(5)),
    ] {
        assert!(wrong.parse::<Cursor>().is_err(), "{wrong}");
    }
}

/// The webhooks of a page of the list, in its order, and the path of the next page.
fn rows(page: &str) -> (Vec<String>, Option<String>) {
    let rows = page.split("<th scope=\"row\"><a href=\"/webhooks/").skip(1);
    let rows = rows.map(|row| row.split('"').next().expect("a handle").to_owned());
    let next = page.contains("cursor=").then(|| {
        let (_, path) = page.split_once("href=\"/webhooks?").expect("a link");
        let path = path.split('"').next().expect("a path");
        format!("/webhooks?{}", path.replace("&#38;", "&").replace("&amp;", "&"))
    });
    (rows.collect(), next)
}

#[tokio::test]
async fn each_webhook_is_once_in_the_list_whatever_fails_meanwhile() {
    let app = TestApp::new().await;
    let visitor = app.visitor("viewer").await;
    let mut webhooks = Vec::new();
    for number in 0..106 {
        app.clock.advance(Duration::from_millis(1));
        webhooks.push(app.webhook(&format!("hook {number}")).await);
    }
    let fail = async |number: usize| {
        let answer = app.deliver_text(&webhooks[number].url, "{").await;
        answer.assert_error(400, "INVALID_JSON");
    };
    // One of the second page and one of the third.
    fail(60).await;
    fail(104).await;
    let (mut seen, mut next) = rows(&visitor.page("/webhooks").await);
    let failing = [60, 104].map(|number: usize| webhooks[number].handle.clone());
    assert!(seen[..2].iter().all(|row| failing.contains(row)), "{seen:?}");
    // Meanwhile another one fails, which has not been shown.
    fail(70).await;
    while let Some(path) = next {
        let (more, behind) = rows(&visitor.page(&path).await);
        seen.extend(more);
        next = behind;
    }
    let count = seen.len();
    seen.sort();
    seen.dedup();
    assert_eq!((count, seen.len()), (106, 106));
    let (narrowed, _) = rows(&visitor.page("/webhooks?q=hook+104").await);
    assert_eq!(narrowed, failing[1..]);
}
