//! An accepted delivery inside the transaction: is it still the judged webhook, is it a retry, which incident does it
//! tell of. It reads everything before it writes anything, so that damage leaves nothing half done.

use diesel::result::QueryResult;
use hookgate_domain::{
    DeliveryId, IDEMPOTENCY_WINDOW, Incident, IncidentDraft, IncidentNumber, IncidentStatus, OrganizationId,
    Timestamp, address_bytes,
};
use hookgate_gate::{Accepted, AcceptedDelivery, Answer, Commit, Effect, Idempotency};

use super::batch::{Batch, micros};
use super::counting::Seen;
use crate::fault::{Damage, Fault};
use crate::rows::{NewDelivery, NewIncident, answer_words, metadata_text};
use crate::write::deliveries::{delivery_count, delivery_insert};
use crate::write::incidents::{incident_insert, incident_status_set, incident_unresolved, incident_update};
use crate::write::keys::{KeyRow, NewKey, key_by_name, key_put};
use crate::write::webhooks::Target;

impl Batch<'_> {
    /// Commits an accepted delivery, or says why not.
    pub(super) fn accept(&mut self, delivery: &AcceptedDelivery) -> Result<Commit, Fault> {
        let target = self.target(delivery.webhook)?;
        let Some(target) = target.filter(|target| target.revision == delivery.revision) else {
            return Ok(Commit::Stale);
        };
        if let Some(idempotency) = &delivery.idempotency
            && let Some(answer) = self.repeat(target.id, idempotency, delivery.received_at)?
        {
            return Ok(answer);
        }
        let id = self.next_delivery()?;
        let (incident, before) = self.tell(target, delivery)?;
        self.incident_write(target, id, &incident, before)?;
        let effect = if before.is_some() {
            Effect::Updated
        } else {
            Effect::Opened
        };
        self.accepted_insert(id, target, delivery, incident.number, effect)?;
        let accepted = Accepted {
            delivery: id,
            incident: incident.number,
            status: incident.status,
            effect,
        };
        if let Some(idempotency) = &delivery.idempotency {
            self.remember(target.id, idempotency, accepted, delivery.received_at)?;
        }
        Ok(Commit::Stored(accepted))
    }

    /// The answer to a retry; `None` if the key is new or too old.
    fn repeat(&mut self, webhook: i64, sent: &Idempotency, now: Timestamp) -> Result<Option<Commit>, Fault> {
        let row = key_by_name(self.connection, webhook, sent.key.as_str())?;
        let young = |row: &KeyRow| now.since(Timestamp::from_micros(row.created_at)) < IDEMPOTENCY_WINDOW;
        let Some(row) = row.filter(young) else {
            return Ok(None);
        };
        if row.payload_digest != sent.payload.as_bytes() {
            return Ok(Some(Commit::IdempotencyConflict));
        }
        let first = first_answer(&row)?;
        delivery_count(self.connection, row.delivery, 1)?;
        Ok(Some(Commit::Stored(first)))
    }

    /// The incident after this delivery told of it, and the status that it had before; `None` if this opens it.
    fn tell(
        &mut self,
        target: Target,
        delivery: &AcceptedDelivery,
    ) -> Result<(Incident, Option<IncidentStatus>), Fault> {
        let draft: IncidentDraft = delivery.draft.clone();
        let (webhook, now) = (delivery.webhook, delivery.received_at);
        let known = match draft.dedup_key() {
            Some(key) => incident_unresolved(self.connection, target.id, key)?,
            None => None,
        };
        if let Some(row) = known {
            let incident = row.read(webhook)?;
            let before = incident.status;
            return Ok((incident.absorb(draft, now), Some(before)));
        }
        let organization = OrganizationId::new(target.organization);
        let organization = organization.ok_or_else(|| Damage::at("webhooks", webhook, "organization"))?;
        Ok((
            Incident::open(self.next_incident()?, organization, webhook, draft, now),
            None,
        ))
    }

    fn incident_write(
        &mut self,
        target: Target,
        id: DeliveryId,
        incident: &Incident,
        before: Option<IncidentStatus>,
    ) -> QueryResult<()> {
        let metadata = metadata_text(&incident.metadata)?;
        match before {
            None => {
                incident_insert(
                    self.connection,
                    &NewIncident::of(incident, target.id, id, metadata.as_deref()),
                )?;
                self.incident_used();
            }
            Some(before) => {
                incident_update(self.connection, incident, metadata.as_deref())?;
                if before != incident.status {
                    incident_status_set(self.connection, incident)?;
                }
            }
        }
        Ok(())
    }

    fn accepted_insert(
        &mut self,
        id: DeliveryId,
        target: Target,
        delivery: &AcceptedDelivery,
        incident: IncidentNumber,
        effect: Effect,
    ) -> QueryResult<()> {
        let (answer, code) = answer_words(if effect == Effect::Updated {
            Answer::Updated
        } else {
            Answer::Opened
        });
        let row = NewDelivery {
            id: id.number(),
            organization: target.organization,
            webhook: target.id,
            received_at: delivery.received_at.as_micros(),
            source: &address_bytes(delivery.source),
            user_agent: delivery.user_agent.as_deref(),
            answer,
            code,
            incident: Some(incident.get()),
            count: 1,
            took_us: micros(delivery.took),
            headers: delivery.headers.as_deref(),
            payload: delivery.payload.as_deref(),
        };
        delivery_insert(self.connection, &row)?;
        self.delivery_used();
        self.counting.note(Seen {
            webhook: target.id,
            at: delivery.received_at,
            code: None,
            source: delivery.source,
            record: Some(id.number()),
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
            incident: first.incident.get(),
            status: first.status.as_str(),
            created_at: now.as_micros(),
        };
        key_put(self.connection, &row)
    }
}

/// What the first delivery with a key was answered.
fn first_answer(row: &KeyRow) -> Result<Accepted, Damage> {
    let damage = |column| move || Damage::at("idempotency_keys", row.delivery, column);
    Ok(Accepted {
        delivery: DeliveryId::from_number(row.delivery).ok_or_else(damage("delivery"))?,
        incident: IncidentNumber::new(row.incident).ok_or_else(damage("incident"))?,
        status: row.status.parse().ok().ok_or_else(damage("status"))?,
        effect: Effect::Replayed,
    })
}
