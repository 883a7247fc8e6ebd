//! Opsgenie's Alert API: an alert is created by a `POST`, and changed by requests below the URL, such as
//! `v2/alerts/KEY/close?identifierType=alias`. The API key is not read: the webhook's URL is the credential.

use hookgate_domain::ChangeAction;
use hookgate_domain::draft::{DraftFields, MetadataValue};

use super::fields::{MAX_ENTRIES, labels, link, member, members, percent_decoded};
use crate::content::Content;
use crate::error::PayloadError;
use crate::json::Value;
use crate::message::Message;
use crate::options::FormatOptions;
use crate::payload::Payload;

pub(crate) fn read(
    payload: &Payload<'_>,
    content: &Content<'_>,
    _: &FormatOptions,
) -> Result<Message, PayloadError> {
    let path = payload.path.trim_matches('/');
    let path = path
        .strip_prefix("v2/alerts")
        .unwrap_or(path)
        .trim_start_matches('/');
    let (action, fields) = match path.split_once('/') {
        None if path.is_empty() => (ChangeAction::Open, created(content.object()?)),
        None => return Ok(Message::other_event(path)),
        Some((key, verb)) => {
            let fields = DraftFields {
                dedup_key: Some(percent_decoded(key)),
                ..DraftFields::default()
            };
            let text = |name| content.text(name);
            match verb {
                "close" => (ChangeAction::Resolve, fields),
                "acknowledge" => (ChangeAction::Acknowledge, fields),
                "message" => (
                    ChangeAction::Update,
                    DraftFields {
                        title: text("message"),
                        ..fields
                    },
                ),
                "description" => (
                    ChangeAction::Update,
                    DraftFields {
                        description: text("description"),
                        ..fields
                    },
                ),
                "priority" => (
                    ChangeAction::Update,
                    DraftFields {
                        severity: text("priority"),
                        ..fields
                    },
                ),
                // Notes, tags, responders and the like.
                other => return Ok(Message::other_event(other)),
            }
        }
    };
    Message::change(action, fields)
}

/// The fields of a new alert.
fn created(body: Value<'_>) -> DraftFields<'_> {
    let source = member(body, &["source"]);
    let is_link = source.as_ref().is_some_and(|source| source.contains("://"));
    let mut metadata = members(
        body,
        if is_link {
            &["entity"]
        } else {
            &["source", "entity"]
        },
    );
    let tags: Vec<_> = body
        .get("tags")
        .items()
        .filter_map(Value::text)
        .take(MAX_ENTRIES)
        .collect();
    if !tags.is_empty() {
        metadata.push(("tags".into(), MetadataValue::Text(tags.join(", ").into())));
    }
    metadata.extend(labels(body.get("details"), &[]));
    metadata.truncate(MAX_ENTRIES);
    DraftFields {
        title: member(body, &["message"]),
        description: member(body, &["description"]),
        severity: member(body, &["priority"]),
        source_url: is_link.then(|| link([body.get("source")])).flatten(),
        dedup_key: member(body, &["alias"]),
        metadata,
        ..DraftFields::default()
    }
}
