//! Uptime Kuma's webhook notification, as JSON or in the field `data` of a form.

use std::borrow::Cow;

use hookgate_domain::ChangeAction;
use hookgate_domain::draft::DraftFields;

use super::fields::{MAX_ENTRIES, digest, is_link, member, members, metadata};
use crate::content::Content;
use crate::error::PayloadError;
use crate::json::Value;
use crate::message::Message;
use crate::options::FormatOptions;
use crate::payload::Payload;

/// The end of a test message: the name of the notification stands before it.
const TEST: &str = " Testing";
/// The words before the number of days after which a certificate or domain name ends. Versions before 1.22 have the second.
const ENDS_SOON: [&str; 2] = [" will expire in ", " will be expired in "];

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

/// Reads a message without a monitor: a test, a certificate or a domain name that ends soon, or any other text. Uptime Kuma sends
/// these texts through its other notifications as well.
///
/// A warning is repeated with fewer days, so its key is the text before them. No message tells its end.
pub(super) fn of_message(message: Cow<'_, str>) -> Result<Message, PayloadError> {
    if message.ends_with(TEST) {
        return Ok(Message::test());
    }
    let subject = ends_soon(&message).unwrap_or(&message);
    // "[Shop][https://shop.example.org] server certificate shop.example.org"
    let monitor = subject
        .strip_prefix('[')
        .and_then(|rest| rest.split_once("]["))
        .and_then(|(name, rest)| Some((name.to_owned(), rest.split_once(']')?.0.to_owned())));
    let (service, url) = monitor.unzip();
    let fields = DraftFields {
        dedup_key: Some(digest([subject])),
        service: service.map(Into::into),
        source_url: url.filter(|url| is_link(url)).map(Into::into),
        title: Some(message),
        ..DraftFields::default()
    };
    Message::change(ChangeAction::Open, fields)
}

/// The key of a text that names a monitor or another subject, such as `[Shop] [✅ Up] 200 - OK`; `None` if the text is not Uptime
/// Kuma's. Services without keys of their own receive such texts.
pub(super) fn key_of_text(text: &str) -> Option<Cow<'static, str>> {
    let name = |mark: &&str| Some(text.strip_prefix('[')?.split_once(*mark)?.0);
    let monitor = ["] [🔴 Down] ", "] [✅ Up] "].iter().find_map(name);
    Some(digest([monitor.or_else(|| ends_soon(text))?]))
}

/// The text of a message without a monitor, from the summary that stands for it at services that want a key: the key has no
/// number then.
pub(super) fn without_monitor<'t>(key: Option<&str>, summary: Option<&'t str>) -> Option<&'t str> {
    let is_kuma = key == Some("Uptime Kuma/undefined");
    let text = summary
        .filter(|_| is_kuma)?
        .strip_prefix("[Uptime Kuma Alert] [")?;
    Some(text.split_once("] ")?.1)
}

/// The part of a warning that stays the same: all but the number of days.
fn ends_soon(text: &str) -> Option<&str> {
    ENDS_SOON
        .iter()
        .find_map(|words| Some(text.rsplit_once(words)?.0))
}

/// The monitored address. Monitors of other kinds have an empty `https://` there.
fn url(monitor: Value<'_>) -> Option<Cow<'_, str>> {
    member(monitor, &["url"]).filter(|url| is_link(url))
}
