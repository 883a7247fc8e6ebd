//! A whole JSON text with the place of each of its values. Formats look values up by name, and a string is decoded only when
//! it is read.
//!
//! The values are one list in the order of the text instead of a tree, and each takes 8 bytes: a body of tiny values takes a
//! few times its size in memory, not forty times.

use std::borrow::Cow;

use super::as_text;
use super::parser::{Parser, has_duplicate};
use super::problem::{JsonFault, JsonProblem, MAX_DEPTH};
use super::string::{Scanned, decode, scan};

/// A parsed JSON text.
#[derive(Clone, Debug)]
pub(crate) struct Document<'a> {
    pub(super) text: Cow<'a, str>,
    pub(super) nodes: Vec<Node>,
    /// `true` if a key is written with escapes. Without one, keys are compared as they are written.
    pub(super) has_escaped_key: bool,
    /// `true` if a string has half of a surrogate pair. It is read as U+FFFD.
    pub(crate) has_lone_surrogate: bool,
    /// `true` if an object has the same key twice. The first one counts.
    pub(crate) has_duplicate_key: bool,
}

/// The place of a value or of a key. In an object, keys and values alternate.
#[derive(Clone, Copy, Debug)]
pub(super) struct Node {
    /// Offset of its first byte in the text.
    pub(super) start: u32,
    /// Index of the first node that is not inside it.
    pub(super) next: u32,
}

impl<'a> Document<'a> {
    /// Parses a body. It has less than 4 GiB.
    pub(crate) fn parse(body: &'a [u8]) -> Result<Self, JsonFault> {
        Self::of_text(Cow::Borrowed(as_text(body)?))
    }

    /// Parses a text of less than 4 GiB.
    pub(crate) fn of_text(text: Cow<'a, str>) -> Result<Self, JsonFault> {
        let mut parser = Parser::new(&text);
        let mut builder = Builder::default();
        builder
            .whole(&mut parser)
            .map_err(|problem| JsonFault::at(text.as_bytes(), parser.at, problem))?;
        let (has_lone_surrogate, has_duplicate_key) = (parser.has_lone_surrogate, parser.has_duplicate_key);
        Ok(Self {
            nodes: builder.nodes,
            has_escaped_key: builder.has_escaped_key,
            has_lone_surrogate,
            has_duplicate_key,
            text,
        })
    }
}

impl Document<'_> {
    /// The same document with a text of its own. Spare room for nodes is given back.
    pub(crate) fn into_owned(mut self) -> Document<'static> {
        self.nodes.shrink_to_fit();
        Document {
            text: Cow::Owned(self.text.into_owned()),
            nodes: self.nodes,
            has_escaped_key: self.has_escaped_key,
            has_lone_surrogate: self.has_lone_surrogate,
            has_duplicate_key: self.has_duplicate_key,
        }
    }

    /// Returns `true` if a key is written with escapes. Looking a member up takes longer then.
    pub(crate) const fn has_escaped_key(&self) -> bool {
        self.has_escaped_key
    }
}

/// The nodes of the values that were parsed.
#[derive(Default)]
struct Builder {
    nodes: Vec<Node>,
    has_escaped_key: bool,
}

impl Builder {
    fn whole(&mut self, parser: &mut Parser<'_>) -> Result<(), JsonProblem> {
        parser.first()?;
        self.value(parser, MAX_DEPTH)?;
        parser.end()
    }

    fn value(&mut self, parser: &mut Parser<'_>, levels: usize) -> Result<(), JsonProblem> {
        let first = parser.token()?;
        let node = self.push(parser.at);
        let inside = levels.checked_sub(1).ok_or(JsonProblem::TooDeep);
        match first {
            b'"' => drop(parser.string()?),
            b'{' => self.object(parser, inside?, node)?,
            b'[' => {
                let levels = inside?;
                parser.items(|parser| self.value(parser, levels))?;
            }
            _ => drop(parser.scalar(first)?),
        }
        self.nodes[node].next = index(self.nodes.len());
        Ok(())
    }

    /// Adds a node for the value or key that begins at this offset, and returns its index.
    fn push(&mut self, at: usize) -> usize {
        let node = self.nodes.len();
        self.nodes.push(Node {
            start: index(at),
            next: index(node + 1),
        });
        node
    }

    fn object(&mut self, parser: &mut Parser<'_>, levels: usize, node: usize) -> Result<(), JsonProblem> {
        let text = parser.text;
        let mut count = 0;
        parser.members(|parser, start, key| {
            self.push(start);
            count += 1;
            self.has_escaped_key |= matches!(key, Cow::Owned(_));
            self.value(parser, levels)
        })?;
        parser.at += 1;
        parser.has_duplicate_key = parser.has_duplicate_key || self.repeats_a_key(text, node, count);
        Ok(())
    }

    /// Returns `true` if two of the `count` keys of an object are equal. The object is the last one in the list. Keys are
    /// decoded again instead of kept, so that objects that are not complete take no more memory.
    fn repeats_a_key(&self, text: &str, object: usize, count: usize) -> bool {
        let mut keys = Vec::with_capacity(count);
        let mut node = object + 1;
        while node < self.nodes.len() {
            keys.push(key(text, self.nodes[node].start as usize));
            node = self.nodes[node + 1].next as usize;
        }
        has_duplicate(count, || keys.iter())
    }
}

/// An offset or index in 32 bits. A text of 4 GiB is refused before it is parsed.
fn index(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

/// The decoded string that begins at `start`.
pub(super) fn key(text: &str, start: usize) -> Cow<'_, str> {
    match scan(&text[start + 1..]) {
        Ok((Scanned::Plain(plain), _)) => Cow::Borrowed(plain),
        Ok((Scanned::Escaped(raw), _)) => Cow::Owned(decode(raw).0),
        Err(_) => Cow::Borrowed(""),
    }
}
