//! The backend for PostgreSQL: reads and locks everything at once before the batch, and writes everything at
//! once behind it. Each of the two is one round trip, whatever the batch contains: `BEGIN` and the reads are
//! sent together, and so are the writes and `COMMIT`.
//!
//! The locks, in the order in which every batch takes them: policies and webhooks (both shared), counters,
//! incidents. While the counters are locked, no other transaction writes deliveries, so what is read after
//! them can't change: keys, dedup keys, numbers.

mod queries;
mod reads;
mod rows;
mod statements;
mod transaction;

use std::cell::Cell;
use std::collections::{HashMap, HashSet};
use std::mem;

use diesel::result::{Error, QueryResult};
use diesel_async::AsyncPgConnection;
use hookgate_domain::incident::{IncidentEvent, NewIncidents};
use hookgate_domain::{DeliveryId, IncidentNumber, IncidentStatus, WebhookHandle};
use hookgate_gate::TouchedIncidents;

use super::{Aborted, CommitBackend, NextNumbers, record};
use crate::commit::change::Change;
use crate::connection::postgres::Link;
use crate::connection::postgres::pipeline::Pipeline;
use crate::counters::Counter;
use crate::deliveries::idempotency_keys::{KeyRow, NewKey};
use crate::deliveries::row::NewDelivery;
use crate::deliveries::touched::NewTouched;
use crate::incidents::row::{OpenedIncident, WeighedIncident};
use crate::query_error::{CorruptRow, QueryError};
use crate::usage::observation::Observation;
use crate::usage::off_record::OffRecord;
use crate::webhooks::statements::Target;
use queries::counter_share;
use rows::storable;
use statements::{
    CountColumns, CounterColumns, DeliveryColumns, EventColumns, IncidentChanges, IncidentColumns,
    KeyColumns, NewIncidentColumns, TouchedColumns, commit,
};
use transaction::{refused_commit, refused_write};

/// The backend for PostgreSQL.
pub(in super::super) struct PostgresBackend<'a, 'r> {
    link: &'a Link,
    off_record: &'a mut OffRecord,
    targets: HashMap<WebhookHandle, Target>,
    numbers: NextNumbers,
    keys: HashMap<(i64, String), KeyRow>,
    new_keys: HashSet<(i64, String)>,
    /// Incidents of the deliveries that touched several, by the number of the delivery: those of known keys, and those
    /// of the batch.
    touched: HashMap<i64, Result<TouchedIncidents, CorruptRow>>,
    new_touched: TouchedColumns,
    /// Numbers of new incidents, by webhook.
    new_incidents: HashMap<i64, NewIncidents>,
    changed_new_incidents: HashSet<i64>,
    incidents: HashMap<IncidentNumber, KnownIncident>,
    /// A corrupt row is an error only for the delivery that needs it.
    unresolved: HashMap<(i64, String), Result<IncidentNumber, CorruptRow>>,
    /// The newest resolved incident of each key that a late `resolved` may belong to.
    resolved: HashMap<(i64, String), Result<IncidentNumber, CorruptRow>>,
    events: EventColumns,
    deliveries: DeliveryColumns<'r>,
    counted: HashMap<i64, i64>,
}

/// An incident that the batch may update.
struct KnownIncident {
    incident: WeighedIncident,
    webhook: i64,
    place: IncidentSlot,
}

/// State of an incident in the table.
enum IncidentSlot {
    /// In the table, with this content.
    Stored,
    /// In the table, with older content.
    Changed,
    /// Not in the table yet; this delivery opened it.
    New(DeliveryId),
}

impl PostgresBackend<'_, '_> {
    /// The incident found for a key.
    fn by_number(
        &self,
        found: Option<&Result<IncidentNumber, CorruptRow>>,
    ) -> Result<Option<WeighedIncident>, QueryError> {
        let Some(found) = found else {
            return Ok(None);
        };
        let number = found.clone()?;
        Ok(self.incidents.get(&number).map(|known| known.incident.clone()))
    }

