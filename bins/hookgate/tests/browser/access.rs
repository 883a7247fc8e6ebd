//! Accessibility of every screen: checked with axe-core in light and dark, at 360 pixels, and by keyboard alone.

use std::path::PathBuf;

use hookgate_testkit::browser::Setup;
use hookgate_testkit::https::Http;

use crate::person::Person;
use crate::support::Server;

const TAB: &str = "\u{E004}";
const ENTER: &str = "\u{E007}";

/// Tables that are partly out of view, except the charts' own tables, which are shown on demand and may scroll.
const HIDDEN_TABLES: &str = "return [...document.querySelectorAll('.scroll')]
    .filter(box => box.querySelector('table') && box.scrollWidth > box.clientWidth && !box.closest('details'))
    .map(box => box.getAttribute('aria-label'))";

/// Targets smaller than 24 pixels, except links in a sentence (WCAG 2.2, success criterion 2.5.8).
const SMALL_TARGETS: &str =
    "return [...document.querySelectorAll('a[href], button, summary, select, input, textarea')]
    .filter(target => {
        const { width, height } = target.getBoundingClientRect();
        const parent = target.parentElement;
        const inSentence = target.matches('a') && parent.matches('p, li, dd, span, div')
            && parent.textContent.trim().length > target.textContent.trim().length;
        const shown = target.tabIndex >= 0 && width > 1 && height > 1 && getComputedStyle(target).visibility !== 'hidden';
        return shown && !inSentence && (width < 23.9 || height < 23.9);
    })
    .map(target => target.outerHTML.slice(0, 80))";

/// Opens every screen in turn and calls `look`.
async fn every_screen(server: &Server, person: &Person, look: impl AsyncFn(&Person, &str)) {
    for body in [r#"{"title":"Disk full"}"#, "{"] {
        server.post(Http::One, &server.demo_url(), body).await;
    }
    let items = server.deliveries(|items| items.len() == 2).await;
    server.json(&["addresses", "create", "office", "--network", "192.0.2.0/24"]);
    let handle = server.ready["webhook"]["handle"].as_str().unwrap();
    let deliveries = items
        .iter()
        .map(|item| format!("/deliveries/{}", item["id"].as_str().unwrap()));
    let of_webhook =
        ["", "?range=1h", "/edit", "/regenerate", "/revoke"].map(|part| format!("/webhooks/{handle}{part}"));
    let others = [
        "/webhooks",
        "/webhooks/new",
        "/address-sets",
        "/address-sets/office",
        "/logs",
        "/logs?outcome=refused",
        "/incidents",
        "/incidents/INC-1",
        "/members",
        "/tokens",
        "/audit",
        "/account",
        "/nothing",
    ];
    let paths = others
        .map(str::to_owned)
        .into_iter()
        .chain(of_webhook)
        .chain(deliveries);
    for path in paths {
        person.go(&path).await;
        person.find("main").await;
        look(person, &path).await;
    }
    person.go(&format!("/webhooks/{handle}/edit")).await;
    person.write("#f-allowlist", "10.0.0.0/8\n10.0.0.1/8").await;
    person.press("Preview the allowlist").await;
    person.sees("1 entry is not valid").await;
    look(person, "preview").await;
    person.create("New one").await;
    look(person, "issued").await;
    person.go("/tokens").await;
    person.write("#f-name", "backup").await;
    person.press("Create token").await;
    person.find("#token").await;
    look(person, "token made").await;
    person.go("/sign-in").await;
    look(person, "/sign-in").await;
}

