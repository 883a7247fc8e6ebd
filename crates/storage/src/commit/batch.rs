//! One batch inside its transaction: runs each job, and assigns numbers to deliveries and incidents.

use std::time::Duration;

use diesel::result::QueryResult;
use hookgate_domain::networks::address_bytes;
use hookgate_domain::{DeliveryId, IncidentNumber, RequestId};
use hookgate_gate::{Answer, LogInterval, NoPayload, RefusedPayload, StoreError};

use super::backend::{Aborted, CommitBackend, NextNumbers};
use super::job::{Job, PendingRefusal};
use super::weight::delivery_weight;
use crate::deliveries::row::{NewDelivery, answer_words, seconds_up};
use crate::query_error::{CorruptRow, QueryError};
use crate::refusals::coalescer::RefusalCoalescer;
use crate::refusals::folder::{Placement, RefusalFolder};
use crate::usage::observation::Observation;
use crate::webhooks::statements::Target;

/// Log intervals for refusals that are dropped, and of refusals that can't be recorded.
static TOO_MANY: LogInterval = LogInterval::new();
static UNRECORDED: LogInterval = LogInterval::new();

/// A batch inside its transaction.
pub(super) struct Batch<'f, L> {
    /// The rows of the store.
    pub(super) backend: L,
    folder: &'f mut RefusalFolder,
    coalescer: &'f RefusalCoalescer,
    numbers: Option<NextNumbers>,
    dropped: u64,
}

impl<'f, 'a, L: CommitBackend<'a>> Batch<'f, L> {
    /// A batch without jobs.
    pub(super) const fn new(
        backend: L,
        folder: &'f mut RefusalFolder,
        coalescer: &'f RefusalCoalescer,
    ) -> Self {
        Self {
            backend,
            folder,
            coalescer,
            numbers: None,
            dropped: 0,
        }
    }

    /// Runs a job and stores its outcome in it. An error rolls the transaction back.
    pub(super) fn run(&mut self, job: &'a mut Job) -> QueryResult<()> {
        match job {
            Job::Accepted(pending) => {
                let pending = &mut **pending;
                let outcome = contained(self.apply(&pending.delivery))?;
                if let Ok(commit) = &outcome
                    && let Some(pending_refusal) = pending.refusal_if_abandoned(commit)
                {
                    self.refuse_or_log(pending.pending_refusal.insert(pending_refusal))?;
                }
                pending.outcome = Some(outcome);
            }
            Job::Refused(pending_refusal) => {
                self.refuse_or_log(pending_refusal)?;
            }
            Job::Change(change) => self.backend.change(&mut **change)?,
            Job::Count(_) => self.backend.want_counts(),
            Job::RefusalCounts | Job::Stop => {}
        }
        Ok(())
    }

    /// Writes the rows that are written once for the whole batch.
    pub(super) fn finish(self) -> Result<(), Aborted> {
        if self.dropped > 0
            && let Some(left_out) = TOO_MANY.line()
        {
            tracing::warn!(
                dropped = self.dropped,
                left_out,
                "refusals of too many webhooks at once; some were not recorded"
            );
        }
        self.backend.finish(self.numbers)
    }

    /// The number that the next delivery will have.
    pub(super) fn next_delivery(&mut self) -> Result<DeliveryId, QueryError> {
        let next = self.numbers()?.delivery;
        Ok(DeliveryId::from_number(next).ok_or_else(|| CorruptRow::at("counters", "delivery", "next"))?)
    }

    /// The number that an incident will have after `ahead` others.
    pub(super) fn next_incident(&mut self, ahead: i64) -> Result<IncidentNumber, QueryError> {
        let next = self.numbers()?.incident.saturating_add(ahead);
        Ok(IncidentNumber::new(next).ok_or_else(|| CorruptRow::at("counters", "incident", "next"))?)
    }

    /// Takes the next delivery number.
    pub(super) const fn delivery_used(&mut self) {
        if let Some(numbers) = &mut self.numbers {
            numbers.delivery += 1;
        }
    }

    /// Takes the next incident number.
    pub(super) const fn incident_used(&mut self) {
        if let Some(numbers) = &mut self.numbers {
            numbers.incident += 1;
        }
    }

