//! The texts of a draft.

use std::borrow::Cow;

/// A text of a draft.
#[derive(Clone, Copy)]
pub(super) enum TextField {
    Title,
    Description,
    Service,
    SourceUrl,
    DedupKey,
}

/// Number of texts.
const COUNT: usize = 5;

/// The texts of a draft one after the other, because every delivery makes them: one allocation is cheaper than five.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Texts {
    joined: Box<str>,
    /// The end of each text, in bytes. An absent text is empty.
    ends: [usize; COUNT],
}

impl Texts {
    /// Joins the texts, in the order of [`TextField`].
    pub(super) fn join(texts: [Option<Cow<'_, str>>; COUNT]) -> Self {
        let length = texts.iter().flatten().map(|text| text.len()).sum();
        let mut joined = String::with_capacity(length);
        let ends = texts.map(|text| {
            joined.push_str(text.as_deref().unwrap_or_default());
            joined.len()
        });
        Self {
            joined: joined.into(),
            ends,
        }
    }

    /// Bytes of all texts.
    pub(super) const fn bytes(&self) -> usize {
        self.joined.len()
    }

    /// A text; `None` if it is absent.
    pub(super) fn get(&self, field: TextField) -> Option<&str> {
        let index = field as usize;
        let start = index.checked_sub(1).map_or(0, |before| self.ends[before]);
        Some(&self.joined[start..self.ends[index]]).filter(|text| !text.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn each_text_is_found_again(texts in prop::array::uniform5(prop::option::of("(?s).{1,20}"))) {
            let joined = Texts::join(texts.each_ref().map(|text| text.as_deref().map(Cow::from)));
            let fields = [
                TextField::Title,
                TextField::Description,
                TextField::Service,
                TextField::SourceUrl,
                TextField::DedupKey,
            ];
            prop_assert_eq!(fields.map(|field| joined.get(field)), texts.each_ref().map(Option::as_deref));
        }
    }
}
