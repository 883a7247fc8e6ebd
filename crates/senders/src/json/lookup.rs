//! The values of a document, as formats read them.

use std::borrow::Cow;

use super::document::{Document, key};
use super::value::quote;

/// A value of a document, or none. A member that is not there is like `null`, so that look-ups can be chained.
#[derive(Clone, Copy)]
pub(crate) struct Value<'d> {
    document: &'d Document<'d>,
    /// Index of the node; `None` if there is no such value.
    node: Option<usize>,
}

impl<'d> Value<'d> {
    /// The value of a member of an object. Of members with the same key it is the first.
    pub(crate) fn get(self, name: &str) -> Self {
        let found = self.members().find(|(node, _)| self.document.is_key(*node, name));
        Self {
            node: found.map(|(_, value)| value),
            ..self
        }
    }

    /// The items of an array; none if it is not one.
    pub(crate) fn items(self) -> impl Iterator<Item = Self> {
        let (mut at, end) = self.inside(b'[');
        std::iter::from_fn(move || {
            let node = (at < end).then_some(at)?;
            at = self.document.next(node);
            Some(Self {
                node: Some(node),
                ..self
            })
        })
    }

    /// The members of an object, with their keys; none if it is not one.
    pub(crate) fn entries(self) -> impl Iterator<Item = (Cow<'d, str>, Self)> {
        self.members().map(move |(node, value)| {
            (
                self.document.string(node),
                Self {
                    node: Some(value),
                    ..self
                },
            )
        })
    }

    /// The value as text: a string without white space around it, a number as it is written, or `true` or `false`. `None` if
    /// nothing is left of the string, and for all other values.
    pub(crate) fn text(self) -> Option<Cow<'d, str>> {
        let text = match self.first()? {
            b'"' => self.document.string(self.node?),
            b'{' | b'[' | b'n' => return None,
            _ => Cow::Borrowed(self.document.scalar(self.node?)),
        };
        let trimmed = match text {
            Cow::Borrowed(text) => Cow::Borrowed(text.trim()),
            Cow::Owned(text) if text.trim().len() == text.len() => Cow::Owned(text),
            Cow::Owned(text) => Cow::Owned(text.trim().to_owned()),
        };
        (!trimmed.is_empty()).then_some(trimmed)
    }

    /// The string as it was sent, with the white space around it; `None` if the value is not a string.
    pub(crate) fn string(self) -> Option<Cow<'d, str>> {
        (self.first()? == b'"').then_some(())?;
        Some(self.document.string(self.node?))
    }

    /// Returns `true` if the value is the text `word`.
    pub(crate) fn is(self, word: &str) -> bool {
        self.text().is_some_and(|text| text == word)
    }

    /// Returns `true` if the value is `null` or missing.
    pub(crate) fn is_null(self) -> bool {
        matches!(self.first(), None | Some(b'n'))
    }

    /// Returns `true` if the value is an array.
    pub(crate) fn is_array(self) -> bool {
        self.first() == Some(b'[')
    }

    /// Returns `true` if the value is an object.
    pub(crate) fn is_object(self) -> bool {
        self.first() == Some(b'{')
    }

    /// Returns `true` if the value is a number, as it is written.
    pub(crate) fn is_number(self) -> bool {
        matches!(self.first(), Some(b'-' | b'0'..=b'9'))
    }

    /// Appends the value as compact JSON.
    pub(crate) fn write(self, out: &mut String) {
        match (self.first(), self.node) {
            (Some(b'"'), Some(node)) => quote(&self.document.string(node), out),
            (Some(b'['), _) => {
                out.push('[');
                for (index, item) in self.items().enumerate() {
                    out.push_str(if index == 0 { "" } else { "," });
                    item.write(out);
                }
                out.push(']');
            }
            (Some(b'{'), _) => {
                out.push('{');
                for (index, (key, value)) in self.entries().enumerate() {
                    out.push_str(if index == 0 { "" } else { "," });
                    quote(&key, out);
                    out.push(':');
                    value.write(out);
                }
                out.push('}');
            }
            (Some(_), Some(node)) => out.push_str(self.document.scalar(node)),
            _ => out.push_str("null"),
        }
    }

    /// The value of a member of an object like [`get`](Self::get), and the number of members that were looked at: at most
    /// `most`.
    pub(crate) fn get_within(self, name: &str, most: usize) -> (Option<Self>, usize) {
        let mut looked_at = 0;
        for (node, value) in self.members().take(most) {
            looked_at += 1;
            if self.document.is_key(node, name) {
                let node = Some(value);
                return (Some(Self { node, ..self }), looked_at);
            }
        }
        (None, looked_at)
    }

    /// The index of its node; `None` if there is no such value.
    pub(crate) const fn index(self) -> Option<usize> {
        self.node
    }

    /// The nodes inside an array or object: the first one, and the end.
    pub(crate) fn nodes(self) -> (usize, usize) {
        match self.first() {
            Some(bracket @ (b'[' | b'{')) => self.inside(bracket),
            _ => (0, 0),
        }
    }

    /// The first byte, which tells the type; `None` if there is no such value.
    fn first(self) -> Option<u8> {
        let start = self.document.start(self.node?);
        self.document.text.as_bytes().get(start).copied()
    }

    /// The nodes inside an array or object that begins with this byte: the first one, and the end.
    fn inside(self, bracket: u8) -> (usize, usize) {
        match self.node {
            Some(node) if self.first() == Some(bracket) => (node + 1, self.document.next(node)),
            _ => (0, 0),
        }
    }

    /// The nodes of an object's keys, each with that of its value.
    fn members(self) -> impl Iterator<Item = (usize, usize)> {
        let (mut at, end) = self.inside(b'{');
        std::iter::from_fn(move || {
            let node = (at < end).then_some(at)?;
            at = self.document.next(node + 1);
            Some((node, node + 1))
        })
    }
}

impl Document<'_> {
    /// The value of the whole text.
    pub(crate) const fn root(&self) -> Value<'_> {
        Value {
            document: self,
            node: Some(0),
        }
    }

    /// The value of a node. The node of a key is its text.
    pub(crate) const fn value(&self, node: usize) -> Value<'_> {
        Value {
            document: self,
            node: Some(node),
        }
    }

    fn start(&self, node: usize) -> usize {
        self.nodes[node].start as usize
    }

    /// The first node that is not inside this one.
    pub(crate) fn next(&self, node: usize) -> usize {
        self.nodes[node].next as usize
    }

    fn string(&self, node: usize) -> Cow<'_, str> {
        key(&self.text, self.start(node))
    }

    /// The text of a number or word.
    fn scalar(&self, node: usize) -> &str {
        let rest = &self.text[self.start(node)..];
        let is_end = |byte: &u8| matches!(byte, b',' | b']' | b'}' | b' ' | b'\n' | b'\r' | b'\t');
        &rest[..rest.bytes().position(|byte| is_end(&byte)).unwrap_or(rest.len())]
    }

    /// Returns `true` if the key is `name`, a name without characters that JSON escapes.
    fn is_key(&self, node: usize, name: &str) -> bool {
        let rest = &self.text.as_bytes()[self.start(node) + 1..];
        if rest.starts_with(name.as_bytes()) && rest.get(name.len()) == Some(&b'"') {
            return true;
        }
        self.has_escaped_key && self.string(node) == name
    }
}
