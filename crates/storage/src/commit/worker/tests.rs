//! The worker on a database file: batches, and the statements that they take.

use std::sync::Mutex;

use diesel::connection::{Instrumentation, InstrumentationEvent};
use diesel::{Connection as _, QueryableByName, RunQueryDsl, sql_query, sql_types};
use hookgate_domain::{ChangeAction, Policy, Webhook};
use hookgate_gate::{AcceptedDelivery, Commit, StoreError};
use hookgate_testkit::samples::change as incident_change;
use hookgate_testkit::samples::{changing, deduplicated, delivery, keyed, name, webhook};
use tokio::sync::oneshot;

use super::super::change::PendingChange;
use super::super::job::PendingDelivery;
use super::super::job::QueuedBytes;
use super::*;
use crate::open::OpenMode;
use crate::open::open_directory;
use crate::query_error::QueryError;
use crate::statement::rows_insert::ROWS;
use crate::webhooks::statements::target_by_handle;
use crate::webhooks::statements::webhook_insert;
use crate::webhooks::statements::webhook_update;

type Answer<T> = oneshot::Receiver<Result<T, StoreError>>;

/// A worker on a fresh database that has the first sample webhook.
fn worker(directory: &tempfile::TempDir) -> CommitWorker {
    let (path, connection) = open_directory(directory.path(), OpenMode::Create).unwrap();
    let mut worker = CommitWorker::on_file(path, connection, Arc::default());
    webhook_insert(&mut worker.connection, &webhook(1)).unwrap();
    worker
}

fn accept(delivery: AcceptedDelivery) -> (Job, Answer<Commit>) {
    let (reply, answer) = oneshot::channel();
    let weight = QueuedBytes::take(&Arc::default(), 0, 0).unwrap();
    (
        Job::Accepted(Box::new(PendingDelivery::new(delivery, weight, reply))),
        answer,
    )
}

fn change(webhook: Webhook) -> (Job, Answer<()>) {
    let (reply, answer) = oneshot::channel();
    let work = move |connection: &mut Connection| -> Result<(), QueryError> {
        let target = target_by_handle(connection, &webhook.handle.to_string())?;
        Ok(webhook_update(connection, target.unwrap().id, &webhook)?)
    };
    (
        Job::Change(Box::new(PendingChange::new("change", work, reply))),
        answer,
    )
}

/// A change invalidates the webhooks that the batch has read before.
#[test]
fn a_change_in_the_middle_of_a_batch_holds_for_the_rest_of_it() {
    let directory = tempfile::tempdir().unwrap();
    let edited = webhook(1).edit(name("edited"), Policy::default()).unwrap();
    let (before, before_answer) = accept(delivery(&webhook(1)));
    let (edit, edit_answer) = change(edited.clone());
    let (late, late_answer) = accept(delivery(&webhook(1)));
    let (fresh, fresh_answer) = accept(delivery(&edited));
    worker(&directory).commit_batch(&mut vec![before, edit, late, fresh]);
    assert!(matches!(before_answer.blocking_recv(), Ok(Ok(Commit::Stored(_)))));
    assert!(matches!(edit_answer.blocking_recv(), Ok(Ok(()))));
    assert!(matches!(late_answer.blocking_recv(), Ok(Ok(Commit::Stale))));
    assert!(matches!(fresh_answer.blocking_recv(), Ok(Ok(Commit::Stored(_)))));
}

/// A second connection to the worker's file, as another process has one.
fn other_process(directory: &tempfile::TempDir) -> Connection {
    let path = directory.path().join("hookgate.db");
    Connection::Sqlite(sqlite::open_writer(path.to_str().unwrap()).unwrap())
}

/// Commits a delivery alone. Returns its number.
fn commit_one(worker: &mut CommitWorker, webhook: &Webhook) -> Option<i64> {
    let (job, answer) = accept(delivery(webhook));
    worker.commit_batch(&mut vec![job]);
    match answer.blocking_recv() {
        Ok(Ok(Commit::Stored(accepted))) => Some(accepted.delivery.number()),
        _ => None,
    }
}

#[test]
fn rows_that_another_process_changed_are_read_again() {
    let directory = tempfile::tempdir().unwrap();
    let mut worker = worker(&directory);
    assert_eq!(commit_one(&mut worker, &webhook(1)), Some(1));
    let edited = webhook(1).edit(name("edited"), Policy::default()).unwrap();
    let mut other = other_process(&directory);
    webhook_update(&mut other, 1, &edited).unwrap();
    assert_eq!(commit_one(&mut worker, &webhook(1)), None);
    assert_eq!(commit_one(&mut worker, &edited), Some(2));
    other
        .batch_execute("UPDATE counters SET next = 70 WHERE name = 'delivery'")
        .unwrap();
    assert_eq!(commit_one(&mut worker, &edited), Some(70));
}

#[test]
fn numbers_of_a_batch_that_was_rolled_back_are_used_again() {
    let directory = tempfile::tempdir().unwrap();
    let mut worker = worker(&directory);
    assert_eq!(commit_one(&mut worker, &webhook(1)), Some(1));
    let fails = "CREATE TEMP TRIGGER fails BEFORE UPDATE ON counters BEGIN SELECT raise(ABORT, 'no'); END";
    worker.connection.batch_execute(fails).unwrap();
    assert_eq!(commit_one(&mut worker, &webhook(1)), None);
    worker.connection.batch_execute("DROP TRIGGER fails").unwrap();
    assert_eq!(commit_one(&mut worker, &webhook(1)), Some(2));
}

