//! Commits an accepted delivery inside the transaction: checks that its webhook has not changed and that it
//! is no retry, decides its outcomes, and stores them. It reads everything before it writes anything, so that a
//! corrupt row leaves nothing half done.

use diesel::result::QueryResult;
use hookgate_domain::draft::{Note, NoteCode};
use hookgate_domain::idempotency::IDEMPOTENCY_WINDOW;
use hookgate_domain::incident::Folded;
use hookgate_domain::networks::address_bytes;
use hookgate_domain::{DeliveryId, IncidentNumber, IncidentStatus, Timestamp};
use hookgate_gate::{
    Accepted, AcceptedDelivery, Answer, Commit, Effect, Idempotency, NoPayload, Touched, TouchedIncidents,
};

use super::backend::CommitBackend;
use super::batch::{Batch, micros};
use super::outcomes::{IncidentOutcome, Outcomes};
use super::weight::delivery_weight;
use crate::deliveries::idempotency_keys::{KeyRow, NewKey};
use crate::deliveries::notes::notes_text;
use crate::deliveries::row::{NewDelivery, answer_words};
use crate::deliveries::touched::{NewTouched, ROW_BYTES as TOUCHED_BYTES};
use crate::query_error::{CorruptRow, QueryError};
use crate::usage::observation::Observation;
use crate::webhooks::statements::Target;

/// Stands for the incident of a key whose first answer named none.
const NO_INCIDENT: i64 = 0;

