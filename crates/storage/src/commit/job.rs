//! Jobs that wait for the writer, and their answers.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use diesel::result::Error;
use hookgate_domain::{RefusalCode, WebhookHandle};
use hookgate_gate::{AcceptedDelivery, Commit, NoPayload, RefusedDelivery, RefusedPayload, StoreError};
use tokio::sync::oneshot;

use super::change::Change;
use crate::query_error::{store_error, unavailable};
use crate::refusals::queue::QueuedRefusal;

const WHAT: &str = "commit a delivery";
/// Name of the writing of counts in errors.
pub(super) const COUNT: &str = "write counts of usage";

/// A job for the writer. If it is dropped, its caller gets the error that the store is unavailable.
pub(super) enum Job {
    /// An accepted delivery.
    Accepted(Box<PendingDelivery>),
    /// A refused delivery.
    Refused(Box<PendingRefusal>),
    /// Any other change.
    Change(Box<dyn Change>),
    /// Writes the counts of usage, and answers the caller.
    Count(Option<oneshot::Sender<Result<(), StoreError>>>),
    /// Writes the coalesced refusals.
    RefusalCounts,
    /// Writes what waits, and stops the writer.
    Stop,
}

/// Bytes of payload that add as much to the log as a small delivery.
const BYTES_OF_WORK: usize = 4 * 1024;
/// Work of a change, in small deliveries: a slice of pruning writes some 40 pages.
const WORK_OF_A_CHANGE: usize = 256;

impl Job {
    /// Its work: the addition to the log, in small deliveries.
    pub(super) fn work(&self) -> usize {
        match self {
            Self::Accepted(pending) => work(pending.weight.bytes),
            Self::Refused(pending_refusal) => {
                work(pending_refusal.slot.as_ref().map_or(0, |slot| slot.bytes))
            }
            Self::Change(_) => WORK_OF_A_CHANGE,
            Self::Count(_) | Self::RefusalCounts | Self::Stop => 1,
        }
    }

    /// `true` if it stops the writer.
    pub(super) const fn is_stop(&self) -> bool {
        matches!(self, Self::Stop)
    }

    /// `true` if the coalesced refusals must be written before it.
    pub(super) const fn flushes_refusals(&self) -> bool {
        matches!(self, Self::Count(_) | Self::RefusalCounts | Self::Stop)
    }

    /// The webhook that a delivery was sent to.
    pub(super) const fn webhook(&self) -> Option<WebhookHandle> {
        match self {
            Self::Accepted(pending) => Some(pending.delivery.webhook),
            Self::Refused(pending_refusal) => Some(pending_refusal.refusal.webhook),
            Self::Change(_) | Self::Count(_) | Self::RefusalCounts | Self::Stop => None,
        }
    }

    /// Sends the outcome, after the commit.
    pub(super) fn answer(self) {
        match self {
            Self::Accepted(pending) => pending.answer(),
            Self::Change(change) => change.answer(),
            Self::Count(reply) => reply_with(reply, Ok(())),
            Self::Refused(_) | Self::RefusalCounts | Self::Stop => {}
        }
    }

    /// Sends the error because of which nothing was stored.
    pub(super) fn fail(self, error: &Arc<Error>) {
        match self {
            Self::Accepted(pending) => pending.send(Err(store_error(WHAT, error))),
            Self::Change(change) => change.fail(error),
            Self::Count(reply) => reply_with(reply, Err(store_error(COUNT, error))),
            Self::Refused(_) | Self::RefusalCounts | Self::Stop => {}
        }
    }
}

/// Work of this many bytes of payload, in small deliveries.
const fn work(bytes: usize) -> usize {
    1 + bytes / BYTES_OF_WORK
}

fn reply_with(reply: Option<oneshot::Sender<Result<(), StoreError>>>, outcome: Result<(), StoreError>) {
    if let Some(reply) = reply {
        // The caller may have left.
        let _ = reply.send(outcome);
    }
}

