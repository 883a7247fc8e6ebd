//! Removal of history on a PostgreSQL server takes minutes if there is much, and nobody waits for it: neither
//! senders nor readers of usage.

use std::io::{BufRead, BufReader, Write};
use std::num::NonZeroU64;
use std::process::{Child, Stdio};
use std::time::Duration;

use hookgate_domain::Webhook;
use hookgate_gate::{Commit, PageSize, Pruned, Retention, Store, StoreError, UsageRange};
use hookgate_storage::{Database, OpenMode};
use hookgate_testkit::postgres::Postgres;
use hookgate_testkit::samples::{START, audit, deduplicated, delivery, webhook};
use tokio::task::JoinHandle;

/// Makes the rewrite of a partition wait as long as a session holds `REWRITE`.
const SLOW: &str = "CREATE FUNCTION pause() RETURNS event_trigger LANGUAGE plpgsql AS \
    'BEGIN WHILE NOT pg_catalog.pg_try_advisory_lock(7) LOOP PERFORM pg_catalog.pg_sleep(0.02); END LOOP; \
    PERFORM pg_catalog.pg_advisory_unlock(7); END'; \
    CREATE EVENT TRIGGER slow ON ddl_command_end WHEN TAG IN ('CREATE TABLE') EXECUTE FUNCTION pause()";
const REWRITE: &str = "SELECT pg_advisory_lock(7)";
/// Locks a table of deliveries as a reader does.
const READING: &str = "BEGIN; SELECT count(*) FROM deliveries";
/// Number of reads during each step of a removal.
const READS: usize = 3;
/// Maximum time to wait for what must not wait. It is never nearly reached, so a busy machine makes no difference.
const PATIENCE: Duration = Duration::from_mins(1);

/// A store with deliveries of two webhooks in a partition that is no longer in use, and the name of its
/// database.
async fn filled() -> (Database, String) {
    let url = Postgres::shared().database().unwrap();
    let name = url.rsplit('/').next().unwrap().split('?').next().unwrap();
    let store = Database::connect(&url.parse().unwrap(), OpenMode::Create)
        .await
        .unwrap();
    for number in [1, 2] {
        store.webhook_insert(webhook(number), audit()).await.unwrap();
        for _ in 0..5 {
            send(&store, &webhook(number)).await;
        }
    }
    let part = Retention {
        bytes: NonZeroU64::new(1_000_000).unwrap(),
        ..Retention::default()
    };
    store.history_prune(part, START).await.unwrap();
    send(&store, &webhook(1)).await;
    // Creates the next partitions before creating one is slow.
    store.history_prune(Retention::default(), START).await.unwrap();
    sql(name, SLOW);
    (store, name.to_owned())
}

async fn send(store: &Database, webhook: &Webhook) {
    let commit = store
        .delivery_commit(deduplicated(webhook, "none", "resolved"))
        .await;
    assert!(matches!(commit, Ok(Commit::Stored(_))), "{commit:?}");
}

fn sql(database: &str, text: &str) -> String {
    Postgres::shared().sql(database, text).unwrap()
}

/// A session that keeps its locks until it is dropped.
struct Session(Child);

impl Session {
    /// Runs these statements.
    fn begin(database: &str, statements: &str) -> Self {
        let mut session = Postgres::shared().session(database);
        let mut child = session
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let input = child.stdin.as_mut().unwrap();
        writeln!(input, "{statements}; SELECT 'done';").unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        assert!(lines.any(|line| line.unwrap() == "done"));
        Self(child)
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        self.0.wait().unwrap();
    }
}

