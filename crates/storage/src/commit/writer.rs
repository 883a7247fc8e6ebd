//! The writer: the one thread of this process that writes deliveries, and the bounded queue in front of it.
//! On SQLite it runs all other changes too.
//!
//! It takes all jobs that wait, runs them in one transaction, which costs one fsync, answers, and repeats.
//! There is no timer for deliveries: under load the batches grow by themselves, and a lone delivery is
//! committed at once.

#[cfg(test)]
mod tests;

use std::sync::atomic::{AtomicI64, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use diesel::SqliteConnection;
use hookgate_domain::{IncidentChange, Timestamp};
use hookgate_gate::{AcceptedDelivery, Commit, RefusalKey, RefusedDelivery, StoreError};
use tokio::runtime::Handle;
use tokio::sync::mpsc::{self, error::TrySendError};
use tokio::sync::oneshot;

use super::change::PendingChange;
use super::job::{COUNT, Job, PendingDelivery, PendingRefusal, QueuedBytes};
use super::worker::CommitWorker;
use crate::connection::Connection;
use crate::connection::postgres::{Address, Link};
use crate::query_error::{QueryError, unavailable};
use crate::refusals::coalescer::{Counted, RefusalCoalescer};
use crate::refusals::queue::Refusals;
use crate::usage::counts::Counts;

/// Jobs that may wait. At 20,000 deliveries a second it is a fifth of a second; beyond, senders are told to retry.
const QUEUE: usize = 4_096;
/// Places of the queue that refusals leave free: a flood of them must not keep deliveries out.
const KEPT_FOR_DELIVERIES: usize = QUEUE / 2;
/// Maximum number of jobs in one transaction, beside coalesced refusals: the cost of the fsync is then next to nothing
/// for each, and the first job waits some 10 ms for the last.
const BATCH: usize = 512;
/// A batch of this size makes an fsync cheap for each job. A smaller one waits for the jobs that other
/// threads are about to send; a larger one does not.
const LARGE_BATCH: usize = 32;
/// Bytes of payloads of accepted deliveries that may wait: memory stays bounded with the largest bodies too.
const WAITING_BYTES: usize = 32 * 1024 * 1024;
/// Time that coalesced refusals wait before the writer gets them.
const REFUSAL_FLUSH_DELAY: Duration = Duration::from_millis(10);
/// Minimum time between two warnings about dropped refusals in the log.
const WARN_INTERVAL: Duration = Duration::from_mins(1);

/// The handle of the writing thread.
pub(crate) struct Writer {
    queue: Option<mpsc::Sender<Job>>,
    thread: Mutex<Option<JoinHandle<()>>>,
    waiting: Arc<AtomicUsize>,
    refusals: Arc<Refusals>,
    coalescer: Arc<RefusalCoalescer>,
    dropped: AtomicU64,
    warned_at: AtomicI64,
}

impl Writer {
    /// Starts the thread on this connection to the database file at this path.
    pub(crate) fn on_file(path: String, connection: SqliteConnection) -> std::io::Result<Self> {
        Self::start(|coalescer| CommitWorker::on_file(path, connection, coalescer))
    }

    /// Starts the thread on this connection to the server at this address. Counts of deliveries without a record of
    /// their own are added to `off_record`.
    pub(crate) fn on_server(
        address: Address,
        link: Link,
        off_record: Arc<Mutex<Counts>>,
    ) -> std::io::Result<Self> {
        Self::start(|coalescer| CommitWorker::on_server(address, link, off_record, coalescer))
    }

    fn start(worker: impl FnOnce(Arc<RefusalCoalescer>) -> CommitWorker) -> std::io::Result<Self> {
        let (queue, jobs) = mpsc::channel(QUEUE);
        let coalescer = Arc::<RefusalCoalescer>::default();
        let worker = worker(Arc::clone(&coalescer));
        let thread_coalescer = Arc::clone(&coalescer);
        let thread = thread::Builder::new()
            .name("writer".into())
            .spawn(move || run(worker, jobs, &thread_coalescer))?;
        Ok(Self {
            queue: Some(queue),
            thread: Mutex::new(Some(thread)),
            waiting: Arc::default(),
            refusals: Arc::default(),
            coalescer,
            dropped: AtomicU64::new(0),
            warned_at: AtomicI64::new(i64::MIN),
        })
    }

    /// Commits an accepted delivery. It is in the queue when this returns, and the receiver gets the result
    /// when it is on disk.
    pub(crate) fn enqueue(
        &self,
        delivery: AcceptedDelivery,
    ) -> Result<oneshot::Receiver<Result<Commit, StoreError>>, StoreError> {
        const WHAT: &str = "commit a delivery";
        let bytes = delivery_bytes(&delivery);
        let weight =
            QueuedBytes::take(&self.waiting, bytes, WAITING_BYTES).ok_or_else(|| unavailable(WHAT))?;
        let (reply, answer) = oneshot::channel();
        let job = Job::Accepted(Box::new(PendingDelivery::new(delivery, weight, reply)));
        self.queue()
            .and_then(|queue| queue.try_send(job).ok())
            .ok_or_else(|| unavailable(WHAT))?;
        Ok(answer)
    }

    /// Counts a refusal if a record of identical ones exists; `false` if none does. The counts are written
    /// together within some 10 ms.
    pub(crate) fn count_refusal(&self, refusal: RefusalKey) -> bool {
        if !self.is_running() {
            return false;
        }
        let counted = self.coalescer.count(&refusal);
        if counted == Counted::First {
            self.flush_refusals_soon();
        }
        counted != Counted::No
    }

    fn flush_refusals_soon(&self) {
        // A weak sender: the timer must not keep the queue open.
        let Some(queue) = self.queue().map(mpsc::Sender::downgrade) else {
            return;
        };
        let write = async move {
            tokio::time::sleep(REFUSAL_FLUSH_DELAY).await;
            if let Some(queue) = queue.upgrade() {
                // It fails if the thread has ended, which has written them then.
                let _ = queue.send(Job::RefusalCounts).await;
            }
        };
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(write);
        } else if let Some(queue) = self.queue() {
            // If the queue is full, they are written with the next counts of usage, or at the end.
            let _ = queue.try_send(Job::RefusalCounts);
        }
    }

    /// Queues a refusal if there is room, of which its webhook may take a part. Without room for its payload
    /// and headers it is recorded without them.
    pub(crate) fn refuse(&self, mut refusal: RefusedDelivery) {
        let now = refusal.received_at;
        let Some(queue) = self.queue() else {
            return self.drop_refusal(now);
        };
        let free = queue.capacity().saturating_sub(KEPT_FOR_DELIVERIES);
        let bytes = refusal.bytes();
        let Some(slot) = self.refusals.take(refusal.webhook, bytes, free) else {
            return self.drop_refusal(now);
        };
        if slot.bytes < bytes {
            refusal.strip();
        }
        let sent = queue.try_send(Job::Refused(Box::new(PendingRefusal {
            refusal,
            times: 1,
            slot: Some(slot),
        })));
        if let Err(TrySendError::Full(_) | TrySendError::Closed(_)) = sent {
            self.drop_refusal(now);
        }
    }

    /// Runs a change in a transaction, and returns when it is on disk. It may run twice: only its last run
    /// counts.
    pub(crate) async fn change<T, W>(&self, what: &'static str, work: W) -> Result<T, StoreError>
    where
        T: Send + 'static,
        W: FnMut(&mut Connection) -> Result<T, QueryError> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let queue = self.queue().ok_or_else(|| unavailable(what))?;
        // Waits for a place instead of failing: a revocation must get through a flood.
        queue
            .send(Job::Change(Box::new(PendingChange::new(what, work, reply))))
            .await
            .map_err(|_| unavailable(what))?;
        answer.await.unwrap_or_else(|_| Err(unavailable(what)))
    }

    /// Writes the counts of every delivery that was answered before, so that they can be read.
    pub(crate) async fn count(&self) -> Result<(), StoreError> {
        let (reply, answer) = oneshot::channel();
        let queue = self.queue().ok_or_else(|| unavailable(COUNT))?;
        queue
            .send(Job::Count(Some(reply)))
            .await
            .map_err(|_| unavailable(COUNT))?;
        answer.await.unwrap_or_else(|_| Err(unavailable(COUNT)))
    }

    /// `true` while the thread runs.
    pub(crate) fn is_running(&self) -> bool {
        self.queue().is_some_and(|queue| !queue.is_closed())
    }

    /// Writes what waits and stops the thread. Later jobs fail, because the store is unavailable.
    pub(crate) async fn close(&self) {
        if let Some(queue) = self.queue() {
            // It fails if the thread has ended, which is the goal.
            let _ = queue.send(Job::Stop).await;
            queue.closed().await;
        }
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            let _ = tokio::task::spawn_blocking(|| thread.join()).await;
        }
    }

    fn queue(&self) -> Option<&mpsc::Sender<Job>> {
        self.queue.as_ref()
    }

    /// Counts a refusal that is not recorded, and warns about them in the log now and then.
    fn drop_refusal(&self, now: Timestamp) {
        self.dropped.fetch_add(1, Ordering::Relaxed);
        let last = self.warned_at.load(Ordering::Relaxed);
        let due = last == i64::MIN || now.since(Timestamp::from_micros(last)) >= WARN_INTERVAL;
        let ours = || {
            self.warned_at
                .compare_exchange(last, now.as_micros(), Ordering::Relaxed, Ordering::Relaxed)
        };
        if due && ours().is_ok() {
            let dropped = self.dropped.swap(0, Ordering::Relaxed);
            tracing::warn!(
                dropped,
                "refusals come faster than they can be recorded; some were not"
            );
        }
    }
}

