//! Rows of `incidents`.

use diesel::{Queryable, Selectable};
use hookgate_domain::incident::Opening;
use hookgate_domain::{
    DeliveryId, Incident, IncidentDraft, IncidentNumber, IncidentStatus, OrganizationId, Timestamp,
    WebhookHandle,
};

use crate::query_error::CorruptRow;
use crate::schema::incidents;

const TABLE: &str = "incidents";

/// A row as it is read.
#[derive(Queryable, Selectable)]
#[diesel(table_name = incidents, check_for_backend(diesel::sqlite::Sqlite, diesel::pg::Pg))]
pub(crate) struct IncidentRow {
    number: i64,
    organization: i64,
    title: String,
    description: Option<String>,
    severity: String,
    status: String,
    service: Option<String>,
    source_url: Option<String>,
    dedup_key: Option<String>,
    metadata: Option<String>,
    occurrences: i64,
    opened_at: i64,
    updated_at: i64,
    acknowledged_at: Option<i64>,
    resolved_at: Option<i64>,
    cleared_at: Option<i64>,
    changes: i64,
    weight: i64,
}

/// An incident as a delivery finds or leaves it, with the columns that the domain does not know.
#[derive(Clone)]
pub(crate) struct WeighedIncident {
    pub(crate) incident: Incident,
    /// Bytes that it takes.
    pub(crate) weight: i64,
}

/// An incident that a delivery opens. It borrows the texts of the delivery's draft, because it is stored for nearly
/// every delivery.
#[derive(Clone)]
pub(crate) struct OpenedIncident<'a> {
    pub(crate) number: IncidentNumber,
    pub(crate) organization: OrganizationId,
    /// The key of its webhook.
    pub(crate) webhook: i64,
    pub(crate) handle: WebhookHandle,
    /// The delivery that opens it.
    pub(crate) first: DeliveryId,
    pub(crate) at: Timestamp,
    pub(crate) draft: &'a IncidentDraft,
    pub(crate) opening: Opening<'a>,
    /// Bytes that it takes.
    pub(crate) weight: i64,
}

impl OpenedIncident<'_> {
    /// The incident with copies of the texts; `None` for a draft that opens none.
    pub(crate) fn weighed(self) -> Option<WeighedIncident> {
        let draft = self.draft.clone();
        Some(WeighedIncident {
            incident: Incident::open(self.number, self.organization, self.handle, draft, self.at)?,
            weight: self.weight,
        })
    }
}

impl IncidentRow {
    /// The dedup key.
    pub(crate) fn dedup_key(&self) -> Option<&str> {
        self.dedup_key.as_deref()
    }

    /// `true` if it is resolved.
    pub(crate) fn is_resolved(&self) -> bool {
        self.status == IncidentStatus::Resolved.as_str()
    }

    /// The incident with the columns that the domain does not know. The caller knows its webhook.
    pub(crate) fn read_weighed(self, webhook: WebhookHandle) -> Result<WeighedIncident, CorruptRow> {
        let weight = self.weight;
        let incident = self.read(webhook)?;
        Ok(WeighedIncident { incident, weight })
    }

    /// The incident. The caller knows its webhook.
    pub(crate) fn read(self, webhook: WebhookHandle) -> Result<Incident, CorruptRow> {
        let row = self.number;
        let corrupt = |column| move || CorruptRow::at(TABLE, row, column);
        let metadata = self.metadata.as_deref().map(str::parse).transpose();
        Ok(Incident {
            number: IncidentNumber::new(self.number).ok_or_else(corrupt("number"))?,
            organization: OrganizationId::new(self.organization).ok_or_else(corrupt("organization"))?,
            webhook,
            title: self.title,
            description: self.description,
            severity: self.severity.parse().ok().ok_or_else(corrupt("severity"))?,
            status: self.status.parse().ok().ok_or_else(corrupt("status"))?,
            service: self.service,
            source_url: self.source_url,
            dedup_key: self.dedup_key,
            metadata: metadata.ok().ok_or_else(corrupt("metadata"))?.unwrap_or_default(),
            occurrences: self.occurrences,
            opened_at: Timestamp::from_micros(self.opened_at),
            updated_at: Timestamp::from_micros(self.updated_at),
            acknowledged_at: self.acknowledged_at.map(Timestamp::from_micros),
            resolved_at: self.resolved_at.map(Timestamp::from_micros),
            cleared_at: self.cleared_at.map(Timestamp::from_micros),
            changes: self.changes,
        })
    }
}

/// A row to write. It borrows, because it is written for every delivery.
pub(crate) struct NewIncident<'a> {
    pub(crate) number: i64,
    pub(crate) organization: i64,
    pub(crate) webhook: i64,
    pub(crate) title: &'a str,
    pub(crate) description: Option<&'a str>,
    pub(crate) severity: &'static str,
    pub(crate) status: &'static str,
    pub(crate) service: Option<&'a str>,
    pub(crate) source_url: Option<&'a str>,
    pub(crate) dedup_key: Option<&'a str>,
    pub(crate) metadata: Option<&'a str>,
    pub(crate) occurrences: i64,
    pub(crate) opened_at: i64,
    pub(crate) updated_at: i64,
    pub(crate) first_delivery: i64,
    pub(crate) acknowledged_at: Option<i64>,
    pub(crate) weight: i64,
}

impl<'a> NewIncident<'a> {
    /// The row of an incident.
    pub(crate) fn of(opened: &'a OpenedIncident<'_>) -> Self {
        let opening = &opened.opening;
        Self {
            number: opened.number.get(),
            organization: opened.organization.get(),
            webhook: opened.webhook,
            title: opening.title,
            description: opening.description,
            severity: opening.severity.as_str(),
            status: opening.status.as_str(),
            service: opening.service,
            source_url: opening.source_url,
            dedup_key: opening.dedup_key,
            metadata: opening.metadata.json(),
            occurrences: 1,
            opened_at: opened.at.as_micros(),
            updated_at: opened.at.as_micros(),
            first_delivery: opened.first.number(),
            acknowledged_at: opening.acknowledged_at(opened.at).map(Timestamp::as_micros),
            weight: opened.weight,
        }
    }

    /// `true` if it is open and has no dedup key, as most new incidents.
    pub(crate) fn is_plain(&self) -> bool {
        self.status == IncidentStatus::Open.as_str()
            && self.dedup_key.is_none()
            && self.occurrences == 1
            && self.updated_at == self.opened_at
            && self.acknowledged_at.is_none()
    }
}

#[cfg(test)]
mod tests {
    use hookgate_domain::draft::{Metadata, MetadataValue};
    use serde_json::json;

    /// Older versions wrote metadata with a serializer.
    #[test]
    fn metadata_that_a_serializer_wrote_are_read() {
        for code in 0..=0xFF_u32 {
            let text = format!("a{}b", char::from_u32(code).unwrap());
            let stored = json!({ &text: &text }).to_string();
            let metadata =
                Metadata::new(&[(text.as_str().into(), MetadataValue::Text(text.as_str().into()))]);
            assert_eq!(stored.parse(), Ok(metadata.clone()));
            assert_eq!(metadata.json(), Some(&*stored));
        }
    }
}
