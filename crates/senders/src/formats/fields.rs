//! Helpers that several formats need to fill the fields of a change.

use std::borrow::Cow;
use std::fmt::Write;

use hookgate_domain::IncidentChange;
use hookgate_domain::draft::{MAX_METADATA_KEYS, MetadataValue};
use ring::digest::{Context, SHA256};

use crate::error::PayloadError;
use crate::json::Value;
use crate::message::MAX_CHANGES;

/// Labels that tell most about the place of a problem. They come first in the metadata.
const TELLING: [&str; 16] = [
    "instance",
    "host",
    "hostname",
    "node",
    "cluster",
    "namespace",
    "pod",
    "container",
    "deployment",
    "device",
    "mountpoint",
    "environment",
    "env",
    "region",
    "team",
    "job",
];
/// Entries of metadata.
pub(super) type Entries<'d> = Vec<(Cow<'d, str>, MetadataValue<'d>)>;

/// Most entries of metadata that a format reads: one more than an incident has, so that the check of the draft notes it.
pub(super) const MAX_ENTRIES: usize = MAX_METADATA_KEYS + 1;
/// Bytes of a digest that stands for a key. A collision of 128 bits does not happen by accident.
const DIGEST_BYTES: usize = 16;

/// The text of the first value that has one.
pub(super) fn first<'d>(values: impl IntoIterator<Item = Value<'d>>) -> Option<Cow<'d, str>> {
    values.into_iter().find_map(Value::text)
}

/// The text of the first of these members that has one.
pub(super) fn member<'d>(object: Value<'d>, names: &[&str]) -> Option<Cow<'d, str>> {
    first(names.iter().map(|name| object.get(name)))
}

/// The first of these values that is a web address; without one, the first text, which is left out with a note.
pub(super) fn link<'d>(values: impl IntoIterator<Item = Value<'d>> + Clone) -> Option<Cow<'d, str>> {
    let mut texts = values.clone().into_iter().filter_map(Value::text);
    texts.find(|text| is_link(text)).or_else(|| first(values))
}

/// Returns `true` for a web address that is not an empty `https://`.
pub(super) fn is_link(text: &str) -> bool {
    (text.starts_with("http://") || text.starts_with("https://")) && !text.ends_with("://")
}

/// Labels as metadata, without those that are `used` elsewhere: the most telling ones first.
pub(super) fn labels<'d>(labels: Value<'d>, used: &[&str]) -> Entries<'d> {
    let rank = |name: &str| {
        TELLING
            .iter()
            .position(|telling| *telling == name)
            .unwrap_or(TELLING.len())
    };
    let mut entries: Vec<_> = labels
        .entries()
        // Names that begin so are internal ones of Prometheus and Grafana.
        .filter(|(name, _)| !used.contains(&&**name) && !name.starts_with("__"))
        .filter_map(|(name, value)| Some((name, metadata(value)?)))
        .take(MAX_CHANGES)
        .collect();
    entries.sort_by_key(|(name, _)| rank(name));
    entries.truncate(MAX_ENTRIES);
    entries
}

/// A metadata entry for each of these members that has a plain value.
pub(super) fn members<'d>(object: Value<'d>, names: &[&'static str]) -> Entries<'d> {
    let entry = |name: &&'static str| Some((Cow::Borrowed(*name), metadata(object.get(name))?));
    names.iter().filter_map(entry).collect()
}

/// A value as metadata; `None` for arrays, objects, `null` and empty texts.
pub(super) fn metadata(value: Value<'_>) -> Option<MetadataValue<'_>> {
    Some(match value.text()? {
        // Only strings are decoded.
        Cow::Borrowed(number) if value.is_number() => MetadataValue::number(number)?,
        text => match (value.string(), &*text) {
            (None, "true") => MetadataValue::Bool(true),
            (None, "false") => MetadataValue::Bool(false),
            _ => MetadataValue::Text(text),
        },
    })
}

/// A key for a problem that its sender names by several texts: a digest of them, in their order.
pub(super) fn digest<'t>(texts: impl IntoIterator<Item = &'t str>) -> Cow<'static, str> {
    let mut context = Context::new(&SHA256);
    for text in texts {
        context.update(text.as_bytes());
        // UTF-8 has no such byte, so texts can't be moved between each other.
        context.update(&[0xFF]);
    }
    let mut hex = String::with_capacity(2 * DIGEST_BYTES);
    for byte in &context.finish().as_ref()[..DIGEST_BYTES] {
        // Writing to a `String` does not fail.
        let _ = write!(hex, "{byte:02x}");
    }
    hex.into()
}

/// The texts of a list as one text; `None` if it has none.
pub(super) fn joined(list: Value<'_>) -> Option<MetadataValue<'static>> {
    let texts: Vec<_> = list.items().filter_map(Value::text).take(MAX_ENTRIES).collect();
    (!texts.is_empty()).then(|| MetadataValue::Text(texts.join(", ").into()))
}

/// A text as metadata.
pub(super) fn text(text: &str) -> MetadataValue<'static> {
    MetadataValue::Text(text.to_owned().into())
}

/// Collects the changes of a payload.
///
/// # Errors
/// The first error, or [`PayloadError::TooManyAlerts`].
pub(super) fn collect(
    changes: impl Iterator<Item = Result<IncidentChange, PayloadError>>,
) -> Result<Vec<IncidentChange>, PayloadError> {
    let changes: Vec<_> = changes.take(MAX_CHANGES + 1).collect::<Result<_, _>>()?;
    if changes.len() > MAX_CHANGES {
        return Err(PayloadError::TooManyAlerts { limit: MAX_CHANGES });
    }
    Ok(changes)
}

/// The first line of a text that isn't empty.
pub(super) fn first_line(text: &str) -> Option<Cow<'static, str>> {
    let line = text.lines().map(str::trim).find(|line| !line.is_empty())?;
    Some(line.to_owned().into())
}

/// A part of a path, or a value of a header, without its percent-encoding.
pub(super) fn percent_decoded(text: &str) -> Cow<'_, str> {
    if !text.contains('%') {
        return Cow::Borrowed(text);
    }
    // Forms have the same encoding, but these three characters have a meaning there.
    let name = text.replace('+', "%2B").replace('=', "%3D").replace('&', "%26");
    let decoded = form_urlencoded::parse(name.as_bytes()).map(|(name, _)| name.into_owned());
    decoded.collect::<String>().into()
}
