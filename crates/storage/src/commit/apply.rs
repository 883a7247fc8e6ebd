//! Commits an accepted delivery inside the transaction: checks that its webhook has not changed and that it
//! is no retry, and finds its incident. It reads everything before it writes anything, so that a corrupt row
//! leaves nothing half done.

use diesel::result::QueryResult;
use hookgate_domain::idempotency::IDEMPOTENCY_WINDOW;
use hookgate_domain::incident::IncidentEvent;
use hookgate_domain::networks::address_bytes;
use hookgate_domain::{DeliveryId, IncidentDraft, IncidentNumber, IncidentStatus, OrganizationId, Timestamp};
use hookgate_gate::{Accepted, AcceptedDelivery, Answer, Commit, Effect, Idempotency, NoPayload, Touched};

use super::backend::CommitBackend;
use super::batch::{Batch, micros};
use super::weight::{changed_weight, delivery_weight, incident_weight, opening_weight};
use crate::deliveries::idempotency_keys::{KeyRow, NewKey};
use crate::deliveries::notes::notes_text;
use crate::deliveries::row::{NewDelivery, answer_words};
use crate::incidents::row::{OpenedIncident, WeighedIncident};
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
        let outcome = self.incident_outcome(target, delivery, id)?;
        if target.full_at.is_some() && matches!(outcome, DeliveryOutcome::Opened(_)) {
            return Ok(Commit::Full);
        }
        let accepted = Accepted {
            delivery: id,
            incident: outcome.touched(),
            effect: outcome.effect(),
        };
        let grown = outcome.grown();
        match outcome {
            DeliveryOutcome::Unmatched => {}
            DeliveryOutcome::Opened(opened) => {
                self.backend.incident_insert(opened)?;
                self.incident_used();
            }
            DeliveryOutcome::Updated(incident, events, _) => {
                self.backend.incident_update(incident, target.id, id, events)?;
            }
        }
        self.accepted_insert(target, delivery, accepted, grown)?;
        if let Some(idempotency) = &delivery.idempotency {
            self.remember(target.id, idempotency, accepted, delivery.received_at)?;
        }
        Ok(Commit::Stored(accepted))
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
        let first = first_answer(&row)?;
        self.backend.delivery_count(row.delivery, 1);
        Ok(Some(Commit::Stored(first)))
    }

    /// The outcome of a delivery for its incident. A `resolved` belongs to the newest incident of its key,
    /// which may be resolved already; anything else to the unresolved one.
    fn incident_outcome(
        &mut self,
        target: Target,
        delivery: &'a AcceptedDelivery,
        id: DeliveryId,
    ) -> Result<DeliveryOutcome<'a>, QueryError> {
        let draft = &delivery.draft;
        let (webhook, now) = (delivery.webhook, delivery.received_at);
        let mut known = match draft.dedup_key() {
            Some(key) => self.backend.incident_unresolved(target.id, webhook, key)?,
            None => None,
        };
        if draft.resolves() {
            if let (None, Some(key)) = (&known, draft.dedup_key()) {
                known = self.backend.incident_resolved(target.id, webhook, key)?;
            }
            if known.is_none() {
                return Ok(DeliveryOutcome::Unmatched);
            }
        }
        if let Some(incident) = known {
            return Ok(updated(incident, draft.clone(), now));
        }
        let organization = OrganizationId::new(target.organization);
        let organization = organization.ok_or_else(|| CorruptRow::at("webhooks", webhook, "organization"))?;
        let number = self.next_incident()?;
        let Some(opening) = draft.opening() else {
            return Ok(DeliveryOutcome::Unmatched);
        };
        Ok(DeliveryOutcome::Opened(OpenedIncident {
            number,
            organization,
            webhook: target.id,
            handle: webhook,
            first: id,
            at: now,
            draft,
            weight: opening_weight(&opening),
            opening,
        }))
    }

    fn accepted_insert(
        &mut self,
        target: Target,
        delivery: &'a AcceptedDelivery,
        accepted: Accepted,
        grown: i64,
    ) -> QueryResult<()> {
        let notes = notes_text(delivery.draft.notes())?;
        let (answer, code) = answer_words(match accepted.effect {
            Effect::Updated => Answer::Updated,
            Effect::Unmatched => Answer::Unmatched,
            Effect::Opened | Effect::Replayed => Answer::Opened,
        });
        let id = accepted.delivery.number();
        let mut row = NewDelivery {
            id,
            organization: target.organization,
            webhook: target.id,
            received_at: delivery.received_at.as_micros(),
            source: address_bytes(delivery.source),
            user_agent: delivery.user_agent.as_deref(),
            answer,
            code,
            incident: accepted.incident.map(|touched| touched.number.get()),
            count: 1,
            took_us: micros(delivery.took),
            headers: delivery.headers.as_deref(),
            payload: delivery.payload.as_deref(),
            payload_bytes: None,
            trail: delivery.observed.as_ref().map(ToString::to_string),
            notes,
            request_id: Some(delivery.request_id.to_bytes()),
            incident_status: accepted.incident.map(|touched| touched.status.as_str()),
            details: None,
            retry_after: None,
            no_payload: delivery.payload.is_none().then_some(NoPayload::Off.as_str()),
            weight: 0,
            grown,
        };
        row.weight = delivery_weight(&row);
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

    fn remember(
        &mut self,
        webhook: i64,
        sent: &Idempotency,
        first: Accepted,
        now: Timestamp,
    ) -> QueryResult<()> {
        let row = NewKey {
            webhook,
            key: sent.key.as_str(),
            payload_digest: sent.payload.as_bytes(),
            delivery: first.delivery.number(),
            incident: first.incident.map_or(NO_INCIDENT, |touched| touched.number.get()),
            status: first
                .incident
                .map_or(IncidentStatus::Resolved, |touched| touched.status)
                .as_str(),
            created_at: now.as_micros(),
        };
        self.backend.upsert_key(&row)
    }
}

