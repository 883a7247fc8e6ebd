//! The webhook channel of Google Cloud Monitoring.

use hookgate_domain::ChangeAction;
use hookgate_domain::draft::DraftFields;

use super::fields::{MAX_ENTRIES, labels, link, member, members};
use crate::content::Content;
use crate::error::PayloadError;
use crate::message::Message;
use crate::options::FormatOptions;
use crate::payload::Payload;

pub(crate) fn read(
    _: &Payload<'_>,
    content: &Content<'_>,
    _: &FormatOptions,
) -> Result<Message, PayloadError> {
    let body = content.object()?;
    let incident = body.get("incident");
    let key = member(incident, &["incident_id"]).ok_or(PayloadError::NOT_THIS_FORMAT)?;
    if body.get("version").is("test") {
        return Ok(Message::test());
    }
    let action = match incident.get("state").text().as_deref() {
        Some("open" | "OPEN") => ChangeAction::Open,
        Some("acknowledged" | "ACKNOWLEDGED") => ChangeAction::Acknowledge,
        Some("closed" | "CLOSED") => ChangeAction::Resolve,
        _ => return Err(PayloadError::NOT_THIS_FORMAT),
    };
    let mut metadata = members(
        incident,
        &[
            "resource_name",
            "scoping_project_id",
            "threshold_value",
            "observed_value",
        ],
    );
    metadata.extend(labels(incident.get("resource").get("labels"), &[]));
    metadata.truncate(MAX_ENTRIES);
    let names = ["policy_name", "condition_name"].map(|name| member(incident, &[name]));
    let name: Vec<_> = names.into_iter().flatten().collect();
    let fields = DraftFields {
        title: if name.is_empty() {
            member(incident, &["summary"])
        } else {
            Some(name.join(": ").into())
        },
        description: member(incident, &["summary"])
            .or_else(|| member(incident.get("documentation"), &["content", "subject"])),
        severity: member(incident, &["severity"])
            .filter(|severity| severity != "No severity")
            .or_else(|| member(incident.get("policy_user_labels"), &["severity"])),
        service: member(incident, &["resource_display_name", "resource_name"]),
        source_url: link([incident.get("url")]),
        dedup_key: Some(key),
        metadata,
        ..DraftFields::default()
    };
    Message::change(action, fields)
}
