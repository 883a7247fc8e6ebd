//! The writer's connection: batches in transactions, and what is done when one fails.

use std::sync::Arc;

use diesel::connection::TransactionManager;
use diesel::result::{DatabaseErrorKind, Error};
use diesel::{Connection, SqliteConnection};
use tokio::runtime::Handle;

use super::batch::Batch;
use super::counting::Counting;
use super::folding::Folding;
use super::job::Job;
use crate::connection::open_writer;

/// The connection that writes, with what is remembered from batch to batch.
pub(super) struct Session {
    path: String,
    connection: SqliteConnection,
    folding: Folding,
    counting: Counting,
    /// Where the callers of a batch are woken; without a runtime they are woken from here.
    runtime: Option<Handle>,
}

/// Why a transaction was given up.
enum Aborted {
    /// One of its jobs could not be done.
    Job(Error),
    /// It could not begin or end: the disk is full, or another process writes all the time.
    Transaction(Error),
}

/// Somebody else was first: nothing to worry about, and the caller is told.
const fn is_conflict(error: &Error) -> bool {
    matches!(error, Error::DatabaseError(DatabaseErrorKind::UniqueViolation, _))
}

impl From<Error> for Aborted {
    fn from(error: Error) -> Self {
        Self::Transaction(error)
    }
}

impl Session {
    /// A session on this connection to the database at this path.
    pub(super) fn new(path: String, connection: SqliteConnection) -> Self {
        Self {
            path,
            connection,
            folding: Folding::default(),
            counting: Counting::default(),
            runtime: Handle::try_current().ok(),
        }
    }

    /// The connection, between two batches.
    pub(super) const fn connection(&mut self) -> &mut SqliteConnection {
        &mut self.connection
    }

    /// Does all the jobs in one transaction and answers them. If one of them fails, each gets a transaction of its
    /// own, so that only that one fails.
    pub(super) fn settle(&mut self, jobs: &mut Vec<Job>) {
        match self.transact(jobs) {
            Ok(()) => self.answer(std::mem::take(jobs)),
            Err(Aborted::Job(error)) if jobs.len() > 1 => {
                if !is_conflict(&error) {
                    tracing::warn!(%error, jobs = jobs.len(), "a batch failed; its jobs are done one by one");
                }
                for job in jobs.drain(..) {
                    self.settle(&mut vec![job]);
                }
            }
            Err(Aborted::Job(error) | Aborted::Transaction(error)) => {
                if !is_conflict(&error) {
                    tracing::error!(%error, jobs = jobs.len(), "nothing could be stored");
                }
                let error = Arc::new(error);
                jobs.drain(..).for_each(|job| job.fail(&error));
            }
        }
    }

    fn transact(&mut self, jobs: &mut [Job]) -> Result<(), Aborted> {
        let Self {
            connection,
            folding,
            counting,
            ..
        } = self;
        let done = connection.immediate_transaction(|connection| {
            let mut batch = Batch::new(connection, folding, counting);
            for job in jobs {
                batch.run(job).map_err(Aborted::Job)?;
            }
            Ok(batch.finish()?)
        });
        if done.is_err() {
            // It may name records that were never stored.
            self.folding = Folding::default();
            self.counting.rolled_back();
            self.mend();
        } else {
            self.counting.committed();
        }
        done
    }

    /// Writes the counts that are only in memory, at the end.
    pub(super) fn finish(&mut self) {
        if !self.counting.is_empty() {
            self.settle(&mut vec![Job::Count(None)]);
        }
    }

