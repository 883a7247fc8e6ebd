//! The outcomes of a delivery for incidents. All of them are decided before anything is written, so that a delivery that
//! can't be stored leaves nothing half done.

use std::collections::BTreeMap;

use diesel::result::QueryResult;
use hookgate_domain::incident::{FOLDING_KEY, Folded, IncidentEvent, NewIncidents, folding_draft};
use hookgate_domain::{
    ChangeAction, DeliveryId, Incident, IncidentChange, IncidentDraft, IncidentStatus, OrganizationId,
};
use hookgate_gate::{AcceptedDelivery, Effect, Touched, TouchedIncidents};
use smallvec::SmallVec;

use super::backend::CommitBackend;
use super::batch::Batch;
use super::weight::{changed_weight, incident_weight, opening_weight};
use crate::incidents::row::{OpenedIncident, WeighedIncident};
use crate::query_error::{CorruptRow, QueryError};
use crate::webhooks::statements::Target;

/// The outcomes of a delivery. Most deliveries have one.
#[derive(Default)]
pub(super) struct Outcomes<'a> {
    /// The incidents in the order in which the delivery first touched them.
    pub(super) incidents: SmallVec<[IncidentOutcome<'a>; 1]>,
    /// The newest of them by dedup key, if the delivery has several changes.
    by_key: BTreeMap<&'a str, usize>,
    /// The new problems that are folded.
    pub(super) folded: Folded,
    /// The count of new incidents after the delivery, if it counts.
    pub(super) new_incidents: Option<NewIncidents>,
}

/// The outcome of a delivery for one incident.
pub(super) enum IncidentOutcome<'a> {
    /// The delivery opens it.
    Opened(OpenedIncident<'a>),
    /// It was stored before, and the delivery updates it with these events. The last value is the number of bytes that
    /// it took before.
    Updated(WeighedIncident, Vec<IncidentEvent>, i64),
    /// The delivery opens it, and updates it by another change.
    OpenedAndUpdated(Box<(OpenedIncident<'a>, WeighedIncident, Vec<IncidentEvent>)>),
}

impl<'a, L: CommitBackend<'a>> Batch<'_, L> {
    /// Decides the outcomes of a delivery. It writes nothing.
    pub(super) fn outcomes(
        &mut self,
        target: Target,
        delivery: &'a AcceptedDelivery,
        id: DeliveryId,
    ) -> Result<Outcomes<'a>, QueryError> {
        let mut outcomes = Outcomes::default();
        for change in &delivery.changes {
            self.decide(target, delivery, id, change, &mut outcomes)?;
        }
        if outcomes.folded.count > 0 {
            self.fold(target, delivery, id, &mut outcomes)?;
        }
        Ok(outcomes)
    }

    /// Decides the outcome of one change.
    fn decide(
        &mut self,
        target: Target,
        delivery: &'a AcceptedDelivery,
        id: DeliveryId,
        change: &'a IncidentChange,
        outcomes: &mut Outcomes<'a>,
    ) -> Result<(), QueryError> {
        let (draft, now) = (&change.draft, delivery.received_at);
        let earlier = draft
            .dedup_key()
            .and_then(|key| outcomes.by_key.get(key).copied());
        let earlier = earlier.and_then(|index| outcomes.incidents.get_mut(index));
        let known = match earlier {
            Some(outcome) if !outcome.is_resolved() => {
                outcome.update_again(|incident| incident.absorb(draft.clone(), now));
                return Ok(());
            }
            // Resolved by an earlier change, so the store has no unresolved one.
            Some(_) => None,
            None => self.stored_incident(target, delivery, change)?,
        };
        let outcome = match known {
            Some(incident) => updated(incident, |incident| incident.absorb(draft.clone(), now)),
            None if change.action != ChangeAction::Open => return Ok(()),
            None if !delivery.is_custom && !self.may_open(target, delivery, outcomes)? => {
                outcomes.folded.add(draft);
                return Ok(());
            }
            None => IncidentOutcome::Opened(self.opening(target, delivery, id, draft, outcomes)?),
        };
        if delivery.changes.len() > 1
            && let Some(key) = draft.dedup_key()
        {
            outcomes.by_key.insert(key, outcomes.incidents.len());
        }
        outcomes.incidents.push(outcome);
        Ok(())
    }

    /// The stored incident that a change belongs to: the unresolved one of its key. A `resolved` of the format `custom`
    /// belongs to the newest resolved one if there is none.
    fn stored_incident(
        &mut self,
        target: Target,
        delivery: &AcceptedDelivery,
        change: &IncidentChange,
    ) -> Result<Option<WeighedIncident>, QueryError> {
        let Some(key) = change.draft.dedup_key() else {
            return Ok(None);
        };
        let unresolved = self
            .backend
            .incident_unresolved(target.id, delivery.webhook, key)?;
        if unresolved.is_none() && delivery.is_custom && change.action == ChangeAction::Resolve {
            return self.backend.incident_resolved(target.id, delivery.webhook, key);
        }
        Ok(unresolved)
    }

    /// Counts a new incident of this minute. `false` if there are too many.
    fn may_open(
        &mut self,
        target: Target,
        delivery: &AcceptedDelivery,
        outcomes: &mut Outcomes<'_>,
    ) -> QueryResult<bool> {
        let mut new = match outcomes.new_incidents {
            Some(new) => new,
            None => self.backend.new_incidents(target.id)?.at(delivery.received_at),
        };
        let may_open = new.take();
        outcomes.new_incidents = Some(new);
        Ok(may_open)
    }

    /// The incident that a draft opens, with the next number.
    fn opening(
        &mut self,
        target: Target,
        delivery: &AcceptedDelivery,
        id: DeliveryId,
        draft: &'a IncidentDraft,
        outcomes: &Outcomes<'_>,
    ) -> Result<OpenedIncident<'a>, QueryError> {
        let corrupt = |column| move || CorruptRow::at("webhooks", delivery.webhook, column);
        let organization = OrganizationId::new(target.organization).ok_or_else(corrupt("organization"))?;
        let number = self.next_incident(outcomes.opened())?;
        // The domain checks the draft of each change that opens.
        let opening = draft.opening().ok_or(diesel::result::Error::NotFound)?;
        Ok(OpenedIncident {
            number,
            organization,
            webhook: target.id,
            handle: delivery.webhook,
            first: id,
            at: delivery.received_at,
            draft,
            weight: opening_weight(&opening),
            opening,
        })
    }

    /// Counts the folded problems in their incident, and opens it if there is none.
    fn fold(
        &mut self,
        target: Target,
        delivery: &AcceptedDelivery,
        id: DeliveryId,
        outcomes: &mut Outcomes<'a>,
    ) -> Result<(), QueryError> {
        let (folded, now) = (outcomes.folded, delivery.received_at);
        let known = self
            .backend
            .incident_unresolved(target.id, delivery.webhook, FOLDING_KEY)?;
        let outcome = if let Some(incident) = known {
            updated(incident, |incident| incident.fold(folded, false, now))
        } else {
            let opened = self.opening(target, delivery, id, folding_draft(), outcomes)?;
            let mut outcome = IncidentOutcome::Opened(opened);
            outcome.update_again(|incident| incident.fold(folded, true, now));
            outcome
        };
        outcomes.incidents.push(outcome);
        Ok(())
    }
}

