//! The store: opens it and routes reads and writes.

mod maintenance;

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use diesel::result::QueryResult;
use hookgate_domain::{Timestamp, WebhookIdDigest};
use hookgate_gate::{AcceptedDelivery, Commit, Pruned, RefusalKey, RefusedDelivery, Retention, StoreError};
use tokio::sync::mpsc;

use crate::address_sets::queries::NetworkCache;
use crate::commit::writer::Writer;
use crate::connection::pool::{Opener, Pool, Purpose, pool, run, run_within};
use crate::connection::postgres::Address;
use crate::connection::postgres::listener::listen;
use crate::connection::{Connection, is_lost_race};
use crate::open::{OpenError, OpenMode, open_directory, open_server};
use crate::query_error::{QueryError, unavailable};
use crate::retention::prune_file::prune_file;
use crate::retention::prune_server::{fill_server, prune_server};
use crate::usage::counts::Counts;
use crate::usage::recount::{CountStep, count_step};
use crate::webhooks::lookups::Lookups;

/// Notices of changed URLs that may wait. Further ones are dropped, and the node finds out at its next commit
/// or refusal.
const CHANGES_AHEAD: usize = 1_024;
/// Attempts at a change that loses against concurrent ones. Each time one of them wins.
const MAX_RACES: usize = 50;
/// Time limit of a slice of pruning on a server: a table of some hundred MiB is rewritten.
const PRUNING_TIMEOUT: Duration = Duration::from_mins(10);

/// Attempts to count while another node counts, and the pause between them: less than half a second in all,
/// because people wait for it.
const BUSY_ATTEMPTS: u32 = 20;
const BUSY_PAUSE: Duration = Duration::from_millis(20);

/// A store in a directory or on a server. Clones are the same store.
#[derive(Clone)]
pub struct Database {
    pub(crate) writer: Arc<Writer>,
    /// Connections for people and their tools.
    pub(crate) pool: Pool,
    pub(crate) lookups: Lookups,
    location: Location,
    cache: Arc<NetworkCache>,
}

/// Location of the store.
#[derive(Clone)]
enum Location {
    /// In a file, of which one process is the server.
    File,
    /// On a server that many nodes write to. Counts of deliveries without a record of their own are kept here until
    /// they are written.
    Server {
        address: Box<Address>,
        off_record: Arc<Mutex<Counts>>,
    },
}

impl Database {
    /// Opens the store in a directory. Blocks for a moment; reads need a tokio runtime later.
    ///
    /// # Errors
    /// [`OpenError`], which says what to do about it.
    pub fn open(directory: &Path, mode: OpenMode) -> Result<Self, OpenError> {
        let (path, connection) = open_directory(directory, mode)?;
        let readers = |purpose| {
            pool(Opener::Sqlite(path.clone()), purpose).map_err(|error| OpenError::database(directory, error))
        };
        let (pool, gate_pool) = (readers(Purpose::People)?, readers(Purpose::Gate)?);
        let writer =
            Writer::on_file(path, connection).map_err(|error| OpenError::database(directory, error))?;
        let cache = Arc::default();
        Ok(Self {
            writer: Arc::new(writer),
            pool,
            lookups: Lookups::new(gate_pool, Arc::clone(&cache)),
            location: Location::File,
            cache,
        })
    }

    /// Opens the store on a PostgreSQL server. It needs a tokio runtime, now and later.
    ///
    /// # Errors
    /// [`OpenError`], which says what to do about it.
    pub async fn connect(address: &Address, mode: OpenMode) -> Result<Self, OpenError> {
        let link = open_server(address, mode).await?.set_up_for_commits().await?;
        let failed = |error: std::io::Error| OpenError::Server {
            address: address.to_string(),
            source: Box::new(error),
        };
        let readers = |purpose| {
            pool(Opener::Postgres(Box::new(address.clone())), purpose)
                .map_err(|error| failed(std::io::Error::other(error)))
        };
        let (pool, gate_pool) = (readers(Purpose::People)?, readers(Purpose::Gate)?);
        // The first sender should not wait for a connection to be made.
        drop(gate_pool.get().await);
        let off_record = Arc::default();
        let writer = Writer::on_server(address.clone(), link, Arc::clone(&off_record)).map_err(failed)?;
        let cache = Arc::default();
        Ok(Self {
            writer: Arc::new(writer),
            pool,
            lookups: Lookups::new(gate_pool, Arc::clone(&cache)),
            location: Location::Server {
                address: Box::new(address.clone()),
                off_record,
            },
            cache,
        })
    }

    /// URLs that other nodes change, as notices arrive; none in an embedded store. A notice may be late or
    /// lost.
    #[must_use]
    pub fn changed_urls(&self) -> mpsc::Receiver<WebhookIdDigest> {
        let (changed, receiver) = mpsc::channel(CHANGES_AHEAD);
        if let Location::Server { address, .. } = &self.location {
            tokio::spawn(listen((**address).clone(), changed));
        }
        receiver
    }

    /// `true` while the store can write. Once it can't, only opening it again helps.
    #[must_use]
    pub fn is_writing(&self) -> bool {
        self.writer.is_running()
    }

    /// Writes everything that waits, refusals included, and stops the writer. Dropping the last clone does
    /// the same, but blocks.
    pub async fn close(&self) {
        self.writer.close().await;
    }

