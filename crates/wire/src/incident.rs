//! An incident.

use std::collections::BTreeMap;

use hookgate_domain::{Incident as DomainIncident, Timestamp};
use hookgate_gate::{Timeline, is_withheld_from};
use hookgate_people::Role;
use serde::Serialize;
use utoipa::ToSchema;

use super::timeline::{TimelineEntry, summary};
use super::{PlainValue, time, words};

/// An incident.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Incident {
    /// ID of the incident: `INC-` and a number.
    #[schema(value_type = words::IncidentId)]
    pub id: String,
    /// Title.
    pub title: String,
    /// `SEV0` (worst) to `SEV4`.
    #[schema(value_type = words::Severity)]
    pub severity: &'static str,
    /// `open`, `acknowledged` or `resolved`.
    #[schema(value_type = words::IncidentStatus)]
    pub status: &'static str,
    /// Dedup key, by which later deliveries update the incident. Viewers see none.
    #[schema(required)]
    pub dedup_key: Option<String>,
    /// Number of deliveries that reported the incident.
    pub occurrences: i64,
    /// Handle of the webhook whose delivery opened it.
    #[schema(value_type = words::Handle)]
    pub webhook: String,
    /// Time of opening.
    #[schema(format = DateTime)]
    pub opened_at: String,
    /// Time of the last change.
    #[schema(format = DateTime)]
    pub updated_at: String,
    /// Time when it was acknowledged; null if it was not, or was reopened since.
    #[schema(format = DateTime, required)]
    pub acknowledged_at: Option<String>,
    /// Time when it was resolved; null if it is not resolved.
    #[schema(format = DateTime, required)]
    pub resolved_at: Option<String>,
    /// Seconds from opening to acknowledgement.
    #[schema(required)]
    pub seconds_to_acknowledge: Option<u64>,
    /// Seconds from opening to resolution.
    #[schema(required)]
    pub seconds_to_resolve: Option<u64>,
    /// Description. Viewers see none.
    #[schema(required)]
    pub description: Option<String>,
    /// Name of the affected service.
    #[schema(required)]
    pub service: Option<String>,
    /// URL with more information. Viewers see none.
    #[schema(required)]
    pub source_url: Option<String>,
    /// Further data of the sender. Viewers see none.
    #[schema(value_type = Object)]
    pub metadata: BTreeMap<String, PlainValue>,
    /// True where description, source URL, dedup key and metadata are withheld from a viewer; else absent.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[schema(required = false)]
    pub withheld: bool,
}

/// An incident with its timeline.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct IncidentRecord {
    /// The incident as in lists.
    #[serde(flatten)]
    pub incident: Incident,
    /// One sentence with the time for which it was open, the time until it was acknowledged, and the actors of both.
    pub summary: String,
    /// The timeline, oldest entry first.
    pub timeline: Vec<TimelineEntry>,
}

impl IncidentRecord {
    /// The object of an incident that was read for `role`, at the time `now`.
    #[must_use]
    pub fn new(timeline: &Timeline, role: Role, now: Timestamp) -> Self {
        Self {
            incident: Incident::told_to(role, &timeline.incident),
            summary: summary(timeline, now),
            timeline: timeline.entries.iter().map(TimelineEntry::from).collect(),
        }
    }
}

impl Incident {
    /// The object of an incident that was read for `role`.
    #[must_use]
    pub fn told_to(role: Role, incident: &DomainIncident) -> Self {
        let metadata = incident.metadata.iter();
        let seconds = |at: Option<Timestamp>| Some(at?.since(incident.opened_at).as_secs());
        Self {
            id: incident.number.to_string(),
            title: incident.title.clone(),
            severity: incident.severity.as_str(),
            status: incident.status.as_str(),
            dedup_key: incident.dedup_key.clone(),
            occurrences: incident.occurrences,
            webhook: incident.webhook.to_string(),
            opened_at: time(incident.opened_at),
            updated_at: time(incident.updated_at),
            acknowledged_at: incident.acknowledged_at.map(time),
            resolved_at: incident.resolved_at.map(time),
            seconds_to_acknowledge: seconds(incident.acknowledged_at),
            seconds_to_resolve: seconds(incident.resolved_at),
            description: incident.description.clone(),
            service: incident.service.clone(),
            source_url: incident.source_url.clone(),
            metadata: metadata
                .map(|(key, value)| (key.into_owned(), value.into()))
                .collect(),
            withheld: is_withheld_from(role),
        }
    }
}

/// The object for the command line, which withholds nothing.
impl From<&DomainIncident> for Incident {
    fn from(incident: &DomainIncident) -> Self {
        Self::told_to(Role::Owner, incident)
    }
}
