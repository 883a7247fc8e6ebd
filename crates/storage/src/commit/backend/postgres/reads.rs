//! Begins the transaction of a batch: locks and reads everything that the batch needs, in one round trip.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap, HashSet};

use diesel::result::{Error, QueryResult};
use diesel_async::AsyncPgConnection;
use hookgate_domain::incident::{FOLDING_KEY, NewIncidents};
use hookgate_domain::{ChangeAction, IncidentChange, WebhookHandle};
use hookgate_gate::{AcceptedDelivery, TouchedIncidents};

use super::queries::{
    KeysOfWebhooks, answers_for_keys, lock_counters, lock_targets, lock_unresolved,
    lock_unresolved_or_newest, new_incidents_of, touched_for_keys,
};
use super::rows::storable;
use super::statements::{DeliveryColumns, EventColumns, TouchedColumns, begin};
use super::{IncidentSlot, KnownIncident, NextNumbers, PostgresBackend};
use crate::commit::job::Job;
use crate::connection::Connection;
use crate::connection::postgres::pipeline::Pipeline;
use crate::counters::Counter;
use crate::deliveries::idempotency_keys::KeyRow;
use crate::deliveries::touched::TouchedRow;
use crate::incidents::row::IncidentRow;
use crate::locks::policies::{policy_bucket, share_policies};
use crate::query_error::CorruptRow;
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
            touched: found.touched,
            new_touched: TouchedColumns::default(),
            new_incidents: found.new_incidents,
            changed_new_incidents: HashSet::new(),
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
    /// Dedup keys of `resolved` changes that may belong to a resolved incident.
    late_keys: KeysOfWebhooks,
    /// Webhooks whose new incidents are counted.
    counting: Vec<String>,
}

/// The rows that were found.
struct Found {
    targets: HashMap<WebhookHandle, Target>,
    numbers: NextNumbers,
    keys: HashMap<(i64, String), KeyRow>,
    touched: HashMap<i64, Result<TouchedIncidents, CorruptRow>>,
    new_incidents: HashMap<i64, NewIncidents>,
    incidents: Vec<(i64, IncidentRow)>,
}

impl Wanted {
    fn by(jobs: &[Job]) -> Self {
        let webhooks: HashSet<_> = jobs.iter().filter_map(Job::webhook).collect();
        let counting: BTreeSet<_> = accepted(jobs)
            .filter(|delivery| may_fold(delivery))
            .map(|delivery| delivery.webhook)
            .collect();
        Self {
            policies: webhooks.iter().map(|handle| policy_bucket(*handle)).collect(),
            webhooks: webhooks
                .into_iter()
                .map(|handle| (handle.to_string(), handle))
                .collect(),
            idempotency_keys: keys(jobs, |delivery| {
                let sent = delivery.idempotency.as_ref();
                sent.map(|sent| sent.key.as_str().into()).into_iter()
            }),
            dedup_keys: keys(jobs, |delivery| {
                let folding = may_fold(delivery).then_some(FOLDING_KEY);
                changed_keys(delivery, |_| true).chain(folding).map(storable)
            }),
            late_keys: keys(jobs, |delivery| {
                let is_late = |action| delivery.is_custom && action == ChangeAction::Resolve;
                changed_keys(delivery, is_late).map(storable)
            }),
            counting: counting.iter().map(ToString::to_string).collect(),
        }
    }

    /// Begins a transaction, and locks and reads the rows. While the counters are locked, no other transaction
    /// writes deliveries, so what is read after them can't change.
    async fn read(&self, connection: &AsyncPgConnection) -> QueryResult<Found> {
        let handles: Vec<_> = self.webhooks.keys().cloned().collect();
        let policies: Vec<_> = self.policies.iter().copied().collect();
        let counters = [Counter::Delivery.name(), Counter::Incident.name()];
        let pipeline = Pipeline::new();
        let (begun, shared, targets, counters, keys, touched, new, unresolved, late) = tokio::join!(
            biased;
            pipeline.run(begin(connection)),
            pipeline.run(share_policies(connection, &policies)),
            pipeline.run(lock_targets(connection, &handles)),
            pipeline.run(lock_counters(connection, &counters)),
            pipeline.run(answers_for_keys(connection, &self.idempotency_keys)),
            pipeline.run(touched_for_keys(connection, &self.idempotency_keys)),
            pipeline.run(new_incidents_of(connection, &self.counting)),
            pipeline.run(lock_unresolved(connection, &self.dedup_keys)),
            pipeline.run(lock_unresolved_or_newest(connection, &self.late_keys)),
        );
        let targets = begun.and(shared).and(targets)?;
        let (counters, keys, touched, new) = (counters?, keys?, touched?, new?);
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
            touched: touched_by_delivery(&touched),
            new_incidents: new
                .into_iter()
                .map(|(webhook, minute, opened)| (webhook, NewIncidents { minute, opened }))
                .collect(),
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

/// The incidents of each delivery, in the order of its changes.
fn touched_by_delivery(rows: &[TouchedRow]) -> HashMap<i64, Result<TouchedIncidents, CorruptRow>> {
    rows.chunk_by(|row, next| row.delivery() == next.delivery())
        .map(|rows| (rows[0].delivery(), rows.iter().map(TouchedRow::read).collect()))
        .collect()
}

/// `true` if new incidents of the delivery count, so that they may be folded.
fn may_fold(delivery: &AcceptedDelivery) -> bool {
    let opens = |change: &IncidentChange| change.action == ChangeAction::Open;
    !delivery.is_custom && delivery.changes.iter().any(opens)
}

/// The dedup keys of the changes with some actions.
fn changed_keys(
    delivery: &AcceptedDelivery,
    is_wanted: impl Fn(ChangeAction) -> bool,
) -> impl Iterator<Item = &str> {
    let wanted = delivery
        .changes
        .iter()
        .filter(move |change| is_wanted(change.action));
    wanted.filter_map(|change| change.draft.dedup_key())
}

fn accepted(jobs: &[Job]) -> impl Iterator<Item = &AcceptedDelivery> {
    jobs.iter().filter_map(|job| match job {
        Job::Accepted(pending) => Some(&pending.delivery),
        _ => None,
    })
}

/// Keys of the accepted deliveries, each with its webhook.
fn keys<'j, I: Iterator<Item = Cow<'j, str>>>(
    jobs: &'j [Job],
    keys: impl Fn(&'j AcceptedDelivery) -> I,
) -> KeysOfWebhooks {
    let wanted: HashSet<_> = accepted(jobs)
        .flat_map(|delivery| keys(delivery).map(move |key| (delivery.webhook, key)))
        .collect();
    wanted
        .into_iter()
        .map(|(handle, key)| (handle.to_string(), key.into_owned()))
        .collect()
}
