//! Uptime Kuma's webhook notification, as JSON or in the field `data` of a form.

use std::borrow::Cow;

use hookgate_domain::ChangeAction;
use hookgate_domain::draft::DraftFields;

use super::fields::{MAX_ENTRIES, member, members, metadata};
use crate::content::Content;
use crate::error::PayloadError;
use crate::json::Value;
use crate::message::Message;
use crate::options::FormatOptions;
use crate::payload::Payload;

/// The end of a test message: the name of the notification stands before it.
const TEST: &str = " Testing";

pub(crate) fn read(
    _: &Payload<'_>,
    content: &Content<'_>,
    _: &FormatOptions,
) -> Result<Message, PayloadError> {
    let body = content.object()?;
    let (heartbeat, monitor) = (body.get("heartbeat"), body.get("monitor"));
    let message = member(body, &["msg"]);
    if heartbeat.is_null() {
        return of_message(message.ok_or(PayloadError::NOT_THIS_FORMAT)?);
    }
    let key = member(monitor, &["id"]).or_else(|| member(heartbeat, &["monitorID", "monitor_id"]));
    let key = key.ok_or(PayloadError::NOT_THIS_FORMAT)?;
    let status = heartbeat
        .get("status")
        .text()
        .ok_or(PayloadError::NOT_THIS_FORMAT)?;
    let action = match &*status {
        "0" => ChangeAction::Open,
        "1" => ChangeAction::Resolve,
        "2" => return Ok(Message::other_event("pending")),
        "3" => return Ok(Message::other_event("maintenance")),
        other => return Ok(Message::other_event(other)),
    };
    let name = member(monitor, &["pathName", "name"]);
    let fields = DraftFields {
        title: (action == ChangeAction::Open).then(|| match &name {
            Some(name) => format!("{name} is down").into(),
            None => message.unwrap_or_else(|| format!("Monitor {key} is down").into()),
        }),
        description: member(heartbeat, &["msg"]),
        service: member(monitor, &["name"]),
        source_url: url(monitor),
        dedup_key: Some(key),
        metadata: members(monitor, &["type", "hostname", "port"])
            .into_iter()
            .chain(
                monitor
                    .get("tags")
                    .items()
                    .filter_map(|tag| Some((member(tag, &["name"])?, metadata(tag.get("value"))?))),
            )
            .take(MAX_ENTRIES)
            .collect(),
        ..DraftFields::default()
    };
    Message::change(action, fields)
}

/// A message without a monitor: a test, or a certificate that ends soon.
fn of_message(message: Cow<'_, str>) -> Result<Message, PayloadError> {
    if message.ends_with(TEST) {
        return Ok(Message::test());
    }
    let fields = DraftFields {
        title: Some(message),
        ..DraftFields::default()
    };
    Message::change(ChangeAction::Open, fields)
}

/// The monitored address. Monitors of other kinds have `https://` there.
fn url(monitor: Value<'_>) -> Option<Cow<'_, str>> {
    member(monitor, &["url"]).filter(|url| !url.ends_with("://"))
}
