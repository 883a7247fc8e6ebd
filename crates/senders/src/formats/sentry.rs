//! The webhooks of Sentry's integrations, and of its older plug-in. The resource is in the header `Sentry-Hook-Resource`.

use hookgate_domain::ChangeAction;
use hookgate_domain::draft::DraftFields;

use super::fields::{link, member, members};
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
    let body = content.object()?;
    let data = body.get("data");
    let verb = body.get("action").text();
    let verb = verb.as_deref().unwrap_or_default();
    // The members tell the resource too, for proxies that drop headers.
    let message = if data.get("metric_alert").is_object() {
        metric_alert(data, verb)?
    } else if data.get("issue").is_object() {
        issue(data.get("issue"), verb)?
    } else if data.get("event").is_object() {
        event(data.get("event"))?
    } else if data.get("error").is_object() {
        event(data.get("error"))?
    } else if body.get("event").is_object() && !body.get("project").is_null() {
        plugin(body)?
    } else {
        match payload.header("sentry-hook-resource") {
            Some(resource) => Message::other_event(resource),
            None if data.is_object() && body.get("installation").is_object() => Message::other_event(verb),
            None => return Err(PayloadError::NOT_THIS_FORMAT),
        }
    };
    Ok(Message {
        delivery_id: payload.header("request-id").map(str::to_owned),
        ..message
    })
}

/// An alert about a metric.
fn metric_alert(data: Value<'_>, verb: &str) -> Result<Message, PayloadError> {
    let alert = data.get("metric_alert");
    let key = member(alert, &["id", "identifier"]).ok_or(PayloadError::NOT_THIS_FORMAT)?;
    let action = match verb {
        "resolved" => ChangeAction::Resolve,
        "critical" | "warning" | "open" => ChangeAction::Open,
        other => return Ok(Message::other_event(other)),
    };
    let fields = DraftFields {
        title: member(alert, &["title"]).or_else(|| member(alert.get("alert_rule"), &["name"])),
        description: member(data, &["description_text"]),
        severity: matches!(verb, "critical" | "warning").then(|| verb.into()),
        source_url: link([data.get("web_url")]),
        dedup_key: Some(format!("metric:{key}").into()),
        metadata: members(alert.get("alert_rule"), &["name", "environment"]),
        ..DraftFields::default()
    };
    Message::change(action, fields)
}

/// A change of an issue.
fn issue(issue: Value<'_>, verb: &str) -> Result<Message, PayloadError> {
    let key = member(issue, &["id"]).ok_or(PayloadError::NOT_THIS_FORMAT)?;
    let action = match verb {
        "created" | "unresolved" => ChangeAction::Open,
        "resolved" | "archived" | "ignored" => ChangeAction::Resolve,
        other => return Ok(Message::other_event(other)),
    };
    let fields = DraftFields {
        title: member(issue, &["title", "culprit", "shortId"]),
        description: member(issue.get("metadata"), &["value"]),
        severity: member(issue, &["level"]),
        service: member(issue.get("project"), &["slug", "name"]),
        source_url: link(["web_url", "permalink"].map(|name| issue.get(name))),
        dedup_key: Some(format!("issue:{key}").into()),
        metadata: members(issue, &["shortId", "culprit", "platform"]),
        ..DraftFields::default()
    };
    Message::change(action, fields)
}

/// An event of an issue: an alert rule was triggered, or an error occurred. A change of the issue resolves it.
fn event(event: Value<'_>) -> Result<Message, PayloadError> {
    let key = member(event, &["issue_id", "groupID", "event_id"]).ok_or(PayloadError::NOT_THIS_FORMAT)?;
    let fields = DraftFields {
        title: member(event, &["title", "message", "culprit"]),
        description: member(event, &["message"]).or_else(|| member(event.get("metadata"), &["value"])),
        severity: member(event, &["level"]),
        service: member(event, &["project_slug", "project_name"]),
        source_url: link(["web_url", "issue_url"].map(|name| event.get(name))),
        dedup_key: Some(format!("issue:{key}").into()),
        metadata: members(
            event,
            &["environment", "culprit", "release", "platform", "project"],
        ),
        ..DraftFields::default()
    };
    Message::change(ChangeAction::Open, fields)
}

/// The body of the older plug-in.
fn plugin(body: Value<'_>) -> Result<Message, PayloadError> {
    let key = member(body, &["id"]).ok_or(PayloadError::NOT_THIS_FORMAT)?;
    let event = body.get("event");
    let fields = DraftFields {
        title: member(event, &["title"]).or_else(|| member(body, &["message", "culprit"])),
        description: member(body, &["message"]),
        severity: member(body, &["level"]),
        service: member(body, &["project_slug", "project"]),
        source_url: link([body.get("url")]),
        dedup_key: Some(format!("issue:{key}").into()),
        metadata: members(event, &["environment", "release"]),
        ..DraftFields::default()
    };
    Message::change(ChangeAction::Open, fields)
}
