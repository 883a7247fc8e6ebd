//! Opsgenie's Alert API: an alert is created by a `POST`, and changed by requests below the URL, such as
//! `v2/alerts/KEY/close?identifierType=alias`. The API key is not read: the webhook's URL is the credential.

use hookgate_domain::ChangeAction;
use hookgate_domain::draft::DraftFields;

use super::fields::{MAX_ENTRIES, joined, labels, link, member, members, percent_decoded};
use super::uptime_kuma;
use crate::content::Content;
use crate::error::PayloadError;
use crate::json::Value;
use crate::message::Message;
use crate::options::FormatOptions;
use crate::payload::Payload;

/// The one alias of all messages of Uptime Kuma that are not about a monitor.
const KUMA_ALIAS: &str = "uptime-kuma-notification-test";

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
        None if path.is_empty() => {
            let body = content.object()?;
            if body.get("alias").is(KUMA_ALIAS)
                && let Some(message) = body.get("message").text()
            {
                return uptime_kuma::of_message(message);
            }
            (ChangeAction::Open, created(body))
        }
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
    metadata.extend(joined(body.get("tags")).map(|tags| ("tags".into(), tags)));
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
