//! JSON strings: a scanner that finds their end, and a decoder of their escapes.

use super::problem::JsonProblem;

/// A scanned string, without its quotation marks.
#[derive(Clone, Copy)]
pub(super) enum Scanned<'a> {
    /// No escapes.
    Plain(&'a str),
    /// Escapes, all of them valid.
    Escaped(&'a str),
}

/// Scans a string from behind its first quotation mark, and checks its escapes. Returns the length with the last quotation
/// mark; with an error, the number of bytes before it.
pub(super) fn scan(rest: &str) -> Result<(Scanned<'_>, usize), (JsonProblem, usize)> {
    let bytes = rest.as_bytes();
    let (mut at, mut has_escapes) = (0, false);
    loop {
        at += plain_length(&bytes[at..]);
        match bytes.get(at) {
            None => return Err((JsonProblem::Truncated, at)),
            Some(b'"') => {
                let text = &rest[..at];
                let scanned = if has_escapes {
                    Scanned::Escaped(text)
                } else {
                    Scanned::Plain(text)
                };
                return Ok((scanned, at + 1));
            }
            Some(b'\\') => {
                has_escapes = true;
                at += escape(&bytes[at..]).map_err(|problem| (problem, at))?;
            }
            // A control character.
            Some(_) => return Err((JsonProblem::Syntax, at)),
        }
    }
}

/// Number of bytes before the first quotation mark, backslash or control character. Eight bytes are checked at once, as one
/// integer: most strings are too short for a vectorized search to pay off.
#[inline]
pub(super) fn plain_length(bytes: &[u8]) -> usize {
    let (words, rest) = bytes.as_chunks();
    for (index, word) in words.iter().enumerate() {
        let special = special_bytes(u64::from_le_bytes(*word));
        if special != 0 {
            return index * size_of::<u64>() + special.trailing_zeros() as usize / 8;
        }
    }
    let is_plain = |byte: &&u8| **byte >= b' ' && !matches!(**byte, b'"' | b'\\');
    words.len() * size_of::<u64>() + rest.iter().take_while(is_plain).count()
}

/// Sets the highest bit of the first byte that is a quotation mark, a backslash or a control character. No bit before that
/// byte is set, and none at all if there is no such byte.
const fn special_bytes(word: u64) -> u64 {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    // A subtraction sets the highest bit of bytes that are smaller than the subtrahend. It borrows from later bytes only.
    // `^ 2` swaps the quotation mark and the space, which puts the mark next to the control characters.
    let mark_or_control = (word ^ (ONES * 2)).wrapping_sub(ONES * (b' ' as u64 + 1));
    let backslash = (word ^ (ONES * b'\\' as u64)).wrapping_sub(ONES);
    // Bytes above ASCII have that bit already.
    (mark_or_control | backslash) & !word & (ONES * 0x80)
}

/// Checks the escape at the start of `bytes` and returns its length.
fn escape(bytes: &[u8]) -> Result<usize, JsonProblem> {
    match bytes.get(1) {
        None => Err(JsonProblem::Truncated),
        Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => Ok(2),
        Some(b'u') => {
            let digits = &bytes[2..bytes.len().min(6)];
            match (digits.iter().all(u8::is_ascii_hexdigit), digits.len()) {
                (true, 4) => Ok(6),
                (true, _) => Err(JsonProblem::Truncated),
                (false, _) => Err(JsonProblem::Syntax),
            }
        }
        Some(_) => Err(JsonProblem::Syntax),
    }
}

/// Decodes a string with valid escapes. The flag is `true` if half of a surrogate pair became U+FFFD.
pub(super) fn decode(raw: &str) -> (String, bool) {
    let (mut text, mut has_lone_surrogate) = (String::with_capacity(raw.len()), false);
    let mut rest = raw;
    while let Some((plain, escaped)) = rest.split_once('\\') {
        text.push_str(plain);
        let (c, length) = unescape(escaped);
        has_lone_surrogate |= c.is_none();
        text.push(c.unwrap_or(char::REPLACEMENT_CHARACTER));
        rest = &escaped[length..];
    }
    text.push_str(rest);
    (text, has_lone_surrogate)
}

/// Decodes an escape, given without its backslash. Returns the character, or `None` for half of a surrogate pair, and the
/// length.
pub(super) fn unescape(escaped: &str) -> (Option<char>, usize) {
    let simple = |c| (Some(c), 1);
    match escaped.as_bytes().first() {
        Some(b'b') => simple('\u{8}'),
        Some(b'f') => simple('\u{C}'),
        Some(b'n') => simple('\n'),
        Some(b'r') => simple('\r'),
        Some(b't') => simple('\t'),
        Some(b'u') => pair(escaped),
        // `\"`, `\\` and `\/` stand for the character itself.
        Some(byte) => simple(char::from(*byte)),
        None => (None, 0),
    }
}

/// Decodes `u` and four hexadecimal digits, or two such escapes that are a surrogate pair.
fn pair(escaped: &str) -> (Option<char>, usize) {
    let unit = |from: usize| u16::from_str_radix(escaped.get(from..from + 4)?, 16).ok();
    let second = unit(7).filter(|_| escaped.get(5..7) == Some("\\u"));
    match (unit(1), second) {
        (Some(first @ 0xD800..=0xDBFF), Some(second @ 0xDC00..=0xDFFF)) => {
            (char::decode_utf16([first, second]).find_map(Result::ok), 11)
        }
        (first, _) => (first.and_then(|unit| char::from_u32(unit.into())), 5),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_first_special_byte_is_found(
            bytes in prop::collection::vec(
                prop_oneof![Just(b'"'), Just(b'\\'), Just(b' '), Just(0x1F), Just(b'#'), Just(b'['), Just(b']'), any::<u8>()],
                0..40,
            ),
            plain in 0_usize..40,
        ) {
            let bytes = [vec![b'a'; plain], bytes].concat();
            let is_special = |byte: &u8| *byte < 0x20 || [b'"', b'\\'].contains(byte);
            let first = bytes.iter().position(is_special).unwrap_or(bytes.len());
            prop_assert_eq!(plain_length(&bytes), first);
        }
    }
}
