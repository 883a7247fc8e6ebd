//! Squadcast's incident webhook.

use std::borrow::Cow;

use hookgate_domain::draft::DraftFields;
use hookgate_domain::{ChangeAction, IncidentStatus};

use super::fields::{Entries, MAX_ENTRIES, is_link, member, members, metadata};
use super::uptime_kuma;
use crate::content::Content;
use crate::error::PayloadError;
use crate::json::Value;
use crate::message::Message;
use crate::options::FormatOptions;
use crate::payload::Payload;

/// The tag in which Uptime Kuma has the monitored address.
const KUMA_ADDRESS: &str = "AlertAddress";

pub(crate) fn read(
    _: &Payload<'_>,
    content: &Content<'_>,
    _: &FormatOptions,
) -> Result<Message, PayloadError> {
    let body = content.object()?;
    let key = member(body, &["event_id"]);
    let message = member(body, &["message"]);
    // A body without a status triggers.
    let status = body.get("status").text().unwrap_or(Cow::Borrowed("trigger"));
    if message.is_none() && key.is_none() {
        return Err(PayloadError::NOT_THIS_FORMAT);
    }
    if body.get("source").is("uptime-kuma")
        && key.is_none()
        && let Some(message) = message
    {
        return uptime_kuma::of_message(message);
    }
    let action = match status.parse() {
        Ok(IncidentStatus::Open) => ChangeAction::Open,
        Ok(IncidentStatus::Acknowledged) => ChangeAction::Acknowledge,
        Ok(IncidentStatus::Resolved) => ChangeAction::Resolve,
        Err(_) => return Ok(Message::other_event(&status)),
    };
    let tags = body.get("tags");
    let fields = DraftFields {
        // The end of a problem is no better name for it.
        title: message.filter(|_| action == ChangeAction::Open),
        description: member(body, &["description"]),
        severity: member(body, &["priority"]).or_else(|| tag(tags.get("severity"))),
        source_url: tag(tags.get(KUMA_ADDRESS)).filter(|url| is_link(url)),
        // Without an event ID, every message is a problem of its own.
        dedup_key: key,
        metadata: tagged(body, tags),
        ..DraftFields::default()
    };
    Message::change(action, fields)
}

/// A tag is a text, or an object of its value and a colour.
fn tag(tag: Value<'_>) -> Option<Cow<'_, str>> {
    tag.text().or_else(|| member(tag, &["value"]))
}

/// The source, and the tags.
fn tagged<'d>(body: Value<'d>, tags: Value<'d>) -> Entries<'d> {
    let value = |tag: Value<'d>| metadata(if tag.is_object() { tag.get("value") } else { tag });
    let tags = tags.entries().filter_map(|(name, tag)| Some((name, value(tag)?)));
    let source = members(body, &["source"]);
    source.into_iter().chain(tags).take(MAX_ENTRIES).collect()
}
