//! What a batch reads and writes inside its transaction. The rules of a batch are the same for both databases; how rows
//! come and go is not.

mod postgres;
mod sqlite;

use diesel::result::QueryResult;
use hookgate_domain::{DeliveryId, Incident, IncidentEvent, WebhookHandle};
use hookgate_gate::IncidentRecord;

pub(super) use postgres::PostgresBackend;
pub(super) use sqlite::SqliteBackend;

use super::change::Change;
use super::usage_recorder::Observation;
use crate::query_error::QueryError;
use crate::rows::{NewDelivery, WeighedIncident};
use crate::write::keys::{KeyRow, NewKey};
use crate::write::webhooks::Target;

/// The next numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NextNumbers {
    pub(super) delivery: i64,
    pub(super) incident: i64,
}

/// The store as a batch sees it: what others committed before, and what the batch itself wrote.
///
/// What is handed to it to be stored may borrow from the jobs of the batch, which live as long as `'a`. When it is written is
/// the ledger's business, but whatever is asked for later knows of it.
pub(super) trait CommitBackend<'a> {
    /// The webhook with this handle. It stays as it is until the batch is on disk.
    fn target(&mut self, handle: WebhookHandle) -> QueryResult<Option<Target>>;

    /// The next numbers. Nobody else takes them until the batch is on disk.
    fn numbers(&mut self) -> QueryResult<NextNumbers>;

    /// What a webhook's idempotency key stands for.
    fn key(&mut self, webhook: i64, key: &str) -> QueryResult<Option<KeyRow>>;

    /// Remembers a key, in place of an expired one.
    fn upsert_key(&mut self, row: &NewKey<'_>) -> QueryResult<()>;

    /// The incident of a webhook that is not resolved and has this dedup key.
    fn incident_unresolved(
        &mut self,
        webhook: i64,
        handle: WebhookHandle,
        dedup_key: &str,
    ) -> Result<Option<WeighedIncident>, QueryError>;

    /// The newest resolved incident of a webhook that has this dedup key. It is asked for only for a delivery that says
    /// `resolved`, and only if none of that key is unresolved.
    fn incident_resolved(
        &mut self,
        webhook: i64,
        handle: WebhookHandle,
        dedup_key: &str,
    ) -> Result<Option<WeighedIncident>, QueryError>;

    /// Stores an incident that this delivery opens.
    fn incident_insert(
        &mut self,
        incident: WeighedIncident,
        webhook: i64,
        first: DeliveryId,
    ) -> QueryResult<()>;

    /// Stores what a delivery changed about an incident, and what is listed of it.
    fn incident_update(
        &mut self,
        incident: WeighedIncident,
        webhook: i64,
        id: DeliveryId,
        events: Vec<IncidentEvent>,
    ) -> QueryResult<()>;

    /// Stores the record of a delivery.
    fn delivery_insert(&mut self, row: NewDelivery<'a>);

    /// Lets a record stand for so many more deliveries.
    fn delivery_count(&mut self, record: i64, more: i64);

    /// Runs a write that is no delivery.
    fn change(&mut self, change: &mut dyn Change) -> QueryResult<()>;

    /// Lets the counts of usage be written with this batch.
    fn want_counts(&mut self);

    /// Takes note of a delivery for the counts of usage.
    fn note(&mut self, seen: Observation);

    /// Writes what is written once, with the numbers as they are after the batch.
    fn finish(self, numbers: Option<NextNumbers>) -> QueryResult<()>;
}

/// An event that a delivery brought about, as it is stored.
fn record(incident: &Incident, id: DeliveryId, event: IncidentEvent) -> IncidentRecord {
    IncidentRecord {
        at: incident.updated_at,
        event,
        actor: None,
        delivery: Some(id),
        occurrences: incident.occurrences,
    }
}
