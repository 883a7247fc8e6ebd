//! The backend for PostgreSQL: reads and locks everything at once before the batch, and writes everything at
//! once behind it.
//!
//! The locks, in the order in which every batch takes them: policies and webhooks (both shared), counters,
//! incidents. While the counters are locked, no other transaction writes deliveries, so what is read after
//! them can't change: keys, dedup keys, numbers.

mod reads;
mod rows;
mod statements;

use std::collections::{HashMap, HashSet};

use diesel::RunQueryDsl;
use diesel::result::{Error, QueryResult};
use hookgate_domain::incident::IncidentEvent;
use hookgate_domain::{DeliveryId, IncidentNumber, IncidentStatus, WebhookHandle};

use super::{CommitBackend, NextNumbers, record};
use crate::commit::change::Change;
use crate::connection::postgres::PgConnection;
use crate::counters::Counter;
use crate::deliveries::idempotency_keys::{KeyRow, NewKey};
use crate::deliveries::row::NewDelivery;
use crate::incidents::row::{OpenedIncident, WeighedIncident};
use crate::query_error::{CorruptRow, QueryError};
use crate::usage::observation::Observation;
use crate::usage::off_record::OffRecord;
use crate::webhooks::statements::Target;
use rows::storable;
use statements::{
    CountColumns, CounterColumns, DeliveryColumns, EventColumns, IncidentChanges, IncidentColumns,
    KeyColumns, counter_share,
};

/// The backend for PostgreSQL.
pub(in super::super) struct PostgresBackend<'a> {
    connection: &'a mut PgConnection,
    off_record: &'a mut OffRecord,
    targets: HashMap<WebhookHandle, Target>,
    numbers: NextNumbers,
    keys: HashMap<(i64, String), KeyRow>,
    new_keys: HashSet<(i64, String)>,
    incidents: HashMap<IncidentNumber, KnownIncident>,
    /// A corrupt row is an error only for the delivery that needs it.
    unresolved: HashMap<(i64, String), Result<IncidentNumber, CorruptRow>>,
    /// The newest resolved incident of each key that a late `resolved` may belong to.
    resolved: HashMap<(i64, String), Result<IncidentNumber, CorruptRow>>,
    events: EventColumns,
    deliveries: DeliveryColumns,
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

impl PostgresBackend<'_> {
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

    fn incidents_write(&mut self) -> QueryResult<()> {
        let (mut new, mut changed) = (IncidentColumns::default(), IncidentChanges::default());
        for known in self.incidents.values() {
            match known.place {
                IncidentSlot::Stored => {}
                IncidentSlot::Changed => changed.push(&known.incident),
                IncidentSlot::New(first) => new.push(&known.incident, known.webhook, first),
            }
        }
        // Changes come first: a resolved incident makes room for a new one with the same dedup key.
        if !changed.number.is_empty() {
            changed.execute(self.connection)?;
        }
        if !new.number.is_empty() {
            new.execute(self.connection)?;
        }
        if !self.events.incident.is_empty() {
            std::mem::take(&mut self.events).execute(self.connection)?;
        }
        Ok(())
    }

    fn keys_write(&mut self) -> QueryResult<()> {
        let mut keys = KeyColumns::default();
        for name in &self.new_keys {
            if let Some(row) = self.keys.get(name) {
                keys.push(name, row);
            }
        }
        if !keys.webhook.is_empty() {
            keys.execute(self.connection)?;
        }
        Ok(())
    }

    fn counts_write(&mut self) -> QueryResult<()> {
        if !self.counted.is_empty() {
            let (id, more) = self.counted.iter().unzip();
            CountColumns { id, more }.execute(self.connection)?;
        }
        if !self.off_record.is_empty() {
            let watermark = counter_share(self.connection, Counter::Usage.name())?;
            self.off_record.keep_before(watermark);
        }
        Ok(())
    }
}

impl<'a> CommitBackend<'a> for PostgresBackend<'_> {
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
        self.by_number(self.unresolved.get(&(webhook, storable(dedup_key))))
    }

    fn incident_resolved(
        &mut self,
        webhook: i64,
        _: WebhookHandle,
        dedup_key: &str,
    ) -> Result<Option<WeighedIncident>, QueryError> {
        self.by_number(self.resolved.get(&(webhook, storable(dedup_key))))
    }

    fn incident_insert(&mut self, opened: OpenedIncident<'a>) -> QueryResult<()> {
        let (webhook, first) = (opened.webhook, opened.first);
        let Some(incident) = opened.weighed() else {
            return Ok(());
        };
        let number = incident.incident.number;
        if let Some(key) = &incident.incident.dedup_key {
            self.unresolved.insert((webhook, storable(key)), Ok(number));
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
            let key = (webhook, storable(key));
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

    fn finish(mut self, numbers: Option<NextNumbers>) -> QueryResult<()> {
        self.incidents_write()?;
        if !self.deliveries.id.is_empty() {
            std::mem::take(&mut self.deliveries).execute(self.connection)?;
        }
        self.keys_write()?;
        self.counts_write()?;
        if let Some(after) = numbers.filter(|after| *after != self.numbers) {
            let counters = CounterColumns {
                name: vec![Counter::Delivery.name(), Counter::Incident.name()],
                next: vec![after.delivery, after.incident],
            };
            counters.execute(self.connection)?;
        }
        Ok(())
    }
}
