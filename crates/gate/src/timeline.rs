//! All that happened to an incident, in order: that it was opened, the deliveries that updated it, counted in runs, and what
//! senders and people changed.

use std::time::Duration;

use hookgate_domain::{
    Actor, DeliveryId, Incident, IncidentEvent, IncidentNumber, MAX_LISTED_CHANGES, Timestamp,
};

use crate::{Answer, DeliverySummary, IncidentRecord, PageSize, Seek, Store, StoreError};

/// All that happened to an incident.
#[derive(Clone, Debug, PartialEq)]
pub struct Timeline {
    /// The incident as it is.
    pub incident: Incident,
    /// What happened, oldest first.
    pub entries: Vec<TimelineEntry>,
}

/// One thing that happened to an incident.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimelineEntry {
    /// When; of several deliveries, the first.
    pub at: Timestamp,
    /// Of several deliveries, the last.
    pub until: Option<Timestamp>,
    /// What happened.
    pub kind: TimelineKind,
    /// The person or program that did it; `None` for a sender.
    pub actor: Option<Actor>,
    /// The delivery that did it, if a sender did and its record is kept.
    pub delivery: Option<DeliveryId>,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TimelineKind {
    /// A delivery opened it.
    Opened,
    /// So many deliveries told of it again and changed no more than its texts.
    Updated(i64),
    /// It changed.
    Event(IncidentEvent),
    /// A sender reported it as resolved, so long after a person had resolved it.
    ResolvedLate(Duration),
    /// Senders changed its title or severity so many times more than is listed.
    ChangesNotListed(i64),
}

impl Timeline {
    /// All that happened to an incident, from its store; `None` if there is no such incident.
    ///
    /// # Errors
    /// [`StoreError`] if the store can't tell.
    pub async fn read<S: Store>(store: &S, number: IncidentNumber) -> Result<Option<Self>, StoreError> {
        let Some(incident) = store.incident_by_number(number).await? else {
            return Ok(None);
        };
        let records = store.incident_events(number).await?;
        let mut walk = Walk {
            store,
            incident: &incident,
            entries: Vec::with_capacity(records.len() + 2),
            told: 1,
            last: None,
            resolved_at: None,
        };
        walk.open().await?;
        for record in records {
            walk.step(record).await?;
        }
        walk.run(incident.occurrences, None).await?;
        let mut entries = walk.entries;
        let more = incident.changes - MAX_LISTED_CHANGES;
        if more > 0 {
            entries.push(TimelineEntry {
                at: incident.updated_at,
                until: None,
                kind: TimelineKind::ChangesNotListed(more),
                actor: None,
                delivery: None,
            });
        }
        Ok(Some(Self { incident, entries }))
    }

    /// How long it was open, or is by now.
    #[must_use]
    pub fn open_for(&self, now: Timestamp) -> Duration {
        let end = self.incident.resolved_at.unwrap_or(now);
        end.since(self.incident.opened_at)
    }

    /// How long after it was opened it was acknowledged.
    #[must_use]
    pub fn acknowledged_after(&self) -> Option<Duration> {
        let at = self.incident.acknowledged_at?;
        Some(at.since(self.incident.opened_at))
    }

    /// The last thing of that kind that happened.
    #[must_use]
    pub fn last(&self, event: &IncidentEvent) -> Option<&TimelineEntry> {
        let is_it =
            |entry: &&TimelineEntry| matches!(&entry.kind, TimelineKind::Event(found) if found == event);
        self.entries.iter().rev().find(is_it)
    }
}

/// The first record of an incident there.
async fn delivery_of<S: Store>(
    store: &S,
    number: IncidentNumber,
    seek: Seek,
) -> Result<Option<DeliverySummary>, StoreError> {
    let one = PageSize::new(1).unwrap_or_default();
    let page = store.deliveries_of_incident(number, seek, one).await?;
    Ok(page.items.into_iter().next())
}

/// A walk over what happened, from the opening on.
struct Walk<'a, S> {
    store: &'a S,
    incident: &'a Incident,
    entries: Vec<TimelineEntry>,
    /// Deliveries up to here.
    told: i64,
    /// The last of them, as far as it is known.
    last: Option<DeliveryId>,
    /// When it was last resolved.
    resolved_at: Option<Timestamp>,
}

impl<S: Store> Walk<'_, S> {
    async fn open(&mut self) -> Result<(), StoreError> {
        let first = delivery_of(self.store, self.incident.number, Seek::After(None)).await?;
        let first = first.filter(|delivery| delivery.answer == Answer::Opened);
        self.last = first.map(|delivery| delivery.id);
        self.entries.push(TimelineEntry {
            at: self.incident.opened_at,
            until: None,
            kind: TimelineKind::Opened,
            actor: None,
            delivery: self.last,
        });
        Ok(())
    }

    async fn step(&mut self, record: IncidentRecord) -> Result<(), StoreError> {
        let by_sender = record.actor.is_none();
        let is_same = by_sender && self.told == record.occurrences && self.last == record.delivery;
        let before = if by_sender && !is_same {
            record.occurrences - 1
        } else {
            record.occurrences
        };
        self.run(before, record.delivery.map(|id| (id, by_sender)))
            .await?;
        self.told = self.told.max(record.occurrences);
        self.last = record.delivery.or(self.last);
        let kind = match record.event {
            IncidentEvent::ResolvedLate => {
                let resolved_at = self.resolved_at.unwrap_or(record.at);
                TimelineKind::ResolvedLate(record.at.since(resolved_at))
            }
            event => {
                if event == IncidentEvent::Resolved {
                    self.resolved_at = Some(record.at);
                }
                TimelineKind::Event(event)
            }
        };
        self.entries.push(TimelineEntry {
            at: record.at,
            until: None,
            kind,
            delivery: record.delivery.filter(|_| by_sender),
            actor: record.actor,
        });
        Ok(())
    }

    /// The deliveries up to this count, which end before the next event: with its delivery, or before it.
    async fn run(&mut self, told: i64, next: Option<(DeliveryId, bool)>) -> Result<(), StoreError> {
        let count = told - self.told;
        if count <= 0 {
            return Ok(());
        }
        let number = self.incident.number;
        let first = delivery_of(self.store, number, Seek::After(self.last)).await?;
        let end = match next {
            Some((id, true)) => Seek::Before(id),
            Some((id, false)) => {
                DeliveryId::from_number(id.number().saturating_add(1)).map_or(Seek::Newest, Seek::Before)
            }
            None => Seek::Newest,
        };
        let last = delivery_of(self.store, number, end).await?;
        let time = |found: Option<DeliverySummary>| {
            found
                .filter(|found| found.answer == Answer::Updated)
                .map(|found| (found.id, found.received_at))
        };
        let (first, last) = (time(first), time(last));
        let at = first.or(last).map_or(self.incident.updated_at, |(_, at)| at);
        let until = last.map(|(_, at)| at).filter(|until| *until > at);
        self.entries.push(TimelineEntry {
            at,
            until,
            kind: TimelineKind::Updated(count),
            actor: None,
            delivery: first.filter(|_| count == 1).map(|(id, _)| id),
        });
        self.told = told;
        self.last = last.map(|(id, _)| id).or(self.last);
        Ok(())
    }
}
