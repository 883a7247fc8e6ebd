//! Decoding of the ways in which software between a sender and Hookgate rewrites a text: JSON escapes,
//! percent-encoding, HTML entities, backslashes of Markdown, soft line breaks, letters of other widths, invisible
//! characters. One call decodes one layer.

use crate::base62::is_digit;
use crate::invisible::is_invisible;

/// Replacement for a character that is not part of an ID.
const OTHER: u8 = b' ';
/// Most digits of a number in an HTML entity.
const MAX_ENTITY_DIGITS: usize = 8;
/// Named entities of invisible characters.
const EMPTY_ENTITIES: [&[u8]; 5] = [b"shy;", b"zwnj;", b"zwj;", b"ZeroWidthSpace;", b"NoBreak;"];
/// Named entities of the characters in secrets that are neither letter nor digit.
const NAMED_ENTITIES: [(&[u8], u8); 4] = [
    (b"lowbar;", b'_'),
    (b"UnderBar;", b'_'),
    (b"plus;", b'+'),
    (b"sol;", b'/'),
];

/// A text, with the position of each of its bytes in the original text.
pub(super) struct Layer {
    pub(super) bytes: Vec<u8>,
    /// Position of the first byte, and of the one after the last.
    pub(super) places: Vec<(usize, usize)>,
}

/// Most characters of secrets that a part of a text may encode. Invisible characters, and those that are in no secret,
/// don't count.
pub(super) fn readable(part: &[u8]) -> usize {
    let (mut at, mut count) = (0, 0);
    while let Some(rest) = part.get(at..).filter(|rest| !rest.is_empty()) {
        let (unit, length) = unit(rest);
        count += usize::from(matches!(unit, Unit::Byte(byte) if byte != OTHER));
        at += length;
    }
    count
}

/// The decoded unit at one position.
enum Unit {
    /// A byte.
    Byte(u8),
    /// Nothing: an invisible character, or a mark that only quotes.
    Nothing,
}

impl Layer {
    /// A part of a text, from the byte at `start` on.
    pub(super) fn of(part: &[u8], start: usize) -> Self {
        Self {
            bytes: part.to_vec(),
            places: (start..start + part.len()).map(|at| (at, at + 1)).collect(),
        }
    }

    /// The text with one layer decoded; `None` if nothing is encoded.
    pub(super) fn decoded(&self) -> Option<Self> {
        let mut below = Self {
            bytes: Vec::with_capacity(self.bytes.len()),
            places: Vec::with_capacity(self.bytes.len()),
        };
        let (mut at, mut is_changed) = (0, false);
        while let Some(rest) = self.bytes.get(at..).filter(|rest| !rest.is_empty()) {
            let (unit, length) = unit(rest);
            let last = at + length - 1;
            is_changed |= length > 1 || matches!(unit, Unit::Nothing);
            if let Unit::Byte(byte) = unit {
                below.bytes.push(byte);
                below.places.push((self.places[at].0, self.places[last].1));
            }
            at += length;
        }
        is_changed.then_some(below)
    }
}

/// Letters, digits, and the bytes that may be part of their spelling.
const MAY_BELONG: u8 = 1;
/// The same with the other characters of secrets: `_` in a prefix, `+` and `/` of base 64.
const MAY_BELONG_TO_SECRET: u8 = 2;
/// Bytes that may begin or be part of the spelling of another character.
const ESCAPE: u8 = 4;
/// The last character of a prefix.
const UNDERSCORE: u8 = 8;

/// The classes of each byte: a table, because every payload is searched.
const CLASSES: [u8; 256] = {
    let mut table = [0; 256];
    let mut byte = u8::MIN;
    loop {
        let is_escape = byte >= 0x80 || matches!(byte, b'\\' | b'%' | b'&' | b'=' | b'\r' | b'\n');
        table[byte as usize] = if is_escape {
            ESCAPE | MAY_BELONG | MAY_BELONG_TO_SECRET
        } else if byte.is_ascii_alphanumeric() || matches!(byte, b'#' | b';') {
            MAY_BELONG | MAY_BELONG_TO_SECRET
        } else if byte == b'_' {
            MAY_BELONG_TO_SECRET | UNDERSCORE
        } else if matches!(byte, b'+' | b'/') {
            MAY_BELONG_TO_SECRET
        } else {
            0
        };
        if byte == u8::MAX {
            break table;
        }
        byte += 1;
    }
};