/// An accepted delivery with the channel for its result.
pub(super) struct PendingDelivery {
    /// The delivery.
    pub(super) delivery: AcceptedDelivery,
    /// Its result, valid if the transaction is committed.
    pub(super) outcome: Option<Result<Commit, StoreError>>,
    /// The refusal to record if nothing was stored and the caller has left. Boxed, because it is rare and large.
    pub(super) pending_refusal: Option<Box<PendingRefusal>>,
    reply: oneshot::Sender<Result<Commit, StoreError>>,
    weight: QueuedBytes,
}

impl PendingDelivery {
    /// A delivery with the reserved bytes of its payload, and the channel for its result.
    pub(super) fn new(
        delivery: AcceptedDelivery,
        weight: QueuedBytes,
        reply: oneshot::Sender<Result<Commit, StoreError>>,
    ) -> Self {
        Self {
            delivery,
            outcome: None,
            pending_refusal: None,
            reply,
            weight,
        }
    }

    /// The refusal to record instead, if the caller has left: the delivery is not judged again, and its
    /// sender got no answer.
    pub(super) fn refusal_if_abandoned(&self, commit: &Commit) -> Option<Box<PendingRefusal>> {
        let code = match commit {
            Commit::Stored(_) => return None,
            Commit::Stale => RefusalCode::ClientGone,
            Commit::Full => RefusalCode::RateLimited,
            Commit::IdempotencyConflict => RefusalCode::IdempotencyConflict,
        };
        if !self.reply.is_closed() {
            return None;
        }
        Some(Box::new(PendingRefusal {
            refusal: RefusedDelivery {
                webhook: self.delivery.webhook,
                received_at: self.delivery.received_at,
                request_id: Some(self.delivery.request_id),
                source: self.delivery.source,
                trail: None,
                user_agent: self.delivery.user_agent.clone(),
                headers: self.delivery.headers.clone(),
                took: self.delivery.took,
                payload: self.delivery.payload.as_ref().map(RefusedPayload::of),
                no_payload: self.delivery.payload.is_none().then_some(NoPayload::Off),
                code,
                postponed: false,
                details: None,
                retry_after: None,
            },
            times: 1,
            slot: None,
        }))
    }

    fn answer(mut self: Box<Self>) {
        let outcome = self.outcome.take().unwrap_or_else(|| Err(unavailable(WHAT)));
        self.send(outcome);
    }

    /// Takes a box, so that the delivery is dropped where it is.
    fn send(self: Box<Self>, outcome: Result<Commit, StoreError>) {
        let Self { reply, .. } = *self;
        // The caller may have left; the commit stands.
        let _ = reply.send(outcome);
    }
}

/// Identical refused deliveries; mostly one.
pub(super) struct PendingRefusal {
    /// The delivery, or the last of them.
    pub(super) refusal: RefusedDelivery,
    /// Number of deliveries.
    pub(super) times: i64,
    /// Its place among the waiting refusals, if it came as a refusal.
    pub(super) slot: Option<QueuedRefusal>,
}

/// Bytes of waiting payloads, released on drop.
pub(super) struct QueuedBytes {
    waiting: Arc<AtomicUsize>,
    bytes: usize,
}

impl QueuedBytes {
    /// Reserves bytes. `None` if more than `most` would wait.
    pub(super) fn take(waiting: &Arc<AtomicUsize>, bytes: usize, most: usize) -> Option<Self> {
        let before = waiting.fetch_add(bytes, Ordering::Relaxed);
        let weight = Self {
            waiting: Arc::clone(waiting),
            bytes,
        };
        // No payload is larger than the bound, so the first one always fits.
        (before == 0 || before + bytes <= most).then_some(weight)
    }
}

impl Drop for QueuedBytes {
    fn drop(&mut self) {
        self.waiting.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_payloads_are_more_work() {
        assert_eq!([0, 300, 100_000].map(work), [1, 1, 25]);
    }

    #[test]
    fn bytes_that_wait_are_bounded_and_given_back() {
        let waiting = Arc::default();
        let first = QueuedBytes::take(&waiting, 6, 10);
        assert!(first.is_some());
        assert!(QueuedBytes::take(&waiting, 5, 10).is_none());
        drop(first);
        assert!(QueuedBytes::take(&waiting, 5, 10).is_some());
        assert_eq!(waiting.load(Ordering::Relaxed), 0);
    }
}