    /// The incidents to insert, and those to update.
    fn incident_columns(&self) -> (IncidentColumns<'_>, IncidentChanges<'_>) {
        let (mut new, mut changed) = (IncidentColumns::default(), IncidentChanges::default());
        for known in self.incidents.values() {
            match known.place {
                IncidentSlot::Stored => {}
                IncidentSlot::Changed => changed.push(&known.incident),
                IncidentSlot::New(first) => new.push(&known.incident, known.webhook, first),
            }
        }
        (new, changed)
    }

    fn key_columns(&self) -> KeyColumns<'_> {
        let mut keys = KeyColumns::default();
        for name in &self.new_keys {
            if let Some(row) = self.keys.get(name) {
                keys.push(name, row);
            }
        }
        keys
    }

    fn new_incident_columns(&self) -> NewIncidentColumns {
        let mut columns = NewIncidentColumns::default();
        for webhook in &self.changed_new_incidents {
            let new = self.new_incidents.get(webhook).copied().unwrap_or_default();
            columns.webhook.push(*webhook);
            columns.minute.push(new.minute);
            columns.opened.push(new.opened);
        }
        columns
    }

    /// The counters to set, if the batch took numbers.
    fn counter_columns(&self, after: Option<NextNumbers>) -> CounterColumns {
        let Some(after) = after.filter(|after| *after != self.numbers) else {
            return CounterColumns::default();
        };
        CounterColumns {
            name: vec![Counter::Delivery.name(), Counter::Incident.name()],
            next: vec![after.delivery, after.incident],
        }
    }

    /// The first delivery that is not in the tables of usage, if the batch has deliveries without a record.
    async fn usage_watermark(&self, connection: &AsyncPgConnection) -> QueryResult<Option<i64>> {
        if self.off_record.is_empty() {
            return Ok(None);
        }
        counter_share(connection, Counter::Usage.name()).await
    }
}

impl<'a> CommitBackend<'a> for PostgresBackend<'_, 'a> {
    fn target(&mut self, handle: WebhookHandle) -> QueryResult<Option<Target>> {
        Ok(self.targets.get(&handle).copied())
    }

    fn numbers(&mut self) -> QueryResult<NextNumbers> {
        Ok(self.numbers)
    }

    fn key(&mut self, webhook: i64, key: &str) -> QueryResult<Option<KeyRow>> {
        Ok(self.keys.get(&(webhook, key.to_owned())).cloned())
    }

    fn upsert_key(&mut self, row: &NewKey<'_>) -> QueryResult<()> {
        let name = (row.webhook, row.key.to_owned());
        self.keys.insert(name.clone(), KeyRow::from(row));
        self.new_keys.insert(name);
        Ok(())
    }

    fn incident_unresolved(
        &mut self,
        webhook: i64,
        _: WebhookHandle,
        dedup_key: &str,
    ) -> Result<Option<WeighedIncident>, QueryError> {
        self.by_number(self.unresolved.get(&(webhook, storable(dedup_key).into_owned())))
    }

    fn incident_resolved(
        &mut self,
        webhook: i64,
        _: WebhookHandle,
        dedup_key: &str,
    ) -> Result<Option<WeighedIncident>, QueryError> {
        self.by_number(self.resolved.get(&(webhook, storable(dedup_key).into_owned())))
    }

    fn incident_insert(&mut self, opened: OpenedIncident<'a>) -> QueryResult<()> {
        let (webhook, first) = (opened.webhook, opened.first);
        let Some(incident) = opened.weighed() else {
            return Ok(());
        };
        let number = incident.incident.number;
        if let Some(key) = &incident.incident.dedup_key {
            self.unresolved
                .insert((webhook, storable(key).into_owned()), Ok(number));
        }
        let known = KnownIncident {
            incident,
            webhook,
            place: IncidentSlot::New(first),
        };
        self.incidents.insert(number, known);
        Ok(())
    }

