//! `PagerDuty`'s Events API v2. The routing key is not read: the webhook's URL is the credential.

use hookgate_domain::ChangeAction;
use hookgate_domain::draft::{DraftFields, FieldError};

use super::fields::{MAX_ENTRIES, labels, link, member, members};
use super::uptime_kuma;
use crate::content::Content;
use crate::error::PayloadError;
use crate::message::Message;
use crate::options::FormatOptions;
use crate::payload::Payload;

pub(crate) fn read(
    payload: &Payload<'_>,
    content: &Content<'_>,
    _: &FormatOptions,
) -> Result<Message, PayloadError> {
    let body = content.object()?;
    let event = body.get("payload");
    if payload.path.ends_with("change/enqueue") {
        return Ok(Message::other_event("change"));
    }
    let action = match body.get("event_action").text().as_deref() {
        Some("trigger") => ChangeAction::Open,
        Some("acknowledge") => ChangeAction::Acknowledge,
        Some("resolve") => ChangeAction::Resolve,
        _ => return Err(PayloadError::NOT_THIS_FORMAT),
    };
    let key = body.get("dedup_key");
    if key.is_array() || key.is_object() {
        return Err(PayloadError::Fields(vec![FieldError::wrong_type(
            "dedup_key",
            "string",
        )]));
    }
    let (key, summary) = (key.text(), member(event, &["summary"]));
    if let Some(message) = uptime_kuma::without_monitor(key.as_deref(), summary.as_deref()) {
        return uptime_kuma::of_message(message.into());
    }
    let first_link = body.get("links").items().next().map(|link| link.get("href"));
    let mut metadata = members(event, &["source", "group", "class"]);
    metadata.extend(labels(event.get("custom_details"), &[]));
    metadata.truncate(MAX_ENTRIES);
    let fields = DraftFields {
        // The end of a problem is no better name for it.
        title: summary.filter(|_| action != ChangeAction::Resolve),
        severity: member(event, &["severity"]),
        service: member(event, &["component"]),
        source_url: link(first_link.into_iter().chain([body.get("client_url")])),
        dedup_key: key,
        metadata,
        ..DraftFields::default()
    };
    Message::change(action, fields)
}