impl<'a, L: CommitBackend<'a>> Batch<'_, L> {
    /// Commits an accepted delivery, or returns the reason against it.
    pub(super) fn apply(&mut self, delivery: &'a AcceptedDelivery) -> Result<Commit, QueryError> {
        let target = self.backend.target(delivery.webhook)?;
        let Some(target) = target.filter(|target| target.revision == delivery.revision) else {
            return Ok(Commit::Stale);
        };
        if let Some(idempotency) = &delivery.idempotency
            && let Some(answer) = self.stored_answer(target.id, idempotency, delivery.received_at)?
        {
            return Ok(answer);
        }
        let id = self.next_delivery()?;
        let outcomes = self.outcomes(target, delivery, id)?;
        let effect = outcomes.effect();
        if target.full_at.is_some() && effect == Effect::Opened {
            return Ok(Commit::Full);
        }
        let accepted = Accepted {
            delivery: id,
            incidents: outcomes.touched(),
            effect,
        };
        let (grown, folded) = (outcomes.grown(), outcomes.folded);
        self.store(target, id, outcomes)?;
        self.accepted_insert(target, delivery, &accepted, grown, folded)?;
        if let Some(idempotency) = &delivery.idempotency {
            self.remember(target.id, idempotency, &accepted, delivery.received_at)?;
        }
        Ok(Commit::Stored(accepted))
    }

    /// Stores the outcomes of a delivery for its incidents, in their order: an incident that is resolved makes room for
    /// a new one with the same dedup key.
    fn store(&mut self, target: Target, id: DeliveryId, outcomes: Outcomes<'a>) -> QueryResult<()> {
        for outcome in outcomes.incidents {
            match outcome {
                IncidentOutcome::Opened(opened) => {
                    self.backend.incident_insert(opened)?;
                    self.incident_used();
                }
                IncidentOutcome::Updated(incident, events, _) => {
                    self.backend.incident_update(incident, target.id, id, events)?;
                }
                IncidentOutcome::OpenedAndUpdated(both) => {
                    let (opened, incident, events) = *both;
                    self.backend.incident_insert(opened)?;
                    self.incident_used();
                    self.backend.incident_update(incident, target.id, id, events)?;
                }
            }
        }
        if let Some(new) = outcomes.new_incidents {
            self.backend.new_incidents_set(target.id, new);
        }
        Ok(())
    }

    /// The stored answer for a retry; `None` if the key is new or expired.
    fn stored_answer(
        &mut self,
        webhook: i64,
        sent: &Idempotency,
        now: Timestamp,
    ) -> Result<Option<Commit>, QueryError> {
        let row = self.backend.key(webhook, sent.key.as_str())?;
        let young = |row: &KeyRow| now.since(Timestamp::from_micros(row.created_at)) < IDEMPOTENCY_WINDOW;
        let Some(row) = row.filter(young) else {
            return Ok(None);
        };
        if !sent.has_payload(&row.payload_digest) {
            return Ok(Some(Commit::IdempotencyConflict));
        }
        let touched = self.backend.touched_by_delivery(row.delivery)?;
        let first = first_answer(&row, touched)?;
        self.backend.delivery_count(row.delivery, 1);
        Ok(Some(Commit::Stored(first)))
    }

    fn accepted_insert(
        &mut self,
        target: Target,
        delivery: &'a AcceptedDelivery,
        accepted: &Accepted,
        grown: i64,
        folded: Folded,
    ) -> QueryResult<()> {
        let notes = match usize::try_from(folded.count) {
            Ok(count) if count > 0 => {
                let note = Note::limit("payload", NoteCode::Folded, count);
                notes_text(&[&delivery.notes[..], &[note]].concat())?
            }
            _ => notes_text(&delivery.notes)?,
        };
        let (answer, code) = answer_words(match accepted.effect {
            Effect::Updated => Answer::Updated,
            Effect::Unmatched => Answer::Unmatched,
            Effect::Opened | Effect::Replayed => Answer::Opened,
        });
        let id = accepted.delivery.number();
        let first = accepted.incidents.first();
        let mut row = NewDelivery {
            id,
            organization: target.organization,
            webhook: target.id,
            received_at: delivery.received_at.as_micros(),
            source: address_bytes(delivery.source),
            user_agent: delivery.user_agent.as_deref(),
            answer,
            code,
            incident: first.map(|touched| touched.number.get()),
            count: 1,
            took_us: micros(delivery.took),
            headers: delivery.headers.as_deref(),
            payload: delivery.payload.as_deref(),
            payload_bytes: None,
            trail: delivery.observed.as_ref().map(ToString::to_string),
            notes,
            request_id: Some(delivery.request_id.to_bytes()),
            incident_status: first.map(|touched| touched.status.as_str()),
            details: None,
            retry_after: None,
            no_payload: delivery.payload.is_none().then_some(NoPayload::Off.as_str()),
            weight: 0,
            grown,
        };
        row.weight = delivery_weight(&row) + self.touched_insert(target, accepted);
        let held = row.weight + grown;
        self.backend.delivery_insert(row);
        self.delivery_used();
        self.backend.note(Observation {
            webhook: target.id,
            at: delivery.received_at,
            code: None,
            observed: delivery.observed.is_some(),
            source: delivery.source,
            record: Some(id),
            times: 1,
            held: Some(held),
        });
        Ok(())
    }

    /// Stores the incidents of a delivery that touched several. Returns the bytes of their rows.
    fn touched_insert(&mut self, target: Target, accepted: &Accepted) -> i64 {
        if accepted.incidents.len() < 2 {
            return 0;
        }
        for (position, touched) in (0..).zip(&accepted.incidents) {
            self.backend.touched_insert(NewTouched {
                delivery: accepted.delivery.number(),
                position,
                organization: target.organization,
                incident: touched.number.get(),
                status: touched.status.as_str(),
            });
        }
        i64::try_from(accepted.incidents.len()).map_or(i64::MAX, |rows| rows.saturating_mul(TOUCHED_BYTES))
    }

    fn remember(
        &mut self,
        webhook: i64,
        sent: &Idempotency,
        first: &Accepted,
        now: Timestamp,
    ) -> QueryResult<()> {
        let touched = first.incidents.first();
        let row = NewKey {
            webhook,
            key: sent.key.as_str(),
            payload_digest: sent.payload.as_bytes(),
            delivery: first.delivery.number(),
            incident: touched.map_or(NO_INCIDENT, |touched| touched.number.get()),
            status: touched
                .map_or(IncidentStatus::Resolved, |touched| touched.status)
                .as_str(),
            created_at: now.as_micros(),
        };
        self.backend.upsert_key(&row)
    }
}

/// The first answer to a delivery with a key. `touched` are its incidents if it touched several.
fn first_answer(row: &KeyRow, touched: TouchedIncidents) -> Result<Accepted, CorruptRow> {
    let corrupt = |column| move || CorruptRow::at("idempotency_keys", row.delivery, column);
    let mut incidents = touched;
    if incidents.is_empty() && row.incident != NO_INCIDENT {
        incidents.push(Touched {
            number: IncidentNumber::new(row.incident).ok_or_else(corrupt("incident"))?,
            status: row.status.parse().ok().ok_or_else(corrupt("status"))?,
        });
    }
    Ok(Accepted {
        delivery: DeliveryId::from_number(row.delivery).ok_or_else(corrupt("delivery"))?,
        incidents,
        effect: Effect::Replayed,
    })
}
