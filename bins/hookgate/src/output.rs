//! What commands print: the objects that scripts rely on, and lines for people. Text from senders may be hostile, so
//! whatever a terminal could act on is shown escaped.

use std::borrow::Cow;
use std::io::{self, Write};

use hookgate_domain::{Incident, MetadataValue, Policy, RotationAge, Timestamp, Webhook, WebhookState};
use hookgate_gate::{Answer, DeliveryRecord, DeliverySummary};
use hookgate_transport::failure::status;
use serde_json::{Value, json};

use crate::failure::Failure;

/// Prints one line to standard output.
pub(crate) fn line(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{text}")?;
    out.flush()
}

/// Prints a page of a list, for scripts or for people.
pub(crate) fn list(
    json: bool,
    objects: &[Value],
    lines: &[String],
    next: Option<&str>,
) -> Result<(), Failure> {
    if json {
        return Ok(line(&page(objects, next).to_string())?);
    }
    lines.iter().try_for_each(|text| line(text))?;
    if let Some(next) = next {
        line(&format!("more: --cursor {next}"))?;
    }
    Ok(())
}

/// A page of a list, as scripts see it.
pub(crate) fn page(items: &[Value], next: Option<&str>) -> Value {
    json!({"items": items, "next": next})
}

/// A delivery, as scripts see it. Its payload is read apart, since lists of the store leave it out.
pub(crate) fn delivery(delivery: &DeliverySummary, payload: Option<&[u8]>) -> Value {
    json!({
        "id": delivery.id.to_string(),
        "webhook": delivery.webhook.to_string(),
        "received_at": time(delivery.received_at),
        "source": delivery.source.to_string(),
        "user_agent": delivery.user_agent,
        "outcome": delivery.answer.outcome().as_str(),
        "code": delivery.answer.code().map(hookgate_domain::RefusalCode::as_str),
        "status": answered_status(delivery.answer),
        "incident": delivery.incident.map(|number| number.to_string()),
        "payload": payload.map(self::payload),
        "count": delivery.count,
    })
}

/// All that is known of a delivery, as scripts see it.
pub(crate) fn delivery_record(record: &DeliveryRecord) -> Value {
    let mut object = delivery(&record.summary, record.payload.as_deref());
    object["took_us"] = json!(record.summary.took.map(|took| took.as_micros()));
    object["headers"] = json!(record.headers);
    object
}

/// A delivery in one line for people.
pub(crate) fn delivery_line(record: &DeliverySummary) -> String {
    let what = match record.answer {
        Answer::Opened => format!("opened {}", incident_name(record)),
        Answer::Updated => format!("updated {}", incident_name(record)),
        Answer::Refused(code) | Answer::Postponed(code) => format!("refused {code}"),
    };
    let times = if record.count > 1 {
        format!(" x{}", record.count)
    } else {
        String::new()
    };
    format!(
        "{}  {}  {}  from {}  {}  {what}{times}",
        time(record.received_at),
        answered_status(record.answer),
        visible(&record.webhook_name),
        record.source,
        record.user_agent.as_deref().map_or(Cow::Borrowed("-"), visible),
    )
}

/// A webhook, as scripts see it. There is no URL in it: that is shown once, where it is made.
pub(crate) fn webhook(webhook: &Webhook, now: Timestamp) -> Value {
    let Policy {
        allowlist,
        limits,
        payload_logging,
        signing_secret,
        rotation,
    } = &webhook.policy;
    let (state, url) = match &webhook.state {
        WebhookState::Active(url) => ("active", Some(url)),
        WebhookState::Revoked { .. } => ("revoked", None),
    };
    json!({
        "handle": webhook.handle.to_string(),
        "name": webhook.name.as_str(),
        "sender": webhook.format.as_str(),
        "state": state,
        "hint": webhook.state.hint().to_string(),
        "allowlist": allowlist.networks().map(|networks| networks.iter().map(ToString::to_string).collect::<Vec<_>>()),
        "max_body": limits.body_bytes(),
        "per_minute": limits.per_minute(),
        "overload": match limits.overload() {
            hookgate_domain::Overload::Refuse => 429,
            hookgate_domain::Overload::Postpone => 503,
        },
        "payload_logging": *payload_logging == hookgate_domain::PayloadLogging::On,
        "signature": signing_secret.is_some().then_some("standard-webhooks"),
        "rotation_days": rotation.days,
        "rotation": rotation_word(webhook.rotation_age(now)),
        "revision": webhook.revision,
        "created_at": time(webhook.created_at),
        "issued_at": url.map(|url| time(url.issued_at)),
        "exposed_at": url.and_then(|url| url.exposed_at).map(time),
    })
}

