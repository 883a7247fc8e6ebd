//! Datadog's webhook integration. The body is a template of the user: either Datadog's default, or the one of the
//! documentation, which has the cycle key and the transition of the alert.

use std::borrow::Cow;

use hookgate_domain::ChangeAction;
use hookgate_domain::draft::{DraftFields, MetadataValue};

use super::fields::{MAX_ENTRIES, digest};
use crate::content::Content;
use crate::error::PayloadError;
use crate::message::Message;
use crate::options::FormatOptions;
use crate::payload::Payload;

/// Names of members for the same variable of a template.
const TITLE: &[&str] = &["title", "event_title", "alert_title"];
const TEXT: &[&str] = &["text", "body", "event_msg", "text_only_msg"];
const KEY: &[&str] = &["alert_cycle_key", "aggreg_key", "aggregation_key"];
const TRANSITION: &[&str] = &["transition", "alert_transition"];
/// The words with which Datadog begins a title.
const STATES: [&str; 6] = ["Triggered", "Re-", "Warn", "No Data", "Recovered", "Renotify"];

pub(crate) fn read(
    _: &Payload<'_>,
    content: &Content<'_>,
    _: &FormatOptions,
) -> Result<Message, PayloadError> {
    let text = |names: &[&str]| names.iter().find_map(|name| variable(content, name));
    let title = text(TITLE).ok_or(PayloadError::NOT_THIS_FORMAT)?;
    if title.starts_with("[TEST]") {
        return Ok(Message::test());
    }
    // Datadog writes priority and transition into the title as well: "[P2] [Recovered on {host:db1}] Disk full".
    let (prefix, name) = bracketed(&title)
        .and_then(|(start, rest)| {
            if is_priority(start) {
                bracketed(rest)
            } else {
                Some((start, rest))
            }
        })
        .filter(|(start, _)| STATES.iter().any(|state| start.starts_with(state)))
        .unwrap_or(("", &title));
    let (in_title, scope) = prefix.split_once(" on ").unwrap_or((prefix, ""));
    let transition = text(TRANSITION).unwrap_or(Cow::Borrowed(in_title));
    let action = if transition.to_ascii_lowercase().ends_with("recovered") {
        ChangeAction::Resolve
    } else {
        ChangeAction::Open
    };
    let metadata = [
        "hostname",
        "scope",
        "alert_scope",
        "tags",
        "alert_id",
        "event_type",
        "alert_metric",
    ]
    .iter()
    .filter_map(|name| Some(((*name).into(), MetadataValue::Text(variable(content, name)?))))
    .take(MAX_ENTRIES)
    .collect();
    // `$PRIORITY` is that of the event, `normal` or `low`, and tells nothing about the alert.
    let severity = text(&["alert_priority", "severity"])
        .or_else(|| text(&["priority"]).filter(|word| is_priority(word)))
        .or_else(|| text(&["alert_type"]));
    let fields = DraftFields {
        dedup_key: text(KEY).or_else(|| Some(digest([name, scope]))),
        title: Some(if name.is_empty() {
            title.as_ref().into()
        } else {
            name.into()
        }),
        description: text(TEXT),
        severity: severity.filter(|_| action == ChangeAction::Open),
        source_url: text(&["link", "url"]),
        metadata,
        ..DraftFields::default()
    };
    Message::change(action, fields)
}

/// Splits a title behind the brackets with which it begins.
fn bracketed(title: &str) -> Option<(&str, &str)> {
    let (start, rest) = title.strip_prefix('[')?.split_once(']')?;
    Some((start, rest.trim_start()))
}

/// Returns `true` for `P1` to `P5`.
fn is_priority(text: &str) -> bool {
    matches!(text.as_bytes(), [b'P', b'1'..=b'5'])
}

/// A text of the body; `None` for a variable that Datadog didn't fill in, such as `$HOSTNAME`.
fn variable<'c>(content: &'c Content<'_>, name: &str) -> Option<Cow<'c, str>> {
    content.text(name).filter(|text| !text.starts_with('$'))
}
