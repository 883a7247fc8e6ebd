//! The metadata of an incident. Every delivery makes them and most are only stored, so they are kept as the one text that is
//! stored, and read when they are shown.

mod json;
mod value;

use std::borrow::Cow;
use std::str::FromStr;

use thiserror::Error;

pub use value::{MetadataValue, NotANumber, NumberText};

/// The metadata of an incident: values with names, in the order of the sender. They are the text of a JSON object.
///
/// ```
/// use hookgate_domain::draft::{Metadata, MetadataValue};
///
/// let metadata = Metadata::new(&[("rack".into(), MetadataValue::Integer(12))]);
/// assert_eq!(metadata.json(), Some(r#"{"rack":12}"#));
/// assert_eq!(metadata.iter().next(), Some(("rack".into(), MetadataValue::Integer(12))));
/// assert_eq!(Metadata::default().json(), None);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Metadata {
    /// Compact JSON; empty if there are no entries. The same entries always have the same text.
    json: String,
}

impl Metadata {
    /// The metadata with these entries.
    #[must_use]
    pub fn new(entries: &[(Cow<'_, str>, MetadataValue<'_>)]) -> Self {
        let lengths = entries
            .iter()
            .map(|(name, value)| json::usual_length(name, value));
        // One allocation is enough if nothing is escaped.
        let mut json = String::with_capacity(lengths.sum());
        for (name, value) in entries {
            json.push(if json.is_empty() { '{' } else { ',' });
            json::push_entry(&mut json, name, value);
        }
        if !json.is_empty() {
            json.push('}');
        }
        Self { json }
    }

    /// The entries as a compact JSON object; `None` if there are none.
    #[must_use]
    pub fn json(&self) -> Option<&str> {
        Some(&*self.json).filter(|json| !json.is_empty())
    }

    /// The entries in their order.
    #[must_use]
    pub fn iter(&self) -> MetadataEntries<'_> {
        MetadataEntries {
            rest: self.json.strip_prefix('{').unwrap_or_default(),
        }
    }

    /// Number of entries.
    #[must_use]
    pub fn len(&self) -> usize {
        self.iter().count()
    }

    /// Returns `true` if there are no entries.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.json.is_empty()
    }
}

/// Reads what [`Metadata::json`] gave.
///
/// ```
/// use hookgate_domain::draft::{Metadata, NotMetadata};
///
/// let metadata: Metadata = r#"{"rack":12}"#.parse()?;
/// assert_eq!(metadata.len(), 1);
/// for text in ["", "[]", r#"{"rack": 12}"#, r#"{"rack":{}}"#, r#"{"rack":12"#] {
///     assert_eq!(text.parse::<Metadata>(), Err(NotMetadata), "{text}");
/// }
/// # Ok::<(), NotMetadata>(())
/// ```
impl FromStr for Metadata {
    type Err = NotMetadata;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let rest = text.strip_prefix('{').ok_or(NotMetadata)?;
        let metadata = Self::new(&MetadataEntries { rest }.collect::<Vec<_>>());
        // Entries end at the first byte that is none, so that the texts differ if there is one.
        let is_whole = metadata.json().unwrap_or("{}") == text;
        is_whole.then_some(metadata).ok_or(NotMetadata)
    }
}

impl<'a> IntoIterator for &'a Metadata {
    type Item = (Cow<'a, str>, MetadataValue<'a>);
    type IntoIter = MetadataEntries<'a>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// The entries of [`Metadata`] in their order.
#[derive(Clone, Debug)]
pub struct MetadataEntries<'a> {
    /// The text from the next entry on.
    rest: &'a str,
}

impl<'a> Iterator for MetadataEntries<'a> {
    type Item = (Cow<'a, str>, MetadataValue<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        let (name, value, rest) = json::read_entry(self.rest)?;
        self.rest = rest.strip_prefix(',').unwrap_or_default();
        Some((name, value))
    }
}

/// The text is not metadata as [`Metadata::json`] writes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("not a compact JSON object of plain values")]
pub struct NotMetadata;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn value() -> impl Strategy<Value = MetadataValue<'static>> {
        let numbers = ["2.0", "1.10", "12345678901234567890", "1e400", "-0", "-2.50E+3"];
        prop_oneof![
            Just(MetadataValue::Null),
            any::<bool>().prop_map(MetadataValue::Bool),
            any::<i64>().prop_map(MetadataValue::Integer),
            prop::sample::select(numbers.to_vec()).prop_map(|text| MetadataValue::number(text).unwrap()),
            text().prop_map(|text| MetadataValue::Text(text.into())),
        ]
    }

    fn text() -> impl Strategy<Value = String> {
        prop_oneof!["(?s).{0,9}", "[\\u{0}-\\u{1F}\"\\\\{},:u0]{0,9}"]
    }

    proptest! {
        #[test]
        fn entries_come_back_in_order_and_of_their_kind(entries in prop::collection::vec((text(), value()), 0..5)) {
            let entries: Vec<_> = entries.into_iter().map(|(name, value)| (Cow::from(name), value)).collect();
            let metadata = Metadata::new(&entries);
            prop_assert_eq!(metadata.iter().collect::<Vec<_>>(), entries);
            prop_assert_eq!(metadata.json().unwrap_or("{}").parse(), Ok(metadata.clone()));
        }

        #[test]
        fn a_text_that_is_read_is_kept_as_it_is(text in "\\{?(\"[a\\\\\"u0]{0,3}\":(1|01|null|\"[a\\\\n]{0,2}\"),?){0,2}\\}?") {
            if let Ok(metadata) = text.parse::<Metadata>() {
                prop_assert_eq!(metadata.json().unwrap_or("{}"), text);
            }
        }
    }
}
