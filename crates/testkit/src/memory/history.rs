//! Pages of the history, and pruning.

use std::collections::BTreeMap;

use hookgate_domain::idempotency::IDEMPOTENCY_WINDOW;
use hookgate_domain::{DeliveryId, Incident, IncidentNumber, IncidentStatus, Timestamp, WebhookHandle};
use hookgate_gate::{
    DeliveryFilter, DeliveryRecord, DeliverySummary, NoPayload, Page, PageSize, Pruned, Retention, RunBounds,
    RunEnds, Seek,
};

use super::commit::touches;
use super::state::State;

/// Approximate size of a record without its payload, in bytes.
const RECORD_BYTES: u64 = 100;

impl State {
    /// The records of a page.
    pub(super) fn page(
        &self,
        filter: &DeliveryFilter,
        seek: Seek,
        size: PageSize,
    ) -> Page<DeliverySummary, DeliveryId> {
        self.page_of(seek, size, |record| filter.matches(&record.summary))
    }

    /// The records of a page of an incident.
    pub(super) fn page_of_incident(
        &self,
        number: IncidentNumber,
        seek: Seek,
        size: PageSize,
    ) -> Page<DeliverySummary, DeliveryId> {
        self.page_of(seek, size, |record| touches(record, number))
    }

    /// The first and the last delivery of a run of an incident.
    pub(super) fn run_of(&self, number: IncidentNumber, run: RunBounds) -> Option<RunEnds> {
        let is_in = |record: &&DeliveryRecord| {
            let id = record.summary.id;
            run.after.is_none_or(|after| id > after)
                && run.before.is_none_or(|before| id < before)
                && touches(record, number)
                && self.openings.get(&number) != Some(&id)
        };
        let found = self.deliveries.values().filter(is_in);
        let mut found = found.map(|record| &record.summary);
        let first = found.next()?;
        let last = found.next_back().unwrap_or(first);
        Some(RunEnds {
            first: first.id,
            first_at: first.received_at,
            last_at: last.received_at,
        })
    }

