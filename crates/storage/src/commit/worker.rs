//! The writer's connection: runs batches in transactions, and handles those that fail.

use std::fmt::Display;
use std::sync::{Arc, Mutex};

use diesel::SqliteConnection;
use diesel::result::{DatabaseErrorKind, Error, QueryResult};
use hookgate_gate::LogInterval;
use tokio::runtime::Handle;

use super::backend::{Aborted, CommitBackend, PostgresBackend, SqliteBackend};
use super::batch::Batch;
use super::checkpoint::Checkpoints;
use super::job::Job;
use super::known_rows::KnownRows;
use crate::connection::postgres::{Address, Link};
use crate::connection::{Connection, sqlite};
use crate::refusals::coalescer::RefusalCoalescer;
use crate::refusals::folder::RefusalFolder;
use crate::usage::counts::Counts;
use crate::usage::off_record::OffRecord;
use crate::usage::recorder::UsageRecorder;

/// Log intervals for batches that fail, and of jobs that could not be stored.
static BATCH_FAILED: LogInterval = LogInterval::new();
static NOT_STORED: LogInterval = LogInterval::new();

/// The connection that writes, with the state that lasts from batch to batch.
pub(super) struct CommitWorker {
    connection: Connection,
    folder: RefusalFolder,
    /// Refusals that are counted before they reach the writer.
    coalescer: Arc<RefusalCoalescer>,
    target: WriteTarget,
    /// The runtime that wakes the callers of a batch; without one this thread wakes them.
    runtime: Option<Handle>,
}

/// The database that it writes to.
enum WriteTarget {
    /// The file at this path.
    File {
        path: String,
        recorder: UsageRecorder,
        known: KnownRows,
        checkpoints: Checkpoints,
    },
    /// The server at this address.
    Server { address: Address, off_record: OffRecord },
}

/// `true` if a concurrent change came first: no fault, and the caller gets the conflict.
const fn is_conflict(error: &Error) -> bool {
    matches!(error, Error::DatabaseError(DatabaseErrorKind::UniqueViolation, _))
}

impl CommitWorker {
    /// A worker on this connection to the database file at this path.
    pub(super) fn on_file(
        path: String,
        connection: SqliteConnection,
        coalescer: Arc<RefusalCoalescer>,
    ) -> Self {
        let target = WriteTarget::File {
            checkpoints: Checkpoints::start(path.clone()),
            path,
            recorder: UsageRecorder::default(),
            known: KnownRows::default(),
        };
        Self::new(Connection::Sqlite(connection), target, coalescer)
    }

    /// A worker on this connection to the server at this address.
    pub(super) fn on_server(
        address: Address,
        link: Link,
        off_record: Arc<Mutex<Counts>>,
        coalescer: Arc<RefusalCoalescer>,
    ) -> Self {
        let target = WriteTarget::Server {
            address,
            off_record: OffRecord::new(off_record),
        };
        Self::new(Connection::Postgres(Box::new(link)), target, coalescer)
    }

    fn new(connection: Connection, target: WriteTarget, coalescer: Arc<RefusalCoalescer>) -> Self {
        Self {
            connection,
            folder: RefusalFolder::default(),
            coalescer,
            target,
            runtime: Handle::try_current().ok(),
        }
    }

    /// Runs the checkpoint that is due after a batch of this work.
    pub(super) fn after_batch(&mut self, work: usize) {
        if let (Connection::Sqlite(connection), WriteTarget::File { checkpoints, .. }) =
            (&mut self.connection, &mut self.target)
        {
            checkpoints.after_batch(connection, work);
        }
    }