/// The first answer to a delivery with a key.
fn first_answer(row: &KeyRow) -> Result<Accepted, CorruptRow> {
    let corrupt = |column| move || CorruptRow::at("idempotency_keys", row.delivery, column);
    let incident = if row.incident == NO_INCIDENT {
        None
    } else {
        Some(Touched {
            number: IncidentNumber::new(row.incident).ok_or_else(corrupt("incident"))?,
            status: row.status.parse().ok().ok_or_else(corrupt("status"))?,
        })
    };
    Ok(Accepted {
        delivery: DeliveryId::from_number(row.delivery).ok_or_else(corrupt("delivery"))?,
        incident,
        effect: Effect::Replayed,
    })
}

/// Outcome of a delivery.
enum DeliveryOutcome<'a> {
    /// It says `resolved`, and no incident has its key.
    Unmatched,
    /// It opens this incident.
    Opened(OpenedIncident<'a>),
    /// It updates this incident, with these events. The last value is the number of bytes by which the
    /// incident grows.
    Updated(WeighedIncident, Vec<IncidentEvent>, i64),
}

/// Applies a delivery to a known incident.
fn updated<'a>(known: WeighedIncident, draft: IncidentDraft, now: Timestamp) -> DeliveryOutcome<'a> {
    let before = known.weight;
    let texts = incident_weight(&known.incident);
    let (incident, events) = known.incident.absorb(draft, now);
    let mut after = WeighedIncident {
        incident,
        weight: before,
    };
    after.weight = changed_weight(before, texts, &after, &events);
    let grown = after.weight - before;
    DeliveryOutcome::Updated(after, events, grown)
}

impl DeliveryOutcome<'_> {
    fn touched(&self) -> Option<Touched> {
        match self {
            Self::Unmatched => None,
            Self::Opened(opened) => Some(Touched {
                number: opened.number,
                status: opened.opening.status,
            }),
            Self::Updated(known, ..) => Some(Touched {
                number: known.incident.number,
                status: known.incident.status,
            }),
        }
    }

    /// Bytes by which the incident grew, negative if it shrank.
    const fn grown(&self) -> i64 {
        match self {
            Self::Unmatched => 0,
            Self::Opened(opened) => opened.weight,
            Self::Updated(.., grown) => *grown,
        }
    }

    const fn effect(&self) -> Effect {
        match self {
            Self::Unmatched => Effect::Unmatched,
            Self::Opened(_) => Effect::Opened,
            Self::Updated(..) => Effect::Updated,
        }
    }
}
