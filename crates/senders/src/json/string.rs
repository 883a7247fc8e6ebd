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
        let Some(length) = memchr::memchr2(b'"', b'\\', &bytes[at..]) else {
            let end = control(bytes, at, bytes.len())?;
            return Err((JsonProblem::Truncated, end));
        };
        at = control(bytes, at, at + length)?;
        if bytes[at] == b'"' {
            let text = &rest[..at];
            let scanned = if has_escapes {
                Scanned::Escaped(text)
            } else {
                Scanned::Plain(text)
            };
            return Ok((scanned, at + 1));
        }
        has_escapes = true;
        at += escape(&bytes[at..]).map_err(|problem| (problem, at))?;
    }
}

/// Returns `end` if there is no control character between `start` and `end`.
fn control(bytes: &[u8], start: usize, end: usize) -> Result<usize, (JsonProblem, usize)> {
    let stretch = &bytes[start..end];
    // A loop without an early exit is vectorized.
    if stretch.iter().copied().fold(u8::MAX, u8::min) < b' ' {
        let at = stretch.iter().take_while(|byte| **byte >= b' ').count();
        return Err((JsonProblem::Syntax, start + at));
    }
    Ok(end)
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
