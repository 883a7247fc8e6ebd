//! What waits for the writer, and how it is answered.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use diesel::result::Error;
use hookgate_domain::{RefusalCode, WebhookHandle};
use hookgate_gate::{AcceptedDelivery, Commit, NoPayload, RefusedDelivery, RefusedPayload, StoreError};
use tokio::sync::oneshot;

use super::change::Change;
use super::refusals::Place;
use crate::query_error::{store_error, unavailable};

const WHAT: &str = "commit a delivery";
/// What an error says of writing counts.
pub(super) const COUNT: &str = "write counts of usage";

/// A piece of work for the writer. Whoever waits for one that is dropped learns that the store is unavailable.
pub(super) enum Job {
    /// A delivery that passed.
    Accepted(Box<PendingDelivery>),
    /// A delivery that did not.
    Refused(Box<PendingRefusal>),
    /// Anything else.
    Change(Box<dyn Change>),
    /// Write the counts of usage, and tell who waits for them.
    Count(Option<oneshot::Sender<Result<(), StoreError>>>),
    /// Write the refusals that were counted where they came in.
    RefusalCounts,
    /// Write what waits, and stop.
    Stop,
}

/// Bytes of payload that add as much to the log as a small delivery.
const BYTES_OF_WORK: usize = 4 * 1024;
/// What a change may add to the log, in small deliveries: a slice of pruning writes some 40 pages.
const WORK_OF_A_CHANGE: usize = 256;

impl Job {
    /// What it adds to the log, in small deliveries.
    pub(super) fn work(&self) -> usize {
        match self {
            Self::Accepted(accepting) => work(accepting.weight.bytes),
            Self::Refused(refusing) => work(refusing.place.as_ref().map_or(0, |place| place.bytes)),
            Self::Change(_) => WORK_OF_A_CHANGE,
            Self::Count(_) | Self::RefusalCounts | Self::Stop => 1,
        }
    }

    /// Whether it tells the writer to stop.
    pub(super) const fn is_stop(&self) -> bool {
        matches!(self, Self::Stop)
    }

    /// Whether it wants what was counted before it to be written.
    pub(super) const fn wants_tallies(&self) -> bool {
        matches!(self, Self::Count(_) | Self::RefusalCounts | Self::Stop)
    }

    /// The webhook that a delivery was sent to.
    pub(super) const fn webhook(&self) -> Option<WebhookHandle> {
        match self {
            Self::Accepted(accepting) => Some(accepting.delivery.webhook),
            Self::Refused(refusing) => Some(refusing.refusal.webhook),
            Self::Change(_) | Self::Count(_) | Self::RefusalCounts | Self::Stop => None,
        }
    }

    /// Answers after the commit.
    pub(super) fn answer(self) {
        match self {
            Self::Accepted(accepting) => accepting.answer(),
            Self::Change(change) => change.answer(),
            Self::Count(reply) => tell(reply, Ok(())),
            Self::Refused(_) | Self::RefusalCounts | Self::Stop => {}
        }
    }

    /// Answers that nothing was stored, and why.
    pub(super) fn fail(self, error: &Arc<Error>) {
        match self {
            Self::Accepted(accepting) => accepting.send(Err(store_error(WHAT, error))),
            Self::Change(change) => change.fail(error),
            Self::Count(reply) => tell(reply, Err(store_error(COUNT, error))),
            Self::Refused(_) | Self::RefusalCounts | Self::Stop => {}
        }
    }
}

/// What so many bytes of payload add to the log, in small deliveries.
const fn work(bytes: usize) -> usize {
    1 + bytes / BYTES_OF_WORK
}

fn tell(reply: Option<oneshot::Sender<Result<(), StoreError>>>, outcome: Result<(), StoreError>) {
    if let Some(reply) = reply {
        // Whoever asked may have left.
        let _ = reply.send(outcome);
    }
}

/// An accepted delivery, and who waits for it.
pub(super) struct PendingDelivery {
    /// The delivery.
    pub(super) delivery: AcceptedDelivery,
    /// What became of it, if the transaction is committed.
    pub(super) outcome: Option<Result<Commit, StoreError>>,
    /// How it is recorded if nothing came of it, and nobody waits to be told.
    pub(super) refusing: Option<PendingRefusal>,
    reply: oneshot::Sender<Result<Commit, StoreError>>,
    weight: QueuedBytes,
}

impl PendingDelivery {
    /// A delivery whose payload was weighed, with the way to answer.
    pub(super) fn new(
        delivery: AcceptedDelivery,
        weight: QueuedBytes,
        reply: oneshot::Sender<Result<Commit, StoreError>>,
    ) -> Self {
        Self {
            delivery,
            outcome: None,
            refusing: None,
            reply,
            weight,
        }
    }

    /// What has to go on the record instead: who left is not judged again, and was not told.
    pub(super) fn left_with(&self, commit: Commit) -> Option<PendingRefusal> {
        let code = match commit {
            Commit::Stored(_) => return None,
            Commit::Stale => RefusalCode::ClientGone,
            Commit::Full => RefusalCode::RateLimited,
            Commit::IdempotencyConflict => RefusalCode::IdempotencyConflict,
        };
        self.reply.is_closed().then(|| PendingRefusal {
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
            place: None,
        })
    }

    fn answer(mut self) {
        let outcome = self.outcome.take().unwrap_or_else(|| Err(unavailable(WHAT)));
        self.send(outcome);
    }

    fn send(self, outcome: Result<Commit, StoreError>) {
        // Whoever asked may have left; the commit stands.
        let _ = self.reply.send(outcome);
    }
}

/// Refused deliveries that are alike; mostly one.
pub(super) struct PendingRefusal {
    /// The delivery, or the last of them.
    pub(super) refusal: RefusedDelivery,
    /// How many they are.
    pub(super) times: i64,
    /// Its place among those that wait, if it came as a refusal.
    pub(super) place: Option<Place>,
}

/// Bytes of payload that wait, given back when dropped.
pub(super) struct QueuedBytes {
    waiting: Arc<AtomicUsize>,
    bytes: usize,
}

impl QueuedBytes {
    /// Adds bytes to those that wait, unless that is more than may.
    pub(super) fn take(waiting: &Arc<AtomicUsize>, bytes: usize, most: usize) -> Option<Self> {
        let before = waiting.fetch_add(bytes, Ordering::Relaxed);
        let weight = Self {
            waiting: Arc::clone(waiting),
            bytes,
        };
        // A payload that is larger than the bound by itself can't be, so the first one always fits.
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