    fn incident_update(
        &mut self,
        weighed: WeighedIncident,
        webhook: i64,
        id: DeliveryId,
        events: Vec<IncidentEvent>,
    ) -> QueryResult<()> {
        let incident = &weighed.incident;
        if let Some(key) = &incident.dedup_key
            && incident.status == IncidentStatus::Resolved
        {
            let key = (webhook, storable(key).into_owned());
            self.unresolved.remove(&key);
            self.resolved.insert(key, Ok(incident.number));
        }
        for event in events {
            self.events.push(incident.number, &record(incident, id, event));
        }
        if let Some(known) = self.incidents.get_mut(&incident.number) {
            known.incident = weighed;
            if matches!(known.place, IncidentSlot::Stored) {
                known.place = IncidentSlot::Changed;
            }
        }
        Ok(())
    }

    fn touched_by_delivery(&mut self, delivery: i64) -> Result<TouchedIncidents, QueryError> {
        match self.touched.get(&delivery) {
            Some(touched) => Ok(touched.clone()?),
            None => Ok(TouchedIncidents::new()),
        }
    }

    fn touched_insert(&mut self, row: NewTouched<'static>) {
        self.new_touched.push(&row);
        // A retry may be in the same batch.
        let touched = self.touched.entry(row.delivery);
        if let Ok(touched) = touched.or_insert_with(|| Ok(TouchedIncidents::new())) {
            touched.extend(row.read());
        }
    }

    fn new_incidents(&mut self, webhook: i64) -> QueryResult<NewIncidents> {
        Ok(self.new_incidents.get(&webhook).copied().unwrap_or_default())
    }

    fn new_incidents_set(&mut self, webhook: i64, new: NewIncidents) {
        self.new_incidents.insert(webhook, new);
        self.changed_new_incidents.insert(webhook);
    }

    fn delivery_insert(&mut self, row: NewDelivery<'a>) {
        self.deliveries.push(row);
    }

    fn delivery_count(&mut self, record: i64, more: i64) {
        *self.counted.entry(record).or_default() += more;
    }

    fn change(&mut self, _: &mut dyn Change) -> QueryResult<()> {
        // Changes have transactions of their own on a server: one that waits for a lock must not hold up
        // deliveries.
        Err(Error::RollbackTransaction)
    }

    fn want_counts(&mut self) {
        // On a server usage is counted from the records, by the reader or a task.
    }

    fn note(&mut self, seen: Observation) {
        if seen.record.is_none_or(|record| record < self.numbers.delivery) {
            self.off_record.note(seen);
        }
    }

    fn finish(mut self, numbers: Option<NextNumbers>) -> Result<(), Aborted> {
        let (events, deliveries) = (mem::take(&mut self.events), mem::take(&mut self.deliveries));
        let touched = mem::take(&mut self.new_touched);
        let (id, more) = self.counted.iter().unzip();
        let counts = CountColumns { id, more };
        let (new, changed) = self.incident_columns();
        let watermark = self.link.pipeline(async |connection| {
            let (pipeline, is_committing) = (Pipeline::new(), Cell::new(false));
            let (
                changed,
                new,
                events,
                deliveries,
                touched,
                numbered,
                keys,
                counts,
                counters,
                watermark,
                committed,
            ) = tokio::join!(
                biased;
                // Changes come first: a resolved incident makes room for a new one with the same dedup key.
                pipeline.run(changed.execute(connection)),
                pipeline.run(new.execute(connection)),
                pipeline.run(events.execute(connection)),
                pipeline.run(deliveries.execute(connection)),
                pipeline.run(touched.execute(connection)),
                pipeline.run(self.new_incident_columns().execute(connection)),
                pipeline.run(self.key_columns().execute(connection)),
                pipeline.run(counts.execute(connection)),
                pipeline.run(self.counter_columns(numbers).execute(connection)),
                pipeline.run(self.usage_watermark(connection)),
                pipeline.run(async {
                    is_committing.set(true);
                    commit(connection).await
                }),
            );
            let written = changed
                .and(new)
                .and(events)
                .and(deliveries)
                .and(touched)
                .and(numbered);
            let written = written.and(keys).and(counts).and(counters);
            let watermark = written
                .and(watermark)
                .map_err(|error| refused_write(error, is_committing.get()))?;
            committed.map_err(refused_commit).map(|()| watermark)
        })?;
        if let Some(watermark) = watermark {
            self.off_record.keep_before(watermark);
        }
        Ok(())
    }
}
