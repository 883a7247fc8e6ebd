//! Finds webhook IDs and other secrets in any text and in every spelling. The purpose of the text is not known here.

use std::ops::Range;

use super::WebhookId;
use super::spelling::{Classes, Layer, may_begin, may_belong, readable};
use super::windows::{DIGITS, search};
use crate::secret::WEBHOOK_ID_PREFIX;

/// Encodings that are decoded one after the other: JSON in JSON of a percent-encoded text is three.
const MAX_LAYERS: usize = 4;
/// Characters of the longest secret: `whsec_`, or another prefix and its digits.
const MAX_SECRET_CHARACTERS: usize = DIGITS + 6;
/// Bytes of a part in which long text without spaces is decoded, and the overlap of two parts: a secret fits in it with
/// 40 bytes for each character.
const PART: usize = 16 * 1024;
const OVERLAP: usize = 40 * MAX_SECRET_CHARACTERS;

/// Finds the webhook IDs in a text by their checksum, in every spelling that software on the way makes of one: as JSON
/// escapes, percent-encoded (also twice), as HTML entities, with the backslashes of Markdown, broken over lines, in
/// full width, with invisible characters in between. Neither the prefix nor the text after matters: the 38 digits are
/// the secret.
///
/// Each ID is returned once, in no order. The chance that other digits pass for an ID is at most 2⁻³² for each
/// position.
///
/// The search looks at every 38th byte of a text without long words, and allocates nothing unless there is an ID or an
/// escape sequence in it.
///
/// ```
/// use hookgate_domain::WebhookId;
/// use hookgate_domain::webhook_id::find_webhook_ids;
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
    visit::<Checked>(text, &mut |digits, _| {
        let id = [WEBHOOK_ID_PREFIX.as_bytes(), digits].concat();
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

/// `true` if a webhook ID is in a text, in any spelling.
///
/// ```
/// use hookgate_domain::WebhookId;
/// use hookgate_domain::webhook_id::holds_webhook_id;
///
/// let id = WebhookId::generate(|buffer| Ok::<(), std::convert::Infallible>(buffer.fill(7)))?;
/// assert!(holds_webhook_id(format!("see wh%5F{}.", &id.reveal()[3..]).as_bytes()));
/// assert!(!holds_webhook_id(b"see the documentation of webhooks"));
/// # Ok::<(), std::convert::Infallible>(())
/// ```
#[must_use]
pub fn holds_webhook_id(text: &[u8]) -> bool {
    !find_webhook_ids(text).is_empty()
}

/// `true` if a secret with a checksum is in a text, in any spelling.
pub(crate) fn holds_checked(text: &[u8]) -> bool {
    let mut is_found = false;
    visit::<Checked>(text, &mut |_, _| is_found = true);
    is_found
}

/// The text decoded once, then once more and so on, up to four times; nothing for a text without encodings.
pub(crate) fn decoded_layers(text: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    let mut next = Layer::of(text, 0).decoded();
    std::iter::from_fn(move || {
        let layer = next.take()?;
        next = layer.decoded();
        Some(layer.bytes)
    })
    .take(MAX_LAYERS)
}

/// The secrets of a search, as they are written when every encoding is decoded.
pub(crate) trait Sought {
    /// Fewest characters by which a secret is found.
    const SHORTEST: usize;

    /// `true` if this byte may be part of a secret, in any spelling.
    fn may_belong(byte: u8) -> bool;

    /// Calls `found` with the position of the digits of each secret in a decoded text.
    fn search(text: &[u8], found: impl FnMut(Range<usize>));
}

/// The secrets that are recognized by the checksum of their digits.
pub(crate) struct Checked;

impl Sought for Checked {
    const SHORTEST: usize = DIGITS;

    fn may_belong(byte: u8) -> bool {
        may_belong(byte)
    }

    fn search(text: &[u8], mut found: impl FnMut(Range<usize>)) {
        search(text, |at| found(at..at + DIGITS));
    }
}

/// Gets the digits of a secret, and the position of each digit in the text. It may get a secret twice.
type Visitor<'a> = dyn FnMut(&[u8], &mut dyn Iterator<Item = Range<usize>>) + 'a;

pub(crate) fn visit<S: Sought>(text: &[u8], found: &mut Visitor<'_>) {
    let mut at = 0;
    // A run of `SHORTEST` bytes or more covers one of the probed positions, which are as far apart.
    while let Some(probe) = text.get(at + S::SHORTEST - 1) {
        if !S::may_belong(*probe) {
            at += S::SHORTEST;
            continue;
        }
        let before = text[at..at + S::SHORTEST - 1].iter().rev();
        let start = at + S::SHORTEST - 1 - before.take_while(|byte| S::may_belong(**byte)).count();
        let after = text[at + S::SHORTEST..].iter();
        let end = at + S::SHORTEST + after.take_while(|byte| S::may_belong(**byte)).count();
        if end - start >= S::SHORTEST {
            visit_word::<S>(text, start..end, found);
        }
        at = end;
    }
}

/// Searches bytes that may all belong to a secret: as they are, then decoded once, twice and so on.
fn visit_word<S: Sought>(text: &[u8], word: Range<usize>, found: &mut Visitor<'_>) {
    let bytes = &text[word.clone()];
    let classes = Classes::of(bytes);
    // Too short for digits with a checksum, and no prefix to recognize a secret by: most long words are of this kind.
    if bytes.len() < DIGITS && !classes.may_have_prefix {
        return;
    }
    S::search(bytes, |digits| {
        let mut places = (word.start + digits.start..word.start + digits.end).map(|at| at..at + 1);
        found(&bytes[digits], &mut places);
    });
    if !classes.has_escapes || bytes.iter().filter(|byte| may_begin(**byte)).count() < S::SHORTEST {
        return;
    }
    for start in word.clone().step_by(PART - OVERLAP) {
        let end = word.end.min(start + PART);
        let part = &text[start..end];
        if readable(part) >= S::SHORTEST {
            visit_layers::<S>(Layer::of(part, start), found);
        }
        if end == word.end {
            break;
        }
    }
}

fn visit_layers<S: Sought>(mut layer: Layer, found: &mut Visitor<'_>) {
    for _ in 0..MAX_LAYERS {
        let Some(below) = layer.decoded() else {
            return;
        };
        layer = below;
        S::search(&layer.bytes, |digits| {
            let places = layer.places[digits.clone()].iter();
            found(&layer.bytes[digits], &mut places.map(|(start, end)| *start..*end));
        });
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::samples::{id, spelled};
    use super::*;

    proptest! {
        #[test]
        fn an_id_is_found_in_every_spelling(
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
        }

        #[test]
        fn nothing_else_is_found(text in prop::collection::vec(any::<u8>(), 0..500), word in "[0-9A-Za-z%\\\\&#;=]{0,200}") {
            prop_assert!(!holds_webhook_id(&text));
            prop_assert!(!holds_webhook_id(word.as_bytes()));
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
