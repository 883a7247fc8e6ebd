//! Masks the secrets in a text that is stored: a payload, a note, a change in the audit trail. The kind of text is not
//! known here.

use std::borrow::Cow;
use std::ops::Range;

use ring::digest::{Context, SHA256};

use super::prefixes;
use crate::secret::SIGNING_PREFIX;
use crate::webhook_id::{Checked, DIGITS, Sought, may_belong_to_secret, visit};

/// Characters of the shortest prefix, `wh_`.
const SHORTEST_PREFIX: usize = 3;
/// Digits behind a prefix that are masked: fewer leave at least 64 bits of a secret unknown.
const TELLING_DIGITS: usize = 22;
/// The first characters of every mask, by which people recognize one.
const LEAD: [u8; 3] = *b"***";
/// The other characters, two bits of the digest each. No URL, JSON or HTML escapes them, and no secret has them.
const MARKS: [u8; 4] = *b"*-.~";
/// Hashed before the digits, so that no mask begins like a stored digest.
const PURPOSE: &[u8] = b"mask of a secret:";

/// Masks each secret in a text: one with a checksum (webhook ID, API token, session, sign-in link) in every spelling of
/// [`find_webhook_ids`](crate::webhook_id::find_webhook_ids), with its prefix or without; and a signing secret, or one that is cut or miscopied,
/// also in every spelling: a prefix and at least 22 letters and digits. `None` if there is none.
///
/// The length of the text stays, JSON stays JSON, and UTF-8 stays UTF-8. A mask depends on the digits alone, and
/// different digits have different masks: texts that are compared, such as dedup keys, stay the same or different.
///
/// ```
/// use hookgate_domain::WebhookId;
/// use hookgate_domain::leaks::mask_secrets;
///
/// let id = WebhookId::generate(|buffer| Ok::<(), std::convert::Infallible>(buffer.fill(7)))?;
/// let masked = mask_secrets(format!("ping {}", id.reveal()).as_bytes());
/// assert!(masked.is_some_and(|masked| masked.len() == 46 && masked.starts_with(b"ping wh_***")));
/// assert_eq!(mask_secrets(b"ping"), None);
/// # Ok::<(), std::convert::Infallible>(())
/// ```
#[must_use]
pub fn mask_secrets(text: &[u8]) -> Option<Vec<u8>> {
    let mut masked: Option<Vec<u8>> = None;
    visit::<Secrets>(text, &mut |digits, places| {
        let masked = masked.get_or_insert_with(|| text.to_vec());
        for (place, mark) in places.flatten().zip(mask(digits)) {
            masked[place] = mark;
        }
    });
    masked
}

/// The text with each secret in it masked, as [`mask_secrets`] does it.
///
/// ```
/// use hookgate_domain::leaks::with_secrets_masked;
///
/// let shown = with_secrets_masked("token hgt_7777777777777777777777");
/// assert!(shown.starts_with("token hgt_***") && !shown.contains('7'));
/// assert_eq!(with_secrets_masked("kWh_total"), "kWh_total");
/// ```
#[must_use]
pub fn with_secrets_masked(text: &str) -> Cow<'_, str> {
    match mask_secrets(text.as_bytes()) {
        Some(masked) => Cow::Owned(String::from_utf8_lossy(&masked).into_owned()),
        None => Cow::Borrowed(text),
    }
}

/// The bytes that replace a secret with these digits; the iterator is endless.
fn mask(digits: &[u8]) -> impl Iterator<Item = u8> {
    let mut context = Context::new(&SHA256);
    context.update(PURPOSE);
    context.update(digits);
    let digest = context.finish();
    let mut marks = LEAD.to_vec();
    for byte in digest.as_ref() {
        marks.extend([0, 2, 4, 6].map(|shift| MARKS[usize::from(byte >> shift & 3)]));
    }
    marks.into_iter().chain(std::iter::repeat(MARKS[0]))
}

/// The secrets that are recognized by their checksum, and those that are recognized by their prefix.
struct Secrets;

impl Sought for Secrets {
    const SHORTEST: usize = SHORTEST_PREFIX + TELLING_DIGITS;

