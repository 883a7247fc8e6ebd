//! The errors of a JSON text.

use thiserror::Error;

/// Deepest nesting, in levels. Alerting payloads stay below ten, and every level costs stack.
pub const MAX_DEPTH: usize = 64;

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

impl JsonFault {
    /// Makes the error for a byte offset: counts lines and columns.
    pub(super) fn at(text: &[u8], offset: usize, problem: JsonProblem) -> Self {
        let before = &text[..offset.min(text.len())];
        let line_start = memchr::memrchr(b'\n', before).map_or(0, |end| end + 1);
        Self {
            problem,
            line: memchr::memchr_iter(b'\n', before).count() + 1,
            column: before.len() - line_start + 1,
        }
    }
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
