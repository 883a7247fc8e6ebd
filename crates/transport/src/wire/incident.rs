//! An incident.

use std::collections::BTreeMap;

use hookgate_domain::Incident as DomainIncident;
use serde::Serialize;
use utoipa::ToSchema;

use super::{PlainValue, time, words};

/// An incident.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Incident {
    /// `INC-` and its number.
    #[schema(value_type = words::IncidentId)]
    pub id: String,
    /// What happened.
    pub title: String,
    /// `SEV0` (worst) to `SEV4`.
    #[schema(value_type = words::Severity)]
    pub severity: &'static str,
    /// `open`, `acknowledged` or `resolved`.
    #[schema(value_type = words::IncidentStatus)]
    pub status: &'static str,
    /// By which later deliveries find it.
    #[schema(required)]
    pub dedup_key: Option<String>,
    /// How many deliveries told of it.
    pub occurrences: i64,
    /// Handle of the webhook that opened it.
    #[schema(value_type = words::Handle)]
    pub webhook: String,
    /// When it was opened.
    #[schema(format = DateTime)]
    pub opened_at: String,
    /// When it last changed.
    #[schema(format = DateTime)]
    pub updated_at: String,
    /// More about it.
    #[schema(required)]
    pub description: Option<String>,
    /// What it happened to.
    #[schema(required)]
    pub service: Option<String>,
    /// Where to look.
    #[schema(required)]
    pub source_url: Option<String>,
    /// What else the sender said.
    #[schema(value_type = Object)]
    pub metadata: BTreeMap<String, PlainValue>,
}

impl From<&DomainIncident> for Incident {
    fn from(incident: &DomainIncident) -> Self {
        let metadata = incident.metadata.iter();
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
            description: incident.description.clone(),
            service: incident.service.clone(),
            source_url: incident.source_url.clone(),
            metadata: metadata.map(|(key, value)| (key.clone(), value.into())).collect(),
        }
    }
}
