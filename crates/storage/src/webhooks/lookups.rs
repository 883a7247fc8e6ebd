//! Looks URLs up in batches: all that wait are read in one visit to the store, so that a flood of unknown
//! URLs costs few visits.

use std::error::Error as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use diesel::result::QueryResult;
use hookgate_domain::{KnownUrl, WebhookIdDigest};
use hookgate_gate::{LogInterval, StoreError, UrlSince};
use tokio::sync::oneshot;

use super::find::url_by_digest;
use super::known_digests::digests_known;
use super::queries::revision_by_digest;
use crate::address_sets::queries::NetworkCache;
use crate::connection::Connection;
use crate::connection::pool::{Pool, run};
use crate::query_error::unavailable;

/// Log interval for failed look-ups.
static FAILED: LogInterval = LogInterval::new();

const WHAT: &str = "look up a URL";
/// Maximum number of URLs of a batch: the first one waits for the last.
const MAX_URLS_AT_ONCE: usize = 256;
/// Maximum number of look-ups that wait. Further ones fail, as if the store were unavailable.
const MAX_WAITING_LOOKUPS: usize = 4_096;

/// The look-ups that wait, and the connections for them.
#[derive(Clone)]
pub(crate) struct Lookups {
    pending: Arc<Mutex<PendingLookups>>,
    pool: Pool,
    cache: Arc<NetworkCache>,
}

#[derive(Default)]
struct PendingLookups {
    lookups: Vec<PendingLookup>,
    /// `true` while a task runs the batches.
    is_running: bool,
}

struct PendingLookup {
    digest: WebhookIdDigest,
    /// The revision that the caller knows.
    revision: Option<i64>,
    reply: oneshot::Sender<Result<UrlSince, StoreError>>,
}

impl Lookups {
    /// No look-ups yet, with these connections and the networks of address sets that are in memory.
    pub(crate) fn new(pool: Pool, cache: Arc<NetworkCache>) -> Self {
        Self {
            pending: Arc::default(),
            pool,
            cache,
        }
    }

    /// Looks a URL up. The result is its state at some moment after the call.
    pub(crate) async fn find(&self, digest: WebhookIdDigest) -> Result<Option<KnownUrl>, StoreError> {
        match self.ask(digest, None).await? {
            UrlSince::Changed(url) => Ok(url.map(|url| *url)),
            // No revision was given, so nothing can be unchanged.
            UrlSince::Unchanged => Err(unavailable(WHAT)),
        }
    }

    /// The same for a URL of which the caller knows the webhook at this revision.
    pub(crate) async fn find_since(
        &self,
        digest: WebhookIdDigest,
        revision: i64,
    ) -> Result<UrlSince, StoreError> {
        self.ask(digest, Some(revision)).await
    }

    async fn ask(&self, digest: WebhookIdDigest, revision: Option<i64>) -> Result<UrlSince, StoreError> {
        let (reply, answer) = oneshot::channel();
        let is_first = {
            let mut waiting = self.lock();
            if waiting.lookups.len() >= MAX_WAITING_LOOKUPS {
                return Err(unavailable(WHAT));
            }
            waiting.lookups.push(PendingLookup {
                digest,
                revision,
                reply,
            });
            !std::mem::replace(&mut waiting.is_running, true)
        };
        if is_first {
            // A task of its own: the caller may leave, and others wait for the same batch.
            let task = LookupTask {
                lookups: self.clone(),
                is_over: false,
            };
            tokio::spawn(task.run());
        }
        answer.await.unwrap_or_else(|_| Err(unavailable(WHAT)))
    }

    fn lock(&self) -> MutexGuard<'_, PendingLookups> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The task that runs the batches. If it ends early, the look-ups that wait fail, because the store is
/// unavailable, and the next look-up starts another task.
struct LookupTask {
    lookups: Lookups,
    is_over: bool,
}

impl LookupTask {
    /// Runs batches until no look-up waits.
    async fn run(mut self) {
        while let Some(batch) = self.next().await {
            let wanted: Vec<_> = batch
                .iter()
                .map(|lookup| (lookup.digest, lookup.revision))
                .collect();
            let cache = Arc::clone(&self.lookups.cache);
            let look_up = move |connection: &mut Connection| Ok(look_up(connection, &wanted, &cache)?);
            let found = run(&self.lookups.pool, WHAT, look_up);
            match found.await {
                Ok(found) => {
                    for (lookup, found) in batch.into_iter().zip(found) {
                        // The caller may have left.
                        let _ = lookup.reply.send(found);
                    }
                }
                Err(error) => {
                    // Look-ups that came meanwhile would only wait for the next failure.
                    let meanwhile = std::mem::take(&mut self.lookups.lock().lookups);
                    if let Some(left_out) = FAILED.line() {
                        let source = error.source().map(tracing::field::display);
                        let urls = batch.len() + meanwhile.len();
                        tracing::warn!(%error, source, urls, left_out, "URLs could not be looked up");
                    }
                }
            }
        }
    }

