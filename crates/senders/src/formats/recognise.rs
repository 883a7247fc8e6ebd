//! Tells whose payload it is, for a delivery that the format of its webhook refused.

use hookgate_domain::SenderFormat;

use crate::content::{Content, decompressed};
use crate::json::Value;
use crate::payload::Payload;

/// Guesses the format of a refused payload; `None` if it looks like no known one. A payload that several tools could have sent
/// is not guessed.
///
/// ```
/// use hookgate_domain::SenderFormat;
/// use hookgate_senders::{Payload, recognise};
///
/// let body = br#"{"version":"4","groupKey":"{}:{}","alerts":[]}"#;
/// let payload = Payload::new(body, &[("content-type", "application/json")], 256 * 1024);
/// assert_eq!(recognise(&payload), Some(SenderFormat::Alertmanager));
/// ```
#[must_use]
pub fn recognise(payload: &Payload<'_>) -> Option<SenderFormat> {
    let body = decompressed(payload).ok()?;
    content(payload, &Content::of(&body, payload).ok()?)
}

/// Guesses the format of a payload that can be read.
pub(super) fn content(payload: &Payload<'_>, content: &Content<'_>) -> Option<SenderFormat> {
    let of_header = HEADERS.iter().find(|(_, name)| payload.header(name).is_some());
    let of_members = || {
        let body = content.object().ok()?;
        let has = |path: &&str| !path.split('.').fold(body, Value::get).is_null();
        MEMBERS
            .iter()
            .find(|(_, paths)| paths.iter().all(has))
            .map(|(format, _)| *format)
    };
    of_header.map(|(format, _)| *format).or_else(of_members)
}

/// The headers that only one sender has.
const HEADERS: &[(SenderFormat, &str)] = &[
    (SenderFormat::Github, "x-github-event"),
    (SenderFormat::Gitlab, "x-gitlab-event"),
    (SenderFormat::Sentry, "sentry-hook-resource"),
    (SenderFormat::Sns, "x-amz-sns-message-type"),
];

/// The members that only payloads of a format have. The first match counts.
const MEMBERS: &[(SenderFormat, &[&str])] = &[
    (SenderFormat::Grafana, &["alerts", "orgId"]),
    (SenderFormat::Grafana, &["ruleName", "state", "evalMatches"]),
    (SenderFormat::Alertmanager, &["alerts", "groupKey", "version"]),
    (SenderFormat::UptimeKuma, &["heartbeat.monitorID", "monitor"]),
    (SenderFormat::Sentry, &["installation.uuid", "data", "action"]),
    (SenderFormat::Sns, &["Type", "MessageId", "TopicArn"]),
    (SenderFormat::PagerDuty, &["event_action", "routing_key"]),
    (SenderFormat::Gitlab, &["object_kind", "project"]),
    (SenderFormat::Opsgenie, &["message", "alias"]),
    (SenderFormat::Datadog, &["alert_cycle_key"]),
    (SenderFormat::Datadog, &["event_type", "last_updated", "org.id"]),
    (
        SenderFormat::CloudEvents,
        &["specversion", "id", "source", "type"],
    ),
    (SenderFormat::AzureMonitor, &["schemaId", "data.essentials"]),
    (
        SenderFormat::GcpMonitoring,
        &["incident.incident_id", "incident.state"],
    ),
    (SenderFormat::NewRelic, &["issueUrl", "state", "priority"]),
    (
        SenderFormat::NewRelic,
        &["current_state", "incident_id", "policy_name"],
    ),
    (SenderFormat::Apprise, &["version", "title", "message", "type"]),
    (SenderFormat::SplunkOnCall, &["message_type", "entity_id"]),
    (SenderFormat::Squadcast, &["message", "event_id"]),
    (
        SenderFormat::Alerta,
        &["environment", "resource", "event", "severity"],
    ),
    (SenderFormat::Teams, &["@type", "@context"]),
    (SenderFormat::GoAlertGeneric, &["summary", "details"]),
    (SenderFormat::Slack, &["attachments", "username"]),
    (SenderFormat::Slack, &["attachments", "channel"]),
    (SenderFormat::Slack, &["blocks"]),
    (SenderFormat::Teams, &["type", "attachments"]),
    (SenderFormat::Slack, &["text", "username"]),
];