    /// Runs all jobs in one transaction and answers them. If one of them fails, each gets a transaction of
    /// its own, so that only that one fails.
    pub(super) fn commit_batch(&mut self, jobs: &mut Vec<Job>) {
        let mut done = self.transact(jobs);
        if let (Err(Aborted::Job(error)), [Job::Accepted(_)]) = (&done, &jobs[..])
            && is_conflict(error)
            && !self.connection.is_broken()
        {
            // A person reopened an incident with the dedup key of the one to be opened. The second try sees
            // it.
            done = self.transact(jobs);
        }
        match done {
            Ok(()) => self.answer(jobs),
            Err(Aborted::Job(error)) if jobs.len() > 1 && !self.connection.is_broken() => {
                if !is_conflict(&error)
                    && let Some(left_out) = BATCH_FAILED.line()
                {
                    let jobs = jobs.len();
                    tracing::warn!(%error, jobs, left_out, "a batch failed; its jobs are done one by one");
                }
                for job in jobs.drain(..) {
                    self.commit_batch(&mut vec![job]);
                }
            }
            Err(Aborted::Job(error) | Aborted::Transaction(error)) => {
                if !is_conflict(&error)
                    && let Some(left_out) = NOT_STORED.line()
                {
                    tracing::error!(%error, jobs = jobs.len(), left_out, "nothing could be stored");
                }
                let error = Arc::new(error);
                jobs.drain(..).for_each(|job| job.fail(&error));
            }
        }
    }

    fn transact(&mut self, jobs: &mut [Job]) -> Result<(), Aborted> {
        self.reconnect_if_broken()?;
        let Self {
            connection,
            folder,
            coalescer,
            target,
            ..
        } = self;
        let _deadline = connection.deadline();
        let done = match target {
            WriteTarget::File { recorder, known, .. } => {
                let done = connection.transaction(|connection| {
                    let backend = SqliteBackend::begin(connection, recorder, known)?;
                    run_jobs(backend, jobs, folder, coalescer)
                });
                if done.is_ok() {
                    recorder.committed();
                } else {
                    recorder.rolled_back();
                    known.invalidate();
                }
                done
            }
            WriteTarget::Server { off_record, .. } => {
                PostgresBackend::transaction(connection, jobs, off_record, |backend, jobs| {
                    run_jobs(backend, jobs, folder, coalescer)
                })
            }
        };
        if done.is_err() {
            // The folder may name records that were never stored.
            self.folder = RefusalFolder::default();
            self.coalescer.forget();
        }
        done
    }

    /// Writes the counts that are only in memory, at the end.
    pub(super) fn finish(&mut self) {
        if matches!(&self.target, WriteTarget::File { recorder, .. } if !recorder.is_empty()) {
            self.commit_batch(&mut vec![Job::Count(None)]);
        }
    }

    /// Sends the results to the callers. One task of the runtime wakes several: waking each of them from this
    /// thread would cost a context switch for each.
    fn answer(&self, jobs: &mut Vec<Job>) {
        match &self.runtime {
            Some(runtime) if jobs.len() > 1 => {
                let jobs: Box<[Job]> = jobs.drain(..).collect();
                runtime.spawn(async move { jobs.into_iter().for_each(Job::answer) });
            }
            _ => jobs.drain(..).for_each(Job::answer),
        }
    }

    /// Reconnects if the connection is closed, or if the state of its transaction is unknown.
    fn reconnect_if_broken(&mut self) -> QueryResult<()> {
        if !self.connection.is_broken() {
            return Ok(());
        }
        self.connection = match (&self.target, &self.runtime) {
            (WriteTarget::File { path, .. }, _) => {
                Connection::Sqlite(sqlite::open_writer(path).map_err(closed)?)
            }
            (WriteTarget::Server { address, .. }, Some(runtime)) => {
                let link = async { Link::connect(address).await?.set_up_for_commits().await };
                let link = runtime.block_on(link).map_err(closed)?;
                Connection::Postgres(Box::new(link))
            }
            (WriteTarget::Server { .. }, None) => return Err(closed("there is no runtime")),
        };
        Ok(())
    }
}

/// Runs the jobs of a batch inside its transaction, and writes the rows.
fn run_jobs<'a>(
    backend: impl CommitBackend<'a>,
    jobs: &'a mut [Job],
    folder: &mut RefusalFolder,
    coalescer: &RefusalCoalescer,
) -> Result<(), Aborted> {
    let mut batch = Batch::new(backend, folder, coalescer);
    for job in jobs {
        batch.run(job).map_err(Aborted::Job)?;
    }
    batch.finish()
}

fn closed(error: impl Display) -> Error {
    Error::DatabaseError(DatabaseErrorKind::ClosedConnection, Box::new(format!("{error}")))
}

#[cfg(test)]
mod tests;
