//! Alerta's API, as its clients send alerts, and the alerts that Alerta itself passes on. An alert is the same one if environment,
//! resource and event are the same, or if the events correlate.

use std::borrow::Cow;

use hookgate_domain::ChangeAction;
use hookgate_domain::draft::DraftFields;

use super::fields::{MAX_ENTRIES, digest, first, is_link, joined, labels, member, members};
use super::uptime_kuma;
use crate::content::Content;
use crate::error::PayloadError;
use crate::json::Value;
use crate::message::Message;
use crate::options::FormatOptions;
use crate::payload::Payload;

/// Most events that correlate with one.
const MAX_CORRELATED: usize = 50;
/// Attributes that hold a link.
const LINKS: [&str; 3] = ["externalUrl", "runBookUrl", "moreInfo"];

pub(crate) fn read(
    payload: &Payload<'_>,
    content: &Content<'_>,
    _: &FormatOptions,
) -> Result<Message, PayloadError> {
    // Clients report that they live below the same URL.
    if payload.path.trim_end_matches('/').ends_with("heartbeat") {
        return Ok(Message::other_event("heartbeat"));
    }
    let body = content.object()?;
    let required = |name| member(body, &[name]).ok_or(PayloadError::NOT_THIS_FORMAT);
    let (resource, event) = (required("resource")?, required("event")?);
    let text = member(body, &["text"]);
    // Netdata's `alarm-notify.sh test`.
    if event == "test.chart.test_alarm" {
        return Ok(Message::test());
    }
    if event == "msg"
        && body.get("origin").is("uptimekuma")
        && let Some(message) = text
    {
        return uptime_kuma::of_message(message);
    }
    // The words are a setting of Alerta's and of its clients.
    let severity = body.get("severity").text().map(|word| word.to_ascii_lowercase());
    let action = match (severity.as_deref(), body.get("status").text().as_deref()) {
        // An alert without a severity is normal.
        (None | Some("normal" | "ok" | "cleared"), _) | (_, Some("closed" | "expired")) => {
            ChangeAction::Resolve
        }
        (_, Some("ack" | "assign")) => ChangeAction::Acknowledge,
        (_, Some(silenced @ ("shelved" | "blackout"))) => return Ok(Message::other_event(silenced)),
        _ => ChangeAction::Open,
    };
    let mut entries = members(body, &["environment", "value", "group", "origin"]);
    entries.extend(joined(body.get("tags")).map(|tags| ("tags".into(), tags)));
    entries.extend(labels(body.get("attributes"), &LINKS));
    entries.truncate(MAX_ENTRIES);
    let fields = DraftFields {
        dedup_key: Some(key(body, &resource, &event)),
        title: (action == ChangeAction::Open).then(|| format!("{resource}: {event}").into()),
        description: text,
        severity: severity
            .filter(|_| action == ChangeAction::Open)
            .and_then(known_severity),
        service: first(body.get("service").items()),
        source_url: source_url(body),
        metadata: entries,
        ..DraftFields::default()
    };
    Message::change(action, fields)
}

/// A digest of environment, resource and event. Events that correlate, such as `NodeUp` and `NodeDown`, have one key.
fn key(body: Value<'_>, resource: &str, event: &str) -> Cow<'static, str> {
    let environment = body.get("environment").text().unwrap_or_default();
    let listed = body.get("correlate").items().filter_map(Value::text);
    let mut events: Vec<_> = listed.take(MAX_CORRELATED).collect();
    if !events.iter().any(|other| other == event) {
        events = vec![event.into()];
    }
    events.sort_unstable();
    events.dedup();
    let place = [&*environment, resource];
    digest(place.into_iter().chain(events.iter().map(|event| &**event)))
}

/// The severity, without Alerta's words for one that is not known. `security` is its worst.
fn known_severity(word: String) -> Option<Cow<'static, str>> {
    match &*word {
        "security" => Some("critical".into()),
        "indeterminate" | "unknown" => None,
        _ => Some(word.into()),
    }
}

/// The first link. Attributes may have it as HTML.
fn source_url(body: Value<'_>) -> Option<Cow<'_, str>> {
    let attributes = body.get("attributes");
    let values = LINKS.map(|name| attributes.get(name));
    let values = values
        .into_iter()
        .chain([body.get("href")])
        .filter_map(Value::text);
    let address = |text: Cow<'_, str>| match text.split_once("href=\"") {
        Some((_, rest)) => rest.split('"').next().unwrap_or_default().to_owned(),
        None => text.into_owned(),
    };
    let mut addresses = values.map(address);
    addresses.find(|address| is_link(address)).map(Into::into)
}
