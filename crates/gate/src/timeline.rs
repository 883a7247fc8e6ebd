//! All that happened to an incident, in order: that it was opened, the deliveries that updated it, counted in runs, and what
//! senders and people changed.

use std::time::Duration;

use hookgate_domain::{
    Actor, DeliveryId, Incident, IncidentEvent, IncidentNumber, MAX_LISTED_CHANGES, Timestamp,
};

use crate::page_bytes::written_bytes;
use crate::{Answer, IncidentRecord, PageSize, Seek, Store, StoreError};

/// Bytes of notes that a timeline shows whole, as an answer has them: more than all it can have of ordinary text.
const MAX_NOTE_BYTES: usize = 2 * 1024 * 1024;
/// Characters that are left of each note beyond.
const CUT_NOTE: usize = 100;

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

/// The deliveries between two others that updated an incident. Both are excluded; `None` leaves that side open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunBounds {
    /// The delivery before the first one.
    pub after: Option<DeliveryId>,
    /// The delivery after the last one.
    pub before: Option<DeliveryId>,
}

/// The first and the last delivery of a run, of those that are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunEnds {
    /// The first.
    pub first: DeliveryId,
    /// When the first was received.
    pub first_at: Timestamp,
    /// When the last was received.
    pub last_at: Timestamp,
}

impl Timeline {
    /// All that happened to an incident, from its store; `None` if there is no such incident. The store is asked four times,
    /// however much happened.
    ///
    /// # Errors
    /// [`StoreError`] if the store can't tell.
    pub async fn read<S: Store>(store: &S, number: IncidentNumber) -> Result<Option<Self>, StoreError> {
        let Some(incident) = store.incident_by_number(number).await? else {
            return Ok(None);
        };
        let records = store.incident_events(number).await?;
        let opening = opening(store, number).await?;
        let mut walk = Walk::begin(&incident, opening, records.len());
        for record in records {
            walk.step(record);
        }
        walk.run(incident.occurrences, None);
        let Walk {
            mut entries, runs, ..
        } = walk;
        date_runs(store, number, &mut entries, &runs).await?;
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

    /// The same with its newest notes whole and those cut that are too much for an answer: most of their characters are invisible,
    /// each of which takes many bytes to show.
    #[must_use]
    pub(crate) fn shortened(mut self) -> Self {
        let mut bytes = 0;
        for entry in self.entries.iter_mut().rev() {
            let TimelineKind::Event(IncidentEvent::Note(note)) = &mut entry.kind else {
                continue;
            };
            bytes += written_bytes(note.as_str());
            if bytes > MAX_NOTE_BYTES && note.as_str().chars().nth(CUT_NOTE).is_some() {
                let start: String = note.as_str().chars().take(CUT_NOTE).collect();
                if let Ok(cut) = format!("{start}…").parse() {
                    *note = cut;
                }
            }
        }
        self
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

/// The delivery that opened the incident, if its record is kept.
async fn opening<S: Store>(store: &S, number: IncidentNumber) -> Result<Option<DeliveryId>, StoreError> {
    let one = PageSize::new(1).unwrap_or_default();
    let page = store
        .deliveries_of_incident(number, Seek::After(None), one)
        .await?;
    let first = page.items.into_iter().next();
    Ok(first
        .filter(|delivery| delivery.answer == Answer::Opened)
        .map(|delivery| delivery.id))
}

/// Gives the entries of runs their times, and a run of one its delivery. What is not kept any more keeps the time of the
/// incident.
async fn date_runs<S: Store>(
    store: &S,
    number: IncidentNumber,
    entries: &mut [TimelineEntry],
    runs: &[(usize, RunBounds)],
) -> Result<(), StoreError> {
    if runs.is_empty() {
        return Ok(());
    }
    let bounds: Vec<_> = runs.iter().map(|(_, bounds)| *bounds).collect();
    let found = store.incident_runs(number, &bounds).await?;
    for ((place, _), ends) in runs.iter().zip(found) {
        let (Some(entry), Some(ends)) = (entries.get_mut(*place), ends) else {
            continue;
        };
        entry.at = ends.first_at;
        entry.until = Some(ends.last_at).filter(|until| *until > ends.first_at);
        entry.delivery = Some(ends.first).filter(|_| entry.kind == TimelineKind::Updated(1));
    }
    Ok(())
}

/// A walk over what happened, from the opening on.
struct Walk<'a> {
    incident: &'a Incident,
    entries: Vec<TimelineEntry>,
    /// The entries of runs, by their places, and which deliveries each stands for.
    runs: Vec<(usize, RunBounds)>,
    /// Deliveries up to here.
    told: i64,
    /// The last of them that an entry names.
    last: Option<DeliveryId>,
    /// When it was last resolved.
    resolved_at: Option<Timestamp>,
}

impl<'a> Walk<'a> {
    fn begin(incident: &'a Incident, opening: Option<DeliveryId>, events: usize) -> Self {
        let mut entries = Vec::with_capacity(events + 2);
        entries.push(TimelineEntry {
            at: incident.opened_at,
            until: None,
            kind: TimelineKind::Opened,
            actor: None,
            delivery: opening,
        });
        Self {
            incident,
            entries,
            runs: Vec::new(),
            told: 1,
            last: opening,
            resolved_at: None,
        }
    }

    fn step(&mut self, record: IncidentRecord) {
        let by_sender = record.actor.is_none();
        let is_same = by_sender && self.told == record.occurrences && self.last == record.delivery;
        let before = if by_sender && !is_same {
            record.occurrences - 1
        } else {
            record.occurrences
        };
        // What a person did came after the delivery that it names.
        let end = record.delivery.and_then(|id| {
            if by_sender {
                Some(id)
            } else {
                DeliveryId::from_number(id.number().saturating_add(1))
            }
        });
        self.run(before, end);
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
    }

    /// The deliveries up to this count, all before this one.
    fn run(&mut self, told: i64, before: Option<DeliveryId>) {
        let count = told - self.told;
        if count <= 0 {
            return;
        }
        let bounds = RunBounds {
            after: self.last,
            before,
        };
        self.runs.push((self.entries.len(), bounds));
        self.entries.push(TimelineEntry {
            at: self.incident.updated_at,
            until: None,
            kind: TimelineKind::Updated(count),
            actor: None,
            delivery: None,
        });
        self.told = told;
    }
}