    fn page_of(
        &self,
        seek: Seek,
        size: PageSize,
        is_wanted: impl Fn(&DeliveryRecord) -> bool,
    ) -> Page<DeliverySummary, DeliveryId> {
        let records = self.deliveries.values().filter(|record| is_wanted(record));
        let wanted = records.map(|record| &record.summary);
        let most = size.and_one().rows().into();
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

    /// The record with its webhook's present name.
    pub(super) fn named(&self, record: &DeliverySummary) -> DeliverySummary {
        let name = self
            .webhooks
            .get(&record.webhook)
            .map(|webhook| webhook.name.to_string());
        DeliverySummary {
            webhook_name: name.unwrap_or_else(|| record.webhook_name.clone()),
            ..record.clone()
        }
    }

    /// Removes everything that is too old, and the oldest record if the history is too large.
    pub(super) fn prune(&mut self, retention: Retention, now: Timestamp) -> Pruned {
        let too_old = now.before(retention.deliveries);
        let before = (self.deliveries.len(), self.incidents.len(), self.keys.len());
        let mut stripped = 0;
        self.deliveries
            .retain(|_, record| record.summary.received_at >= too_old);
        let seen = self.seen.len();
        self.seen.retain(|seen| seen.at >= too_old);
        self.incidents
            .retain(|_, incident| incident.updated_at >= too_old);
        let incidents = &self.incidents;
        self.events.retain(|(number, _)| incidents.contains_key(number));
        self.keys.retain(|_, key| now.since(key.at) < IDEMPOTENCY_WINDOW);
        let budget = retention.bytes.get();
        let has_room = self.bytes() < budget - budget / 16;
        let held = self.held();
        let is_over = self.bytes() > budget;
        let most = if is_over { share(&held, budget) } else { budget / 2 };
        self.full
            .retain(|webhook| !has_room && held.get(webhook).is_some_and(|bytes| *bytes > most));
        if is_over {
            stripped = self.give_up_one(budget);
        }
        let removed = |before: usize, after: usize| u64::try_from(before - after).unwrap_or(u64::MAX);
        Pruned {
            deliveries: removed(before.0, self.deliveries.len()),
            payloads: stripped + self.prune_payloads(now.before(retention.payloads)),
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
        self.held().values().sum()
    }

    /// Removes the oldest record of the webhook that holds most, or only its payload if it is the first or last record
    /// of an unresolved incident. If the webhook has only such records without a payload, another one pays that holds
    /// more than its share. If none can pay, those that hold more than their share open no more incidents. Returns the
    /// number of removed payloads.
    fn give_up_one(&mut self, budget: u64) -> u64 {
        let held = self.held();
        let share = share(&held, budget);
        let mut spent = Vec::new();
        let mut payers: Vec<_> = held.into_iter().collect();
        payers.sort_by_key(|(_, bytes)| std::cmp::Reverse(*bytes));
        for (place, (webhook, bytes)) in payers.into_iter().enumerate() {
            if place > 0 && bytes <= share {
                break;
            }
            let theirs = self
                .deliveries
                .values()
                .filter(|record| record.summary.webhook == webhook);
            let mut theirs = theirs.map(|record| (record.summary.id, self.shows(record)));
            let found = theirs.find(|(id, shows)| !shows || self.deliveries[id].payload.is_some());
            let Some((id, shows)) = found else {
                if place == 0 && bytes > budget / 2 {
                    self.full.insert(webhook);
                }
                spent.push(webhook);
                continue;
            };
            if shows {
                if let Some(record) = self.deliveries.get_mut(&id) {
                    (record.payload, record.no_payload) = (None, Some(NoPayload::Space));
                }
                return 1;
            }
            let removed = self.deliveries.remove(&id);
            for number in removed.iter().flat_map(DeliveryRecord::incident_numbers) {
                let mut left = self.deliveries.values();
                let is_told = left.any(|record| touches(record, number));
                if !is_told && !self.is_unresolved(number) {
                    self.incidents.remove(&number);
                    self.events.retain(|(of, _)| *of != number);
                }
            }
            return 0;
        }
        self.full.extend(spent);
        0
    }

    /// Size of the records and incidents of each webhook.
    fn held(&self) -> BTreeMap<WebhookHandle, u64> {
        let mut held = BTreeMap::new();
        for record in self.deliveries.values() {
            *held.entry(record.summary.webhook).or_default() += bytes_of(record);
        }
        for incident in self.incidents.values() {
            *held.entry(incident.webhook).or_default() += bytes_of_incident(incident);
        }
        held
    }

    /// `true` for the first and the last record of an unresolved incident.
    fn shows(&self, record: &DeliveryRecord) -> bool {
        record.incident_numbers().any(|number| {
            let theirs = self.deliveries.values().filter(|other| touches(other, number));
            let mut theirs = theirs.map(|other| other.summary.id);
            let first = theirs.next();
            let last = theirs.next_back().or(first);
            self.is_unresolved(number) && [first, last].contains(&Some(record.summary.id))
        })
    }

    fn is_unresolved(&self, number: IncidentNumber) -> bool {
        let incident = self.incidents.get(&number);
        incident.is_some_and(|incident| incident.status != IncidentStatus::Resolved)
    }
}

/// Each webhook's share of the budget.
fn share(held: &BTreeMap<WebhookHandle, u64>, budget: u64) -> u64 {
    budget / u64::try_from(held.len()).unwrap_or(u64::MAX).max(1)
}

fn bytes_of_incident(incident: &Incident) -> u64 {
    let metadata = incident.metadata.json().map_or(0, str::len);
    RECORD_BYTES + u64::try_from(metadata).unwrap_or(u64::MAX)
}

fn bytes_of(record: &DeliveryRecord) -> u64 {
    let payload = record.payload.as_ref().map_or(0, Vec::len);
    RECORD_BYTES + u64::try_from(payload).unwrap_or(u64::MAX)
}
