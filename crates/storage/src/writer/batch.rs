//! One batch inside its transaction: what is read once for all jobs, and what is written once at its end.

use std::collections::HashMap;
use std::time::Duration;

use diesel::SqliteConnection;
use diesel::result::QueryResult;
use hookgate_domain::{DeliveryId, IncidentNumber, WebhookHandle, address_bytes};
use hookgate_gate::{Answer, RefusedDelivery};

use super::counting::{Counting, Seen};
use super::folding::{Folding, Place};
use super::job::Job;
use crate::fault::{Damage, Fault};
use crate::rows::{NewDelivery, answer_words};
use crate::write::counters::{Counter, counter_set, counter_value};
use crate::write::deliveries::{delivery_count, delivery_insert};
use crate::write::webhooks::{Target, target_by_handle};

/// A batch inside its transaction.
pub(super) struct Batch<'a> {
    /// The connection that the transaction is on.
    pub(super) connection: &'a mut SqliteConnection,
    folding: &'a mut Folding,
    /// The counts of usage.
    pub(super) counting: &'a mut Counting,
    /// Whether somebody waits for the counts to be in their tables.
    counts_wanted: bool,
    /// Webhooks as they are in this transaction; `None` for handles that no webhook has.
    targets: HashMap<WebhookHandle, Option<Target>>,
    numbers: Option<Numbers>,
    /// Refusals that are counted on records, by the number of the record.
    counted: HashMap<i64, i64>,
    dropped: u64,
}

/// The next numbers, and whether they have to be written back.
#[derive(Clone, Copy)]
struct Numbers {
    delivery: i64,
    incident: i64,
    read: (i64, i64),
}

impl<'a> Batch<'a> {
    /// A batch without jobs.
    pub(super) fn new(
        connection: &'a mut SqliteConnection,
        folding: &'a mut Folding,
        counting: &'a mut Counting,
    ) -> Self {
        let (targets, counted) = (HashMap::new(), HashMap::new());
        Self {
            connection,
            folding,
            counting,
            counts_wanted: false,
            targets,
            numbers: None,
            counted,
            dropped: 0,
        }
    }

    /// Does a job and keeps its outcome in it. An error gives up the transaction.
    pub(super) fn run(&mut self, job: &mut Job) -> QueryResult<()> {
        match job {
            Job::Accepted(accepting) => {
                accepting.outcome = Some(contained(self.accept(&accepting.delivery))?);
                Ok(())
            }
            Job::Refused(refusing) => {
                if let Err(damage) = contained(self.refuse(&refusing.refusal))? {
                    tracing::error!(?damage, "a refusal can't be recorded");
                }
                Ok(())
            }
            Job::Change(change) => {
                change.run(self.connection)?;
                // It may have changed a webhook.
                self.targets.clear();
                Ok(())
            }
            Job::Count(_) => {
                self.counts_wanted = true;
                Ok(())
            }
            Job::Stop => Ok(()),
        }
    }

    /// Writes what is written once.
    pub(super) fn finish(mut self) -> QueryResult<()> {
        if self.counts_wanted || self.counting.is_due() {
            let next = self.numbers()?.read.0;
            self.counting.write(self.connection, next)?;
        }
        for (record, more) in self.counted {
            delivery_count(self.connection, record, more)?;
        }
        if let Some(numbers) = self.numbers {
            if numbers.delivery != numbers.read.0 {
                counter_set(self.connection, Counter::Delivery, numbers.delivery)?;
            }
            if numbers.incident != numbers.read.1 {
                counter_set(self.connection, Counter::Incident, numbers.incident)?;
            }
            self.counting.numbered(numbers.read.0, numbers.delivery);
        }
        if self.dropped > 0 {
            tracing::warn!(
                dropped = self.dropped,
                "refusals of too many webhooks at once; some were not recorded"
            );
        }
        Ok(())
    }

