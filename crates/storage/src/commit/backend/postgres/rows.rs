//! Conversion of rows into columns: copies borrowed values, and makes text storable for PostgreSQL.

use std::borrow::Cow;

use hookgate_domain::{DeliveryId, IncidentNumber, Timestamp};
use hookgate_gate::IncidentRecord;

use super::statements::{
    DeliveryColumns, EventColumns, IncidentChanges, IncidentColumns, KeyColumns, TouchedColumns,
};
use crate::deliveries::idempotency_keys::KeyRow;
use crate::deliveries::row::NewDelivery;
use crate::deliveries::touched::NewTouched;
use crate::incidents::event_row::event_texts;
use crate::incidents::row::WeighedIncident;

/// Text that PostgreSQL can store: NUL becomes U+FFFD.
pub(super) fn storable(text: &str) -> Cow<'_, str> {
    if text.contains('\0') {
        Cow::Owned(text.replace('\0', "\u{fffd}"))
    } else {
        Cow::Borrowed(text)
    }
}

fn storable_option(text: Option<&str>) -> Option<Cow<'_, str>> {
    text.map(storable)
}

impl<'a> DeliveryColumns<'a> {
    pub(super) fn push(&mut self, row: NewDelivery<'a>) {
        self.id.push(row.id);
        self.organization.push(row.organization);
        self.webhook.push(row.webhook);
        self.received_at.push(row.received_at);
        self.source.push(row.source);
        self.user_agent.push(storable_option(row.user_agent));
        self.answer.push(row.answer);
        self.code.push(row.code);
        self.incident.push(row.incident);
        self.count.push(row.count);
        self.took_us.push(row.took_us);
        self.headers.push(storable_option(row.headers));
        self.payload.push(row.payload);
        self.trail.push(row.trail);
        self.notes.push(row.notes);
        self.request_id.push(row.request_id);
        self.incident_status.push(row.incident_status);
        self.details.push(storable_option(row.details));
        self.retry_after.push(row.retry_after);
        self.no_payload.push(row.no_payload);
        self.payload_bytes.push(row.payload_bytes);
        self.weight.push(row.weight);
        self.grown.push(row.grown);
    }
}

impl<'a> IncidentColumns<'a> {
    pub(super) fn push(&mut self, weighed: &'a WeighedIncident, webhook: i64, first: DeliveryId) {
        let incident = &weighed.incident;
        self.number.push(incident.number.get());
        self.organization.push(incident.organization.get());
        self.webhook.push(webhook);
        self.title.push(storable(&incident.title));
        self.description
            .push(storable_option(incident.description.as_deref()));
        self.severity.push(incident.severity.as_str());
        self.status.push(incident.status.as_str());
        self.service.push(storable_option(incident.service.as_deref()));
        self.source_url
            .push(storable_option(incident.source_url.as_deref()));
        self.dedup_key
            .push(storable_option(incident.dedup_key.as_deref()));
        self.metadata.push(incident.metadata.json());
        self.occurrences.push(incident.occurrences);
        self.opened_at.push(incident.opened_at.as_micros());
        self.updated_at.push(incident.updated_at.as_micros());
        self.first_delivery.push(first.number());
        self.acknowledged_at
            .push(incident.acknowledged_at.map(Timestamp::as_micros));
        // A later delivery of the same batch may have changed or resolved it.
        self.resolved_at
            .push(incident.resolved_at.map(Timestamp::as_micros));
        self.cleared_at
            .push(incident.cleared_at.map(Timestamp::as_micros));
        self.changes.push(incident.changes);
        self.weight.push(weighed.weight);
    }
}

impl TouchedColumns {
    pub(super) fn push(&mut self, row: &NewTouched<'static>) {
        self.delivery.push(row.delivery);
        self.position.push(row.position);
        self.organization.push(row.organization);
        self.incident.push(row.incident);
        self.status.push(row.status);
    }
}

impl EventColumns {
    pub(super) fn push(&mut self, incident: IncidentNumber, record: &IncidentRecord) {
        let (before, after) = event_texts(&record.event);
        self.incident.push(incident.get());
        self.at.push(record.at.as_micros());
        self.kind.push(record.event.kind());
        self.delivery.push(record.delivery.map(DeliveryId::number));
        self.occurrences.push(record.occurrences);
        self.before.push(storable_option(before).map(Cow::into_owned));
        self.after.push(storable_option(after).map(Cow::into_owned));
    }
}

impl<'a> IncidentChanges<'a> {
    pub(super) fn push(&mut self, weighed: &'a WeighedIncident) {
        let incident = &weighed.incident;
        self.number.push(incident.number.get());
        self.title.push(storable(&incident.title));
        self.description
            .push(storable_option(incident.description.as_deref()));
        self.severity.push(incident.severity.as_str());
        self.status.push(incident.status.as_str());
        self.service.push(storable_option(incident.service.as_deref()));
        self.source_url
            .push(storable_option(incident.source_url.as_deref()));
        self.metadata.push(incident.metadata.json());
        self.occurrences.push(incident.occurrences);
        self.updated_at.push(incident.updated_at.as_micros());
        self.acknowledged_at
            .push(incident.acknowledged_at.map(Timestamp::as_micros));
        self.resolved_at
            .push(incident.resolved_at.map(Timestamp::as_micros));
        self.cleared_at
            .push(incident.cleared_at.map(Timestamp::as_micros));
        self.changes.push(incident.changes);
        self.weight.push(weighed.weight);
    }
}

impl<'a> KeyColumns<'a> {
    pub(super) fn push(&mut self, (webhook, key): &'a (i64, String), row: &'a KeyRow) {
        self.webhook.push(*webhook);
        self.key.push(key);
        self.payload_digest.push(&row.payload_digest);
        self.delivery.push(row.delivery);
        self.incident.push(row.incident);
        self.status.push(&row.status);
        self.created_at.push(row.created_at);
    }
}
