//! The timeline of an incident: its opening, the deliveries that updated it, counted in runs, and the changes by
//! senders and people.

use std::time::Duration;

use hookgate_domain::incident::{IncidentEvent, MAX_LISTED_CHANGES};
use hookgate_domain::{DeliveryId, Incident, IncidentNumber, Timestamp};
use hookgate_people::Actor;

use super::page::written_bytes;
use crate::{Answer, IncidentRecord, PageSize, Seek, Store, StoreError};

/// Bytes of notes that a timeline shows complete, as an answer has them: more than all its notes can have of ordinary
/// text.
const MAX_NOTE_BYTES: usize = 2 * 1024 * 1024;
/// Characters that remain of each note beyond.
const CUT_NOTE_CHARACTERS: usize = 100;

/// The timeline of an incident.
#[derive(Clone, Debug, PartialEq)]
pub struct Timeline {
    /// The incident as it is.
    pub incident: Incident,
    /// Its entries, oldest first.
    pub entries: Vec<TimelineEntry>,
}

/// An entry of a timeline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimelineEntry {
    /// Time of the entry; for a run, of the first delivery.
    pub at: Timestamp,
    /// Time of the last delivery of a run, if it differs from the first.
    pub until: Option<Timestamp>,
    /// Kind of the entry.
    pub kind: TimelineKind,
    /// The actor; `None` for a sender.
    pub actor: Option<Actor>,
    /// The delivery that caused the entry, if a sender did and the record is kept.
    pub delivery: Option<DeliveryId>,
}

impl TimelineEntry {
    const fn new(at: Timestamp, kind: TimelineKind) -> Self {
        Self {
            at,
            until: None,
            kind,
            actor: None,
            delivery: None,
        }
    }
}

/// The kind of an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TimelineKind {
    /// A delivery opened the incident.
    Opened,
    /// This many deliveries updated the incident and changed no more than its texts.
    Updated(i64),
    /// An event of the incident.
    Event(IncidentEvent),
    /// A sender reported the incident as resolved, this long after a person had resolved it.
    ResolvedLate(Duration),
    /// Number of changes of title or severity by senders that are not listed.
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
    /// The first delivery.
    pub first: DeliveryId,
    /// Time of receipt of the first delivery.
    pub first_at: Timestamp,
    /// Time of receipt of the last delivery.
    pub last_at: Timestamp,
}

impl Timeline {
    /// Reads the timeline of an incident from its store; `None` if there is no such incident. It takes four queries,
    /// however long the timeline is.
    ///
    /// # Errors
    /// [`StoreError`] if the store fails.
    pub async fn read<S: Store>(store: &S, number: IncidentNumber) -> Result<Option<Self>, StoreError> {
        let Some(incident) = store.incident_by_number(number).await? else {
            return Ok(None);
        };
        let records = store.incident_events(number).await?;
        let opening = opening(store, &incident).await?;
        let mut builder = TimelineBuilder::begin(&incident, opening, records.len());
        for record in records {
            builder.add_record(record);
        }
        builder.add_run(incident.occurrences, None);
        let TimelineBuilder {
            mut entries, runs, ..
        } = builder;
        date_runs(store, number, &mut entries, &runs).await?;
        let more = incident.changes - MAX_LISTED_CHANGES;
        if more > 0 {
            let kind = TimelineKind::ChangesNotListed(more);
            entries.push(TimelineEntry::new(incident.updated_at, kind));
        }
        Ok(Some(Self { incident, entries }))
    }

    /// The timeline with its newest notes complete, and older ones cut if the notes are too large for an answer. Such
    /// notes consist mostly of invisible characters, each of which takes many bytes to show.
    #[must_use]
    pub(crate) fn shortened(mut self) -> Self {
        let mut bytes = 0;
        for entry in self.entries.iter_mut().rev() {
            let TimelineKind::Event(IncidentEvent::Note(note)) = &mut entry.kind else {
                continue;
            };
            bytes += written_bytes(note.as_str());
            if bytes > MAX_NOTE_BYTES && note.as_str().chars().nth(CUT_NOTE_CHARACTERS).is_some() {
                let start: String = note.as_str().chars().take(CUT_NOTE_CHARACTERS).collect();
                if let Ok(cut) = format!("{start}…").parse() {
                    *note = cut;
                }
            }
        }
        self
    }

