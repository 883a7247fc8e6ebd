//! The text that a sender signs: a template such as `{timestamp}.{body}`.

use std::borrow::Cow;

/// Maximum length of a template.
const MAX_TEMPLATE: usize = 100;

/// A template of the signed text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Template(Cow<'static, str>);

/// A part of the signed text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part<'t> {
    Text(&'t str),
    Body,
    Timestamp,
    Id,
}

/// The placeholders, each with its part.
const PLACEHOLDERS: [(&str, Part<'static>); 3] = [
    ("{body}", Part::Body),
    ("{timestamp}", Part::Timestamp),
    ("{id}", Part::Id),
];

impl Template {
    /// A template that the code knows.
    pub(super) const fn known(text: &'static str) -> Self {
        Self(Cow::Borrowed(text))
    }

    /// Reads a template. The body stands in it exactly once, each other placeholder at most once. Text separates two
    /// placeholders: otherwise bytes could move from one to the other under the same signature.
    pub(super) fn read(text: &str) -> Option<Self> {
        let count = |wanted| parts(text).filter(|part| *part == wanted).count();
        let mut after_text = true;
        let is_separated = parts(text).all(|part| {
            let is_text = matches!(part, Part::Text(_));
            std::mem::replace(&mut after_text, is_text) || is_text
        });
        let has_braces = |part: Part<'_>| matches!(part, Part::Text(text) if text.contains(['{', '}']));
        let is_sound = text.len() <= MAX_TEMPLATE
            && count(Part::Body) == 1
            && count(Part::Timestamp) <= 1
            && count(Part::Id) <= 1
            && is_separated
            && !parts(text).any(has_braces);
        is_sound.then(|| Self(text.to_owned().into()))
    }

    /// The parts in their order.
    pub(super) fn parts(&self) -> impl Iterator<Item = Part<'_>> {
        parts(&self.0)
    }

    /// `true` if the sender signs this part.
    pub(super) fn has(&self, wanted: Part<'_>) -> bool {
        self.parts().any(|part| part == wanted)
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

fn parts(mut rest: &str) -> impl Iterator<Item = Part<'_>> {
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        for (placeholder, part) in PLACEHOLDERS {
            if let Some(after) = rest.strip_prefix(placeholder) {
                rest = after;
                return Some(part);
            }
        }
        let next = PLACEHOLDERS
            .iter()
            .filter_map(|(placeholder, _)| rest.find(placeholder));
        let (text, after) = rest.split_at(next.min().unwrap_or(rest.len()));
        rest = after;
        Some(Part::Text(text))
    })
}
