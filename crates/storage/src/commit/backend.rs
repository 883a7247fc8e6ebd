//! Access of a batch to rows inside its transaction. The rules of a batch are the same for both databases,
//! but rows are read and written differently.

mod postgres;
mod sqlite;

use diesel::result::{Error, QueryResult};
use hookgate_domain::incident::{IncidentEvent, NewIncidents};
use hookgate_domain::{DeliveryId, Incident, WebhookHandle};
use hookgate_gate::{IncidentRecord, TouchedIncidents};

pub(super) use postgres::PostgresBackend;
pub(super) use sqlite::SqliteBackend;

use super::change::Change;
use crate::deliveries::idempotency_keys::{KeyRow, NewKey};
use crate::deliveries::row::NewDelivery;
use crate::deliveries::touched::NewTouched;
use crate::incidents::row::{OpenedIncident, WeighedIncident};
use crate::query_error::QueryError;
use crate::usage::observation::Observation;
use crate::webhooks::statements::Target;

/// The next numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NextNumbers {
    pub(super) delivery: i64,
    pub(super) incident: i64,
}

/// Reasons for a rollback.
#[derive(Debug)]
pub(super) enum Aborted {
    /// One of its jobs could not be done. Nothing was stored, so the others may be repeated.
    Job(Error),
    /// It could not begin or end: the disk is full, another process writes all the time, or the server is gone.
    /// The server may have stored it and not said so: it is not repeated.
    Transaction(Error),
}

impl From<Error> for Aborted {
    fn from(error: Error) -> Self {
        Self::Transaction(error)
    }
}

/// The store for a batch: rows that were committed before, and rows that the batch itself wrote.
///
/// Rows to store may borrow from the jobs of the batch, which live as long as `'a`. The backend decides when
/// it writes them, but later reads include them in any case.
pub(super) trait CommitBackend<'a> {
    /// The webhook with this handle, locked against changes until the batch is on disk.
    fn target(&mut self, handle: WebhookHandle) -> QueryResult<Option<Target>>;

    /// The next numbers. No other transaction takes them until the batch is on disk.
    fn numbers(&mut self) -> QueryResult<NextNumbers>;

    /// The answer stored for a webhook's idempotency key.
    fn key(&mut self, webhook: i64, key: &str) -> QueryResult<Option<KeyRow>>;

    /// Stores a key, in place of an expired one.
    fn upsert_key(&mut self, row: &NewKey<'_>) -> QueryResult<()>;

    /// The unresolved incident of a webhook with this dedup key.
    fn incident_unresolved(
        &mut self,
        webhook: i64,
        handle: WebhookHandle,
        dedup_key: &str,
    ) -> Result<Option<WeighedIncident>, QueryError>;

    /// The newest resolved incident of a webhook with this dedup key. Called only for a delivery that says
    /// `resolved`, and only if no incident of the key is unresolved.
    fn incident_resolved(
        &mut self,
        webhook: i64,
        handle: WebhookHandle,
        dedup_key: &str,
    ) -> Result<Option<WeighedIncident>, QueryError>;

    /// Stores an incident that a delivery opens.
    fn incident_insert(&mut self, opened: OpenedIncident<'a>) -> QueryResult<()>;

    /// Stores the changes of an incident by a delivery, and their events.
    fn incident_update(
        &mut self,
        incident: WeighedIncident,
        webhook: i64,
        id: DeliveryId,
        events: Vec<IncidentEvent>,
    ) -> QueryResult<()>;

    /// The incidents of an earlier delivery, if it touched several; else empty.
    fn touched_by_delivery(&mut self, delivery: i64) -> Result<TouchedIncidents, QueryError>;

    /// Stores an incident of a delivery that touches several.
    fn touched_insert(&mut self, row: NewTouched<'static>);

    /// The number of new incidents of a webhook, as deliveries of tools count them.
    fn new_incidents(&mut self, webhook: i64) -> QueryResult<NewIncidents>;

    /// Stores that number.
    fn new_incidents_set(&mut self, webhook: i64, new: NewIncidents);

    /// Stores the record of a delivery.
    fn delivery_insert(&mut self, row: NewDelivery<'a>);

    /// Adds to the number of deliveries of a record.
    fn delivery_count(&mut self, record: i64, more: i64);

    /// Runs a change.
    fn change(&mut self, change: &mut dyn Change) -> QueryResult<()>;

    /// Requests that the counts of usage are written with this batch.
    fn want_counts(&mut self);

    /// Counts a delivery for usage.
    fn note(&mut self, seen: Observation);

    /// Writes the rows that are written once, with the numbers as they are after the batch. On a server it commits too.
    fn finish(self, numbers: Option<NextNumbers>) -> Result<(), Aborted>;
}

/// An event caused by a delivery, as it is stored.
fn record(incident: &Incident, id: DeliveryId, event: IncidentEvent) -> IncidentRecord {
    IncidentRecord {
        at: incident.updated_at,
        event,
        actor: None,
        delivery: Some(id),
        occurrences: incident.occurrences,
    }
}