/// Fails for each rule of WCAG 2.2 AA and of best practice that the page violates.
async fn has_no_violations(person: &Person, name: &str) {
    let script: PathBuf = [env!("CARGO_MANIFEST_DIR"), "../../target/tools/axe.min.js"]
        .iter()
        .collect();
    let axe = std::fs::read_to_string(script).expect("axe-core, which `cargo xtask test` fetches");
    person.run(&axe).await;
    let found = person
        .browser
        .driver
        .execute_async(
            "const done = arguments[arguments.length - 1];
            axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']})
                .then(result => done(result.violations.map(rule => rule.id + ': ' + rule.nodes.map(node => node.html + ' ' + node.failureSummary).join('\\n'))))
                .catch(error => done([String(error)]));",
            Vec::new(),
        )
        .await
        .unwrap();
    let violations = found.json().as_array().unwrap().clone();
    assert!(violations.is_empty(), "{name}: {violations:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_screen_is_accessible_in_light() {
    let server = Server::start();
    let person = Person::signed_in(&server, Setup::default()).await;
    assert_eq!(
        person
            .run("return matchMedia('(prefers-color-scheme: dark)').matches")
            .await,
        false
    );
    every_screen(&server, &person, has_no_violations).await;
    person.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_screen_is_accessible_in_dark() {
    let server = Server::start();
    let setup = Setup {
        dark: true,
        ..Setup::default()
    };
    let person = Person::signed_in(&server, setup).await;
    assert_eq!(
        person
            .run("return matchMedia('(prefers-color-scheme: dark)').matches")
            .await,
        true
    );
    every_screen(&server, &person, has_no_violations).await;
    person.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_phone_of_360_pixels_shows_everything() {
    let server = Server::start();
    let setup = Setup {
        window: (360, 800),
        ..Setup::default()
    };
    let person = Person::signed_in(&server, setup).await;
    // A headless window can't be narrower than 500 pixels without device emulation.
    person
        .browser
        .driver
        .set_window_rect(0, 0, 360, 800)
        .await
        .unwrap();
    every_screen(&server, &person, async |person, name| {
        let script = "return [innerWidth, document.documentElement.scrollWidth]";
        let widths = person.run(script).await;
        let (window, page) = (widths[0].as_i64().unwrap(), widths[1].as_i64().unwrap());
        assert!(
            window <= 360 && page <= window,
            "{name}: {page} of {window} pixels"
        );
        let hidden = person.run(HIDDEN_TABLES).await;
        assert_eq!(
            hidden,
            serde_json::json!([]),
            "{name}: tables that scroll in a box"
        );
        let small = person.run(SMALL_TARGETS).await;
        assert_eq!(small, serde_json::json!([]), "{name}: targets below 24 pixels");
    })
    .await;
    person.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_keyboard_is_enough() {
    let server = Server::start();
    let person = Person::signed_in(&server, Setup::default()).await;
    person.go("/webhooks").await;
    tab_to(&person, "Skip to content").await;
    key(&person, ENTER).await;
    tab_to(&person, "New webhook").await;
    enter(&person).await;
    person.find("#f-allowlist").await;
    tab_to(&person, "f-name").await;
    key(&person, "Disk alerts").await;
    tab_to(&person, "Create webhook").await;
    enter(&person).await;
    let first = person.text_of("#url").await;
    tab_to(&person, "Copy URL").await;
    let copy = person.browser.driver.active_element().await.unwrap();
    key(&person, ENTER).await;
    assert!(person.has_copied(copy).await);

    person.open("Disk alerts").await;
    tab_to(&person, "Regenerate the URL").await;
    enter(&person).await;
    tab_to(&person, "Regenerate now").await;
    enter(&person).await;
    let second = person.text_of("#url").await;
    assert_eq!(server.post(Http::One, &first, "{}").await.status, 410);

    person.open("Disk alerts").await;
    tab_to(&person, "Revoke the webhook").await;
    enter(&person).await;
    tab_to(&person, "f-name").await;
    key(&person, "Disk alerts").await;
    tab_to(&person, "Revoke permanently").await;
    enter(&person).await;
    person.sees("Webhook revoked.").await;
    assert_eq!(server.post(Http::One, &second, "{}").await.status, 410);
    person.close().await;
}

/// Sends keys to the focused element.
async fn key(person: &Person, keys: &str) {
    let focused = person.browser.driver.active_element().await.unwrap();
    focused.send_keys(keys).await.unwrap();
}

/// Presses Enter on the focused element, and waits until the page that it loads replaces this one.
async fn enter(person: &Person) {
    let focused = person.browser.driver.active_element().await.unwrap();
    focused.send_keys(ENTER).await.unwrap();
    person.leaves(&focused, "the focused element").await;
}

/// Moves the focus to the element with this name or ID, and checks that each focused element is visible.
async fn tab_to(person: &Person, name: &str) {
    person.find("main").await;
    for _ in 0..60 {
        key(person, TAB).await;
        let at = person
            .run(
                "const at = document.activeElement, style = getComputedStyle(at);
                return [at.id, at.innerText.trim(), at === document.body || style.outlineStyle !== 'none' || style.boxShadow !== 'none']",
            )
            .await;
        assert_eq!(at[2], true, "the focus can't be seen: {at}");
        if at[0] == name || at[1] == name {
            return;
        }
    }
    panic!("{name} is not reached by Tab on {}", person.path().await);
}