impl Outcomes<'_> {
    /// Number of incidents that the delivery opens.
    pub(super) fn opened(&self) -> i64 {
        let opened = self.incidents.iter().filter(|outcome| outcome.is_opened());
        i64::try_from(opened.count()).unwrap_or(i64::MAX)
    }

    /// The effect of the whole delivery.
    pub(super) fn effect(&self) -> Effect {
        if self.incidents.iter().any(IncidentOutcome::is_opened) {
            Effect::Opened
        } else if self.incidents.is_empty() {
            Effect::Unmatched
        } else {
            Effect::Updated
        }
    }

    /// The incidents, with their status after the delivery.
    pub(super) fn touched(&self) -> TouchedIncidents {
        self.incidents.iter().map(IncidentOutcome::touched).collect()
    }

    /// Bytes by which the incidents grow, negative if they shrink.
    pub(super) fn grown(&self) -> i64 {
        self.incidents.iter().map(IncidentOutcome::grown).sum()
    }
}

/// Applies a change to a stored incident.
fn updated<'a>(
    known: WeighedIncident,
    change: impl FnOnce(Incident) -> (Incident, Vec<IncidentEvent>),
) -> IncidentOutcome<'a> {
    let before = known.weight;
    let (incident, events) = changed(known, change);
    IncidentOutcome::Updated(incident, events, before)
}

/// The incident after a change, and the events.
fn changed(
    known: WeighedIncident,
    change: impl FnOnce(Incident) -> (Incident, Vec<IncidentEvent>),
) -> (WeighedIncident, Vec<IncidentEvent>) {
    let before = known.weight;
    let texts = incident_weight(&known.incident);
    let (incident, events) = change(known.incident);
    let mut after = WeighedIncident {
        incident,
        weight: before,
    };
    after.weight = changed_weight(before, texts, &after, &events);
    (after, events)
}

impl IncidentOutcome<'_> {
    /// Applies a further change of the delivery. The incident counts the delivery once.
    fn update_again(&mut self, change: impl FnOnce(Incident) -> (Incident, Vec<IncidentEvent>)) {
        if let Self::Opened(opened) = self
            && let Some(incident) = opened.clone().weighed()
        {
            *self = Self::OpenedAndUpdated(Box::new((opened.clone(), incident, Vec::new())));
        }
        let (known, events) = match self {
            Self::Updated(known, events, _) => (known, events),
            Self::OpenedAndUpdated(both) => (&mut both.1, &mut both.2),
            Self::Opened(_) => return,
        };
        let counted = known.incident.occurrences;
        let (mut incident, more) = changed(known.clone(), change);
        incident.incident.occurrences = counted;
        *known = incident;
        events.extend(more);
    }

    const fn is_opened(&self) -> bool {
        matches!(self, Self::Opened(_) | Self::OpenedAndUpdated(_))
    }

    fn is_resolved(&self) -> bool {
        self.touched().status == IncidentStatus::Resolved
    }

    fn touched(&self) -> Touched {
        let incident = match self {
            Self::Opened(opened) => {
                return Touched {
                    number: opened.number,
                    status: opened.opening.status,
                };
            }
            Self::Updated(known, ..) => &known.incident,
            Self::OpenedAndUpdated(both) => &both.1.incident,
        };
        Touched {
            number: incident.number,
            status: incident.status,
        }
    }

    /// Bytes by which the incident grows.
    fn grown(&self) -> i64 {
        match self {
            Self::Opened(opened) => opened.weight,
            Self::Updated(known, _, before) => known.weight - before,
            Self::OpenedAndUpdated(both) => both.1.weight,
        }
    }
}
