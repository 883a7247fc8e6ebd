//! The backend for SQLite. It buffers new rows until there are many for one statement, or until a read may
//! concern them; everything else is a statement at once.

use std::collections::{BTreeMap, HashMap};

use diesel::result::{Error, QueryResult};
use hookgate_domain::incident::{IncidentEvent, NewIncidents};
use hookgate_domain::{DeliveryId, WebhookHandle};
use hookgate_gate::TouchedIncidents;

use super::{Aborted, CommitBackend, NextNumbers, record};
use crate::commit::change::Change;
use crate::commit::known_rows::KnownRows;
use crate::connection::Connection;
use crate::counters::{Counter, counter_set, counter_value};
use crate::deliveries::idempotency_keys::{KeyRow, NewKey, key_by_name, upsert_key};
use crate::deliveries::row::NewDelivery;
use crate::deliveries::statements::{deliveries_insert, delivery_count};
use crate::deliveries::touched::{NewTouched, TouchedRow, touched_by_delivery, touched_insert};
use crate::incidents::events::event_insert;
use crate::incidents::new_incidents::{new_incidents, new_incidents_set};
use crate::incidents::row::{NewIncident, OpenedIncident, WeighedIncident};
use crate::incidents::statements::{incident_resolved, incident_unresolved, incidents_insert};
use crate::incidents::update::{incident_status_set, incident_update};
use crate::query_error::QueryError;
use crate::statement::rows_insert::ROWS;
use crate::usage::observation::Observation;
use crate::usage::recorder::UsageRecorder;
use crate::webhooks::statements::{Target, target_by_handle};

/// The backend for SQLite.
pub(in super::super) struct SqliteBackend<'c, 'a> {
    connection: &'c mut Connection,
    recorder: &'c mut UsageRecorder,
    /// Incidents that are not written yet.
    new_incidents: Vec<OpenedIncident<'a>>,
    /// Records of deliveries that are not written yet.
    new_deliveries: Vec<NewDelivery<'a>>,
    /// Incidents of deliveries that touch several, not written yet.
    new_touched: Vec<NewTouched<'static>>,
    /// Numbers of new incidents, by webhook; the last value is `true` if a number is to be written.
    new_incident_numbers: BTreeMap<i64, (NewIncidents, bool)>,
    /// `true` if a caller waits for the counts to be in their tables.
    counts_wanted: bool,
    /// Rows as they are in this transaction.
    known: &'c mut KnownRows,
    /// The next numbers before this batch.
    numbers: Option<NextNumbers>,
    /// Deliveries that are counted on records, by the number of the record.
    counted: HashMap<i64, i64>,
}

impl<'c> SqliteBackend<'c, '_> {
    /// A backend on this connection, which is in a transaction that writes.
    pub(in super::super) fn begin(
        connection: &'c mut Connection,
        recorder: &'c mut UsageRecorder,
        known: &'c mut KnownRows,
    ) -> QueryResult<Self> {
        if let Connection::Sqlite(connection) = &mut *connection {
            known.refresh(connection)?;
        }
        Ok(Self {
            connection,
            recorder,
            new_incidents: Vec::with_capacity(ROWS),
            new_deliveries: Vec::with_capacity(ROWS),
            new_touched: Vec::new(),
            new_incident_numbers: BTreeMap::new(),
            counts_wanted: false,
            known,
            numbers: None,
            counted: HashMap::new(),
        })
    }

    /// Writes the buffered rows.
    fn rows_write(&mut self) -> QueryResult<()> {
        let Connection::Sqlite(connection) = &mut *self.connection else {
            return Err(Error::RollbackTransaction);
        };
        let rows: Vec<_> = self.new_incidents.iter().map(NewIncident::of).collect();
        incidents_insert(connection, &rows)?;
        self.new_incidents.clear();
        deliveries_insert(connection, &self.new_deliveries)?;
        self.new_deliveries.clear();
        touched_insert(connection, &self.new_touched)?;
        self.new_touched.clear();
        Ok(())
    }
}

impl<'a> CommitBackend<'a> for SqliteBackend<'_, 'a> {
    fn target(&mut self, handle: WebhookHandle) -> QueryResult<Option<Target>> {
        if let Some(target) = self.known.targets.get(&handle) {
            return Ok(*target);
        }
        let target = target_by_handle(self.connection, &handle.to_string())?;
        self.known.targets.insert(handle, target);
        Ok(target)
    }

    fn numbers(&mut self) -> QueryResult<NextNumbers> {
        if let Some(numbers) = self.numbers {
            return Ok(numbers);
        }
        let numbers = match self.known.numbers {
            Some(numbers) => numbers,
            None => NextNumbers {
                delivery: counter_value(self.connection, Counter::Delivery)?,
                incident: counter_value(self.connection, Counter::Incident)?,
            },
        };
        self.numbers = Some(numbers);
        Ok(numbers)
    }

