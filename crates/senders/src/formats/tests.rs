//! Each format against bodies in the shapes that its tools send, in `tests/bodies`. A file `expected.txt` beside the bodies has
//! what each of them changes. `UPDATE_EXPECTED=1 cargo test -p hookgate-senders bodies` writes it anew, to be read before it is
//! committed.

#![expect(
    clippy::format_push_string,
    reason = "a listing for people, which takes no time that counts"
)]

mod bodies;
mod presets;
mod properties;

use hookgate_domain::draft::{DraftFields, MetadataValue, Note};
use hookgate_domain::{
    ChangeAction, Incident, IncidentChange, IncidentDraft, IncidentNumber, OrganizationId, Severity,
    Timestamp, WebhookHandle,
};

use super::*;
use crate::message::MessageKind;

/// Most bytes of a body, as servers have it.
const MAX_BYTES: usize = 256 * 1024;

/// The formats that are read here.
fn formats() -> impl Iterator<Item = SenderFormat> {
    SenderFormat::ALL
        .iter()
        .copied()
        .filter(|format| reader(*format).is_some() || preset(*format).is_some())
}

/// A message in lines, as `expected.txt` has it.
fn listed(message: &Message) -> String {
    let mut lines = String::new();
    if message.kind != MessageKind::Alerts {
        lines += &format!("  {:?}\n", message.kind);
    }
    if let Some(id) = &message.delivery_id {
        lines += &format!("  delivery {id}\n");
    }
    for note in &message.notes {
        lines += &format!("  note {}\n", described(note));
    }
    for change in &message.changes {
        lines += &change_lines(change);
    }
    lines
}

fn change_lines(change: &IncidentChange) -> String {
    let draft = &change.draft;
    let incident = absorbed(draft.clone(), Severity::Sev0);
    let action = match change.action {
        ChangeAction::Open => "open",
        ChangeAction::Update => "update",
        ChangeAction::Acknowledge => "acknowledge",
        ChangeAction::Resolve => "resolve",
    };
    let mut lines = format!("  {action} {}", draft.dedup_key().unwrap_or("(no key)"));
    lines += &draft
        .title()
        .map_or_else(|| "\n".to_owned(), |title| format!(": {title:?}\n"));
    let has_severity = incident.severity == absorbed(draft.clone(), Severity::Sev4).severity;
    let severity = has_severity.then(|| incident.severity.to_string());
    for (name, value) in [
        ("severity", severity),
        ("service", incident.service),
        (
            "description",
            incident.description.map(|text| format!("{text:?}")),
        ),
        ("source_url", incident.source_url),
    ] {
        lines += &value.map_or_else(String::new, |value| format!("    {name}: {value}\n"));
    }
    for (name, value) in &incident.metadata {
        let value = match value {
            MetadataValue::Text(text) => format!("{text:?}"),
            MetadataValue::Integer(number) => number.to_string(),
            other => format!("{other:?}"),
        };
        lines += &format!("    {name} = {value}\n");
    }
    for note in draft.notes() {
        lines += &format!("    note {}\n", described(note));
    }
    lines
}

fn described(note: &Note) -> String {
    let detail = note
        .detail
        .as_ref()
        .map_or_else(String::new, |detail| format!(" {detail}"));
    format!("{} {}{detail}", note.field, note.code)
}

/// An incident of this severity that has absorbed the draft. Drafts show some of their values only to incidents.
fn absorbed(draft: IncidentDraft, severity: Severity) -> Incident {
    let now = Timestamp::from_micros(0);
    let webhook = WebhookHandle::new(now, [0; 10]);
    let number = IncidentNumber::new(1).unwrap();
    let (title, severity) = (Some("-".into()), Some(severity.to_string().into()));
    let bare = DraftFields {
        title,
        severity,
        ..DraftFields::default()
    };
    let bare = IncidentDraft::check(bare).unwrap();
    let incident = Incident::open(number, OrganizationId::FIRST, webhook, bare, now).unwrap();
    incident.absorb(draft, now).0
}
