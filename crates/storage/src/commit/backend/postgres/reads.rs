//! Reads and locks everything that a batch needs, before it runs.

use std::collections::{BTreeSet, HashMap, HashSet};

use diesel::result::{Error, QueryResult};
use hookgate_domain::WebhookHandle;
use hookgate_gate::AcceptedDelivery;

use super::rows::storable;
use super::statements::{
    DeliveryColumns, EventColumns, keys_for_webhooks, lock_counters, lock_incidents, lock_incidents_numbered,
    lock_targets, newest_resolved,
};
use super::{IncidentSlot, KnownIncident, NextNumbers, PostgresBackend};
use crate::commit::job::Job;
use crate::connection::Connection;
use crate::connection::postgres::PgConnection;
use crate::counters::Counter;
use crate::incidents::row::IncidentRow;
use crate::locks::policies::{policy_bucket, share_policies};
use crate::usage::off_record::OffRecord;
use crate::webhooks::statements::Target;

impl<'a> PostgresBackend<'a> {
    /// Locks and reads what these jobs need.
    pub(in super::super::super) fn read(
        connection: &'a mut Connection,
        jobs: &[Job],
        off_record: &'a mut OffRecord,
    ) -> QueryResult<Self> {
        let Connection::Postgres(link) = connection else {
            return Err(Error::RollbackTransaction);
        };
        let connection = &mut link.connection;
        let targets = read_targets(connection, jobs)?;
        let mut backend = Self {
            numbers: read_numbers(connection)?,
            connection,
            off_record,
            targets,
            keys: HashMap::new(),
            new_keys: HashSet::new(),
            incidents: HashMap::new(),
            unresolved: HashMap::new(),
            resolved: HashMap::new(),
            events: EventColumns::default(),
            deliveries: DeliveryColumns::default(),
            counted: HashMap::new(),
        };
        backend.read_keys(jobs)?;
        backend.read_incidents(jobs)?;
        Ok(backend)
    }

    fn read_keys(&mut self, jobs: &[Job]) -> QueryResult<()> {
        let keys: BTreeSet<_> = accepted(jobs)
            .filter_map(|delivery| delivery.idempotency.as_ref())
            .map(|sent| sent.key.as_str())
            .collect();
        if keys.is_empty() {
            return Ok(());
        }
        let keys: Vec<_> = keys.into_iter().collect();
        for (webhook, key, row) in keys_for_webhooks(self.connection, &self.target_ids(), &keys)? {
            self.keys.insert((webhook, key), row);
        }
        Ok(())
    }

    fn read_incidents(&mut self, jobs: &[Job]) -> QueryResult<()> {
        let keys: BTreeSet<_> = accepted(jobs)
            .filter_map(|delivery| delivery.draft.dedup_key())
            .map(storable)
            .collect();
        if keys.is_empty() {
            return Ok(());
        }
        let keys: Vec<_> = keys.into_iter().collect();
        let handles: HashMap<_, _> = self
            .targets
            .iter()
            .map(|(handle, target)| (target.id, *handle))
            .collect();
        for (webhook, row) in lock_incidents(self.connection, &self.target_ids(), &keys)? {
            self.known(&handles, webhook, row);
        }
        self.read_resolved(jobs, &handles)
    }

    /// Reads the resolved incidents for each `resolved` that finds no unresolved one.
    fn read_resolved(&mut self, jobs: &[Job], handles: &HashMap<i64, WebhookHandle>) -> QueryResult<()> {
        let late: BTreeSet<_> = accepted(jobs)
            .filter(|delivery| delivery.draft.resolves())
            .filter_map(|delivery| {
                let target = self.targets.get(&delivery.webhook)?;
                Some((target.id, storable(delivery.draft.dedup_key()?)))
            })
            .filter(|key| !self.unresolved.contains_key(key))
            .collect();
        if late.is_empty() {
            return Ok(());
        }
        let (webhooks, keys): (Vec<_>, Vec<_>) = late.into_iter().unzip();
        let numbers = newest_resolved(self.connection, &webhooks, &keys)?;
        for (webhook, row) in lock_incidents_numbered(self.connection, &numbers)? {
            self.known(handles, webhook, row);
        }
        Ok(())
    }

    /// Stores an incident that was read.
    fn known(&mut self, handles: &HashMap<i64, WebhookHandle>, webhook: i64, row: IncidentRow) {
        let (Some(handle), Some(key)) = (handles.get(&webhook), row.dedup_key().map(str::to_owned)) else {
            return;
        };
        let is_resolved = row.is_resolved();
        let read = row.read_weighed(*handle).map(|incident| {
            let number = incident.incident.number;
            let known = KnownIncident {
                incident,
                webhook,
                place: IncidentSlot::Stored,
            };
            self.incidents.insert(number, known);
            number
        });
        let by_key = if is_resolved {
            &mut self.resolved
        } else {
            // A person may have reopened it while the query waited for its lock.
            &mut self.unresolved
        };
        by_key.insert((webhook, key), read);
    }

    fn target_ids(&self) -> Vec<i64> {
        self.targets.values().map(|target| target.id).collect()
    }
}

fn read_targets(connection: &mut PgConnection, jobs: &[Job]) -> QueryResult<HashMap<WebhookHandle, Target>> {
    let named: HashMap<_, _> = jobs
        .iter()
        .filter_map(Job::webhook)
        .map(|handle| (handle.to_string(), handle))
        .collect();
    let buckets: BTreeSet<_> = named.values().map(|handle| policy_bucket(*handle)).collect();
    share_policies(connection, &buckets.into_iter().collect::<Vec<_>>())?;
    let texts: Vec<_> = named.keys().cloned().collect();
    let found = lock_targets(connection, &texts)?.into_iter();
    Ok(found
        .filter_map(|(name, target)| Some((*named.get(&name)?, target)))
        .collect())
}

fn read_numbers(connection: &mut PgConnection) -> QueryResult<NextNumbers> {
    let names = [Counter::Delivery.name(), Counter::Incident.name()];
    let found: HashMap<_, _> = lock_counters(connection, &names)?.into_iter().collect();
    let next = |counter: Counter| found.get(counter.name()).copied().ok_or(Error::NotFound);
    Ok(NextNumbers {
        delivery: next(Counter::Delivery)?,
        incident: next(Counter::Incident)?,
    })
}

/// The accepted deliveries.
fn accepted(jobs: &[Job]) -> impl Iterator<Item = &AcceptedDelivery> {
    jobs.iter().filter_map(|job| match job {
        Job::Accepted(pending) => Some(&pending.delivery),
        _ => None,
    })
}
