//! Prometheus Alertmanager's webhook, version 4. A body holds all alerts of a group, also those that were resolved before: each
//! alert is a change of its own, or the group is one.

use std::borrow::Cow;
use std::fmt::Write;

use hookgate_domain::draft::{DraftFields, Note, NoteCode};
use hookgate_domain::{ChangeAction, IncidentChange};

use super::fields::{Entries, collect, digest, labels, link, member, members};
use crate::content::Content;
use crate::error::PayloadError;
use crate::json::Value;
use crate::message::{MAX_CHANGES, Message};
use crate::options::{FormatOptions, Grouping};
use crate::payload::Payload;

/// Labels and annotations that become fields.
const TITLE: &[&str] = &["summary", "title", "message"];
const DESCRIPTION: &[&str] = &["description", "message"];
const SERVICE: &[&str] = &["service", "service_id", "service_name", "app", "application"];
const SEVERITY: &[&str] = &["severity", "priority", "level"];
/// Labels that are left out of the metadata: those above, and the name.
const USED: &[&str] = &[
    "alertname",
    "service",
    "service_id",
    "service_name",
    "app",
    "application",
    "severity",
    "priority",
    "level",
];
/// Most alerts of a group that its description lists.
const MAX_LISTED: usize = 50;
/// Most labels that such a line has.
const MAX_PAIRS: usize = 3;

pub(crate) fn read(
    _: &Payload<'_>,
    content: &Content<'_>,
    options: &FormatOptions,
) -> Result<Message, PayloadError> {
    read_alerts(content.object()?, "", options)
}

/// Reads a group of alerts. The keys begin with `prefix`.
pub(super) fn read_alerts(
    body: Value<'_>,
    prefix: &str,
    options: &FormatOptions,
) -> Result<Message, PayloadError> {
    let alerts = body.get("alerts");
    if !alerts.is_array() {
        return Err(PayloadError::NOT_THIS_FORMAT);
    }
    let changes = match options.grouping {
        Grouping::PerAlert => collect(alerts.items().map(|alert| of_alert(body, alert, prefix)))?,
        Grouping::PerGroup => vec![of_group(body, prefix)?],
    };
    let mut message = Message::of(changes);
    // Alerts beyond the receiver's `max_alerts`.
    let truncated = body
        .get("truncatedAlerts")
        .text()
        .and_then(|count| count.parse().ok());
    if let Some(count) = truncated.filter(|count| *count > 0) {
        message
            .notes
            .push(Note::limit("alerts", NoteCode::Incomplete, count));
    }
    Ok(message)
}

fn of_alert(body: Value<'_>, alert: Value<'_>, prefix: &str) -> Result<IncidentChange, PayloadError> {
    let (tags, annotations) = (alert.get("labels"), alert.get("annotations"));
    let mut notes = Vec::new();
    let action = action(alert.get("status"), body.get("status"), &mut notes)?;
    let mut title = member(annotations, TITLE);
    let mut source_url = link(["panelURL", "dashboardURL", "generatorURL"].map(|name| alert.get(name)));
    // A resolved alert may come without annotations. The incident keeps its title and link then.
    if action == ChangeAction::Open {
        title = title
            .or_else(|| member(body.get("commonAnnotations"), TITLE))
            .or_else(|| Some(name(alert)));
        source_url = source_url.or_else(|| link([body.get("externalURL")]));
    }
    let fields = DraftFields {
        description: member(annotations, DESCRIPTION).filter(|text| title.as_ref() != Some(text)),
        title,
        severity: member(tags, SEVERITY).or_else(|| member(annotations, SEVERITY)),
        service: member(tags, SERVICE),
        source_url,
        dedup_key: Some(prefixed(prefix, key(alert).ok_or(PayloadError::NOT_THIS_FORMAT)?)),
        metadata: entries(tags, annotations),
        notes,
        ..DraftFields::default()
    };
    Ok(IncidentChange::check(action, fields)?)
}

