//! The text of a mapping: TOML.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Spanned;

use super::error::MappingError;

/// A template or an expression, with its place in the text.
pub(super) type Field = Spanned<String>;

/// The fields of a mapping. The other names are those of Grafana `OnCall`'s templates.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Definition {
    items: Option<Field>,
    #[serde(alias = "web_title")]
    title: Option<Field>,
    #[serde(alias = "message", alias = "web_message")]
    description: Option<Field>,
    severity: Option<Field>,
    status: Option<Field>,
    service: Option<Field>,
    #[serde(alias = "source_link", alias = "link")]
    source_url: Option<Field>,
    #[serde(alias = "grouping_id", alias = "grouping_key", alias = "dedup_key")]
    key: Option<Field>,
    #[serde(alias = "resolve_condition", alias = "resolve_signal")]
    resolved: Option<Field>,
    #[serde(alias = "acknowledge_condition", alias = "acknowledge_signal")]
    acknowledged: Option<Field>,
    skip: Option<Field>,
    test: Option<Field>,
    delivery_id: Option<Field>,
    #[serde(default)]
    metadata: BTreeMap<String, Field>,
}

impl Definition {
    pub(super) fn parse(text: &str) -> Result<Self, MappingError> {
        toml::from_str(text).map_err(|error| MappingError {
            field: None,
            line: error.span().map(|span| line_at(text, span.start)),
            problem: error.message().trim().to_owned(),
        })
    }

    /// The expression that gives the list of items.
    pub(super) const fn items(&self) -> Option<&Field> {
        self.items.as_ref()
    }

    /// The templates with their names.
    pub(super) fn templates(&self) -> impl Iterator<Item = (&'static str, &Field)> {
        let fields = [
            ("title", &self.title),
            ("description", &self.description),
            ("severity", &self.severity),
            ("status", &self.status),
            ("service", &self.service),
            ("source_url", &self.source_url),
            ("key", &self.key),
            ("delivery_id", &self.delivery_id),
        ];
        fields
            .into_iter()
            .filter_map(|(name, field)| Some((name, field.as_ref()?)))
    }

    /// The conditions with their names.
    pub(super) fn conditions(&self) -> impl Iterator<Item = (&'static str, &Field)> {
        let fields = [
            ("resolved", &self.resolved),
            ("acknowledged", &self.acknowledged),
            ("skip", &self.skip),
            ("test", &self.test),
        ];
        fields
            .into_iter()
            .filter_map(|(name, field)| Some((name, field.as_ref()?)))
    }

    /// The templates of the metadata, in the order of the text.
    pub(super) fn metadata(&self) -> Vec<(&str, &Field)> {
        let mut entries: Vec<_> = self
            .metadata
            .iter()
            .map(|(name, field)| (name.as_str(), field))
            .collect();
        entries.sort_by_key(|(_, field)| field.span().start);
        entries
    }
}

/// The line of an offset, from 1.
pub(super) fn line_at(text: &str, offset: usize) -> usize {
    let before = text.as_bytes().iter().take(offset);
    1 + before.filter(|byte| **byte == b'\n').count()
}

/// The line on which the value of a field begins. A text in three quotation marks begins on the next one.
pub(super) fn first_line(text: &str, field: &Field) -> usize {
    let value = text.get(field.span()).unwrap_or_default();
    let begins_below = ["\"\"\"", "'''"].iter().any(|mark| {
        value
            .strip_prefix(mark)
            .is_some_and(|value| value.starts_with(['\n', '\r']))
    });
    line_at(text, field.span().start) + usize::from(begins_below)
}

/// The line in the text that belongs to a line of a field's template. Line breaks that are written as `\n` are on the same one.
pub(super) fn line_of(text: &str, field: &Field, line: usize) -> usize {
    let last = line_at(text, field.span().end);
    (first_line(text, field) + line.saturating_sub(1)).min(last)
}
