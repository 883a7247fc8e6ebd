//! Rows of `incident_events`.

#![expect(clippy::ref_option_ref, reason = "diesel's derive writes such types")]

use diesel::{Insertable, Queryable, Selectable};
use hookgate_domain::incident::IncidentEvent;
use hookgate_domain::{DeliveryId, IncidentNumber, Severity, Timestamp};
use hookgate_gate::IncidentRecord;
use hookgate_people::Actor;

use crate::audit::row::read_actor;
use crate::query_error::CorruptRow;
use crate::schema::incident_events;

const TABLE: &str = "incident_events";

/// An event as it is read.
#[derive(Queryable, Selectable)]
#[diesel(table_name = incident_events, check_for_backend(diesel::sqlite::Sqlite, diesel::pg::Pg))]
pub(crate) struct EventRow {
    id: i64,
    at: i64,
    kind: String,
    delivery: Option<i64>,
    occurrences: i64,
    actor_kind: Option<String>,
    actor_id: Option<String>,
    actor_name: Option<String>,
    actor_role: Option<String>,
    before: Option<String>,
    after: Option<String>,
}

impl TryFrom<EventRow> for IncidentRecord {
    type Error = CorruptRow;

    fn try_from(row: EventRow) -> Result<Self, CorruptRow> {
        let id = row.id;
        let corrupt = |column| move || CorruptRow::at(TABLE, id, column);
        let event = read_event(&row.kind, row.before, row.after).ok_or_else(corrupt("kind"))?;
        let (actor_id, role) = (row.actor_id.as_deref(), row.actor_role.as_deref());
        let actor = row.actor_kind.as_deref().map(|kind| {
            let name = row.actor_name.ok_or_else(corrupt("actor_name"))?;
            read_actor(kind, actor_id, name, role).ok_or_else(corrupt("actor_kind"))
        });
        let delivery = row
            .delivery
            .map(|number| DeliveryId::from_number(number).ok_or_else(corrupt("delivery")));
        Ok(Self {
            at: Timestamp::from_micros(row.at),
            event,
            actor: actor.transpose()?,
            delivery: delivery.transpose()?,
            occurrences: row.occurrences,
        })
    }
}

fn read_event(kind: &str, before: Option<String>, after: Option<String>) -> Option<IncidentEvent> {
    Some(match kind {
        "severity" => IncidentEvent::Severity {
            from: before?.parse().ok()?,
            to: after?.parse().ok()?,
        },
        "title" => IncidentEvent::Title {
            from: before?,
            to: after?,
        },
        "acknowledged" => IncidentEvent::Acknowledged,
        "resolved" => IncidentEvent::Resolved,
        "resolved_late" => IncidentEvent::ResolvedLate,
        "reopened" => IncidentEvent::Reopened,
        "note" => IncidentEvent::Note(after?.parse().ok()?),
        _ => return None,
    })
}

/// The texts of an event, before and after.
pub(crate) fn event_texts(event: &IncidentEvent) -> (Option<&str>, Option<&str>) {
    match event {
        IncidentEvent::Severity { from, to } => (Some(Severity::as_str(*from)), Some(Severity::as_str(*to))),
        IncidentEvent::Title { from, to } => (Some(from), Some(to)),
        IncidentEvent::Note(note) => (None, Some(note.as_str())),
        IncidentEvent::Acknowledged
        | IncidentEvent::Resolved
        | IncidentEvent::ResolvedLate
        | IncidentEvent::Reopened => (None, None),
    }
}

/// An event to write.
#[derive(Insertable)]
#[diesel(table_name = incident_events, treat_none_as_default_value = false)]
pub(crate) struct NewEventRow<'a> {
    incident: i64,
    at: i64,
    kind: &'static str,
    delivery: Option<i64>,
    occurrences: i64,
    actor_kind: Option<&'static str>,
    actor_id: Option<String>,
    actor_name: Option<&'a str>,
    actor_role: Option<&'static str>,
    before: Option<&'a str>,
    after: Option<&'a str>,
}

impl<'a> NewEventRow<'a> {
    /// The row of an event of this incident.
    pub(crate) fn of(incident: IncidentNumber, record: &'a IncidentRecord) -> Self {
        let (before, after) = event_texts(&record.event);
        let actor_id = record.actor.as_ref().and_then(Actor::id);
        Self {
            incident: incident.get(),
            at: record.at.as_micros(),
            kind: record.event.kind(),
            delivery: record.delivery.map(DeliveryId::number),
            occurrences: record.occurrences,
            actor_kind: record.actor.as_ref().map(Actor::kind),
            actor_role: record
                .actor
                .as_ref()
                .filter(|_| actor_id.is_some())
                .map(|actor| actor.role().as_str()),
            actor_id,
            actor_name: record.actor.as_ref().map(Actor::name),
            before,
            after,
        }
    }
}