    fn numbers(&mut self) -> QueryResult<NextNumbers> {
        if let Some(numbers) = self.numbers {
            return Ok(numbers);
        }
        let numbers = self.backend.numbers()?;
        self.numbers = Some(numbers);
        Ok(numbers)
    }

    fn refuse_or_log(&mut self, pending_refusal: &'a mut PendingRefusal) -> QueryResult<()> {
        if let Err(error) = contained(self.refuse(pending_refusal))?
            && let Some(left_out) = UNRECORDED.line()
        {
            tracing::error!(%error, left_out, "a refusal can't be recorded");
        }
        Ok(())
    }

    /// Records a refusal, or counts it on a record. A refusal of a webhook that does not exist leaves no
    /// trace.
    fn refuse(&mut self, pending_refusal: &'a mut PendingRefusal) -> Result<(), QueryError> {
        let Some(target) = self.backend.target(pending_refusal.refusal.webhook)? else {
            return Ok(());
        };
        let next = self.next_delivery()?;
        let placement = self
            .folder
            .place(target.id, &pending_refusal.refusal, next.number());
        let bytes = pending_refusal.refusal.bytes();
        if placement == Placement::Record
            && !self.folder.keep(target.id, pending_refusal.refusal.source, bytes)
        {
            pending_refusal.refusal.strip();
        }
        let pending_refusal = &*pending_refusal;
        let PendingRefusal { refusal, times, .. } = pending_refusal;
        let mut held = None;
        match placement {
            Placement::Record => held = Some(self.refusal_insert(next, target, pending_refusal)),
            Placement::CountedOn(record) => {
                self.backend.delivery_count(record, *times);
                self.coalescer.fold(&refusal.key());
            }
            Placement::Dropped => self.dropped += times.cast_unsigned(),
        }
        self.backend.note(Observation {
            webhook: target.id,
            at: refusal.received_at,
            code: Some(refusal.code),
            observed: false,
            source: refusal.source,
            record: match placement {
                Placement::Record => Some(next.number()),
                Placement::CountedOn(record) => Some(record),
                Placement::Dropped => None,
            },
            times: *times,
            held,
        });
        Ok(())
    }

    /// Records a refusal. Returns the bytes of the record.
    fn refusal_insert(&mut self, id: DeliveryId, target: Target, pending_refusal: &'a PendingRefusal) -> i64 {
        let refusal = &pending_refusal.refusal;
        let answer = if refusal.postponed {
            Answer::Postponed(refusal.code)
        } else {
            Answer::Refused(refusal.code)
        };
        let (answer, code) = answer_words(answer);
        let mut row = NewDelivery {
            id: id.number(),
            organization: target.organization,
            webhook: target.id,
            received_at: refusal.received_at.as_micros(),
            source: address_bytes(refusal.source),
            user_agent: refusal.user_agent.as_deref(),
            answer,
            code,
            incident: None,
            count: pending_refusal.times,
            took_us: micros(refusal.took),
            headers: refusal.headers.as_deref(),
            payload: refusal.payload.as_ref().map(RefusedPayload::first),
            payload_bytes: refusal
                .payload
                .as_ref()
                .and_then(RefusedPayload::cut_from)
                .map(u64::cast_signed),
            trail: refusal.trail.as_ref().map(ToString::to_string),
            notes: None,
            request_id: refusal.request_id.map(RequestId::to_bytes),
            incident_status: None,
            details: refusal.details.as_deref(),
            retry_after: refusal.retry_after.map(seconds_up),
            no_payload: refusal.no_payload.map(NoPayload::as_str),
            weight: 0,
            grown: 0,
        };
        row.weight = delivery_weight(&row);
        let weight = row.weight;
        self.backend.delivery_insert(row);
        self.delivery_used();
        weight
    }
}

/// A duration in microseconds, for its column.
pub(super) fn micros(span: Duration) -> i64 {
    i64::try_from(span.as_micros()).unwrap_or(i64::MAX)
}

/// Separates the errors of one job from the errors of the transaction.
fn contained<T>(result: Result<T, QueryError>) -> QueryResult<Result<T, StoreError>> {
    result.map_or_else(|error| error.contained().map(Err), |done| Ok(Ok(done)))
}
