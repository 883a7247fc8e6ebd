//! Webhook IDs in a text of any kind, however they are spelled. What a text is for is not known here.

use std::ops::Range;

use super::spelling::{Layer, may_begin, may_belong};
use super::windows::{DIGITS, search};
use super::{PREFIX, WebhookId};

/// Layers of writing that are taken back, one within the other: JSON in JSON of a percent-encoded text is three.
const MAX_LAYERS: usize = 4;
/// Bytes that are looked at at a time where a text has no end, and how far two such parts overlap: an ID has room in it
/// with 40 bytes for each digit.
const PART: usize = 16 * 1024;
const OVERLAP: usize = 40 * DIGITS;

/// Finds the webhook IDs in a text by their checksum, in every spelling that software on the way makes of one: as JSON
/// escapes, percent-encoded (also twice), as HTML entities, with the backslashes of Markdown, broken over lines, in full width,
/// with characters in between that nobody sees. The prefix counts as little as what follows: the 38 digits are the secret.
///
/// Each comes once, in no order. That other digits are taken for an ID has a chance of at most 2⁻³² for each place where they stand.
///
/// It takes one look at every 38th byte of a text without long words, and allocates nothing unless there is an ID or
/// something that is written in escapes.
///
/// ```
/// use hookgate_domain::{WebhookId, find_webhook_ids};
///
/// let id = WebhookId::generate(|buffer| Ok::<(), std::convert::Infallible>(buffer.fill(7)))?;
/// let text = format!(r"https://h/webhooks/custom/wh\u005f{}?x", &id.reveal()[3..]);
/// assert_eq!(find_webhook_ids(text.as_bytes())[0].digest(), id.digest());
/// assert!(find_webhook_ids(b"wh_77777777777777777777777777777777000000").is_empty());
/// # Ok::<(), std::convert::Infallible>(())
/// ```
#[must_use]
pub fn find_webhook_ids(text: &[u8]) -> Vec<WebhookId> {
    let mut found: Vec<WebhookId> = Vec::new();
    visit(text, &mut |digits, _| {
        let id = [PREFIX.as_bytes(), digits].concat();
        found.extend(
            str::from_utf8(&id)
                .ok()
                .and_then(|id| id.parse::<WebhookId>().ok()),
        );
    });
    found.sort_by_cached_key(WebhookId::digest);
    found.dedup_by_key(|id| id.digest());
    found
}

/// Whether a webhook ID stands in a text, however it is spelled.
///
/// ```
/// use hookgate_domain::{WebhookId, holds_webhook_id};
///
/// let id = WebhookId::generate(|buffer| Ok::<(), std::convert::Infallible>(buffer.fill(7)))?;
/// assert!(holds_webhook_id(format!("see wh%5F{}.", &id.reveal()[3..]).as_bytes()));
/// assert!(!holds_webhook_id(b"see the documentation of webhooks"));
/// # Ok::<(), std::convert::Infallible>(())
/// ```
#[must_use]
pub fn holds_webhook_id(text: &[u8]) -> bool {
    let mut is_found = false;
    visit(text, &mut |_, _| is_found = true);
    is_found
}

/// The text with an asterisk in place of each byte of the digits of each webhook ID in it; `None` if there is none. Its length
/// stays, JSON stays JSON, and UTF-8 stays UTF-8. The same text is always masked in the same way.
///
/// ```
/// use hookgate_domain::{WebhookId, mask_webhook_ids};
///
/// let id = WebhookId::generate(|buffer| Ok::<(), std::convert::Infallible>(buffer.fill(7)))?;
/// let masked = mask_webhook_ids(format!("ping {}", id.reveal()).as_bytes());
/// assert_eq!(masked, Some(format!("ping wh_{}", "*".repeat(38)).into_bytes()));
/// assert_eq!(mask_webhook_ids(b"ping"), None);
/// # Ok::<(), std::convert::Infallible>(())
/// ```
#[must_use]
pub fn mask_webhook_ids(text: &[u8]) -> Option<Vec<u8>> {
    let mut masked: Option<Vec<u8>> = None;
    visit(text, &mut |_, places| {
        let masked = masked.get_or_insert_with(|| text.to_vec());
        places.for_each(|place| masked[place].fill(b'*'));
    });
    masked
}

/// The text with one layer of writing after the other taken back; nothing for a text that is as it reads.
pub(crate) fn decoded_layers(text: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    let mut next = Layer::of(text, 0).decoded();
    std::iter::from_fn(move || {
        let layer = next.take()?;
        next = layer.decoded();
        Some(layer.bytes)
    })
    .take(MAX_LAYERS)
}

/// Gets the digits of an ID, and where in the text each of them stands. An ID may come twice.
type Visitor<'a> = dyn FnMut(&[u8], &mut dyn Iterator<Item = Range<usize>>) + 'a;

fn visit(text: &[u8], found: &mut Visitor<'_>) {
    let mut at = 0;
    // Of 38 bytes in a row, one stands at every 38th place.
    while let Some(probe) = text.get(at + DIGITS - 1) {
        if !may_belong(*probe) {
            at += DIGITS;
            continue;
        }
        let before = text[at..at + DIGITS - 1].iter().rev();
        let start = at + DIGITS - 1 - before.take_while(|byte| may_belong(**byte)).count();
        let after = text[at + DIGITS..].iter();
        let end = at + DIGITS + after.take_while(|byte| may_belong(**byte)).count();
        if end - start >= DIGITS {
            visit_word(text, start..end, found);
        }
        at = end;
    }
}