impl Drop for Writer {
    /// Closes the queue: the thread writes what waits and ends.
    fn drop(&mut self) {
        self.queue = None;
        let thread = self
            .thread
            .get_mut()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if thread.is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the writing thread panicked");
        }
    }
}

/// The thread: runs batches until it is stopped, or until the queue has no more senders.
fn run(mut worker: CommitWorker, mut queue: mpsc::Receiver<Job>, coalescer: &RefusalCoalescer) {
    let mut jobs = Vec::with_capacity(BATCH);
    while queue.blocking_recv_many(&mut jobs, BATCH) > 0 {
        collect_jobs(&mut jobs, &mut queue);
        if jobs.iter().any(Job::flushes_refusals) {
            jobs.splice(..0, coalesced(coalescer));
        }
        if jobs.iter().any(Job::is_stop) {
            // Jobs that are in the queue are still received.
            queue.close();
            jobs.retain(|job| !job.is_stop());
        }
        let work = jobs.iter().map(Job::work).sum();
        worker.commit_batch(&mut jobs);
        worker.after_batch(work);
    }
    // The queue is closed, so no more refusals are counted.
    jobs.extend(coalesced(coalescer));
    if !jobs.is_empty() {
        worker.commit_batch(&mut jobs);
    }
    worker.finish();
}

