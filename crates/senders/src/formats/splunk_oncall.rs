//! The REST integration of Splunk On-Call, formerly `VictorOps`. The keys in the path are not read: the webhook's URL is the
//! credential.

use hookgate_domain::ChangeAction;
use hookgate_domain::draft::DraftFields;

use super::fields::{first, first_line, labels, link, member};
use super::uptime_kuma;
use crate::content::Content;
use crate::error::PayloadError;
use crate::message::Message;
use crate::options::FormatOptions;
use crate::payload::Payload;

/// The members that are fields of their own, keys of the sender, or times. All others are values of the user.
const KNOWN: [&str; 15] = [
    "message_type",
    "entity_id",
    "entity_display_name",
    "state_message",
    "host_name",
    "service",
    "alert_url",
    "timestamp",
    "state_start_time",
    "api_key",
    "routing_key",
    "agent_token",
    "ack_author",
    "ack_msg",
    "image_url",
];
/// The beginning of a member with a link that the user annotates.
const ANNOTATED_LINK: &str = "vo_annotate.u.";
/// The beginning of every member with an annotation.
const ANNOTATION: &str = "vo_annotate.";

pub(crate) fn read(
    _: &Payload<'_>,
    content: &Content<'_>,
    _: &FormatOptions,
) -> Result<Message, PayloadError> {
    let body = content.object()?;
    let kind = body
        .get("message_type")
        .text()
        .ok_or(PayloadError::NOT_THIS_FORMAT)?;
    let (action, severity) = match &*kind.to_ascii_uppercase() {
        "CRITICAL" => (ChangeAction::Open, Some("critical")),
        "WARNING" => (ChangeAction::Open, Some("warning")),
        "ACKNOWLEDGEMENT" => (ChangeAction::Acknowledge, None),
        "RECOVERY" => (ChangeAction::Resolve, None),
        // `INFO` is an entry of the timeline.
        _ => return Ok(Message::other_event(&kind)),
    };
    let text = member(body, &["state_message"]);
    let entity = member(body, &["entity_id"]);
    if let Some(message) = uptime_kuma::without_monitor(entity.as_deref(), text.as_deref()) {
        return uptime_kuma::of_message(message.into());
    }
    let title = member(body, &["entity_display_name"])
        .or_else(|| first_line(text.as_deref()?))
        .or_else(|| entity.clone());
    let annotated = body
        .entries()
        .filter(|(name, _)| name.starts_with(ANNOTATED_LINK));
    let annotated = annotated.map(|(_, value)| value).next();
    let mut metadata = labels(body, &KNOWN);
    metadata.retain(|(name, _)| !name.starts_with(ANNOTATION));
    let fields = DraftFields {
        // The end of a problem is no better name for it.
        title: title.filter(|_| action == ChangeAction::Open),
        description: text,
        severity: severity.map(Into::into),
        service: first(["service", "host_name"].map(|name| body.get(name))),
        source_url: link([body.get("alert_url")].into_iter().chain(annotated)),
        // Without an entity, every message is a problem of its own.
        dedup_key: entity,
        metadata,
        ..DraftFields::default()
    };
    Message::change(action, fields)
}