    fn key(&mut self, webhook: i64, key: &str) -> QueryResult<Option<KeyRow>> {
        key_by_name(self.connection, webhook, key)
    }

    fn upsert_key(&mut self, row: &NewKey<'_>) -> QueryResult<()> {
        upsert_key(self.connection, row)
    }

    fn incident_unresolved(
        &mut self,
        webhook: i64,
        handle: WebhookHandle,
        dedup_key: &str,
    ) -> Result<Option<WeighedIncident>, QueryError> {
        if !self.new_incidents.is_empty() {
            self.rows_write()?;
        }
        let row = incident_unresolved(self.connection, webhook, dedup_key)?;
        Ok(row.map(|row| row.read_weighed(handle)).transpose()?)
    }

    fn incident_resolved(
        &mut self,
        webhook: i64,
        handle: WebhookHandle,
        dedup_key: &str,
    ) -> Result<Option<WeighedIncident>, QueryError> {
        let row = incident_resolved(self.connection, webhook, dedup_key)?;
        Ok(row.map(|row| row.read_weighed(handle)).transpose()?)
    }

    fn incident_insert(&mut self, opened: OpenedIncident<'a>) -> QueryResult<()> {
        self.new_incidents.push(opened);
        Ok(())
    }

    fn incident_update(
        &mut self,
        incident: WeighedIncident,
        _: i64,
        id: DeliveryId,
        events: Vec<IncidentEvent>,
    ) -> QueryResult<()> {
        let is_buffered = |new: &OpenedIncident<'_>| new.number == incident.incident.number;
        if self.new_incidents.iter().any(is_buffered) {
            self.rows_write()?;
        }
        incident_update(self.connection, &incident)?;
        let incident = incident.incident;
        let moves = |event: &IncidentEvent| {
            matches!(
                event,
                IncidentEvent::Acknowledged | IncidentEvent::Resolved | IncidentEvent::ResolvedLate
            )
        };
        if events.iter().any(moves) {
            incident_status_set(self.connection, &incident)?;
        }
        for event in events {
            event_insert(self.connection, incident.number, &record(&incident, id, event))?;
        }
        Ok(())
    }

    fn touched_by_delivery(&mut self, delivery: i64) -> Result<TouchedIncidents, QueryError> {
        if !self.new_touched.is_empty() {
            self.rows_write()?;
        }
        let rows = touched_by_delivery(self.connection, delivery)?;
        Ok(rows.iter().map(TouchedRow::read).collect::<Result<_, _>>()?)
    }

    fn touched_insert(&mut self, row: NewTouched<'static>) {
        self.new_touched.push(row);
    }

    fn new_incidents(&mut self, webhook: i64) -> QueryResult<NewIncidents> {
        if let Some((new, _)) = self.new_incident_numbers.get(&webhook) {
            return Ok(*new);
        }
        let new = new_incidents(self.connection, webhook)?;
        self.new_incident_numbers.insert(webhook, (new, false));
        Ok(new)
    }

    fn new_incidents_set(&mut self, webhook: i64, new: NewIncidents) {
        self.new_incident_numbers.insert(webhook, (new, true));
    }

    fn delivery_insert(&mut self, row: NewDelivery<'a>) {
        self.new_deliveries.push(row);
    }

    fn delivery_count(&mut self, record: i64, more: i64) {
        *self.counted.entry(record).or_default() += more;
    }

    fn change(&mut self, change: &mut dyn Change) -> QueryResult<()> {
        self.rows_write()?;
        change.run(self.connection)?;
        // The change may concern a webhook.
        self.known.invalidate();
        Ok(())
    }

    fn want_counts(&mut self) {
        self.counts_wanted = true;
    }

    fn note(&mut self, seen: Observation) {
        self.recorder.note(seen);
    }

    fn finish(mut self, numbers: Option<NextNumbers>) -> Result<(), Aborted> {
        self.rows_write()?;
        if self.counts_wanted || self.recorder.is_due() {
            let next = self.numbers()?.delivery;
            self.recorder.write(self.connection, next)?;
        }
        for (webhook, (new, _)) in self
            .new_incident_numbers
            .into_iter()
            .filter(|(_, (_, changed))| *changed)
        {
            new_incidents_set(self.connection, webhook, new)?;
        }
        for (record, more) in self.counted {
            delivery_count(self.connection, record, more)?;
        }
        if let (Some(before), Some(after)) = (self.numbers, numbers) {
            if after.delivery != before.delivery {
                counter_set(self.connection, Counter::Delivery, after.delivery)?;
            }
            if after.incident != before.incident {
                counter_set(self.connection, Counter::Incident, after.incident)?;
            }
            self.recorder.numbered(before.delivery, after.delivery);
            self.known.numbers = Some(after);
        }
        Ok(())
    }
}
