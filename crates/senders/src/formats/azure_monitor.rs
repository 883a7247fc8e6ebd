//! Azure Monitor's common alert schema.

use hookgate_domain::ChangeAction;
use hookgate_domain::draft::DraftFields;

use super::fields::{Entries, MAX_ENTRIES, first, link, member, members, metadata};
use crate::content::Content;
use crate::error::PayloadError;
use crate::json::Value;
use crate::message::Message;
use crate::options::FormatOptions;
use crate::payload::Payload;

/// The subscription of the sample alerts that "Test action group" sends.
const TEST_SUBSCRIPTION: &str = "/subscriptions/11111111-1111-1111-1111-111111111111/";

pub(crate) fn read(
    _: &Payload<'_>,
    content: &Content<'_>,
    _: &FormatOptions,
) -> Result<Message, PayloadError> {
    let body = content.object()?;
    let alert = body.get("data").get("essentials");
    let key = member(alert, &["alertId", "originAlertId"]).ok_or(PayloadError::NOT_THIS_FORMAT)?;
    if key.starts_with(TEST_SUBSCRIPTION) {
        return Ok(Message::test());
    }
    let action = match alert.get("monitorCondition").text().as_deref() {
        Some("Fired") => ChangeAction::Open,
        Some("Resolved") => ChangeAction::Resolve,
        Some(other) => return Ok(Message::other_event(other)),
        None => return Err(PayloadError::NOT_THIS_FORMAT),
    };
    let target = first(alert.get("configurationItems").items());
    let title = match (member(alert, &["alertRule"]), &target) {
        (Some(rule), Some(target)) => Some(format!("{rule} ({target})").into()),
        (rule, target) => rule.or_else(|| target.clone()),
    };
    let fields = DraftFields {
        title,
        description: member(alert, &["description"]),
        severity: member(alert, &["severity"]),
        service: target,
        source_url: link([alert.get("investigationLink")]),
        dedup_key: Some(key),
        metadata: measured(body.get("data"), alert),
        ..DraftFields::default()
    };
    Message::change(action, fields)
}

/// The kind of alert, and the values that made it fire.
fn measured<'d>(data: Value<'d>, alert: Value<'d>) -> Entries<'d> {
    let conditions = data.get("alertContext").get("condition").get("allOf").items();
    let values = conditions.filter_map(|condition| {
        Some((
            member(condition, &["metricName"])?,
            metadata(condition.get("metricValue"))?,
        ))
    });
    let kind = members(alert, &["signalType", "monitoringService", "targetResourceType"]);
    kind.into_iter().chain(values).take(MAX_ENTRIES).collect()
}