    /// The next batch. Tasks that are ready run first, because they may be about to ask. `None` if no look-up
    /// waits: the task is over.
    async fn next(&mut self) -> Option<Vec<PendingLookup>> {
        tokio::task::yield_now().await;
        let mut waiting = self.lookups.lock();
        // A caller that left needs no answer.
        waiting.lookups.retain(|lookup| !lookup.reply.is_closed());
        let some = waiting.lookups.len().min(MAX_URLS_AT_ONCE);
        self.is_over = some == 0;
        waiting.is_running = !self.is_over;
        let batch = waiting.lookups.drain(..some).collect();
        drop(waiting);
        (!self.is_over).then_some(batch)
    }
}

impl Drop for LookupTask {
    fn drop(&mut self) {
        if !self.is_over {
            *self.lookups.lock() = PendingLookups::default();
        }
    }
}

/// The state of each of these URLs, in their order.
fn look_up(
    connection: &mut Connection,
    wanted: &[(WebhookIdDigest, Option<i64>)],
    cache: &NetworkCache,
) -> QueryResult<Vec<Result<UrlSince, StoreError>>> {
    // In a flood most URLs are unknown: one query finds the known ones.
    let digests: Vec<_> = wanted.iter().map(|(digest, _)| *digest).collect();
    let known = digests_known(connection, &digests)?;
    let url = |((digest, revision), is_known): (&(WebhookIdDigest, Option<i64>), bool)| {
        if !is_known {
            return Ok(Ok(UrlSince::Changed(None)));
        }
        if revision.is_some() && revision_by_digest(connection, digest)? == *revision {
            return Ok(Ok(UrlSince::Unchanged));
        }
        match url_by_digest(connection, digest, cache) {
            Ok(url) => Ok(Ok(UrlSince::Changed(url.map(Box::new)))),
            Err(error) => error.contained().map(Err),
        }
    };
    wanted.iter().zip(known).map(url).collect()
}

#[cfg(test)]
mod tests {
    use hookgate_gate::Store;
    use hookgate_testkit::samples::{audit, webhook, webhook_id};

    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;
    use crate::connection::pool::FILE_CONNECTIONS;
    use crate::{Database, OpenMode};

    fn digest(seed: u64) -> WebhookIdDigest {
        webhook_id(seed).unwrap().digest()
    }

    /// Reads of people, exports and metrics have connections of their own.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn reads_of_people_hold_up_no_look_up() {
        const PATIENCE: Duration = Duration::from_mins(1);
        let directory = tempfile::tempdir().unwrap();
        let database = Database::open(directory.path(), OpenMode::Create).unwrap();
        database.webhook_insert(webhook(1), audit()).await.unwrap();
        let (release, held) = std::sync::mpsc::channel::<()>();
        let held = Arc::new(Mutex::new(held));
        let (start, mut started) = tokio::sync::mpsc::unbounded_channel();
        let mut reading = Vec::new();
        for _ in 0..20 {
            let (database, held, start) = (database.clone(), Arc::clone(&held), start.clone());
            reading.push(tokio::spawn(async move {
                let work = move |_: &mut Connection| {
                    start.send(()).unwrap();
                    let _ = held.lock().unwrap().recv();
                    Ok(())
                };
                database.read("take long", work).await
            }));
        }
        for _ in 0..FILE_CONNECTIONS {
            started.recv().await.unwrap();
        }
        for seed in 1..=3 {
            let found = timeout(PATIENCE, database.url_by_digest(&digest(seed))).await;
            assert_eq!(
                found.expect("it waits for no reader").unwrap().is_some(),
                seed == 1
            );
        }
        drop(release);
        for reading in reading {
            reading.abort();
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn those_that_wait_are_bounded_and_who_left_is_not_looked_up() {
        let directory = tempfile::tempdir().unwrap();
        let database = Database::open(directory.path(), OpenMode::Create).unwrap();
        database.webhook_insert(webhook(1), audit()).await.unwrap();
        let lookups = database.lookups.clone();
        // As if a task were running, and took long.
        lookups.lock().is_running = true;
        let mut waiting = Vec::new();
        for seed in 0..MAX_WAITING_LOOKUPS as u64 {
            let mut asking = Box::pin(lookups.find(digest(seed)));
            assert!(timeout(Duration::ZERO, &mut asking).await.is_err(), "it waits");
            waiting.push(asking);
        }
        let refused = lookups.find(digest(1)).await;
        assert!(
            matches!(refused, Err(StoreError::Unavailable { .. })),
            "{refused:?}"
        );
        waiting.truncate(3);
        let task = LookupTask {
            lookups: lookups.clone(),
            is_over: false,
        };
        task.run().await;
        assert!(lookups.lock().lookups.is_empty());
        let mut found = Vec::new();
        for asking in waiting {
            found.push(asking.await.unwrap().is_some());
        }
        assert_eq!(found, [false, true, false]);
    }
}
