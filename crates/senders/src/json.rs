//! A JSON parser (RFC 8259): one pass, bounded depth, and numbers keep their text. Beyond the grammar it refuses duplicate
//! keys among the fields and in the metadata, because JSON parsers differ in which of the two values they use.

mod layout;
mod reader;
mod string;

use std::borrow::Cow;
use std::fmt::Write;

use hookgate_domain::text::without_mark;
use thiserror::Error;

pub use layout::{JsonLayout, is_double, lay_out};
use reader::Parser;

/// Deepest nesting, in levels. Alerting payloads stay below ten, and every level costs stack.
pub const MAX_DEPTH: usize = 64;
/// The byte order marks of UTF-16. RFC 8259 allows UTF-8 only.
const UTF_16_MARKS: [&[u8]; 2] = [b"\xFF\xFE", b"\xFE\xFF"];

/// A JSON value as a tree. Strings without escapes and numbers borrow from the text.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Json<'a> {
    Null,
    Bool(bool),
    /// The number as it is written.
    Number(&'a str),
    Text(Cow<'a, str>),
    Array(Vec<Json<'a>>),
    Object(Vec<(Cow<'a, str>, Json<'a>)>),
}

impl Json<'_> {
    /// Appends the value as compact JSON.
    pub(crate) fn write(&self, out: &mut String) {
        match self {
            Self::Null => out.push_str("null"),
            Self::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
            Self::Number(text) => out.push_str(text),
            Self::Text(text) => quote(text, out),
            Self::Array(items) => {
                out.push('[');
                for (index, item) in items.iter().enumerate() {
                    out.push_str(if index == 0 { "" } else { "," });
                    item.write(out);
                }
                out.push(']');
            }
            Self::Object(entries) => {
                out.push('{');
                for (index, (key, value)) in entries.iter().enumerate() {
                    out.push_str(if index == 0 { "" } else { "," });
                    quote(key, out);
                    out.push(':');
                    value.write(out);
                }
                out.push('}');
            }
        }
    }
}

fn quote(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            // Writing to a `String` does not fail.
            '\0'..='\x1F' => drop(write!(out, "\\u{:04x}", u32::from(c))),
            _ => out.push(c),
        }
    }
    out.push('"');
}

/// A parsed JSON text, with the defects that were tolerated.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Reading<'a> {
    pub(crate) json: Json<'a>,
    /// `true` if a string that was decoded had half of a surrogate pair. It became U+FFFD.
    pub(crate) has_lone_surrogate: bool,
    /// `true` if a key is repeated where this is tolerated: among ignored members, or in a nested object that is not a map.
    pub(crate) has_duplicate_key: bool,
}

/// The role of a member of the top-level object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// Not a field: the value is checked and dropped.
    Ignored,
    /// A field. Its key must not be repeated.
    Field,
    /// A field whose value is a map. The keys of the map must not be repeated either.
    Map,
}

/// Returns `true` if the text seems to be UTF-16 or UTF-32: it has a byte order mark, or zero bytes between its characters.
pub(crate) fn is_utf_16(text: &[u8]) -> bool {
    let start = &text[..text.len().min(4)];
    let begins_json = |byte: &u8| matches!(byte, b'{' | b'[' | b'"' | b' ' | b'\t' | b'\r' | b'\n');
    UTF_16_MARKS.iter().any(|mark| text.starts_with(mark))
        || (start.contains(&0) && start.iter().any(begins_json))
}

/// Parses the whole text as one JSON value. Of a top-level object only the fields are kept. The values of the other members
/// are checked just as strictly, but take no memory.
pub(crate) fn parse(text: &[u8], role: fn(&str) -> Role) -> Result<Reading<'_>, JsonFault> {
    // RFC 8259, section 8.1 lets parsers ignore a byte order mark.
    let text = without_mark(text);
    if is_utf_16(text) {
        return Err(fault(text, 0, JsonProblem::NotUtf8));
    }
    // One check of the whole text is cheaper than one for each string.
    let text = std::str::from_utf8(text).map_err(|error| {
        let problem = match error.error_len() {
            Some(_) => JsonProblem::NotUtf8,
            None => JsonProblem::Truncated,
        };
        fault(text, error.valid_up_to(), problem)
    })?;
    let mut reader = Parser::new(text);
    let json = reader
        .whole(role)
        .map_err(|problem| fault(text.as_bytes(), reader.at(), problem))?;
    Ok(Reading {
        json,
        has_lone_surrogate: reader.has_lone_surrogate,
        has_duplicate_key: reader.has_duplicate_key,
    })
}

/// Makes the error for a byte offset: counts lines and columns.
fn fault(text: &[u8], at: usize, problem: JsonProblem) -> JsonFault {
    let mut lines = text[..at.min(text.len())].split(|byte| *byte == b'\n');
    let last = lines.next_back().unwrap_or_default();
    JsonFault {
        problem,
        line: lines.count() + 1,
        column: last.len() + 1,
    }
}

/// The error of parsing a JSON text, with its position.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("{} at line {line}, column {column}", .problem.as_str())]
pub struct JsonFault {
    /// The kind of error.
    pub problem: JsonProblem,
    /// The line, counted from 1.
    pub line: usize,
    /// The byte in the line, counted from 1.
    pub column: usize,
}

/// A kind of error in a JSON text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JsonProblem {
    /// The text is empty or has only white space.
    Empty,
    /// The text ends before the value does.
    Truncated,
    /// The text is not UTF-8.
    NotUtf8,
    /// The text breaks the grammar (RFC 8259).
    Syntax,
    /// The text is nested more than [`MAX_DEPTH`] levels deep.
    TooDeep,
    /// The key of a field, or a key of the metadata, is repeated.
    DuplicateKey,
}

impl JsonProblem {
    /// All problems.
    pub const ALL: &'static [Self] = &[
        Self::Empty,
        Self::Truncated,
        Self::NotUtf8,
        Self::Syntax,
        Self::TooDeep,
        Self::DuplicateKey,
    ];

    /// The name of the problem in answers to senders.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::Truncated => "truncated",
            Self::NotUtf8 => "not_utf8",
            Self::Syntax => "syntax",
            Self::TooDeep => "too_deep",
            Self::DuplicateKey => "duplicate_key",
        }
    }
}

#[cfg(test)]
mod tests;
