//! Renders every screen, with ordinary and hostile data, and checks the properties that all of them have.

mod check;
mod samples;

use hookgate_domain::invisible::characters;
use samples::Kind;

#[test]
fn every_screen_is_sound() {
    for (name, html) in samples::all(Kind::Ordinary) {
        check::page(name, &html);
    }
}

#[test]
fn hostile_text_changes_no_screen() {
    let shape = |kind| -> Vec<_> {
        samples::all(kind)
            .iter()
            .map(|(name, html)| (*name, elements(html)))
            .collect()
    };
    for (name, html) in samples::all(Kind::Hostile) {
        check::read(&html).unwrap_or_else(|fault| panic!("{name}: {fault}"));
        let is_hidden = |(c, is_hidden): (char, bool)| is_hidden && !"\n\t".contains(c);
        assert!(
            !characters(&html).any(is_hidden),
            "{name} holds a hidden character"
        );
    }
    // The preview of a wrong allowlist has a line for each entry, so it may differ.
    let (ordinary, hostile) = (shape(Kind::Ordinary), shape(Kind::Hostile));
    for (one, other) in ordinary
        .iter()
        .zip(&hostile)
        .filter(|(one, _)| !one.0.ends_with("-wrong"))
    {
        assert_eq!(one, other);
    }
}

#[test]
fn fragments_are_sound_and_on_one_line() {
    for kind in [Kind::Ordinary, Kind::Hostile] {
        let row = samples::live_row(kind);
        check::read(&row).expect("a row");
        assert!(row.trim().starts_with("<tr ") && !row.contains('\n'));
    }
    check::read(&samples::preview()).expect("a preview");
}

#[test]
fn a_dangerous_link_is_only_text() {
    let pages = samples::all(Kind::Ordinary);
    let (_, html) = pages
        .iter()
        .find(|(name, _)| *name == "incident-bad-link")
        .expect("the page");
    assert!(html.contains("<bdi>javascript:alert(1)</bdi>") && !html.contains("href=\"javascript"));
}

#[test]
fn a_proxy_that_is_not_trusted_is_not_offered_to_be_allowed() {
    let pages = samples::all(Kind::Ordinary);
    let page = |wanted: &str| {
        &pages
            .iter()
            .find(|(name, _)| *name == wanted)
            .expect("the page")
            .1
    };
    assert!(page("delivery-refused").contains("Allow this address"));
    let html = page("delivery-untrusted-proxy");
    assert!(html.contains("gate.trusted_proxies") && !html.contains("Allow this address"));
    for name in ["delivery-accepted-from-proxy", "webhook"] {
        let said = "10.0.0.2 connected directly. Its X-Forwarded-For header was ignored because 10.0.0.2 is not a \
                    trusted proxy. If 10.0.0.2 is a proxy of yours, add 10.0.0.2 to gate.trusted_proxies";
        assert!(page(name).contains(said), "{name}");
    }
}

/// The nouns that pages count.
const NOUNS: [&str; 24] = [
    "addresses",
    "bytes",
    "changes",
    "codes",
    "days",
    "deliveries",
    "entries",
    "hours",
    "incidents",
    "keys",
    "members",
    "minutes",
    "networks",
    "refusals",
    "retries",
    "rows",
    "seconds",
    "senders",
    "sessions",
    "sources",
    "times",
    "tokens",
    "versions",
    "webhooks",
];

#[test]
fn one_of_a_thing_is_no_plural() {
    let mut singular = 0;
    for (name, html) in samples::all(Kind::Single) {
        let text = words(&html);
        let words: Vec<_> = text
            .split(|c: char| !(c.is_alphanumeric() || c == '_'))
            .filter(|word| !word.is_empty())
            .collect();
        for (place, _) in words.iter().enumerate().filter(|(_, word)| **word == "1") {
            let behind = &words[place + 1..words.len().min(place + 3)];
            // `1 of 2 senders` is right.
            let wrong = match behind {
                [noun, ..] | ["more" | "other", noun] if NOUNS.contains(noun) => Some(*noun),
                _ => None,
            };
            assert_eq!(
                wrong,
                None,
                "{name}: {}",
                words[place.saturating_sub(6)..].join(" ")
            );
            singular += usize::from(behind.first().is_some_and(|noun| noun.len() > 2));
        }
    }
    assert!(singular > 20, "{singular} things were counted");
}

/// The text of a page, without its tags.
fn words(html: &str) -> String {
    let parts = html.split('<');
    parts
        .map(|part| part.split_once('>').map_or(part, |(_, text)| text))
        .collect::<Vec<_>>()
        .join(" | ")
}

/// The elements of a page in order, marks of hidden characters aside.
fn elements(html: &str) -> Vec<String> {
    let tags = check::read(html).expect("a sound page");
    let marks = |tag: &check::Tag| tag.name == "i" && tag.get("class") == Some("hid");
    tags.into_iter()
        .filter(|tag| !marks(tag))
        .map(|tag| tag.name)
        .collect()
}
