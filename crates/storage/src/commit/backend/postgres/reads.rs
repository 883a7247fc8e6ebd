//! Begins the transaction of a batch: locks and reads everything that the batch needs, in one round trip.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap, HashSet};

use diesel::result::{Error, QueryResult};
use diesel_async::AsyncPgConnection;
use hookgate_domain::WebhookHandle;
use hookgate_gate::AcceptedDelivery;

use super::queries::{
    KeysOfWebhooks, answers_for_keys, lock_counters, lock_targets, lock_unresolved, lock_unresolved_or_newest,
};
use super::rows::storable;
use super::statements::{DeliveryColumns, EventColumns, begin};
use super::{IncidentSlot, KnownIncident, NextNumbers, PostgresBackend};
use crate::commit::job::Job;
use crate::connection::Connection;
use crate::connection::postgres::pipeline::Pipeline;
use crate::counters::Counter;
use crate::deliveries::idempotency_keys::KeyRow;
use crate::incidents::row::IncidentRow;
use crate::locks::policies::{policy_bucket, share_policies};
use crate::usage::off_record::OffRecord;
use crate::webhooks::statements::Target;

impl<'a> PostgresBackend<'a, '_> {
    /// Begins a transaction, and locks and reads what these jobs need.
    pub(super) fn begin(
        connection: &'a Connection,
        jobs: &[Job],
        off_record: &'a mut OffRecord,
    ) -> QueryResult<Self> {
        let Connection::Postgres(link) = connection else {
            return Err(Error::RollbackTransaction);
        };
        let wanted = Wanted::by(jobs);
        let found = link.pipeline(|connection| wanted.read(connection))?;
        let handles: HashMap<_, _> = found
            .targets
            .iter()
            .map(|(handle, target)| (target.id, *handle))
            .collect();
        let mut backend = Self {
            link,
            off_record,
            targets: found.targets,
            numbers: found.numbers,
            keys: found.keys,
            new_keys: HashSet::new(),
            incidents: HashMap::new(),
            unresolved: HashMap::new(),
            resolved: HashMap::new(),
            events: EventColumns::default(),
            deliveries: DeliveryColumns::default(),
            counted: HashMap::new(),
        };
        for (webhook, row) in found.incidents {
            backend.known(&handles, webhook, row);
        }
        Ok(backend)
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
}

/// The rows that a batch needs.
struct Wanted {
    webhooks: HashMap<String, WebhookHandle>,
    /// The locks of their policies, in the order in which every batch takes them.
    policies: BTreeSet<i32>,
    idempotency_keys: KeysOfWebhooks,
    dedup_keys: KeysOfWebhooks,
    /// Dedup keys of deliveries that say `resolved`.
    late_keys: KeysOfWebhooks,
}

/// The rows that were found.
struct Found {
    targets: HashMap<WebhookHandle, Target>,
    numbers: NextNumbers,
    keys: HashMap<(i64, String), KeyRow>,
    incidents: Vec<(i64, IncidentRow)>,
}

impl Wanted {
    fn by(jobs: &[Job]) -> Self {
        let webhooks: HashSet<_> = jobs.iter().filter_map(Job::webhook).collect();
        Self {
            policies: webhooks.iter().map(|handle| policy_bucket(*handle)).collect(),
            webhooks: webhooks
                .into_iter()
                .map(|handle| (handle.to_string(), handle))
                .collect(),
            idempotency_keys: keys(jobs, |delivery| {
                Some(delivery.idempotency.as_ref()?.key.as_str().into())
            }),
            dedup_keys: keys(jobs, |delivery| delivery.draft.dedup_key().map(storable)),
            late_keys: keys(jobs, |delivery| {
                delivery
                    .draft
                    .dedup_key()
                    .filter(|_| delivery.draft.resolves())
                    .map(storable)
            }),
        }
    }

    /// Begins a transaction, and locks and reads the rows. While the counters are locked, no other transaction
    /// writes deliveries, so what is read after them can't change.
    async fn read(&self, connection: &AsyncPgConnection) -> QueryResult<Found> {
        let handles: Vec<_> = self.webhooks.keys().cloned().collect();
        let policies: Vec<_> = self.policies.iter().copied().collect();
        let counters = [Counter::Delivery.name(), Counter::Incident.name()];
        let pipeline = Pipeline::new();
        let (begun, shared, targets, counters, keys, unresolved, late) = tokio::join!(
            biased;
            pipeline.run(begin(connection)),
            pipeline.run(share_policies(connection, &policies)),
            pipeline.run(lock_targets(connection, &handles)),
            pipeline.run(lock_counters(connection, &counters)),
            pipeline.run(answers_for_keys(connection, &self.idempotency_keys)),
            pipeline.run(lock_unresolved(connection, &self.dedup_keys)),
            pipeline.run(lock_unresolved_or_newest(connection, &self.late_keys)),
        );
        let targets = begun.and(shared).and(targets)?;
        let (counters, keys) = (counters?, keys?);
        let mut incidents = unresolved?;
        incidents.extend(late?);
        let targets = targets
            .into_iter()
            .filter_map(|(name, target)| Some((*self.webhooks.get(&name)?, target)));
        let keys = keys.into_iter().map(|(webhook, key, row)| ((webhook, key), row));
        Ok(Found {
            targets: targets.collect(),
            numbers: numbers(counters)?,
            keys: keys.collect(),
            incidents,
        })
    }
}

fn numbers(counters: Vec<(String, i64)>) -> QueryResult<NextNumbers> {
    let found: HashMap<_, _> = counters.into_iter().collect();
    let next = |counter: Counter| found.get(counter.name()).copied().ok_or(Error::NotFound);
    Ok(NextNumbers {
        delivery: next(Counter::Delivery)?,
        incident: next(Counter::Incident)?,
    })
}

/// The keys of the accepted deliveries, each with its webhook.
fn keys<'j>(jobs: &'j [Job], key: impl Fn(&'j AcceptedDelivery) -> Option<Cow<'j, str>>) -> KeysOfWebhooks {
    let accepted = jobs.iter().filter_map(|job| match job {
        Job::Accepted(pending) => Some(&pending.delivery),
        _ => None,
    });
    let wanted: HashSet<_> = accepted
        .filter_map(|delivery| Some((delivery.webhook, key(delivery)?)))
        .collect();
    wanted
        .into_iter()
        .map(|(handle, key)| (handle.to_string(), key.into_owned()))
        .collect()
}