/// Takes the coalesced refusals, as jobs.
fn coalesced(coalescer: &RefusalCoalescer) -> impl Iterator<Item = Job> + use<> {
    coalescer.take().into_iter().map(|(refusal, times)| {
        Job::Refused(Box::new(PendingRefusal {
            refusal,
            times,
            slot: None,
        }))
    })
}

/// Bytes of a waiting delivery: its payload, its headers and its changes. One change takes less than the rest.
fn delivery_bytes(delivery: &AcceptedDelivery) -> usize {
    let changes = delivery.changes.iter().skip(1);
    let changes = changes.map(|change| size_of::<IncidentChange>() + change.draft.bytes());
    delivery.payload.as_deref().map_or(0, <[u8]>::len)
        + delivery.headers.as_ref().map_or(0, String::len)
        + changes.sum::<usize>()
}

/// Yields once, so that other threads on this core can queue the jobs that they work on, unless there are
/// enough already. The commit of the first of many would hold them up otherwise. With a core to itself this
/// costs nothing.
fn collect_jobs(jobs: &mut Vec<Job>, queue: &mut mpsc::Receiver<Job>) {
    if jobs.len() < LARGE_BATCH {
        thread::yield_now();
        jobs.extend(std::iter::from_fn(|| queue.try_recv().ok()).take(BATCH - jobs.len()));
    }
}