/// A caller that left does not learn that nothing was stored, so the record says it.
#[test]
fn who_left_while_the_commit_waited_is_on_record() {
    let directory = tempfile::tempdir().unwrap();
    let mut worker = worker(&directory);
    let conflict = |body: &[u8]| accept(keyed(&webhook(1), "a", body));
    let edited = webhook(1).edit(name("edited"), Policy::default()).unwrap();
    let stale = || accept(delivery(&edited));
    let (first, _first_answer) = conflict(b"1");
    let (waits, waits_answer) = conflict(b"2");
    let mut jobs = vec![first, waits, conflict(b"2").0, stale().0];
    worker.commit_batch(&mut jobs);
    assert!(matches!(
        waits_answer.blocking_recv(),
        Ok(Ok(Commit::IdempotencyConflict))
    ));
    let query = "SELECT group_concat(coalesce(code, answer), ' ') AS detail FROM deliveries";
    let Connection::Sqlite(connection) = &mut worker.connection else {
        panic!("it is a file")
    };
    let codes: Step = sql_query(query).get_result(connection).unwrap();
    assert_eq!(codes.detail, "opened IDEMPOTENCY_CONFLICT CLIENT_GONE");
}

#[derive(QueryableByName)]
struct Step {
    #[diesel(sql_type = sql_types::Text)]
    detail: String,
}

/// Collects the text of every statement.
struct Statements(Arc<Mutex<Vec<String>>>);

impl Instrumentation for Statements {
    fn on_connection_event(&mut self, event: InstrumentationEvent<'_>) {
        if let InstrumentationEvent::StartQuery { query, .. } = event {
            self.0.lock().unwrap().push(query.to_string());
        }
    }
}

/// The cost of a batch does not grow with the store, and is as documented.
#[test]
fn statements_of_a_batch_are_few_and_never_scan() {
    let directory = tempfile::tempdir().unwrap();
    let mut worker = worker(&directory);
    let path = directory.path().join("hookgate.db");
    let statements = Arc::default();
    if let Connection::Sqlite(connection) = &mut worker.connection {
        connection.set_instrumentation(Statements(Arc::clone(&statements)));
    }
    let mut commit_batch = |deliveries: Vec<AcceptedDelivery>| {
        worker.commit_batch(
            &mut deliveries
                .into_iter()
                .map(|delivery| accept(delivery).0)
                .collect(),
        );
        std::mem::take(&mut *statements.lock().unwrap())
    };
    commit_batch(vec![delivery(&webhook(1))]);
    let one = commit_batch(vec![delivery(&webhook(1))]).len();
    let reads = commit_batch(vec![delivery(&webhook(1))]);
    let reads = reads.iter().filter(|text| text.starts_with("SELECT")).count();
    assert_eq!(reads, 0, "what the batch before it knew is not read again");
    let many = commit_batch(vec![delivery(&webhook(1)); ROWS]).len();
    assert_eq!(many, one, "one statement for each table");
    let more = commit_batch(vec![delivery(&webhook(1)); ROWS + 1]).len();
    assert_eq!(more - one, 2, "two statements for each table");

    let mut all = commit_batch(vec![
        deduplicated(&webhook(1), "disk", "open"),
        keyed(&webhook(1), "a", b"1"),
    ]);
    all.extend(commit_batch(vec![
        deduplicated(&webhook(1), "disk", "resolved"),
        keyed(&webhook(1), "a", b"1"),
    ]));
    let tool = |action| {
        let changes = (0..3).map(|key| incident_change(action, &key.to_string()));
        changing(&webhook(1), changes)
    };
    for action in [ChangeAction::Open, ChangeAction::Update, ChangeAction::Resolve] {
        all.extend(commit_batch(vec![tool(action)]));
    }
    let opening = |count: usize| {
        let changes = (0..count).map(|key| incident_change(ChangeAction::Open, &format!("{count}-{key}")));
        vec![changing(&webhook(1), changes)]
    };
    let two = commit_batch(opening(2)).len();
    let many = commit_batch(opening(ROWS)).len();
    assert_eq!(
        many - two,
        ROWS - 2,
        "one statement for each key that is looked up, and none for each row"
    );
    let mut connection = SqliteConnection::establish(path.to_str().unwrap()).unwrap();
    let words = ["BEGIN", "COMMIT", "PRAGMA"];
    let has_plan = |text: &&String| !words.iter().any(|word| text.starts_with(word));
    for statement in all.iter().filter(has_plan) {
        let plan = sql_query(format!("EXPLAIN QUERY PLAN {statement}"))
            .load::<Step>(&mut connection)
            .unwrap();
        let plan = plan
            .into_iter()
            .map(|step| step.detail)
            // The terms of an insert.
            .filter(|step| step != "SCAN CONSTANT ROW")
            .collect::<Vec<_>>()
            .join("; ");
        assert!(
            !plan.contains("SCAN") && !plan.contains("TEMP B-TREE"),
            "{statement}: {plan}"
        );
    }
}
