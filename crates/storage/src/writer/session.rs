//! The writer's connection: batches in transactions, and what is done when one fails.

use std::sync::Arc;

use diesel::connection::TransactionManager;
use diesel::result::Error;
use diesel::{Connection, SqliteConnection};

use super::batch::Batch;
use super::folding::Folding;
use super::job::Job;
use crate::connection::open_writer;

/// The connection that writes, with what is remembered from batch to batch.
pub(super) struct Session {
    path: String,
    connection: SqliteConnection,
    folding: Folding,
}

/// Why a transaction was given up.
enum Aborted {
    /// One of its jobs could not be done.
    Job(Error),
    /// It could not begin or end: the disk is full, or another process writes all the time.
    Transaction(Error),
}

impl From<Error> for Aborted {
    fn from(error: Error) -> Self {
        Self::Transaction(error)
    }
}

impl Session {
    /// A session on this connection to the database at this path.
    pub(super) fn new(path: String, connection: SqliteConnection) -> Self {
        Self { path, connection, folding: Folding::default() }
    }

    /// Does all the jobs in one transaction and answers them. If one of them fails, each gets a transaction of its
    /// own, so that only that one fails.
    pub(super) fn settle(&mut self, jobs: &mut Vec<Job>) {
        match self.transact(jobs) {
            Ok(()) => jobs.drain(..).for_each(Job::answer),
            Err(Aborted::Job(error)) if jobs.len() > 1 => {
                tracing::warn!(%error, jobs = jobs.len(), "a batch failed; its jobs are done one by one");
                for job in jobs.drain(..) {
                    self.settle(&mut vec![job]);
                }
            }
            Err(Aborted::Job(error) | Aborted::Transaction(error)) => {
                tracing::error!(%error, jobs = jobs.len(), "nothing could be stored");
                let error = Arc::new(error);
                jobs.drain(..).for_each(|job| job.fail(&error));
            }
        }
    }

    fn transact(&mut self, jobs: &mut [Job]) -> Result<(), Aborted> {
        let Self { connection, folding, .. } = self;
        let done = connection.immediate_transaction(|connection| {
            let mut batch = Batch::new(connection, folding);
            for job in jobs {
                batch.run(job).map_err(Aborted::Job)?;
            }
            Ok(batch.finish()?)
        });
        if done.is_err() {
            // It may name records that were never stored.
            self.folding = Folding::default();
            self.mend();
        }
        done
    }

    /// Connects anew if the connection no longer knows whether it is in a transaction.
    fn mend(&mut self) {
        type Manager = <SqliteConnection as Connection>::TransactionManager;
        if !Manager::is_broken_transaction_manager(&mut self.connection) {
            return;
        }
        match open_writer(&self.path) {
            Ok(connection) => self.connection = connection,
            Err(error) => tracing::error!(%error, "the database can't be opened again; the next batch tries"),
        }
    }
}
