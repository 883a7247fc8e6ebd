//! Changes of incidents by deliveries, under the lock.

use hookgate_domain::incident::{FOLDING_KEY, Folded, IncidentEvent, NewIncidents, folding_draft};
use hookgate_domain::{
    ChangeAction, Incident, IncidentDraft, IncidentNumber, IncidentStatus, OrganizationId, WebhookHandle,
};
use hookgate_gate::{AcceptedDelivery, IncidentRecord, Touched};

use super::state::State;

impl State {
    /// Makes the changes of a delivery, one after the other.
    pub(super) fn change_incidents(
        &mut self,
        delivery: &AcceptedDelivery,
        organization: OrganizationId,
    ) -> Changed {
        let mut changed = Changed {
            last_incident: self.last_incident,
            events: self.events.len(),
            new: self.new_incidents.get(&delivery.webhook).copied(),
            webhook: Some(delivery.webhook),
            ..Changed::default()
        };
        for change in &delivery.changes {
            let draft = change.draft.clone();
            let key = change.draft.dedup_key();
            let is_late = delivery.is_custom && change.action == ChangeAction::Resolve;
            if let Some(known) = self.newest(delivery.webhook, key, is_late && changed.touched.is_empty()) {
                let counted = known.occurrences;
                let (mut incident, events) = known.absorb(draft, delivery.received_at);
                if changed.touched.contains(&incident.number) {
                    incident.occurrences = counted;
                }
                self.store(incident, events, &mut changed);
            } else if change.action == ChangeAction::Open {
                if !delivery.is_custom && !self.may_open(delivery) {
                    changed.folded.add(&draft);
                    continue;
                }
                self.open(draft, delivery, organization, &mut changed);
            }
        }
        if changed.folded.count > 0 {
            let known = self.newest(delivery.webhook, Some(FOLDING_KEY), false);
            let opens = known.is_none();
            let counting = known.unwrap_or_else(|| {
                self.open(folding_draft().clone(), delivery, organization, &mut changed);
                self.incidents[&number(self.last_incident)].clone()
            });
            let (incident, events) = counting.fold(changed.folded, opens, delivery.received_at);
            self.store(incident, events, &mut changed);
        }
        changed
    }

    /// The unresolved incident of a key; if it may be resolved, else the newest resolved one.
    fn newest(&self, webhook: WebhookHandle, key: Option<&str>, may_be_resolved: bool) -> Option<Incident> {
        let has_key = |incident: &&Incident| {
            incident.webhook == webhook && key.is_some() && incident.dedup_key.as_deref() == key
        };
        let same = self.incidents.values().rev().filter(has_key);
        same.filter(|incident| may_be_resolved || incident.status != IncidentStatus::Resolved)
            .min_by_key(|incident| incident.status == IncidentStatus::Resolved)
            .cloned()
    }

    /// Counts a new incident of this minute. `false` if there are too many.
    fn may_open(&mut self, delivery: &AcceptedDelivery) -> bool {
        let new = self.new_incidents.entry(delivery.webhook).or_default();
        *new = new.at(delivery.received_at);
        new.take()
    }

    fn open(
        &mut self,
        draft: IncidentDraft,
        delivery: &AcceptedDelivery,
        organization: OrganizationId,
        changed: &mut Changed,
    ) {
        self.last_incident += 1;
        let number = number(self.last_incident);
        let opened = Incident::open(
            number,
            organization,
            delivery.webhook,
            draft,
            delivery.received_at,
        );
        self.openings.insert(number, self.next_delivery());
        changed.opens = true;
        self.store(
            opened.expect("a draft that opens an incident"),
            Vec::new(),
            changed,
        );
    }

    fn store(&mut self, incident: Incident, events: Vec<IncidentEvent>, changed: &mut Changed) {
        let number = incident.number;
        for event in events {
            let record = IncidentRecord {
                at: incident.updated_at,
                event,
                actor: None,
                delivery: Some(self.next_delivery()),
                occurrences: incident.occurrences,
            };
            self.events.push((number, record));
        }
        let before = self.incidents.insert(number, incident);
        if !changed.touched.contains(&number) {
            changed.touched.push(number);
            changed.before.extend(before);
        }
    }

    /// Takes back the changes of a delivery.
    pub(super) fn undo(&mut self, changed: Changed) {
        for number in changed.touched {
            self.incidents.remove(&number);
        }
        for incident in changed.before {
            self.incidents.insert(incident.number, incident);
        }
        self.last_incident = changed.last_incident;
        self.events.truncate(changed.events);
        if let Some(webhook) = changed.webhook {
            self.new_incidents.remove(&webhook);
            self.new_incidents.extend(changed.new.map(|new| (webhook, new)));
        }
    }

    pub(super) fn touched(&self, number: IncidentNumber) -> Touched {
        Touched {
            number,
            status: self.incidents[&number].status,
        }
    }
}

/// The changes of a delivery, and the state before them.
#[derive(Default)]
pub(super) struct Changed {
    /// The incidents, each once.
    pub(super) touched: Vec<IncidentNumber>,
    pub(super) opens: bool,
    pub(super) folded: Folded,
    /// The incidents that were there before.
    before: Vec<Incident>,
    webhook: Option<WebhookHandle>,
    new: Option<NewIncidents>,
    last_incident: i64,
    events: usize,
}

fn number(number: i64) -> IncidentNumber {
    IncidentNumber::new(number).expect("counted up from 0")
}