    /// The cache of the networks of address sets.
    pub(crate) fn network_cache(&self) -> Arc<NetworkCache> {
        Arc::clone(&self.cache)
    }

    /// Commits a delivery. It is in the queue when this returns, and the future ends when it is on disk. The
    /// future holds only the receiver of the result.
    pub(crate) fn enqueue_delivery(
        &self,
        delivery: AcceptedDelivery,
    ) -> impl Future<Output = Result<Commit, StoreError>> + Send + use<> {
        let queued = self.writer.enqueue(delivery);
        async move {
            let answer = queued?.await;
            answer.unwrap_or_else(|_| Err(unavailable("commit a delivery")))
        }
    }

    /// Counts a refusal if a record of identical ones exists. `false` if none does.
    pub(crate) fn count_refusal(&self, refusal: RefusalKey) -> bool {
        self.writer.count_refusal(refusal)
    }

    /// Queues a refusal.
    pub(crate) fn refuse(&self, refusal: RefusedDelivery) {
        self.writer.refuse(refusal);
    }

    /// Runs a change in a transaction, and returns when it is on disk. `what` names it in errors. `work` may
    /// run more than once: only its last run counts.
    pub(crate) async fn change<T, W>(&self, what: &'static str, mut work: W) -> Result<T, StoreError>
    where
        T: Send + 'static,
        W: FnMut(&mut Connection) -> Result<T, QueryError> + Send + 'static,
    {
        if let Location::File = self.location {
            return self.writer.change(what, work).await;
        }
        run(&self.pool, what, move |connection| {
            for _ in 1..MAX_RACES {
                match serializable(connection, &mut work) {
                    Err(QueryError::Statement(error)) if is_lost_race(&error) => {}
                    done => return done,
                }
            }
            serializable(connection, &mut work)
        })
        .await
    }

    /// Removes a slice of the history that retention does not keep.
    pub(crate) async fn prune(&self, retention: Retention, now: Timestamp) -> Result<Pruned, StoreError> {
        const WHAT: &str = "remove old history";
        // Holdings include counted deliveries only.
        self.count().await?;
        match self.location {
            Location::File => {
                let work = move |connection: &mut Connection| Ok(prune_file(connection, retention, now)?);
                self.writer.change(WHAT, work).await
            }
            Location::Server { .. } => {
                let work = move |connection: &mut Connection| {
                    connection.transaction(|connection| fill_server(connection, retention, &[], now))?;
                    let (pruned, unable) =
                        connection.transaction(|connection| prune_server(connection, retention, now))?;
                    if pruned.deliveries + pruned.payloads == 0 {
                        // No counted history could be removed: the webhooks that hold most may be full.
                        connection
                            .transaction(|connection| fill_server(connection, retention, &unable, now))?;
                    }
                    Ok(pruned)
                };
                run_within(&self.pool, WHAT, Some(PRUNING_TIMEOUT), work).await
            }
        }
    }

    /// Reads off the runtime's threads, on a connection for people. `what` names it in errors.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        what: &'static str,
        work: impl FnOnce(&mut Connection) -> Result<T, QueryError> + Send + 'static,
    ) -> Result<T, StoreError> {
        run(&self.pool, what, work).await
    }

    /// `true` if usage has to be counted regularly by [`count`](Self::count). An embedded store counts by
    /// itself.
    #[must_use]
    pub const fn needs_counting(&self) -> bool {
        matches!(self.location, Location::Server { .. })
    }

    /// Writes the counts of every delivery that was answered before this call, so that they can be read. On a
    /// server it waits less than half a second for a node that counts or removes history at the same time;
    /// later counts are missing then.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] if the store can't be reached.
    pub async fn count(&self) -> Result<(), StoreError> {
        match &self.location {
            Location::File => self.writer.count().await,
            Location::Server { off_record, .. } => {
                let off_record = Arc::clone(off_record);
                let work = move |connection: &mut Connection| Ok(count_all(connection, &off_record)?);
                self.read("write counts of usage", work).await
            }
        }
    }
}

/// Counts until nothing is left to count, or another node keeps counting for too long.
fn count_all(connection: &mut Connection, off_record: &Mutex<Counts>) -> QueryResult<()> {
    let lock = || off_record.lock().unwrap_or_else(PoisonError::into_inner);
    let mut looks = 0;
    loop {
        let off_record = std::mem::take(&mut *lock());
        match count_step(connection, &off_record) {
            Ok(CountStep::More) => {}
            Ok(CountStep::Done) => return Ok(()),
            Ok(CountStep::Busy) => {
                lock().merge(off_record);
                if looks == BUSY_ATTEMPTS {
                    return Ok(());
                }
                looks += 1;
                std::thread::sleep(BUSY_PAUSE);
            }
            Err(error) => {
                lock().merge(off_record);
                return Err(error);
            }
        }
    }
}

/// Runs a change in a serializable transaction.
fn serializable<T>(
    connection: &mut Connection,
    work: &mut impl FnMut(&mut Connection) -> Result<T, QueryError>,
) -> Result<T, QueryError> {
    connection.transaction(|connection| {
        connection.batch_execute("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE")?;
        work(connection)
    })
}