    /// The time that the incident was open, or has been open until now.
    #[must_use]
    pub fn open_for(&self, now: Timestamp) -> Duration {
        let end = self.incident.resolved_at.unwrap_or(now);
        end.since(self.incident.opened_at)
    }

    /// The time from its opening to its acknowledgement.
    #[must_use]
    pub fn acknowledged_after(&self) -> Option<Duration> {
        let at = self.incident.acknowledged_at?;
        Some(at.since(self.incident.opened_at))
    }

    /// The last entry with this event.
    #[must_use]
    pub fn last(&self, event: &IncidentEvent) -> Option<&TimelineEntry> {
        let is_it =
            |entry: &&TimelineEntry| matches!(&entry.kind, TimelineKind::Event(found) if found == event);
        self.entries.iter().rev().find(is_it)
    }
}

/// The delivery that opened the incident, if its record is kept.
async fn opening<S: Store>(store: &S, incident: &Incident) -> Result<Option<DeliveryId>, StoreError> {
    let page = store
        .deliveries_of_incident(incident.number, Seek::After(None), PageSize::ONE)
        .await?;
    let first = page.items.into_iter().next();
    // A later delivery may have opened another incident.
    Ok(first
        .filter(|delivery| delivery.answer == Answer::Opened && delivery.received_at == incident.opened_at)
        .map(|delivery| delivery.id))
}

/// Sets the times of the entries of runs, and the delivery of a run of one. Where no delivery is kept, the entry keeps
/// the time of the incident.
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

/// Builds the entries of a timeline from the events, which it gets one by one, from the opening on.
struct TimelineBuilder<'a> {
    incident: &'a Incident,
    entries: Vec<TimelineEntry>,
    /// The indexes of the entries of runs, with the bounds of each run.
    runs: Vec<(usize, RunBounds)>,
    /// Number of deliveries covered so far.
    covered: i64,
    /// The last delivery that an entry names.
    last: Option<DeliveryId>,
    /// Time at which the incident was last resolved.
    resolved_at: Option<Timestamp>,
}

impl<'a> TimelineBuilder<'a> {
    fn begin(incident: &'a Incident, opening: Option<DeliveryId>, events: usize) -> Self {
        let mut entries = Vec::with_capacity(events + 2);
        entries.push(TimelineEntry {
            delivery: opening,
            ..TimelineEntry::new(incident.opened_at, TimelineKind::Opened)
        });
        Self {
            incident,
            entries,
            runs: Vec::new(),
            covered: 1,
            last: opening,
            resolved_at: None,
        }
    }

    fn add_record(&mut self, record: IncidentRecord) {
        let by_sender = record.actor.is_none();
        let is_same = by_sender && self.covered == record.occurrences && self.last == record.delivery;
        let before = if by_sender && !is_same {
            record.occurrences - 1
        } else {
            record.occurrences
        };
        // An act of a person came after the delivery that its record names.
        let end = record.delivery.and_then(|id| {
            if by_sender {
                Some(id)
            } else {
                DeliveryId::from_number(id.number().saturating_add(1))
            }
        });
        self.add_run(before, end);
        self.covered = self.covered.max(record.occurrences);
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
            delivery: record.delivery.filter(|_| by_sender),
            actor: record.actor,
            ..TimelineEntry::new(record.at, kind)
        });
    }

    /// Adds an entry for the deliveries up to the count `count_after`, all before the delivery `before`.
    fn add_run(&mut self, count_after: i64, before: Option<DeliveryId>) {
        let count = count_after - self.covered;
        if count <= 0 {
            return;
        }
        let bounds = RunBounds {
            after: self.last,
            before,
        };
        self.runs.push((self.entries.len(), bounds));
        let kind = TimelineKind::Updated(count);
        self.entries
            .push(TimelineEntry::new(self.incident.updated_at, kind));
        self.covered = count_after;
    }
}
