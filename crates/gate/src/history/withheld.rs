//! Withholds what senders sent from roles that may not see payloads. The rule is about the data, wherever it is stored:
//! the payload, and the values that were read from it or from the headers. Every role sees number, title, severity,
//! status, service and times of an incident, and webhook, times, source, user agent and outcome of a delivery.

use hookgate_domain::draft::{Metadata, MetadataValue};
use hookgate_domain::{DeliveryId, Incident, IncidentNumber};
use hookgate_people::{Permission, Role};

use super::page::{bounded_page, written_bytes};
use crate::{
    DeliveryFilter, DeliveryRecord, DeliverySummary, Gate, IncidentFilter, NoPayload, Page, PageSize, Seek,
    Store, StoreError, Timeline,
};

/// Bytes of an incident in an answer, beside its texts; and of a value of its metadata that is no text.
const INCIDENT_BYTES: usize = 700;
const VALUE_BYTES: usize = 32;

/// `true` if this role may not see payloads.
#[must_use]
pub fn is_withheld_from(role: Role) -> bool {
    !role.may(Permission::SeePayloads)
}

/// An incident as this role sees it.
#[must_use]
pub fn incident_for(role: Role, incident: Incident) -> Incident {
    if !is_withheld_from(role) {
        return incident;
    }
    Incident {
        description: None,
        source_url: None,
        dedup_key: None,
        metadata: Metadata::default(),
        ..incident
    }
}

/// The summary of a delivery as this role sees it: its notes repeat no word of the sender.
#[must_use]
pub fn summary_for(role: Role, mut summary: DeliverySummary) -> DeliverySummary {
    if is_withheld_from(role) {
        summary.notes = summary
            .notes
            .into_iter()
            .map(hookgate_domain::draft::Note::without_word)
            .collect();
    }
    summary
}

/// The record of a delivery as this role sees it.
#[must_use]
pub fn record_for(role: Role, record: DeliveryRecord) -> DeliveryRecord {
    if !is_withheld_from(role) {
        return record;
    }
    DeliveryRecord {
        no_payload: record
            .payload
            .as_ref()
            .map(|_| NoPayload::Hidden)
            .or(record.no_payload),
        payload: None,
        payload_bytes: None,
        headers: Vec::new(),
        summary: summary_for(role, record.summary),
        ..record
    }
}

impl<S: Store> Gate<S> {
    /// A page of deliveries, as this role sees them.
    ///
    /// # Errors
    /// [`StoreError`] if the store fails.
    pub async fn delivery_page(
        &self,
        role: Role,
        filter: &DeliveryFilter,
        seek: Seek,
        size: PageSize,
    ) -> Result<Page<DeliverySummary, DeliveryId>, StoreError> {
        let page = self.store.delivery_page(filter, seek, size).await?;
        Ok(page_for(role, page, summary_for))
    }

    /// A page of the deliveries of an incident, as this role sees them.
    ///
    /// # Errors
    /// [`StoreError`] if the store fails.
    pub async fn deliveries_of_incident(
        &self,
        role: Role,
        number: IncidentNumber,
        seek: Seek,
        size: PageSize,
    ) -> Result<Page<DeliverySummary, DeliveryId>, StoreError> {
        let page = self.store.deliveries_of_incident(number, seek, size).await?;
        Ok(page_for(role, page, summary_for))
    }

    /// A page of incidents, newest first, as this role sees them. A page of large incidents is shorter.
    ///
    /// # Errors
    /// [`StoreError`] if the store fails.
    pub async fn incident_page(
        &self,
        role: Role,
        filter: IncidentFilter,
        before: Option<IncidentNumber>,
        size: PageSize,
    ) -> Result<Page<Incident, IncidentNumber>, StoreError> {
        let read = |before, size| async move {
            let page = self.store.incident_page(filter, before, size).await?;
            Ok(page_for(role, page, incident_for))
        };
        bounded_page(size, before, read, incident_bytes, |incident| incident.number).await
    }

    /// The timeline of an incident as this role sees it; `None` if there is no such incident.
    ///
    /// # Errors
    /// [`StoreError`] if the store fails.
    pub async fn incident_timeline(
        &self,
        role: Role,
        number: IncidentNumber,
    ) -> Result<Option<Timeline>, StoreError> {
        let timeline = Timeline::read(&self.store, number).await?;
        Ok(timeline.map(|timeline| {
            let Timeline { incident, entries } = timeline.shortened();
            Timeline {
                incident: incident_for(role, incident),
                entries,
            }
        }))
    }
}

/// Bytes of an incident in an answer.
fn incident_bytes(incident: &Incident) -> usize {
    let Incident {
        description,
        service,
        source_url,
        dedup_key,
        ..
    } = incident;
    let texts = [description, service, source_url, dedup_key]
        .into_iter()
        .flatten();
    let metadata = incident.metadata.iter().map(|(key, value)| {
        written_bytes(&key)
            + match value {
                MetadataValue::Text(text) => written_bytes(&text),
                MetadataValue::Number(number) => number.as_str().len(),
                MetadataValue::Null | MetadataValue::Bool(_) | MetadataValue::Integer(_) => VALUE_BYTES,
            }
    });
    INCIDENT_BYTES
        + written_bytes(&incident.title)
        + texts.map(|text| written_bytes(text)).sum::<usize>()
        + metadata.sum::<usize>()
}

fn page_for<T, K>(role: Role, page: Page<T, K>, item_for: fn(Role, T) -> T) -> Page<T, K> {
    let items = page.items.into_iter();
    Page {
        items: items.map(|item| item_for(role, item)).collect(),
        next: page.next,
    }
}
