//! Grafana's webhook contact point, which sends groups of alerts like Alertmanager, and the notifications of Grafana 9 and older,
//! which send one rule.

use hookgate_domain::ChangeAction;
use hookgate_domain::draft::DraftFields;

use super::alertmanager::read_alerts;
use super::fields::{Entries, MAX_ENTRIES, digest, link, member, metadata};
use crate::content::Content;
use crate::error::PayloadError;
use crate::json::Value;
use crate::message::Message;
use crate::options::FormatOptions;
use crate::payload::Payload;

pub(crate) fn read(
    _: &Payload<'_>,
    content: &Content<'_>,
    options: &FormatOptions,
) -> Result<Message, PayloadError> {
    let body = content.object()?;
    let alerts = body.get("alerts");
    if !alerts.is_array() {
        return of_rule(body);
    }
    if alerts.items().next().is_some() && alerts.items().all(is_test) {
        return Ok(Message::test());
    }
    // Organizations of one Grafana may have alerts with the same fingerprint.
    let prefix = body
        .get("orgId")
        .text()
        .map_or_else(String::new, |id| format!("{id}/"));
    read_alerts(body, &prefix, options)
}

/// The alert of the button "Test" of a contact point.
fn is_test(alert: Value<'_>) -> bool {
    let labels = alert.get("labels");
    labels.get("alertname").is("TestAlert") && labels.get("instance").is("Grafana")
}

/// A notification of a rule, of Grafana 9 and older.
fn of_rule(body: Value<'_>) -> Result<Message, PayloadError> {
    let state = body.get("state").text().ok_or(PayloadError::NOT_THIS_FORMAT)?;
    let name = member(body, &["ruleName"]).ok_or(PayloadError::NOT_THIS_FORMAT)?;
    let action = match &*state {
        "ok" => ChangeAction::Resolve,
        "alerting" | "no_data" => ChangeAction::Open,
        other => return Ok(Message::other_event(other)),
    };
    // The button "Test" of a notification channel.
    if body.get("ruleId").is("0") {
        return Ok(Message::test());
    }
    let fields = DraftFields {
        description: member(body, &["message"]),
        source_url: link([body.get("ruleUrl")]),
        dedup_key: member(body, &["ruleId"]).or_else(|| Some(digest([&*name]))),
        metadata: matches(body),
        title: Some(name),
        ..DraftFields::default()
    };
    Message::change(action, fields)
}

/// The measured values that made the rule fire.
fn matches<'d>(body: Value<'d>) -> Entries<'d> {
    let value = |item: Value<'d>| Some((member(item, &["metric"])?, metadata(item.get("value"))?));
    body.get("evalMatches")
        .items()
        .filter_map(value)
        .take(MAX_ENTRIES)
        .collect()
}