    fn may_belong(byte: u8) -> bool {
        may_belong_to_secret(byte)
    }

    fn search(text: &[u8], mut found: impl FnMut(Range<usize>)) {
        if text.len() >= Checked::SHORTEST {
            Checked::search(text, &mut found);
        }
        let ends = text.iter().enumerate().filter(|(_, byte)| **byte == b'_');
        ends.filter_map(|(at, _)| digits_behind(text, at)).for_each(found);
    }
}

/// The digits of the secret whose prefix ends with the underscore at this place.
fn digits_behind(text: &[u8], underscore: usize) -> Option<Range<usize>> {
    let last = text[underscore.checked_sub(1)?].to_ascii_lowercase();
    // Most words end with another letter.
    if !matches!(last, b'h' | b't' | b's' | b'l' | b'c') {
        return None;
    }
    let written = &text[..=underscore];
    let (prefix, before) = prefixes().find_map(|prefix| {
        let (before, end) = written.split_at(written.len().checked_sub(prefix.len())?);
        end.eq_ignore_ascii_case(prefix.as_bytes())
            .then_some((prefix, before))
    })?;
    // Watt-hours: `kWh_`, `MWh_`, `GWh_`.
    let is_unit = before
        .last()
        .is_some_and(|byte| b"kmg".contains(&byte.to_ascii_lowercase()));
    if is_unit && prefix.len() == SHORTEST_PREFIX {
        return None;
    }
    let is_base64 = prefix == SIGNING_PREFIX;
    let is_digit = |byte: u8| byte.is_ascii_alphanumeric() || is_base64 && matches!(byte, b'+' | b'/');
    let start = underscore + 1;
    let digits = text[start..].iter().take(DIGITS);
    let count = digits.take_while(|byte| is_digit(**byte)).count();
    (count >= TELLING_DIGITS).then_some(start..start + count)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::secret::{SecretText, length};
    use crate::webhook_id::decoded_layers;
    use crate::webhook_id::samples::{id, spelled};

    /// One secret of each kind, made of this number.
    fn secrets(seed: u64) -> [String; 5] {
        let id = id(seed).reveal().to_owned();
        let fill = |buffer: &mut [u8]| {
            let digits = id.as_bytes().iter().cycle().skip(SHORTEST_PREFIX);
            buffer
                .iter_mut()
                .zip(digits)
                .for_each(|(byte, digit)| *byte = *digit);
            Ok::<(), std::convert::Infallible>(())
        };
        let Ok(token) = SecretText::<{ length("hgt_") }>::generate("hgt_", fill);
        let Ok(session) = SecretText::<{ length("hgs_") }>::generate("hgs_", fill);
        let Ok(link) = SecretText::<{ length("hgl_") }>::generate("hgl_", fill);
        let signing = format!("whsec_{}+{}/{}", &id[3..8], &id[8..20], &id[20..33]);
        let [token, session, link] = [token.reveal(), session.reveal(), link.reveal()].map(str::to_owned);
        [id, token, session, link, signing]
    }

    /// `true` if a text, decoded or not, shows eight consecutive characters of a secret's digits.
    fn is_readable(text: &[u8], digits: &str) -> bool {
        let shows = |layer: &[u8]| {
            let parts = digits.as_bytes().windows(8);
            parts
                .into_iter()
                .any(|part| layer.windows(8).any(|window| window == part))
        };
        shows(text) || decoded_layers(text).any(|layer| shows(&layer))
    }

    proptest! {
        #[test]
        fn no_secret_survives_in_any_spelling(
            seed: u64,
            kind in 0_usize..5,
            before in "[ -~]{0,60}[/ ]",
            behind in "[ .,)?\"][ -~]{0,60}",
            inner in prop::collection::vec(0_u8..20, 1..40),
            outer in prop::option::of(0_u8..10),
        ) {
            let secret = &secrets(seed)[kind];
            let (prefix, digits) = secret.split_once('_').expect("a prefix");
            let mut spelling = spelled(&format!("{prefix}_{digits}"), &inner);
            if let Some(way) = outer {
                spelling = spelled(&spelling, &[way]);
            }
            let text = format!("{before}{spelling}{behind}");
            let masked = mask_secrets(text.as_bytes()).expect("a secret");
            prop_assert_eq!(masked.len(), text.len());
            prop_assert!(!is_readable(&masked, digits), "{} as {}", text, String::from_utf8_lossy(&masked));
            prop_assert_eq!(mask_secrets(&masked), None);
            let masked = String::from_utf8(masked).expect("UTF-8 stays UTF-8");
            prop_assert!(masked.starts_with(&before) && masked.ends_with(&behind), "{}", masked);
        }

        #[test]
        fn a_secret_that_was_cut_or_glued_is_masked(seed: u64, kind in 0_usize..5, length in 22_usize..38, before in "[xn/]?") {
            let secret = &secrets(seed)[kind];
            let (prefix, digits) = secret.split_once('_').expect("a prefix");
            let digits = &digits[..length.min(digits.len())];
            let plain = format!("{before}{prefix}_{digits}");
            let mut spellings = vec![plain.to_uppercase(), plain.to_lowercase()];
            spellings.extend(["%5F", "\\u005f", "&lowbar;", "\u{FF3F}"].map(|way| plain.replace('_', way)));
            spellings.push(plain);
            for spelling in spellings {
                let masked = mask_secrets(spelling.as_bytes()).expect("a part of a secret");
                prop_assert!(!is_readable(&masked.to_ascii_lowercase(), &digits.to_lowercase()), "{}", spelling);
                prop_assert_eq!(mask_secrets(&masked), None);
            }
        }

        #[test]
        fn other_texts_stay(
            bytes in prop::collection::vec(any::<u8>(), 0..500),
            word in "[0-9A-Za-z%\\\\&#;=+/]{0,200}",
            name in "([0-9A-Za-z%]{0,21}[_./-]){0,20}",
        ) {
            for text in [&bytes, word.as_bytes(), name.as_bytes()] {
                prop_assert_eq!(mask_secrets(text), None);
            }
        }

        #[test]
        fn json_stays_json(seed: u64, kind in 0_usize..5, inner in prop::collection::vec(0_u8..2, 1..40)) {
            let secret = &secrets(seed)[kind];
            let (prefix, digits) = secret.split_once('_').expect("a prefix");
            let text = format!(r#"{{"title":"{prefix}\u005f{}"}}"#, spelled(digits, &inner));
            let masked = mask_secrets(text.as_bytes()).expect("a secret");
            let masked = String::from_utf8(masked).expect("UTF-8");
            let (start, end) = masked.split_once("***").expect("a mask");
            prop_assert_eq!(start, format!(r#"{{"title":"{prefix}\u005f"#));
            prop_assert!(end.ends_with("\"}") && !end.contains('\\'), "{}", masked);
        }
    }

    /// Dedup keys are masked before they are compared, so that incidents of different secrets must stay different.
    #[test]
    fn different_secrets_have_different_masks() {
        for kind in 0..5 {
            let masked = |seed| mask_secrets(secrets(seed)[kind].as_bytes()).expect("a secret");
            let masks: std::collections::HashSet<_> = (0..500).map(masked).collect();
            assert_eq!(masks.len(), 500);
            assert_eq!(masked(1), masked(1));
        }
        let [id, ..] = secrets(7);
        let [glued, alone] =
            [format!("see {id}x"), id].map(|text| mask_secrets(text.as_bytes()).expect("an ID"));
        assert!(glued[4..].starts_with(&alone), "the same wherever it stands");
    }

    #[test]
    fn words_of_people_stay() {
        for text in [
            "kWh_totalconsumption2026inGermany and MWH_totalconsumption2026inGermany",
            "wh_7777, whsec_, hgt_77, wh_short and wh_d1v5r0k2q9s0cd2k7v3g",
            "https://grafana.example.org/d/disk_space_of_all_hosts?var-host=db1&from=now",
            "the_name_of_a_very_long_metric_in_percent",
            "\\u0413\\u0440\\u043e\\u0437\\u0430_\\u0438_\\u0434\\u043e\\u0436\\u0434\\u044c",
        ] {
            assert_eq!(with_secrets_masked(text), text);
        }
    }
}
