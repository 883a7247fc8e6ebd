//! Commits, under the lock, which is this store's transaction.

use std::time::Duration;

use bytes::Bytes;
use hookgate_domain::draft::{Note, NoteCode};
use hookgate_domain::idempotency::IDEMPOTENCY_WINDOW;
use hookgate_domain::incident::IncidentError;
use hookgate_domain::{DeliveryId, Incident, IncidentNumber, IncidentStatus, Timestamp};
use hookgate_gate::{
    Accepted, AcceptedDelivery, ActedOn, ActorContext, Answer, Commit, DeliveryRecord, DeliverySummary,
    Effect, Idempotency, IncidentAction, IncidentRecord, NoPayload, RefusalKey, RefusedDelivery,
    RefusedPayload, TouchedIncidents,
};

use super::state::{KnownKey, State};

/// Records of identical refusals within a minute. Once there is one more, it counts the others.
const ALONE: usize = 10;
/// Bytes that the refusals of one webhook may hold within a minute.
const WEBHOOK_BYTES: usize = 1024 * 1024;
const MINUTE_MICROS: i64 = 60_000_000;

impl State {
    /// Commits an accepted delivery, or returns the reason for which it did not.
    pub(super) fn commit(&mut self, delivery: AcceptedDelivery) -> Commit {
        let webhook = self
            .webhooks
            .get(&delivery.webhook)
            .filter(|known| known.revision == delivery.revision);
        let Some(organization) = webhook.map(|webhook| webhook.organization) else {
            return Commit::Stale;
        };
        if let Some(answer) = delivery
            .idempotency
            .as_ref()
            .and_then(|sent| self.repeat(&delivery, sent))
        {
            return answer;
        }
        let changed = self.change_incidents(&delivery, organization);
        if self.full.contains(&delivery.webhook) && changed.opens {
            self.undo(changed);
            return Commit::Full;
        }
        let incidents: TouchedIncidents = changed
            .touched
            .iter()
            .map(|number| self.touched(*number))
            .collect();
        let effect = match (changed.opens, incidents.is_empty()) {
            (true, _) => Effect::Opened,
            (false, false) => Effect::Updated,
            (false, true) => Effect::Unmatched,
        };
        let answer = match effect {
            Effect::Opened | Effect::Replayed => Answer::Opened,
            Effect::Updated => Answer::Updated,
            Effect::Unmatched => Answer::Unmatched,
        };
        let folded = usize::try_from(changed.folded.count).expect("counted up from 0");
        let folded = (folded > 0).then(|| Note::limit("payload", NoteCode::Folded, folded));
        let summary = DeliverySummary {
            id: self.next_delivery(),
            webhook: delivery.webhook,
            webhook_name: String::new(),
            received_at: delivery.received_at,
            source: delivery.source,
            user_agent: delivery.user_agent.map(String::from),
            answer,
            incident: incidents.first().map(|touched| touched.number),
            count: 1,
            request_id: Some(delivery.request_id),
            took: Some(delivery.took),
            would_be_refused: delivery.observed.is_some(),
            notes: delivery.notes.into_iter().chain(folded).collect(),
        };
        self.see(&summary);
        let id = self.record(
            DeliveryRecord {
                no_payload: delivery.payload.is_none().then_some(NoPayload::Off),
                incidents: incidents.to_vec(),
                trail: delivery.observed,
                ..record(summary, delivery.payload)
            },
            delivery.headers.as_deref(),
        );
        let accepted = Accepted {
            delivery: id,
            incidents,
            effect,
        };
        if let Some(sent) = delivery.idempotency {
            let key = (delivery.webhook, sent.key.as_str().to_owned());
            self.keys.insert(
                key,
                KnownKey {
                    payload: sent.payload,
                    first: accepted.clone(),
                    at: delivery.received_at,
                },
            );
        }
        Commit::Stored(accepted)
    }

    /// The answer to a retry; `None` if the key is new or too old.
    fn repeat(&mut self, delivery: &AcceptedDelivery, sent: &Idempotency) -> Option<Commit> {
        let known = self.keys.get(&(delivery.webhook, sent.key.as_str().to_owned()))?;
        if delivery.received_at.since(known.at) >= IDEMPOTENCY_WINDOW {
            return None;
        }
        if !sent.has_payload(known.payload.as_bytes()) {
            return Some(Commit::IdempotencyConflict);
        }
        let first = Accepted {
            effect: Effect::Replayed,
            ..known.first.clone()
        };
        if let Some(record) = self.deliveries.get_mut(&first.delivery) {
            record.summary.count += 1;
        }
        Some(Commit::Stored(first))
    }