/// Waits until another session runs such a statement.
async fn until_running(database: &str, statement: &str) {
    let query = format!(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() \
         AND state = 'active' AND query LIKE '%{statement}%'"
    );
    let running = async {
        while sql(database, &query).trim() == "0" {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let running = tokio::time::timeout(Duration::from_secs(30), running).await;
    running.expect("it comes to that");
}

/// Removes everything that may be removed.
fn prune(store: &Database) -> JoinHandle<Result<Pruned, StoreError>> {
    let store = store.clone();
    let tight = Retention {
        bytes: NonZeroU64::MIN,
        ..Retention::default()
    };
    tokio::spawn(async move { store.history_prune(tight, START).await })
}

async fn used(store: &Database) -> u64 {
    let usage = store.usage(None, UsageRange::Day, START);
    let usage = tokio::time::timeout(PATIENCE, usage).await;
    usage.expect("nobody waits for this").unwrap().totals.accepted
}

#[tokio::test(flavor = "multi_thread")]
async fn usage_is_read_while_a_table_that_is_read_is_written_anew() {
    let (store, database) = filled().await;
    let (reader, rewrite) = (
        Session::begin(&database, READING),
        Session::begin(&database, REWRITE),
    );
    let pruning = prune(&store);
    until_running(&database, "deliveries_0_kept").await;
    let mut sent = 11;
    // While the table is written anew, and then while the removal waits for the reader.
    for waits_for in [rewrite, reader] {
        for _ in 0..READS {
            send(&store, &webhook(1)).await;
            sent += 1;
            used(&store).await;
            let page = store.top_sources(webhook(1).handle, UsageRange::Day, PageSize::MAX, START);
            let page = tokio::time::timeout(PATIENCE, page).await;
            assert!(matches!(page, Ok(Ok(_))), "{page:?}");
        }
        assert!(!pruning.is_finished());
        drop(waits_for);
    }
    assert_eq!(pruning.await.unwrap().unwrap().deliveries, 10);
    assert_eq!(
        used(&store).await,
        sent,
        "nothing is lost that was not counted at once"
    );
    store.history_prune(Retention::default(), START).await.unwrap();
    let held = sql(&database, "SELECT sum(deliveries) FROM holdings");
    assert_eq!(held.trim(), (sent - 10).to_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn usage_is_read_while_somebody_holds_what_a_webhook_holds() {
    let (store, database) = filled().await;
    let holder = Session::begin(&database, "BEGIN; SELECT * FROM holdings FOR UPDATE");
    let before = used(&store).await;
    send(&store, &webhook(1)).await;
    assert_eq!(used(&store).await, before, "it shows what is counted");
    drop(holder);
    assert_eq!(used(&store).await, before + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delivery_to_a_webhook_that_is_full_waits_for_no_table() {
    let (store, database) = filled().await;
    // The first webhook has nothing left to pay with.
    sql(
        &database,
        &format!(
            "UPDATE holdings SET bytes = 1000000000, next = 1::bigint << 40, round_at = {} \
             WHERE webhook = (SELECT id FROM webhooks WHERE handle = '{}')",
            START.as_micros(),
            webhook(1).handle
        ),
    );
    let rewrite = Session::begin(&database, REWRITE);
    let pruning = prune(&store);
    until_running(&database, "deliveries_0_kept").await;
    let commit = tokio::time::timeout(PATIENCE, store.delivery_commit(delivery(&webhook(1)))).await;
    assert!(matches!(commit, Ok(Ok(_))), "{commit:?}");
    assert!(!pruning.is_finished());
    drop(rewrite);
    let full = "SELECT count(*) FROM webhooks WHERE full_at IS NOT NULL";
    assert_eq!(sql(&database, full).trim(), "1");
    assert_eq!(pruning.await.unwrap().unwrap().deliveries, 5);
}

/// Makes the removal of each key slow, which shows how many one transaction removes.
const SLOW_KEYS: &str = "CREATE FUNCTION linger() RETURNS trigger LANGUAGE plpgsql AS \
    'BEGIN PERFORM pg_sleep(0.03); RETURN OLD; END'; \
    CREATE TRIGGER slow BEFORE DELETE ON idempotency_keys FOR EACH ROW EXECUTE FUNCTION linger(); \
    INSERT INTO idempotency_keys SELECT webhook, 'key' || id || '-' || copy, '', id, 0, 'resolved', received_at \
    FROM deliveries, generate_series(1, 20) AS copy";

/// All others wait for the transaction that drops a partition, so later ones do the rest of the removal.
#[tokio::test(flavor = "multi_thread")]
async fn deliveries_are_accepted_while_what_went_with_a_table_is_removed() {
    let (store, database) = filled().await;
    sql(&database, SLOW_KEYS);
    let keys = || {
        sql(
            &database,
            "SELECT count(*) FROM idempotency_keys WHERE delivery < 11",
        )
    };
    assert_eq!(keys().trim(), "200");
    assert_eq!(prune(&store).await.unwrap().unwrap().deliveries, 10);
    assert_eq!(keys().trim(), "200", "they are left for the next slice");
    // The program may have ended in between; another one goes on.
    let removing = {
        let store = store.clone();
        tokio::spawn(async move {
            while !store
                .history_prune(Retention::default(), START)
                .await
                .unwrap()
                .is_empty()
            {}
        })
    };
    let mut sent = 0;
    while !removing.is_finished() {
        send(&store, &webhook(1)).await;
        sent += 1;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    removing.await.unwrap();
    // The removal takes six seconds, and a delivery that waited for all of it would be the only one.
    assert!(sent > 3, "{sent}");
    assert_eq!(keys().trim(), "0");
    let left = "SELECT count(*) FROM pg_tables WHERE tablename LIKE 'leftover%' OR tablename LIKE '%doomed'";
    assert_eq!(sql(&database, left).trim(), "0");
}

/// Each slice locks few of the remaining rows, however many went with a partition.
#[tokio::test(flavor = "multi_thread")]
async fn what_went_with_a_table_is_removed_in_slices() {
    const ROWS: u64 = 2_500;
    let (store, database) = filled().await;
    sql(
        &database,
        &format!(
            "CREATE TABLE leftover_deliveries (id BIGINT PRIMARY KEY, incident BIGINT); \
             INSERT INTO leftover_deliveries SELECT id, NULL FROM generate_series(1, {ROWS}) AS id; \
             DO $$ BEGIN EXECUTE format('ALTER TABLE leftover_deliveries OWNER TO %I', \
                 (SELECT tableowner FROM pg_tables WHERE tablename = 'deliveries')); END $$; \
             INSERT INTO idempotency_keys SELECT 1, 'key' || id, '', id, 0, 'resolved', {} FROM generate_series(1, {ROWS}) AS id",
            START.as_micros()
        ),
    );
    let mut removed = Vec::new();
    while removed.iter().sum::<u64>() < ROWS {
        removed.push(
            store
                .history_prune(Retention::default(), START)
                .await
                .unwrap()
                .keys,
        );
    }
    assert_eq!(removed, [1_000, 1_000, 500]);
}

/// Holdings equal the weight of the rows, however incidents grow, even after the deliveries that made them
/// grow are gone.
#[tokio::test(flavor = "multi_thread")]
async fn what_incidents_grow_by_stays_in_the_books() {
    const BOOKS: &str = "SELECT (SELECT sum(bytes) FROM holdings) \
        - (SELECT coalesce(sum(weight), 0) FROM deliveries) - (SELECT coalesce(sum(weight), 0) FROM incidents)";
    let (store, database) = filled().await;
    for status in ["open", "open", "open", "resolved", "open"] {
        let sent = deduplicated(&webhook(1), "grows", status);
        let commit = store.delivery_commit(sent).await;
        assert!(matches!(commit, Ok(Commit::Stored(_))), "{commit:?}");
    }
    store.count().await.unwrap();
    assert_eq!(sql(&database, BOOKS).trim(), "0");
    let weight = sql(&database, "SELECT min(weight) FROM incidents");
    assert!(weight.trim().parse::<i64>().unwrap() > 512, "{weight}");
    sql(&database, "DROP EVENT TRIGGER slow");
    let tight = Retention {
        bytes: NonZeroU64::MIN,
        ..Retention::default()
    };
    while !store.history_prune(tight, START).await.unwrap().is_empty() {}
    assert_eq!(sql(&database, BOOKS).trim(), "0");
    assert_eq!(sql(&database, "SELECT count(*) FROM incidents").trim(), "1");
}