/// Searches bytes that may all belong to digits: as they are, and one layer of writing after the other.
fn visit_word(text: &[u8], word: Range<usize>, found: &mut Visitor<'_>) {
    let bytes = &text[word.clone()];
    search(bytes, |at| {
        let start = word.start + at;
        let mut places = (start..start + DIGITS).map(|at| at..at + 1);
        found(&bytes[at..at + DIGITS], &mut places);
    });
    let is_plain = bytes.iter().all(u8::is_ascii_alphanumeric);
    if is_plain || bytes.iter().filter(|byte| may_begin(**byte)).count() < DIGITS {
        return;
    }
    for start in word.clone().step_by(PART - OVERLAP) {
        let end = word.end.min(start + PART);
        visit_layers(Layer::of(&text[start..end], start), found);
        if end == word.end {
            break;
        }
    }
}

fn visit_layers(mut layer: Layer, found: &mut Visitor<'_>) {
    for _ in 0..MAX_LAYERS {
        let Some(below) = layer.decoded() else {
            return;
        };
        layer = below;
        search(&layer.bytes, |at| {
            let places = layer.places[at..at + DIGITS].iter();
            found(
                &layer.bytes[at..at + DIGITS],
                &mut places.map(|(start, end)| *start..*end),
            );
        });
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn id(seed: u64) -> WebhookId {
        let mut state = seed;
        let Ok(id) = WebhookId::generate(|buffer| {
            buffer.fill_with(|| {
                state = state
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1_442_695_040_888_963_407);
                state.to_be_bytes()[1]
            });
            Ok::<(), std::convert::Infallible>(())
        });
        id
    }

    /// One layer of writing, of a character each.
    fn written(c: char, way: u8) -> String {
        let code = u32::from(c);
        match if c.is_ascii() { way } else { 5 } {
            0 => format!("\\u{code:04x}"),
            1 => format!("\\u{code:04X}"),
            2 => format!("%{code:02X}"),
            3 => format!("%25{code:02x}"),
            4 => format!("&#{code};"),
            5 => format!("&#x{code:X};"),
            6 => format!("&amp;#{code};"),
            7 => format!("={code:02X}"),
            8 => format!("\\x{code:02x}"),
            9 => format!("%u{code:04x}"),
            10 => format!("{c}\u{200B}"),
            11 => format!("{c}\u{AD}"),
            12 => format!("{c}=\r\n"),
            13 => format!("{c}\\n"),
            14 => format!("{c}&shy;"),
            15 if c.is_ascii_graphic() => char::from_u32(code - 0x21 + 0xFF01).into_iter().collect(),
            _ => c.to_string(),
        }
    }

    fn spelled(text: &str, ways: &[u8]) -> String {
        let ways = ways.iter().cycle();
        text.chars().zip(ways).map(|(c, way)| written(c, *way)).collect()
    }

    proptest! {
        #[test]
        fn an_id_is_found_and_masked_in_every_spelling(
            seed: u64,
            prefix in prop::sample::select(vec!["wh_", "wh\\_", "wh%5F", "wh&#95;", "wh&#x5f;", "wh&lowbar;", "wh\\u005f", "x", ""]),
            before in "[ -~]{0,60}[/ ]",
            behind in "[ /.,)?\"][ -~]{0,60}",
            inner in prop::collection::vec(0_u8..20, 1..40),
            outer in prop::option::of(0_u8..10),
        ) {
            let id = id(seed);
            let mut digits = spelled(&id.reveal()[3..], &inner);
            if let Some(way) = outer {
                digits = spelled(&digits, &[way]);
            }
            let text = format!("{before}{prefix}{digits}{behind}");
            let found = find_webhook_ids(text.as_bytes());
            prop_assert!(found.iter().any(|found| found.digest() == id.digest()), "{}", text);
            let masked = mask_webhook_ids(text.as_bytes()).expect("an ID");
            prop_assert_eq!(masked.len(), text.len());
            prop_assert!(!holds_webhook_id(&masked));
            let masked = String::from_utf8(masked).expect("UTF-8 stays UTF-8");
            prop_assert!(masked.starts_with(&before) && masked.ends_with(&behind), "{}", masked);
        }

        #[test]
        fn nothing_else_is_found(text in prop::collection::vec(any::<u8>(), 0..500), word in "[0-9A-Za-z%\\\\&#;=]{0,200}") {
            prop_assert!(!holds_webhook_id(&text));
            prop_assert!(!holds_webhook_id(word.as_bytes()));
        }

        #[test]
        fn json_stays_json(seed: u64, inner in prop::collection::vec(0_u8..2, 1..40)) {
            let id = spelled(&id(seed).reveal()[3..], &inner);
            let text = format!(r#"{{"title":"x\\u005f{id}"}}"#);
            let masked = mask_webhook_ids(text.as_bytes()).expect("an ID");
            let masked = String::from_utf8(masked).expect("UTF-8");
            prop_assert!(masked.starts_with(r#"{"title":"x\\u005f**"#) && masked.ends_with("**\"}"), "{}", masked);
        }
    }

    /// A text without an end is searched in parts, and an ID on the border of two is found.
    #[test]
    fn long_words_are_searched_in_parts() {
        let id = id(7);
        let spelled = spelled(&id.reveal()[3..], &[0]);
        for length in (0..3 * PART).step_by(1_001) {
            let text = format!("{}%5F{spelled}{}", "%41".repeat(length / 3), "é".repeat(PART));
            assert!(holds_webhook_id(text.as_bytes()), "{length}");
        }
    }
}
