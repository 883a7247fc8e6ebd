//! JSON as RFC 8259 writes it, read in one pass with a bounded depth. Numbers keep their text. Only what two readers could
//! understand differently, where it decides something, is refused beyond the grammar: a key that is there twice.

mod layout;
mod reader;
mod string;

use std::borrow::Cow;
use std::fmt::Write;

use hookgate_domain::without_mark;
use thiserror::Error;

pub use layout::{JsonLayout, is_double, lay_out};
use reader::Parser;

/// Deepest nesting: alerting payloads stay below ten, and every level costs stack.
pub const MAX_DEPTH: usize = 64;
/// The byte order mark in UTF-16, of either order: RFC 8259 takes UTF-8 only.
const UTF_16_MARKS: [&[u8]; 2] = [b"\xFF\xFE", b"\xFE\xFF"];

/// A JSON text as a tree. It borrows what stands in the text as it is meant.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Json<'a> {
    Null,
    Bool(bool),
    /// As it is written.
    Number(&'a str),
    Text(Cow<'a, str>),
    Array(Vec<Json<'a>>),
    Object(Vec<(Cow<'a, str>, Json<'a>)>),
}

impl Json<'_> {
    /// The value as compact JSON.
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
            // Writing to a text does not fail.
            '\0'..='\x1F' => drop(write!(out, "\\u{:04x}", u32::from(c))),
            _ => out.push(c),
        }
    }
    out.push('"');
}

/// A JSON text that was read, with what was not quite right about it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Reading<'a> {
    pub(crate) json: Json<'a>,
    /// Whether a text that was kept had half of a surrogate pair, which became U+FFFD.
    pub(crate) has_lone_surrogate: bool,
    /// Whether an object that decides nothing has a key twice.
    pub(crate) has_duplicate_key: bool,
}

/// What an entry of the object that a text is means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// Nothing: its value is checked and not kept.
    Ignored,
    /// It is a field: its key decides.
    Field,
    /// It is a field, and the keys of its object decide too.
    Map,
}

/// Whether this is UTF-16 or UTF-32: by its mark, or by the zeros between its letters.
pub(crate) fn is_utf_16(text: &[u8]) -> bool {
    let start = &text[..text.len().min(4)];
    let begins_json = |byte: &u8| matches!(byte, b'{' | b'[' | b'"' | b' ' | b'\t' | b'\r' | b'\n');
    UTF_16_MARKS.iter().any(|mark| text.starts_with(mark))
        || (start.contains(&0) && start.iter().any(begins_json))
}

/// Reads the whole text as one JSON value. Of an object only the fields are kept: what else it holds is checked as
/// strictly, and takes no memory.
pub(crate) fn parse(text: &[u8], role: fn(&str) -> Role) -> Result<Reading<'_>, JsonFault> {
    // RFC 8259, section 8.1 lets readers ignore it.
    let text = without_mark(text);
    if is_utf_16(text) {
        return Err(fault(text, 0, JsonProblem::NotUtf8));
    }
    // Once for the whole text is cheaper than for each string in it.
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

/// The fault at this byte of a text.
fn fault(text: &[u8], at: usize, problem: JsonProblem) -> JsonFault {
    let mut lines = text[..at.min(text.len())].split(|byte| *byte == b'\n');
    let last = lines.next_back().unwrap_or_default();
    JsonFault {
        problem,
        line: lines.count() + 1,
        column: last.len() + 1,
    }
}

/// Where and why a text is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("{} at line {line}, column {column}", .problem.as_str())]
pub struct JsonFault {
    /// What is wrong.
    pub problem: JsonProblem,
    /// The line, from 1.
    pub line: usize,
    /// The byte in the line, from 1.
    pub column: usize,
}

/// What is wrong with a JSON text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JsonProblem {
    /// There is nothing but space.
    Empty,
    /// It ends in the middle.
    Truncated,
    /// It is not UTF-8.
    NotUtf8,
    /// It breaks the grammar (RFC 8259).
    Syntax,
    /// It is nested over [`MAX_DEPTH`] levels.
    TooDeep,
    /// A key that decides something is there twice.
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

    /// The problem as answers name it.
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