/// A webhook in one line for people.
pub(crate) fn webhook_line(webhook: &Webhook, now: Timestamp) -> String {
    let state = match &webhook.state {
        WebhookState::Active(_) => match webhook.rotation_age(now) {
            RotationAge::Exposed { .. } => "active, URL exposed: regenerate it".to_owned(),
            RotationAge::Due { days_over } => format!("active, URL due for a new one for {days_over} days"),
            RotationAge::Fresh { .. } | RotationAge::NotTracked => "active".to_owned(),
        },
        WebhookState::Revoked { at, .. } => format!("revoked {}", time(*at)),
    };
    let list = &webhook.policy.allowlist;
    let sources = match list.networks() {
        None => "any source".to_owned(),
        Some([one]) => one.to_string(),
        Some(networks) => format!("{} networks", networks.len()),
    };
    let warning = if list.has_whole_family() {
        " (a /0 permits every address of its kind)"
    } else {
        ""
    };
    format!(
        "{}  {}…  {}  {state}  {sources}{warning}",
        webhook.handle,
        webhook.state.hint(),
        visible(webhook.name.as_str())
    )
}

/// An incident, as scripts see it.
pub(crate) fn incident(incident: &Incident) -> Value {
    let metadata: serde_json::Map<String, Value> = incident
        .metadata
        .iter()
        .map(|(key, value)| (key.clone(), metadata_value(value)))
        .collect();
    json!({
        "id": incident.number.to_string(),
        "title": incident.title,
        "severity": incident.severity.as_str(),
        "status": incident.status.as_str(),
        "dedup_key": incident.dedup_key,
        "occurrences": incident.occurrences,
        "webhook": incident.webhook.to_string(),
        "opened_at": time(incident.opened_at),
        "updated_at": time(incident.updated_at),
        "description": incident.description,
        "service": incident.service,
        "source_url": incident.source_url,
        "metadata": metadata,
    })
}

/// An incident in one line for people.
pub(crate) fn incident_line(incident: &Incident) -> String {
    let times = if incident.occurrences > 1 {
        format!(" x{}", incident.occurrences)
    } else {
        String::new()
    };
    format!(
        "{}  {}  {}  {}  {}{times}",
        incident.number,
        incident.severity.as_str(),
        incident.status.as_str(),
        time(incident.updated_at),
        visible(&incident.title),
    )
}

/// A point in time by RFC 3339, UTC.
pub(crate) fn time(timestamp: Timestamp) -> String {
    jiff::Timestamp::from_microsecond(timestamp.as_micros())
        .map_or_else(|_| "?".to_owned(), |time| time.to_string())
}

/// Reads a point in time by RFC 3339.
pub(crate) fn read_time(text: &str) -> Result<Timestamp, jiff::Error> {
    let time: jiff::Timestamp = text.parse()?;
    Ok(Timestamp::from_micros(time.as_microsecond()))
}

/// The text with everything escaped that a terminal could act on or that reorders what is read: control characters,
/// line separators and marks of direction.
pub(crate) fn visible(text: &str) -> Cow<'_, str> {
    let hostile = |c: char| {
        c.is_control()
            || matches!(c, '\u{2028}' | '\u{2029}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{061C}' | '\u{FEFF}')
    };
    if !text.contains(hostile) {
        return Cow::Borrowed(text);
    }
    let escape = |c: char| {
        if hostile(c) {
            c.escape_unicode().to_string()
        } else {
            c.to_string()
        }
    };
    Cow::Owned(text.chars().map(escape).collect())
}

/// The payload as the JSON that it is, or as text if it is none.
fn payload(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes)
        .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(bytes).into_owned()))
}

fn answered_status(answer: Answer) -> u16 {
    match answer {
        Answer::Opened => 201,
        Answer::Updated => 200,
        Answer::Refused(code) => status(code).as_u16(),
        Answer::Postponed(_) => 503,
    }
}

fn incident_name(record: &DeliverySummary) -> String {
    record
        .incident
        .map(|number| number.to_string())
        .unwrap_or_default()
}

const fn rotation_word(age: RotationAge) -> &'static str {
    match age {
        RotationAge::NotTracked => "not_tracked",
        RotationAge::Fresh { .. } => "fresh",
        RotationAge::Due { .. } => "due",
        RotationAge::Exposed { .. } => "exposed",
    }
}

fn metadata_value(value: &MetadataValue) -> Value {
    match value {
        MetadataValue::Null => Value::Null,
        MetadataValue::Bool(value) => json!(value),
        MetadataValue::Integer(value) => json!(value),
        MetadataValue::Float(value) => json!(value),
        MetadataValue::Text(value) => json!(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_reaches_the_terminal_that_it_would_act_on() {
        assert_eq!(visible("Disk füll 🔥"), "Disk füll 🔥");
        assert_eq!(
            visible("\u{1b}[2J\n\u{202e}x\u{9b}"),
            r"\u{1b}[2J\u{a}\u{202e}x\u{9b}"
        );
    }

    #[test]
    fn payloads_are_shown_as_what_they_are() {
        assert_eq!(payload(br#"{"a":1}"#), json!({"a": 1}));
        assert_eq!(payload(b"\xffnot json"), json!("\u{fffd}not json"));
    }
}
