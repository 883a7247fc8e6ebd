//! A JSON parser (RFC 8259): one pass, bounded depth, and numbers keep their text. Beyond the grammar it refuses duplicate
//! keys among the fields and in the metadata, because JSON parsers differ in which of the two values they use.

mod document;
mod layout;
mod lookup;
mod parser;
mod problem;
mod string;
mod value;

use hookgate_domain::text::without_mark;

pub(crate) use document::Document;
pub use layout::{JsonLayout, is_double, lay_out};
pub(crate) use lookup::Value;
use parser::Parser;
pub use problem::{JsonFault, JsonProblem, MAX_DEPTH};
pub(crate) use value::{Json, Role};

/// The byte order marks of UTF-16. RFC 8259 allows UTF-8 only.
const UTF_16_MARKS: [&[u8]; 2] = [b"\xFF\xFE", b"\xFE\xFF"];

/// The kind of a parsed JSON text, and the defects that were tolerated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reading {
    /// `true` if the text is an object.
    pub(crate) is_object: bool,
    /// `true` if a string that was decoded had half of a surrogate pair. It became U+FFFD.
    pub(crate) has_lone_surrogate: bool,
    /// `true` if a key is repeated where this is tolerated: among ignored members, or in a nested object that is not a map.
    pub(crate) has_duplicate_key: bool,
}

/// Returns `true` if the text seems to be UTF-16 or UTF-32: it has a byte order mark, or zero bytes between its characters.
pub(crate) fn is_utf_16(text: &[u8]) -> bool {
    let start = &text[..text.len().min(4)];
    let begins_json = |byte: &u8| matches!(byte, b'{' | b'[' | b'"' | b' ' | b'\t' | b'\r' | b'\n');
    UTF_16_MARKS.iter().any(|mark| text.starts_with(mark))
        || (start.contains(&0) && start.iter().any(begins_json))
}

/// Parses the whole text as one JSON value. Of a top-level object `field` gets the fields, in their order. The values of the
/// other members are checked just as strictly, but take no memory. The fields' numbers are below 32.
pub(crate) fn parse<'a, F: Copy + Into<u8>>(
    text: &'a [u8],
    role: fn(&str) -> Role<F>,
    field: impl FnMut(F, Json<'a>),
) -> Result<Reading, JsonFault> {
    let text = as_text(text)?;
    let mut parser = Parser::new(text);
    let is_object = parser
        .whole(role, field)
        .map_err(|problem| JsonFault::at(text.as_bytes(), parser.at, problem))?;
    Ok(Reading {
        is_object,
        has_lone_surrogate: parser.has_lone_surrogate,
        has_duplicate_key: parser.has_duplicate_key,
    })
}

/// The text of a body, without its byte order mark.
fn as_text(body: &[u8]) -> Result<&str, JsonFault> {
    // RFC 8259, section 8.1 lets parsers ignore a byte order mark.
    let body = without_mark(body);
    if is_utf_16(body) {
        return Err(JsonFault::at(body, 0, JsonProblem::NotUtf8));
    }
    // One check of the whole text is cheaper than one for each string.
    std::str::from_utf8(body).map_err(|error| {
        let problem = match error.error_len() {
            Some(_) => JsonProblem::NotUtf8,
            None => JsonProblem::Truncated,
        };
        JsonFault::at(body, error.valid_up_to(), problem)
    })
}

/// Checks the whole text as one JSON value, and keeps nothing of it.
fn check(text: &[u8]) -> Result<Reading, JsonFault> {
    parse(text, |_| Role::<u8>::Ignored, |_, _| {})
}

#[cfg(test)]
mod tests;