fn of_group(body: Value<'_>, prefix: &str) -> Result<IncidentChange, PayloadError> {
    let mut notes = Vec::new();
    let action = action(body.get("status"), Value::get(body, "status"), &mut notes)?;
    let group_key = body.get("groupKey").text().ok_or(PayloadError::NOT_THIS_FORMAT)?;
    let (tags, annotations) = (body.get("commonLabels"), body.get("commonAnnotations"));
    let fields = DraftFields {
        title: member(annotations, TITLE)
            .or_else(|| member(tags, &["alertname"]))
            .or_else(|| member(body.get("groupLabels"), &["alertname"]))
            .or_else(|| pairs(body.get("groupLabels")).map(Cow::Owned))
            .or_else(|| body.get("alerts").items().next().map(name)),
        description: Some(list(body.get("alerts")).into()),
        severity: member(tags, SEVERITY).or_else(|| member(annotations, SEVERITY)),
        service: member(tags, SERVICE),
        source_url: link([body.get("externalURL")]),
        dedup_key: Some(prefixed(prefix, group_key)),
        metadata: entries(tags, annotations),
        notes,
        ..DraftFields::default()
    };
    Ok(IncidentChange::check(action, fields)?)
}

/// The action of a status. An unknown word counts as firing, so that no alert is lost.
fn action(status: Value<'_>, group: Value<'_>, notes: &mut Vec<Note>) -> Result<ChangeAction, PayloadError> {
    let status = status.text().or_else(|| group.text());
    match status.as_deref() {
        Some("firing") => Ok(ChangeAction::Open),
        Some("resolved") => Ok(ChangeAction::Resolve),
        Some(word) => {
            notes.push(Note::word("status", NoteCode::UnknownWord, word));
            Ok(ChangeAction::Open)
        }
        None => Err(PayloadError::NOT_THIS_FORMAT),
    }
}

/// The title of an alert without annotations: its name, with the place of the problem. An alert that has none of both doesn't
/// keep the others of the body out.
fn name(alert: Value<'_>) -> Cow<'_, str> {
    let tags = alert.get("labels");
    match (
        member(tags, &["alertname"]),
        member(tags, &["instance", "pod", "node", "host"]),
    ) {
        (Some(name), Some(place)) => format!("{name} ({place})").into(),
        (Some(name), None) => name,
        (None, _) => pairs(tags).map_or(Cow::Borrowed("Alert"), Cow::Owned),
    }
}

/// The metadata: the runbook, and the labels that are no fields.
fn entries<'d>(tags: Value<'d>, annotations: Value<'d>) -> Entries<'d> {
    let mut entries = members(annotations, &["runbook_url"]);
    entries.extend(labels(tags, USED));
    entries
}

/// The first labels, written as `name=value`.
fn pairs(tags: Value<'_>) -> Option<String> {
    let pair = |(name, value): (Cow<'_, str>, Value<'_>)| Some(format!("{name}={}", value.text()?));
    let pairs: Vec<_> = tags.entries().filter_map(pair).take(MAX_PAIRS).collect();
    (!pairs.is_empty()).then(|| pairs.join(", "))
}

/// The fingerprint of an alert, or a digest of its labels.
fn key(alert: Value<'_>) -> Option<Cow<'_, str>> {
    member(alert, &["fingerprint"]).or_else(|| {
        let mut tags: Vec<_> = alert
            .get("labels")
            .entries()
            .filter_map(|(name, value)| Some((name, value.text()?)))
            .take(MAX_CHANGES)
            .collect();
        tags.sort_unstable();
        let texts = tags.iter().flat_map(|(name, value)| [&**name, &**value]);
        (!tags.is_empty()).then(|| digest(texts))
    })
}

/// The key, behind the prefix.
fn prefixed<'k>(prefix: &str, key: Cow<'k, str>) -> Cow<'k, str> {
    if prefix.is_empty() {
        key
    } else {
        format!("{prefix}{key}").into()
    }
}

/// A line for each alert.
fn list(alerts: Value<'_>) -> String {
    let mut lines = String::new();
    for alert in alerts.items().take(MAX_LISTED) {
        let title = member(alert.get("annotations"), TITLE).unwrap_or_else(|| name(alert));
        let status = alert.get("status").text().unwrap_or_default();
        // Writing to a `String` does not fail.
        let _ = writeln!(lines, "{status}: {title}");
    }
    lines
}
