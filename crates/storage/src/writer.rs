//! The one thread of this process that writes, and the bounded queue in front of it.
//!
//! It takes all that waits, runs it in one transaction, which costs one fsync, answers, and repeats. No timer for deliveries:
//! under load the batches grow by themselves, and a lone delivery waits for nobody.

mod apply;
mod batch;
mod change;
mod checkpoint;
mod commit_backend;
mod commit_worker;
mod counts;
mod job;
mod off_record;
mod payers;
mod prune;
mod prune_people;
mod prune_server;
mod prune_size;
mod prune_size_server;
mod recount;
mod refusal_coalescer;
mod refusal_folder;
mod refusals;
#[cfg(test)]
mod tests;
mod usage_recorder;
mod weight;

use std::sync::atomic::{AtomicI64, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use diesel::SqliteConnection;
use hookgate_domain::Timestamp;
use hookgate_gate::{AcceptedDelivery, Commit, RefusalKey, RefusedDelivery, StoreError};
use tokio::runtime::Handle;
use tokio::sync::mpsc::{self, error::TrySendError};
use tokio::sync::oneshot;

use crate::connection::Connection;
use crate::postgres::{Address, Link};
use crate::query_error::{QueryError, unavailable};
use change::PendingChange;
use commit_worker::CommitWorker;
pub(crate) use counts::Counts;
use job::{COUNT, Job, PendingDelivery, PendingRefusal, QueuedBytes};
pub(crate) use prune::{bytes_in_use, prune_file};
pub(crate) use prune_server::{fill_server, prune_server, server_bytes};
pub(crate) use recount::{CountStep, count_step};
use refusal_coalescer::{Counted, RefusalCoalescer};
use refusals::Refusals;

/// Jobs that may wait. At 20,000 deliveries a second it is a fifth of a second; beyond, senders are told to retry.
const QUEUE: usize = 4_096;
/// Places of the queue that refusals leave free: a flood of them must not keep deliveries out.
const KEPT_FOR_DELIVERIES: usize = QUEUE / 2;
/// Most jobs in one transaction, beside refusals that were counted before: one fsync each is then next to nothing, and the first waits some 10 ms for the last.
const BATCH: usize = 512;
/// As many jobs make an fsync cheap for each. Fewer wait for what other threads have in hand; more don't.
const LARGE_BATCH: usize = 32;
/// Bytes of payloads of accepted deliveries that may wait: memory stays bounded with the largest bodies too.
const WAITING_BYTES: usize = 32 * 1024 * 1024;
/// The same for refusals, which keep little of their payloads.
const WAITING_REFUSAL_BYTES: usize = WAITING_BYTES / 4;
/// How long refusals that are counted before the writer wait for it.
const TALLIED_FOR: Duration = Duration::from_millis(10);
/// How often dropped refusals are told in the log, at most.
const WARN_EVERY: Duration = Duration::from_mins(1);

/// The way to the writing thread.
pub(crate) struct Writer {
    queue: Option<mpsc::Sender<Job>>,
    thread: Mutex<Option<JoinHandle<()>>>,
    waiting: Arc<AtomicUsize>,
    refusals: Arc<Refusals>,
    tallies: Arc<RefusalCoalescer>,
    dropped: AtomicU64,
    warned_at: AtomicI64,
}

impl Writer {
    /// Starts the thread on this connection to the database file at this path.
    pub(crate) fn on_file(path: String, connection: SqliteConnection) -> std::io::Result<Self> {
        Self::start(|tallies| CommitWorker::on_file(path, connection, tallies))
    }

    /// Starts the thread on this connection to the server at this address. What it can't count is left in `off_record`.
    pub(crate) fn on_server(
        address: Address,
        link: Link,
        off_record: Arc<Mutex<Counts>>,
    ) -> std::io::Result<Self> {
        Self::start(|tallies| CommitWorker::on_server(address, link, off_record, tallies))
    }

    fn start(session: impl FnOnce(Arc<RefusalCoalescer>) -> CommitWorker) -> std::io::Result<Self> {
        let (queue, jobs) = mpsc::channel(QUEUE);
        let tallies = Arc::<RefusalCoalescer>::default();
        let session = session(Arc::clone(&tallies));
        let theirs = Arc::clone(&tallies);
        let thread = thread::Builder::new()
            .name("writer".into())
            .spawn(move || run(session, jobs, &theirs))?;
        Ok(Self {
            queue: Some(queue),
            thread: Mutex::new(Some(thread)),
            waiting: Arc::default(),
            refusals: Arc::default(),
            tallies,
            dropped: AtomicU64::new(0),
            warned_at: AtomicI64::new(i64::MIN),
        })
    }

    /// Commits an accepted delivery. It is in the queue when this returns, and the answer comes when it is on disk.
    pub(crate) fn enqueue(
        &self,
        delivery: AcceptedDelivery,
    ) -> Result<oneshot::Receiver<Result<Commit, StoreError>>, StoreError> {
        const WHAT: &str = "commit a delivery";
        let bytes = weight(delivery.payload.as_deref(), delivery.headers.as_deref());
        let weight =
            QueuedBytes::take(&self.waiting, bytes, WAITING_BYTES).ok_or_else(|| unavailable(WHAT))?;
        let (reply, answer) = oneshot::channel();
        let job = Job::Accepted(Box::new(PendingDelivery::new(delivery, weight, reply)));
        self.queue()
            .and_then(|queue| queue.try_send(job).ok())
            .ok_or_else(|| unavailable(WHAT))?;
        Ok(answer)
    }

    /// Counts a refusal if a record stands for those like it. They are written together soon.
    pub(crate) fn count_refusal(&self, refusal: RefusalKey) -> bool {
        if !self.is_running() {
            return false;
        }
        let counted = self.tallies.count(&refusal);
        if counted == Counted::First {
            self.write_tallies_soon();
        }
        counted != Counted::No
    }

    fn write_tallies_soon(&self) {
        // It must not keep the queue open.
        let Some(queue) = self.queue().map(mpsc::Sender::downgrade) else {
            return;
        };
        let write = async move {
            tokio::time::sleep(TALLIED_FOR).await;
            if let Some(queue) = queue.upgrade() {
                // It fails if the thread is gone; then they were written.
                let _ = queue.send(Job::RefusalCounts).await;
            }
        };
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(write);
        } else if let Some(queue) = self.queue() {
            // If it is full, they wait for who counts, or for the end.
            let _ = queue.try_send(Job::RefusalCounts);
        }
    }

    /// Takes note of a refusal if there is room, of which its webhook has a part. Without room for its payload and headers it is
    /// recorded without them.
    pub(crate) fn refuse(&self, mut refusal: RefusedDelivery) {
        let now = refusal.received_at;
        let Some(queue) = self.queue() else {
            return self.drop_refusal(now);
        };
        let free = queue.capacity().saturating_sub(KEPT_FOR_DELIVERIES);
        let bytes = refusal.bytes();
        let Some(place) = self.refusals.take(refusal.webhook, bytes, free) else {
            return self.drop_refusal(now);
        };
        if place.bytes < bytes {
            refusal.strip();
        }
        let sent = queue.try_send(Job::Refused(Box::new(PendingRefusal {
            refusal,
            times: 1,
            place: Some(place),
        })));
        if let Err(TrySendError::Full(_) | TrySendError::Closed(_)) = sent {
            self.drop_refusal(now);
        }
    }

    /// Runs some other piece of work in a transaction and answers when it is on disk. It may run twice: the first time
    /// doesn't count then.
    pub(crate) async fn change<T, W>(&self, what: &'static str, work: W) -> Result<T, StoreError>
    where
        T: Send + 'static,
        W: FnMut(&mut Connection) -> Result<T, QueryError> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let queue = self.queue().ok_or_else(|| unavailable(what))?;
        // Waits for its turn instead of failing: a revocation has to get through a flood.
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

    /// Whether the thread runs.
    pub(crate) fn is_running(&self) -> bool {
        self.queue().is_some_and(|queue| !queue.is_closed())
    }

    /// Writes what waits and stops the thread. What comes later finds the store unavailable.
    pub(crate) async fn close(&self) {
        if let Some(queue) = self.queue() {
            // It fails if the thread is gone, which is what is wanted.
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

    /// Counts a refusal that is not recorded, and tells of them now and then.
    fn drop_refusal(&self, now: Timestamp) {
        self.dropped.fetch_add(1, Ordering::Relaxed);
        let last = self.warned_at.load(Ordering::Relaxed);
        let due = last == i64::MIN || now.since(Timestamp::from_micros(last)) >= WARN_EVERY;
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
    /// Without a sender the thread writes what waits and ends.
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

/// The thread: batch after batch until it is told to stop or nobody can ask any more.
fn run(mut session: CommitWorker, mut queue: mpsc::Receiver<Job>, tallies: &RefusalCoalescer) {
    let mut jobs = Vec::with_capacity(BATCH);
    while queue.blocking_recv_many(&mut jobs, BATCH) > 0 {
        collect_jobs(&mut jobs, &mut queue);
        if jobs.iter().any(Job::wants_tallies) {
            jobs.splice(..0, tallied(tallies));
        }
        if jobs.iter().any(Job::is_stop) {
            // What is in the queue is still received.
            queue.close();
            jobs.retain(|job| !job.is_stop());
        }
        let work = jobs.iter().map(Job::work).sum();
        session.commit_batch(&mut jobs);
        session.after_batch(work);
    }
    // The queue is closed, so nobody is told any more that it is counted.
    jobs.extend(tallied(tallies));
    if !jobs.is_empty() {
        session.commit_batch(&mut jobs);
    }
    session.finish();
}

/// The refusals that were counted before they came here.
fn tallied(tallies: &RefusalCoalescer) -> impl Iterator<Item = Job> + use<> {
    tallies.take().into_iter().map(|(refusal, times)| {
        Job::Refused(Box::new(PendingRefusal {
            refusal,
            times,
            place: None,
        }))
    })
}

/// Bytes of a delivery that waits: its payload and its headers.
fn weight(payload: Option<&[u8]>, headers: Option<&str>) -> usize {
    payload.map_or(0, <[u8]>::len) + headers.map_or(0, str::len)
}

/// Lets the threads that are at work on this core put in what they have in hand, once, unless it is enough already. They
/// would otherwise be held up by a commit for the first of many. With a core to itself this costs nothing.
fn collect_jobs(jobs: &mut Vec<Job>, queue: &mut mpsc::Receiver<Job>) {
    if jobs.len() < LARGE_BATCH {
        thread::yield_now();
        jobs.extend(std::iter::from_fn(|| queue.try_recv().ok()).take(BATCH - jobs.len()));
    }
}
