//! New Relic's workflows with their default template, and its older alert policies.

use hookgate_domain::ChangeAction;
use hookgate_domain::draft::DraftFields;

use super::fields::{first, link, member, members};
use crate::content::Content;
use crate::error::PayloadError;
use crate::json::Value;
use crate::message::Message;
use crate::options::FormatOptions;
use crate::payload::Payload;

pub(crate) fn read(
    _: &Payload<'_>,
    content: &Content<'_>,
    _: &FormatOptions,
) -> Result<Message, PayloadError> {
    let body = content.object()?;
    // An alert policy names the issue `incident_id`.
    if !body.get("incident_id").is_null() {
        return of_policy(body);
    }
    let key = member(body, &["id", "issueId"]).ok_or(PayloadError::NOT_THIS_FORMAT)?;
    let action = match body.get("state").text().as_deref() {
        Some("CREATED" | "ACTIVATED") => ChangeAction::Open,
        Some("ACKNOWLEDGED") => ChangeAction::Acknowledge,
        Some("CLOSED") => ChangeAction::Resolve,
        Some(other) => return Ok(Message::other_event(other)),
        None => return Err(PayloadError::NOT_THIS_FORMAT),
    };
    let title = body.get("title");
    let fields = DraftFields {
        // Templates with several annotations make a list of it.
        title: first([title].into_iter().chain(title.items())),
        description: first(body.get("alertConditionNames").items()),
        severity: member(body, &["priority"]),
        service: first(
            ["impactedEntities", "entitiesData"]
                .iter()
                .flat_map(|name| body.get(name).items()),
        )
        .or_else(|| first(body.get("entitiesData").get("names").items())),
        source_url: link(["issueUrl", "issuePageUrl"].map(|name| body.get(name))),
        dedup_key: Some(key),
        metadata: members(body, &["trigger", "totalIncidents", "isCorrelated"]),
        ..DraftFields::default()
    };
    Message::change(action, fields)
}

/// A notification of an alert policy.
fn of_policy(body: Value<'_>) -> Result<Message, PayloadError> {
    // The button "Send a test notification", in older versions with the state `open`.
    if body.get("incident_id").is("0") || body.get("current_state").is("test") {
        return Ok(Message::test());
    }
    let action = match body.get("current_state").text().as_deref() {
        Some("open") => ChangeAction::Open,
        Some("acknowledged") => ChangeAction::Acknowledge,
        Some("closed") => ChangeAction::Resolve,
        _ => return Err(PayloadError::NOT_THIS_FORMAT),
    };
    let target = body.get("targets").items().next();
    let fields = DraftFields {
        title: member(body, &["condition_name", "policy_name"]),
        description: member(body, &["details"]),
        severity: member(body, &["severity"]),
        service: target.and_then(|target| member(target, &["name"])),
        source_url: link(["incident_url", "violation_chart_url"].map(|name| body.get(name))),
        dedup_key: member(body, &["incident_id"]),
        metadata: members(body, &["policy_name", "account_name", "runbook_url"]),
        ..DraftFields::default()
    };
    Message::change(action, fields)
}