    /// Tells the callers what became of their jobs. Several are told by one task of the runtime: waking each of them from
    /// this thread would cost a switch between threads for each.
    fn answer(&self, mut jobs: Vec<Job>) {
        match &self.runtime {
            Some(runtime) if jobs.len() > 1 => {
                runtime.spawn(async move { jobs.drain(..).for_each(Job::answer) });
            }
            _ => jobs.drain(..).for_each(Job::answer),
        }
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

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use diesel::connection::{Instrumentation, InstrumentationEvent};
    use diesel::{QueryableByName, RunQueryDsl, sql_query, sql_types};
    use hookgate_domain::{Policy, Webhook};
    use hookgate_gate::{AcceptedDelivery, Commit, StoreError};
    use hookgate_testkit::samples::{deduplicated, delivery, keyed, name, webhook};
    use tokio::sync::oneshot;

    use super::super::change::Asked;
    use super::super::job::{Accepting, Weight};
    use super::*;
    use crate::fault::Fault;
    use crate::open::{OpenMode, open};
    use crate::write::webhooks::{target_by_handle, webhook_insert, webhook_update};

    type Answer<T> = oneshot::Receiver<Result<T, StoreError>>;

    /// A session on a fresh database that has the first sample webhook.
    fn session(directory: &tempfile::TempDir) -> Session {
        let (path, mut connection) = open(directory.path(), OpenMode::Create).unwrap();
        webhook_insert(&mut connection, &webhook(1)).unwrap();
        Session::new(path, connection)
    }

    fn accept(delivery: AcceptedDelivery) -> (Job, Answer<Commit>) {
        let (reply, answer) = oneshot::channel();
        let weight = Weight::take(&Arc::default(), 0, 0).unwrap();
        (
            Job::Accepted(Box::new(Accepting::new(delivery, weight, reply))),
            answer,
        )
    }

    fn change(webhook: Webhook) -> (Job, Answer<()>) {
        let (reply, answer) = oneshot::channel();
        let work = move |connection: &mut SqliteConnection| -> Result<(), Fault> {
            let target = target_by_handle(connection, &webhook.handle.to_string())?;
            Ok(webhook_update(connection, target.unwrap().id, &webhook)?)
        };
        (Job::Change(Box::new(Asked::new("change", work, reply))), answer)
    }

    /// What was read of a webhook for the deliveries before a change does not count for those behind it.
    #[test]
    fn a_change_in_the_middle_of_a_batch_holds_for_the_rest_of_it() {
        let directory = tempfile::tempdir().unwrap();
        let edited = webhook(1).edit(name("edited"), Policy::default()).unwrap();
        let (before, before_answer) = accept(delivery(&webhook(1)));
        let (edit, edit_answer) = change(edited.clone());
        let (late, late_answer) = accept(delivery(&webhook(1)));
        let (fresh, fresh_answer) = accept(delivery(&edited));
        session(&directory).settle(&mut vec![before, edit, late, fresh]);
        assert!(matches!(before_answer.blocking_recv(), Ok(Ok(Commit::Stored(_)))));
        assert!(matches!(edit_answer.blocking_recv(), Ok(Ok(()))));
        assert!(matches!(late_answer.blocking_recv(), Ok(Ok(Commit::Stale))));
        assert!(matches!(fresh_answer.blocking_recv(), Ok(Ok(Commit::Stored(_)))));
    }

    #[derive(QueryableByName)]
    struct Step {
        #[diesel(sql_type = sql_types::Text)]
        detail: String,
    }

    /// Keeps the text of every statement.
    struct Statements(Arc<Mutex<Vec<String>>>);

    impl Instrumentation for Statements {
        fn on_connection_event(&mut self, event: InstrumentationEvent<'_>) {
            if let InstrumentationEvent::StartQuery { query, .. } = event {
                self.0.lock().unwrap().push(query.to_string());
            }
        }
    }

    /// What a batch costs does not grow with what is stored, and is what it is said to be.
    #[test]
    fn statements_of_a_batch_are_few_and_never_scan() {
        let directory = tempfile::tempdir().unwrap();
        let mut session = session(&directory);
        let statements = Arc::default();
        session
            .connection
            .set_instrumentation(Statements(Arc::clone(&statements)));
        let mut settle = |deliveries: Vec<AcceptedDelivery>| {
            session.settle(
                &mut deliveries
                    .into_iter()
                    .map(|delivery| accept(delivery).0)
                    .collect(),
            );
            std::mem::take(&mut *statements.lock().unwrap())
        };
        settle(vec![delivery(&webhook(1))]);
        let one = settle(vec![delivery(&webhook(1))]).len();
        let many = settle(vec![delivery(&webhook(1)); 11]).len();
        assert_eq!(many - one, 2 * 10, "two statements for each further delivery");

        let mut all = settle(vec![
            deduplicated(&webhook(1), "disk", "open"),
            keyed(&webhook(1), "a", b"1"),
        ]);
        all.extend(settle(vec![
            deduplicated(&webhook(1), "disk", "resolved"),
            keyed(&webhook(1), "a", b"1"),
        ]));
        let mut connection = SqliteConnection::establish(&session.path).unwrap();
        for statement in all
            .iter()
            .filter(|text| !["BEGIN", "COMMIT"].iter().any(|word| text.starts_with(word)))
        {
            let plan = sql_query(format!("EXPLAIN QUERY PLAN {statement}"))
                .load::<Step>(&mut connection)
                .unwrap();
            let plan = plan
                .into_iter()
                .map(|step| step.detail)
                .collect::<Vec<_>>()
                .join("; ");
            assert!(
                !plan.contains("SCAN") && !plan.contains("TEMP B-TREE"),
                "{statement}: {plan}"
            );
        }
    }
}
