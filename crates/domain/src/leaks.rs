//! Secrets of Hookgate in other texts: pasted into the wrong field, whole, cut, or with a typing error. A name or an
//! address with a secret is refused; a secret in a text that is stored is masked.

mod mask;

pub use mask::{mask_secrets, with_secrets_masked};

use crate::secret::{CHECKED_PREFIXES, SIGNING_PREFIX};
use crate::webhook_id::{DIGITS, decoded_layers, holds_checked};

/// Letters and digits after a prefix that make it part of a secret at any place of a text and in any case: half of a
/// secret. Words such as `kWh_total` have fewer.
const MANY_DIGITS: usize = 16;

/// Prefixes of all secrets.
fn prefixes() -> impl Iterator<Item = &'static str> {
    CHECKED_PREFIXES.into_iter().chain([SIGNING_PREFIX])
}

/// `true` if a text may contain one of Hookgate's secrets: one with a checksum in any spelling, or the start of any,
/// also if it is percent-encoded or escaped, miscopied, cut or in another case.
///
/// ```
/// use hookgate_domain::leaks::may_hold_secret;
///
/// assert!(may_hold_secret(b"rotate-wh_p2rD"));
/// assert!(may_hold_secret(b"\"HGT_77777777777777777777777777777777\""));
/// assert!(may_hold_secret(b"https://h.example/sign-in/hgl%5F7777"));
/// assert!(!may_hold_secret(b"kWh_total of the webhook"));
/// ```
#[must_use]
pub fn may_hold_secret(text: &[u8]) -> bool {
    // Most headers are short and plain. A fold without an early return lets the compiler look at many bytes at once.
    let is_telling = |byte: u8| matches!(byte, b'_' | b'%' | b'\\' | b'&' | b'=' | 0x80..);
    let is_plain = !text.iter().fold(false, |sofar, byte| sofar | is_telling(*byte));
    if is_plain && text.len() < DIGITS {
        return false;
    }
    secret_start(text).is_some()
        || holds_checked(text)
        || (is_written_in_escapes(text) && decoded_layers(text).any(|layer| secret_start(&layer).is_some()))
}

/// The part of a text before the first possible secret: all of it if there is none, nothing if the start of the secret
/// can't be located.
pub(crate) fn before_secret(text: &str) -> &str {
    let open = secret_start(text.as_bytes()).map_or(text, |start| &text[..start]);
    if may_hold_secret(open.as_bytes()) {
        ""
    } else {
        open
    }
}

/// The first byte of the first secret in a text, without decoding.
fn secret_start(text: &[u8]) -> Option<usize> {
    // Most texts have none.
    if !text.contains(&b'_') {
        return None;
    }
    let ends = text.iter().enumerate().filter(|(_, byte)| **byte == b'_');
    ends.into_iter().find_map(|(at, _)| {
        let digits = text[at + 1..]
            .iter()
            .take_while(|byte| byte.is_ascii_alphanumeric());
        let has_many = digits.take(MANY_DIGITS).count() == MANY_DIGITS;
        prefixes().find_map(|prefix| {
            let start = (at + 1).checked_sub(prefix.len())?;
            let written = &text[start..=at];
            let is_word = start == 0 || !text[start - 1].is_ascii_alphanumeric();
            let begins = written.eq_ignore_ascii_case(prefix.as_bytes())
                && (has_many || is_word && written == prefix.as_bytes());
            begins.then_some(start)
        })
    })
}

/// `true` if a text has bytes that may encode another character: escapes or non-ASCII. Most texts have none.
fn is_written_in_escapes(text: &[u8]) -> bool {
    let is_hex = |place: usize| text.get(place).is_some_and(u8::is_ascii_hexdigit);
    text.iter().enumerate().any(|(at, byte)| match byte {
        b'%' | b'\\' | 0x80.. => true,
        b'&' => matches!(
            text.get(at + 1),
            Some(b'#' | b'a' | b'l' | b's' | b'z' | b'Z' | b'N' | b'U')
        ),
        b'=' => is_hex(at + 1) && is_hex(at + 2) || matches!(text.get(at + 1), Some(b'\r' | b'\n')),
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::WebhookId;
    use crate::secret::{SecretText, length};

    fn secrets() -> Vec<String> {
        let seven = |buffer: &mut [u8]| {
            buffer.fill(7);
            Ok::<(), std::convert::Infallible>(())
        };
        let Ok(id) = WebhookId::generate(seven);
        let Ok(token) = SecretText::<{ length("hgt_") }>::generate("hgt_", seven);
        let Ok(session) = SecretText::<{ length("hgs_") }>::generate("hgs_", seven);
        let Ok(link) = SecretText::<{ length("hgl_") }>::generate("hgl_", seven);
        let texts = [id.reveal(), token.reveal(), session.reveal(), link.reveal()];
        let texts = texts.map(str::to_owned).into_iter();
        texts
            .chain(["whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD".to_owned()])
            .collect()
    }

    #[test]
    fn a_secret_is_seen_however_it_was_mistyped() {
        for secret in secrets() {
            for text in [
                secret.clone(),
                format!("rotate-{secret}-2"),
                format!("\"{secret}\""),
                format!("x{secret}"),
                secret.to_uppercase(),
                secret[..secret.len() - 1].to_owned(),
                secret[..8].to_owned(),
                secret.replace('_', "%5F"),
                secret.replace('_', "%255f"),
                secret.replace('_', "\\_"),
                secret.replace('_', "\\u005f"),
                secret.replace('_', "&#95;"),
                secret.replace('_', "&lowbar;"),
                secret.replace('_', "&UnderBar;"),
                secret.replace('_', "\u{FF3F}"),
                secret.replace('_', "\u{AD}_\u{200B}"),
                format!("https://h.example/webhooks/custom/{secret}x?y=1"),
            ] {
                assert!(may_hold_secret(text.as_bytes()), "{text}");
            }
        }
    }

    #[test]
    fn words_of_people_are_no_secrets() {
        for text in [
            "",
            "_",
            "webhook",
            "kWh_total",
            "WH_Berlin",
            "a_b",
            "growth_hook",
            "INC-42",
            "192.0.2.1/24",
            "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
            "Größe 100 %",
            "a=12&amp;b",
            "da39a3ee5e6b4b0d3255bfef95601890afd80709",
            "hk_06emcbvj0c8yd4v3wzd0k9a2m4",
        ] {
            assert!(!may_hold_secret(text.as_bytes()), "{text}");
        }
    }
}
