//! The JSON of metadata entries: names and plain values.

use std::borrow::Cow;
use std::fmt::Write;

use super::value::MetadataValue;

/// Bytes of an entry that has no escapes, or some more, with the two bytes before and behind it.
pub(super) fn usual_length(name: &str, value: &MetadataValue<'_>) -> usize {
    const QUOTES: usize = 2;
    const INTEGER_BYTES: usize = "-9223372036854775808".len();
    let value = match value {
        MetadataValue::Null | MetadataValue::Bool(_) => "false".len(),
        MetadataValue::Integer(_) => INTEGER_BYTES,
        MetadataValue::Number(number) => number.as_str().len(),
        MetadataValue::Text(text) => QUOTES + text.len(),
    };
    QUOTES + name.len() + ":".len() + value + "{}".len()
}

/// Appends an entry without a comma.
pub(super) fn push_entry(json: &mut String, name: &str, value: &MetadataValue<'_>) {
    push_string(json, name);
    json.push(':');
    match value {
        MetadataValue::Null => json.push_str("null"),
        MetadataValue::Bool(true) => json.push_str("true"),
        MetadataValue::Bool(false) => json.push_str("false"),
        // Writing to a `String` does not fail.
        MetadataValue::Integer(number) => drop(write!(json, "{number}")),
        MetadataValue::Number(number) => json.push_str(number.as_str()),
        MetadataValue::Text(text) => push_string(json, text),
    }
}

/// Reads the entry at the start of the text. Returns its name, its value and the rest of the text.
pub(super) fn read_entry(text: &str) -> Option<(Cow<'_, str>, MetadataValue<'_>, &str)> {
    let (name, rest) = read_string(text)?;
    let (value, rest) = read_value(rest.strip_prefix(':')?)?;
    Some((name, value, rest))
}

/// Bytes that JSON escapes, in a table: a look into it is less work than three comparisons.
static IS_ESCAPED: [bool; 256] = {
    let mut table = [false; 256];
    let mut control = 0;
    while control < b' ' {
        table[control as usize] = true;
        control += 1;
    }
    table[b'"' as usize] = true;
    table[b'\\' as usize] = true;
    table
};

fn push_string(json: &mut String, text: &str) {
    json.push('"');
    let mut rest = text;
    while let Some(at) = rest.bytes().position(|byte| IS_ESCAPED[usize::from(byte)]) {
        json.push_str(&rest[..at]);
        push_escape(json, rest.as_bytes()[at]);
        // An escaped character is ASCII, so it is one byte.
        rest = &rest[at + 1..];
    }
    json.push_str(rest);
    json.push('"');
}

fn push_escape(json: &mut String, byte: u8) {
    json.push('\\');
    match byte {
        0x08 => json.push('b'),
        b'\t' => json.push('t'),
        b'\n' => json.push('n'),
        0x0C => json.push('f'),
        b'\r' => json.push('r'),
        0x00..=0x1F => drop(write!(json, "u{byte:04x}")),
        _ => json.push(char::from(byte)),
    }
}

fn read_value(text: &str) -> Option<(MetadataValue<'_>, &str)> {
    if text.starts_with('"') {
        let (value, rest) = read_string(text)?;
        return Some((MetadataValue::Text(value), rest));
    }
    let (word, rest) = text.split_at(text.find([',', '}'])?);
    let value = match word {
        "null" => MetadataValue::Null,
        "true" => MetadataValue::Bool(true),
        "false" => MetadataValue::Bool(false),
        number => MetadataValue::number(number)?,
    };
    Some((value, rest))
}

/// Reads a string that starts with its quotation mark.
fn read_string(text: &str) -> Option<(Cow<'_, str>, &str)> {
    let mut rest = text.strip_prefix('"')?;
    let mut read = Cow::Borrowed("");
    loop {
        let (plain, special) = rest.split_at(rest.find(['"', '\\'])?);
        // A text without escapes is borrowed whole.
        read += plain;
        let Some(escape) = special.strip_prefix('\\') else {
            return Some((read, &special[1..]));
        };
        let (c, behind) = read_escape(escape)?;
        read.to_mut().push(c);
        rest = behind;
    }
}

/// Reads an escape, given without its backslash. Returns the character and the rest of the text.
fn read_escape(text: &str) -> Option<(char, &str)> {
    let mut characters = text.chars();
    let c = match characters.next()? {
        'b' => '\u{8}',
        't' => '\t',
        'n' => '\n',
        'f' => '\u{C}',
        'r' => '\r',
        'u' => {
            let code = u32::from_str_radix(text.get(1..5)?, 16).ok()?;
            return Some((char::from_u32(code)?, &text[5..]));
        }
        c => c,
    };
    Some((c, characters.as_str()))
}
