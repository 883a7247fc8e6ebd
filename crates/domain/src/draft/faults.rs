//! The rules for single fields, and what is said of a field that breaks one.

use std::str::FromStr;

use thiserror::Error;

use super::{MAX_METADATA_KEYS, MAX_SOURCE_URL, MetadataValue};
use crate::text::is_unshown;

/// A field of a payload that breaks its rule. It holds nothing of the payload.
///
/// ```
/// use hookgate_domain::{DraftFields, FieldError, FieldLimit, FieldRule, IncidentDraft};
///
/// let fields = DraftFields { title: Some("é".repeat(501)), ..DraftFields::default() };
/// let limit = Some(FieldLimit::Number(500));
/// let error = FieldError { field: "title", rule: FieldRule::MaxLength, limit };
/// assert_eq!(error.to_string(), "title: max_length");
/// assert_eq!(IncidentDraft::check(fields), Err(vec![error]));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("{field}: {rule}", rule = .rule.as_str())]
pub struct FieldError {
    /// The field, as senders write it.
    pub field: &'static str,
    /// The rule that it breaks.
    pub rule: FieldRule,
    /// The bound or the choices that the rule sets.
    pub limit: Option<FieldLimit>,
}

/// A rule for a field.
///
/// ```
/// use hookgate_domain::{DraftFields, FieldRule, IncidentDraft};
///
/// let fields = DraftFields {
///     title: Some("Disk full".into()),
///     severity: Some("bad".into()),
///     source_url: Some("javascript:alert(1)".into()),
///     ..DraftFields::default()
/// };
/// let errors = IncidentDraft::check(fields).unwrap_err();
/// assert_eq!(errors.iter().map(|error| error.rule).collect::<Vec<_>>(), [FieldRule::OneOf, FieldRule::HttpUrl]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldRule {
    /// It must be there and not be empty.
    Required,
    /// It must be of a kind, which the limit names.
    Type,
    /// At most so many characters.
    MaxLength,
    /// One of the words that the limit lists.
    OneOf,
    /// An http or https URL.
    HttpUrl,
    /// At most so many entries.
    MaxItems,
}

impl FieldRule {
    /// The rule as answers name it, for instance `max_length`.
    ///
    /// ```
    /// assert_eq!(hookgate_domain::FieldRule::MaxLength.as_str(), "max_length");
    /// ```
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Required => "required",
            Self::Type => "type",
            Self::MaxLength => "max_length",
            Self::OneOf => "one_of",
            Self::HttpUrl => "http_url",
            Self::MaxItems => "max_items",
        }
    }
}

/// The bound that a rule sets.
///
/// ```
/// use hookgate_domain::{DraftFields, FieldLimit, IncidentDraft};
///
/// let fields = DraftFields {
///     title: Some("Disk full".into()),
///     status: Some("closed".into()),
///     dedup_key: Some("k".repeat(256)),
///     ..DraftFields::default()
/// };
/// let errors = IncidentDraft::check(fields).unwrap_err();
/// assert_eq!(errors[0].limit, Some(FieldLimit::Text("open, acknowledged, resolved")));
/// assert_eq!(errors[1].limit, Some(FieldLimit::Number(255)));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldLimit {
    /// A number of characters or entries.
    Number(usize),
    /// A kind or a list of words.
    Text(&'static str),
}

/// Gathers what is wrong while the fields are read.
#[derive(Default)]
pub(super) struct Faults(pub(super) Vec<FieldError>);

impl Faults {
    pub(super) fn required_text(
        &mut self,
        field: &'static str,
        value: Option<String>,
        most: usize,
    ) -> String {
        self.text(field, value, most).unwrap_or_else(|| {
            self.0.push(FieldError {
                field,
                rule: FieldRule::Required,
                limit: None,
            });
            String::new()
        })
    }

    pub(super) fn text(&mut self, field: &'static str, value: Option<String>, most: usize) -> Option<String> {
        let value = value.map(tidy).filter(|value| !value.is_empty())?;
        // A character has at least one byte, so short texts need no count.
        if value.len() > most && value.chars().count() > most {
            self.add(field, FieldRule::MaxLength, FieldLimit::Number(most));
        }
        Some(value)
    }

    pub(super) fn word<T: FromStr>(
        &mut self,
        field: &'static str,
        value: Option<String>,
        words: &'static str,
    ) -> Option<T> {
        let value = value.filter(|value| !value.trim().is_empty())?;
        let word = value.trim().parse().ok();
        if word.is_none() {
            self.add(field, FieldRule::OneOf, FieldLimit::Text(words));
        }
        word
    }

    pub(super) fn url(&mut self, field: &'static str, value: Option<String>) -> Option<String> {
        let url = self.text(field, value, MAX_SOURCE_URL)?;
        if !is_http_url(&url) {
            self.add(field, FieldRule::HttpUrl, FieldLimit::Text("http:// or https://"));
        }
        Some(url)
    }

    pub(super) fn metadata(
        &mut self,
        field: &'static str,
        mut entries: Vec<(String, MetadataValue)>,
    ) -> Vec<(String, MetadataValue)> {
        for (key, value) in &mut entries {
            *key = without_nul(std::mem::take(key));
            if let MetadataValue::Text(text) = value {
                *text = without_nul(std::mem::take(text));
            }
        }
        if entries.len() > MAX_METADATA_KEYS {
            self.add(field, FieldRule::MaxItems, FieldLimit::Number(MAX_METADATA_KEYS));
        } else if has_key_twice(&entries) {
            self.add(
                field,
                FieldRule::Type,
                FieldLimit::Text("flat object, each key once"),
            );
        }
        entries
    }

    fn add(&mut self, field: &'static str, rule: FieldRule, limit: FieldLimit) {
        self.0.push(FieldError {
            field,
            rule,
            limit: Some(limit),
        });
    }
}

/// Keys that were two may be one without their NULs. Every pair is compared, so there must be few.
fn has_key_twice(entries: &[(String, MetadataValue)]) -> bool {
    let is_there =
        |(index, (key, _)): (usize, &(String, _))| entries[..index].iter().any(|(known, _)| known == key);
    entries.iter().enumerate().any(is_there)
}

/// Without surrounding space, and without NUL, which one of the databases can't hold in a text.
fn tidy(text: String) -> String {
    let text = without_nul(text);
    let trimmed = text.trim();
    if trimmed.len() == text.len() {
        text
    } else {
        trimmed.to_owned()
    }
}

fn without_nul(text: String) -> String {
    if text.contains('\0') {
        text.replace('\0', "\u{FFFD}")
    } else {
        text
    }
}

/// Enough of a check that the link can be shown: the scheme is harmless, a host follows, nothing breaks out of it.
fn is_http_url(url: &str) -> bool {
    let scheme = |name: &str| {
        url.get(..name.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(name))
    };
    let rest = ["https://", "http://"]
        .into_iter()
        .find(|name| scheme(name))
        .and_then(|name| url.get(name.len()..));
    let harmless = |c: char| !is_unshown(c) && !c.is_whitespace() && !matches!(c, '"' | '<' | '>' | '\\');
    rest.is_some_and(|rest| {
        rest.starts_with(|c: char| c.is_alphanumeric() || c == '[') && rest.chars().all(harmless)
    })
}