/// `true` if this byte may be part of a letter or digit, in any spelling.
pub(super) const fn may_belong(byte: u8) -> bool {
    CLASSES[byte as usize] & MAY_BELONG != 0
}

/// `true` if this byte may be part of a secret with its prefix, in any spelling.
pub(crate) const fn may_belong_to_secret(byte: u8) -> bool {
    CLASSES[byte as usize] & MAY_BELONG_TO_SECRET != 0
}

/// The classes of the bytes of a word.
pub(super) struct Classes {
    /// `true` if a byte may be part of the spelling of another character.
    pub(super) has_escapes: bool,
    /// `true` if the word may have the end of a prefix, as it is or encoded.
    pub(super) may_have_prefix: bool,
}

impl Classes {
    pub(super) fn of(word: &[u8]) -> Self {
        let all = word
            .iter()
            .fold(0, |sofar, byte| sofar | CLASSES[usize::from(*byte)]);
        Self {
            has_escapes: all & ESCAPE != 0,
            may_have_prefix: all & (ESCAPE | UNDERSCORE) != 0,
        }
    }
}

/// `true` if the spelling of a character of a secret may begin with this byte. Few bytes of other scripts can.
pub(super) const fn may_begin(byte: u8) -> bool {
    // The last two begin full-width and mathematical characters.
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'\\' | b'%' | b'&' | b'=' | b'_' | b'+' | b'/' | 0xEF | 0xF0
        )
}

/// The first unit of the text, and its length in bytes.
fn unit(text: &[u8]) -> (Unit, usize) {
    match text[0] {
        byte if is_digit(byte) => (Unit::Byte(byte), 1),
        b'\\' => after_backslashes(text),
        b'%' => percent(text).unwrap_or((Unit::Byte(b'%'), 1)),
        b'&' => entity(text).unwrap_or((Unit::Byte(b'&'), 1)),
        b'=' => quoted_printable(text).unwrap_or((Unit::Byte(b'='), 1)),
        b'\r' | b'\n' => (Unit::Nothing, 1),
        0x80.. => character(text),
        other => (Unit::Byte(other), 1),
    }
}

/// `\u0041`, `\x41`, a line break as `\n`, or a backslash that only quotes the next character. Nested texts have more
/// backslashes.
fn after_backslashes(text: &[u8]) -> (Unit, usize) {
    let count = text.iter().take_while(|byte| **byte == b'\\').count();
    let rest = &text[count..];
    let (unit, length) = match rest.first() {
        Some(b'u') => hexadecimal(&rest[1..], 4).map_or((Unit::Nothing, 0), |code| (shown(code), 5)),
        Some(b'x') => hexadecimal(&rest[1..], 2).map_or((Unit::Nothing, 0), |code| (shown(code), 3)),
        Some(b'n' | b'r') => (Unit::Nothing, 1),
        _ => (Unit::Nothing, 0),
    };
    (unit, count + length)
}

/// `%41`, `%2541` and so on, `%u0041`.
fn percent(text: &[u8]) -> Option<(Unit, usize)> {
    let mut start = 1;
    while text.get(start..start + 2) == Some(b"25") && hexadecimal(text.get(start + 2..)?, 2).is_some() {
        start += 2;
    }
    if text.get(start) == Some(&b'u') {
        let code = hexadecimal(&text[start + 1..], 4)?;
        return Some((shown(code), start + 5));
    }
    let code = hexadecimal(text.get(start..)?, 2)?;
    // The next layer joins a byte of a multi-byte character with the others.
    let unit = u8::try_from(code)
        .ok()
        .filter(|byte| *byte >= 0x80)
        .map_or_else(|| shown(code), Unit::Byte);
    Some((unit, start + 2))
}