    /// The webhook with this handle as it is in this transaction.
    pub(super) fn target(&mut self, handle: WebhookHandle) -> QueryResult<Option<Target>> {
        if let Some(known) = self.targets.get(&handle) {
            return Ok(*known);
        }
        let target = target_by_handle(self.connection, &handle.to_string())?;
        self.targets.insert(handle, target);
        Ok(target)
    }

    /// The number that the next delivery will have.
    pub(super) fn next_delivery(&mut self) -> Result<DeliveryId, Fault> {
        let next = self.numbers()?.delivery;
        Ok(DeliveryId::from_number(next).ok_or_else(|| Damage::at("counters", "delivery", "next"))?)
    }

    /// The number that the next incident will have.
    pub(super) fn next_incident(&mut self) -> Result<IncidentNumber, Fault> {
        let next = self.numbers()?.incident;
        Ok(IncidentNumber::new(next).ok_or_else(|| Damage::at("counters", "incident", "next"))?)
    }

    /// Uses up the next delivery number.
    pub(super) fn delivery_used(&mut self) {
        if let Some(numbers) = &mut self.numbers {
            numbers.delivery += 1;
        }
    }

    /// Uses up the next incident number.
    pub(super) fn incident_used(&mut self) {
        if let Some(numbers) = &mut self.numbers {
            numbers.incident += 1;
        }
    }

    fn numbers(&mut self) -> QueryResult<Numbers> {
        if let Some(numbers) = self.numbers {
            return Ok(numbers);
        }
        let delivery = counter_value(self.connection, Counter::Delivery)?;
        let incident = counter_value(self.connection, Counter::Incident)?;
        let numbers = Numbers {
            delivery,
            incident,
            read: (delivery, incident),
        };
        self.numbers = Some(numbers);
        Ok(numbers)
    }

    /// Records a refusal or counts it on a record. That of a webhook that does not exist leaves no trace.
    fn refuse(&mut self, refusal: &RefusedDelivery) -> Result<(), Fault> {
        let Some(target) = self.target(refusal.webhook)? else {
            return Ok(());
        };
        let next = self.next_delivery()?;
        let place = self.folding.place(target.id, refusal, next.number());
        match place {
            Place::Record => self.refusal_insert(next, target, refusal)?,
            Place::CountedOn(record) => *self.counted.entry(record).or_default() += 1,
            Place::Dropped => self.dropped += 1,
        }
        self.counting.note(Seen {
            webhook: target.id,
            at: refusal.received_at,
            code: Some(refusal.code),
            source: refusal.source,
            record: match place {
                Place::Record => Some(next.number()),
                Place::CountedOn(record) => Some(record),
                Place::Dropped => None,
            },
        });
        Ok(())
    }

    fn refusal_insert(
        &mut self,
        id: DeliveryId,
        target: Target,
        refusal: &RefusedDelivery,
    ) -> QueryResult<()> {
        let answer = if refusal.postponed {
            Answer::Postponed(refusal.code)
        } else {
            Answer::Refused(refusal.code)
        };
        let (answer, code) = answer_words(answer);
        let row = NewDelivery {
            id: id.number(),
            organization: target.organization,
            webhook: target.id,
            received_at: refusal.received_at.as_micros(),
            source: &address_bytes(refusal.source),
            user_agent: refusal.user_agent.as_deref(),
            answer,
            code,
            incident: None,
            count: 1,
            took_us: micros(refusal.took),
            headers: refusal.headers.as_deref(),
            payload: refusal.payload.as_deref(),
        };
        delivery_insert(self.connection, &row)?;
        self.delivery_used();
        Ok(())
    }
}

/// A span as its column has it.
pub(super) fn micros(span: Duration) -> i64 {
    i64::try_from(span.as_micros()).unwrap_or(i64::MAX)
}

/// Sets damage, which concerns one job, apart from errors, which concern the transaction.
fn contained<T>(result: Result<T, Fault>) -> QueryResult<Result<T, Damage>> {
    match result {
        Ok(done) => Ok(Ok(done)),
        Err(Fault::Damage(damage)) => Ok(Err(damage)),
        Err(Fault::Statement(error)) => Err(error),
    }
}
