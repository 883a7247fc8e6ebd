//! Pages of the history, and its end.

use hookgate_domain::{DeliveryId, IDEMPOTENCY_WINDOW, IncidentNumber, Timestamp};
use hookgate_gate::{
    DeliveryFilter, DeliveryRecord, DeliverySummary, Page, PageSize, Pruned, Retention, Seek,
};

use super::State;

/// Bytes that a record takes beside its payload, more or less.
const RECORD_BYTES: u64 = 100;

impl State {
    /// The records of a page.
    pub(super) fn page(
        &self,
        filter: &DeliveryFilter,
        seek: Seek,
        size: PageSize,
    ) -> Page<DeliverySummary, DeliveryId> {
        self.page_of(seek, size, |record| filter.matches(record))
    }

    /// The records of a page of an incident.
    pub(super) fn page_of_incident(
        &self,
        number: IncidentNumber,
        seek: Seek,
        size: PageSize,
    ) -> Page<DeliverySummary, DeliveryId> {
        self.page_of(seek, size, |record| record.incident == Some(number))
    }

    fn page_of(
        &self,
        seek: Seek,
        size: PageSize,
        is_wanted: impl Fn(&DeliverySummary) -> bool,
    ) -> Page<DeliverySummary, DeliveryId> {
        let records = self.deliveries.values().map(|record| &record.summary);
        let wanted = records.filter(|record| is_wanted(record));
        let most = size.rows().into();
        let records: Vec<_> = match seek {
            Seek::Newest => wanted.rev().take(most).collect(),
            Seek::Before(id) => wanted.rev().filter(|record| record.id < id).take(most).collect(),
            Seek::After(id) => wanted
                .filter(|record| id.is_none_or(|id| record.id > id))
                .take(most)
                .collect(),
        };
        let items = records.into_iter().map(|record| self.named(record)).collect();
        Page::new(items, size, |record: &DeliverySummary| record.id, None)
    }

    /// The record with the name that its webhook has now.
    pub(super) fn named(&self, record: &DeliverySummary) -> DeliverySummary {
        let name = self
            .webhooks
            .get(&record.webhook)
            .map(|webhook| webhook.name.to_string());
        DeliverySummary {
            webhook_name: name.unwrap_or_default(),
            ..record.clone()
        }
    }

    /// Removes everything that is too old, and the oldest record if it takes too much space.
    pub(super) fn prune(&mut self, retention: Retention, now: Timestamp) -> Pruned {
        let too_old = now.before(retention.deliveries);
        let before = (self.deliveries.len(), self.incidents.len(), self.keys.len());
        self.deliveries
            .retain(|_, record| record.summary.received_at >= too_old);
        let seen = self.seen.len();
        self.seen.retain(|seen| seen.at >= too_old);
        self.incidents
            .retain(|_, incident| incident.updated_at >= too_old);
        let incidents = &self.incidents;
        self.events.retain(|(number, _)| incidents.contains_key(number));
        self.keys.retain(|_, key| now.since(key.at) < IDEMPOTENCY_WINDOW);
        if self.bytes() > retention.bytes.get() {
            self.deliveries.pop_first();
        }
        let removed = |before: usize, after: usize| u64::try_from(before - after).unwrap_or(u64::MAX);
        Pruned {
            deliveries: removed(before.0, self.deliveries.len()),
            payloads: self.prune_payloads(now.before(retention.payloads)),
            incidents: removed(before.1, self.incidents.len()),
            keys: removed(before.2, self.keys.len()),
            people: self.people.prune(now),
            counts: removed(seen, self.seen.len()),
            unfinished: false,
        }
    }

    fn prune_payloads(&mut self, too_old: Timestamp) -> u64 {
        let old = self
            .deliveries
            .values_mut()
            .filter(|record| record.summary.received_at < too_old);
        old.filter_map(|record| record.payload.take())
            .fold(0, |removed, _| removed + 1)
    }

    fn bytes(&self) -> u64 {
        let payload = |record: &DeliveryRecord| record.payload.as_ref().map_or(0, Vec::len);
        let bytes = |record| RECORD_BYTES + u64::try_from(payload(record)).unwrap_or(u64::MAX);
        self.deliveries.values().map(bytes).sum()
    }
}