    /// Acts on an incident, if it exists and its rules allow it.
    pub(super) fn act(
        &mut self,
        number: IncidentNumber,
        action: &IncidentAction,
        actor: &ActorContext,
        now: Timestamp,
    ) -> Option<Result<Incident, IncidentError>> {
        let incident = self.incidents.get(&number)?.clone();
        let is_twin = |other: &&Incident| {
            other.number != number
                && other.webhook == incident.webhook
                && other.status != IncidentStatus::Resolved
                && other.dedup_key.is_some()
                && other.dedup_key == incident.dedup_key
        };
        let on = ActedOn {
            events: self.events.iter().filter(|(of, _)| *of == number).count(),
            twin: self.incidents.values().find(is_twin).map(|twin| twin.number),
            incident,
        };
        let acted = match action.apply(on, actor, now) {
            Ok(acted) => acted,
            Err(refused) => return Some(Err(refused)),
        };
        let record = IncidentRecord {
            at: now,
            event: acted.event,
            actor: Some(actor.identity.clone()),
            delivery: self
                .deliveries
                .values()
                .filter(|record| touches(record, number))
                .map(|record| record.summary.id)
                .next_back(),
            occurrences: acted.incident.occurrences,
        };
        self.events.push((number, record));
        self.incidents.insert(number, acted.incident.clone());
        self.people.note(acted.audit);
        Some(Ok(acted.incident))
    }

    /// Stores a refusal, or counts it on a record of identical ones.
    pub(super) fn refuse(&mut self, mut refusal: RefusedDelivery) {
        if !self.webhooks.contains_key(&refusal.webhook) || self.count_refusal(&refusal.key()) {
            return;
        }
        let minute = refusal.received_at.as_micros().div_euclid(MINUTE_MICROS);
        let kept = self.kept.entry((refusal.webhook, minute)).or_default();
        if *kept + refusal.bytes() > WEBHOOK_BYTES {
            refusal.strip();
        }
        *kept += refusal.bytes();
        let answer = answer_of(&refusal.key());
        let summary = DeliverySummary {
            id: self.next_delivery(),
            webhook: refusal.webhook,
            webhook_name: String::new(),
            received_at: refusal.received_at,
            source: refusal.source,
            user_agent: refusal.user_agent.map(String::from),
            answer,
            incident: None,
            count: 1,
            request_id: refusal.request_id,
            took: Some(refusal.took),
            would_be_refused: false,
            notes: Vec::new(),
        };
        self.see(&summary);
        self.record(
            DeliveryRecord {
                no_payload: refusal.no_payload,
                details: refusal.details.map(Into::into),
                retry_after: refusal.retry_after.map(whole_seconds),
                trail: refusal.trail,
                payload_bytes: refusal.payload.as_ref().and_then(RefusedPayload::cut_from),
                payload: refusal.payload.map(|payload| payload.first().to_vec()),
                ..record(summary, None)
            },
            refusal.headers.as_deref(),
        );
    }

    /// Counts a refusal on the record that counts identical ones, if there is one.
    pub(super) fn count_refusal(&mut self, refusal: &RefusalKey) -> bool {
        let minute = |at: Timestamp| at.as_micros().div_euclid(MINUTE_MICROS);
        let same = |record: &&mut DeliverySummary| {
            record.webhook == refusal.webhook
                && record.answer == answer_of(refusal)
                && record.source == refusal.source
                && minute(record.received_at) == minute(refusal.received_at)
        };
        let records = self.deliveries.values_mut().map(|record| &mut record.summary);
        let Some(folded) = records.filter(same).nth(ALONE) else {
            return false;
        };
        folded.count += 1;
        let seen = DeliverySummary {
            received_at: refusal.received_at,
            ..folded.clone()
        };
        self.see(&seen);
        true
    }

    pub(super) fn next_delivery(&self) -> DeliveryId {
        DeliveryId::from_number(self.last_delivery + 1).expect("counted up from 0")
    }

    fn record(&mut self, record: DeliveryRecord, headers: Option<&str>) -> DeliveryId {
        let id = record.summary.id;
        self.last_delivery = id.number();
        let record = DeliveryRecord {
            headers: headers.map_or_else(Vec::new, |text| {
                serde_json::from_str(text).expect("headers as they are kept")
            }),
            ..record
        };
        self.deliveries.insert(id, record);
        id
    }
}

/// A record with only the fields that every record has.
fn record(summary: DeliverySummary, payload: Option<Bytes>) -> DeliveryRecord {
    DeliveryRecord {
        summary,
        trail: None,
        headers: Vec::new(),
        payload: payload.map(|payload| payload.to_vec()),
        payload_bytes: None,
        no_payload: None,
        incidents: Vec::new(),
        details: None,
        retry_after: None,
    }
}

/// `true` if the delivery opened or updated this incident.
pub(super) fn touches(record: &DeliveryRecord, number: IncidentNumber) -> bool {
    record.incident_numbers().any(|touched| touched == number)
}

/// Waiting times are stored in whole seconds, rounded up.
fn whole_seconds(wait: Duration) -> Duration {
    Duration::from_secs(wait.as_secs() + u64::from(wait.subsec_nanos() > 0))
}

const fn answer_of(refusal: &RefusalKey) -> Answer {
    if refusal.postponed {
        Answer::Postponed(refusal.code)
    } else {
        Answer::Refused(refusal.code)
    }
}