/// `&#65;`, `&#x41;`, also with `&amp;` in front, and the entities by name.
fn entity(text: &[u8]) -> Option<(Unit, usize)> {
    let mut start = 1;
    while text.get(start..start + 4) == Some(b"amp;") {
        start += 4;
    }
    let rest = &text[start..];
    if rest.first() != Some(&b'#') {
        if let Some(empty) = EMPTY_ENTITIES.iter().find(|name| rest.starts_with(name)) {
            return Some((Unit::Nothing, start + empty.len()));
        }
        let (name, byte) = NAMED_ENTITIES.iter().find(|(name, _)| rest.starts_with(name))?;
        return Some((Unit::Byte(*byte), start + name.len()));
    }
    let (radix, mark) = match rest.get(1) {
        Some(b'x' | b'X') => (16, 2),
        _ => (10, 1),
    };
    let zeros = rest[mark..].iter().take_while(|byte| **byte == b'0').count();
    // The last zero stays: it may be the number.
    let mark = mark + zeros.saturating_sub(1);
    let digits = rest[mark..]
        .iter()
        .take(MAX_ENTITY_DIGITS)
        .take_while(|byte| char::from(**byte).is_digit(radix))
        .count();
    let number = str::from_utf8(&rest[mark..mark + digits]).ok()?;
    let code = u32::from_str_radix(number, radix).ok()?;
    let end = mark + digits + usize::from(rest.get(mark + digits) == Some(&b';'));
    Some((shown(code), start + end))
}

/// `=41`, or `=` before a soft line break (RFC 2045, section 6.7).
fn quoted_printable(text: &[u8]) -> Option<(Unit, usize)> {
    if matches!(text.get(1), Some(b'\r' | b'\n')) {
        return Some((Unit::Nothing, 1));
    }
    let code = hexadecimal(text.get(1..)?, 2)?;
    Some((shown(code), 3))
}

/// The number of `count` hexadecimal digits.
fn hexadecimal(text: &[u8], count: usize) -> Option<u32> {
    let digits = text.get(..count)?;
    digits.iter().try_fold(0, |number, byte| {
        char::from(*byte).to_digit(16).map(|digit| number * 16 + digit)
    })
}

/// A character above ASCII, or an invalid byte.
fn character(text: &[u8]) -> (Unit, usize) {
    let length = match text[0] {
        0xC2..=0xDF => 2,
        0xE0..=0xEF => 3,
        0xF0..=0xF4 => 4,
        _ => 1,
    };
    let whole = text.get(..length).and_then(|bytes| str::from_utf8(bytes).ok());
    match whole.and_then(|whole| whole.chars().next()) {
        Some(c) => (shown(c.into()), length),
        None => (Unit::Byte(OTHER), 1),
    }
}

/// The unit of a decoded character.
fn shown(code: u32) -> Unit {
    match char::from_u32(code) {
        Some(c @ ('\r' | '\n')) => Unit::Byte(u8::try_from(c).unwrap_or(OTHER)),
        Some(c) if is_invisible(c) => Unit::Nothing,
        Some(c) => Unit::Byte(u8::try_from(ascii_of(c)).unwrap_or(OTHER)),
        None => Unit::Byte(OTHER),
    }
}

/// The ASCII letter or digit that a full-width or mathematical one becomes by NFKC normalization.
fn ascii_of(c: char) -> char {
    let code = u32::from(c);
    let letter = |index: u32| {
        let base = if index < 26 {
            u32::from('A')
        } else {
            u32::from('a') - 26
        };
        base + index
    };
    let ascii = match code {
        0xFF01..=0xFF5E => code - 0xFF01 + 0x21,
        0x1_D400..=0x1_D6A3 => letter((code - 0x1_D400) % 52),
        0x1_D7CE..=0x1_D7FF => u32::from('0') + (code - 0x1_D7CE) % 10,
        _ => return c,
    };
    char::from_u32(ascii).unwrap_or(c)
}
