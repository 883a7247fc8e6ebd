//! The cost of a commit on PostgreSQL: two round trips and a few searches of indexes, whatever the delivery is.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use hookgate_domain::ChangeAction;
use hookgate_gate::{AcceptedDelivery, Commit, Store, StoreError};
use hookgate_storage::{Database, OpenMode};
use hookgate_testkit::postgres::{Postgres, url_at};
use hookgate_testkit::samples::{
    audit, change, changing, deduplicated, delivery, keyed, refusal, second, webhook,
};

/// Round trips of a commit: one locks and reads, one writes and commits.
const MOST: usize = 2;
/// Kinds of deliveries.
const KINDS: usize = 14;
/// Commits of each kind, of which one must need no more: on a busy machine, requests that are sent together
/// may arrive apart. Requests that wait for an answer never arrive together.
const ATTEMPTS: u32 = 100;
/// Silence after which a client has sent everything that waits for no answer.
const SILENCE: Duration = Duration::from_millis(5);

/// Starts a proxy in front of a server. It passes on what a client has sent once the client is silent, and
/// counts how often: the round trips.
fn counting_proxy(server: SocketAddr, trips: &Arc<AtomicUsize>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let trips = Arc::clone(trips);
    thread::spawn(move || {
        for client in listener.incoming() {
            let (mut client, mut server) = (client.unwrap(), TcpStream::connect(server).unwrap());
            let (mut answers, mut back) = (server.try_clone().unwrap(), client.try_clone().unwrap());
            thread::spawn(move || std::io::copy(&mut answers, &mut back));
            let trips = Arc::clone(&trips);
            thread::spawn(move || {
                while let Some(requests) = sent_together(&mut client) {
                    trips.fetch_add(1, Ordering::Relaxed);
                    server.write_all(&requests).unwrap();
                }
            });
        }
    });
    address
}

/// The bytes that a client sends before it is silent; `None` if it has closed the connection.
fn sent_together(client: &mut TcpStream) -> Option<Vec<u8>> {
    let (mut bytes, mut part) = (Vec::new(), [0; 16 * 1024]);
    client.set_read_timeout(None).unwrap();
    loop {
        match client.read(&mut part) {
            Ok(0) => return None,
            Ok(count) => bytes.extend_from_slice(&part[..count]),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                return Some(bytes);
            }
            Err(_) => return None,
        }
        client.set_read_timeout(Some(SILENCE)).unwrap();
    }
}

/// The answer to `COMMIT`.
const COMMITTED: &[u8] = b"C\0\0\0\x0bCOMMIT\0";
/// The error that the outcome of a transaction is unknown.
const UNKNOWN_OUTCOME: &[u8] = b"E\0\0\0\x1dSERROR\0C08007\0Mfailover\0\0";

/// Starts a proxy in front of a server. While it is armed, it passes commits on and answers them with an error, as a
/// failover proxy does whose server fails after it has committed.
fn failover_proxy(server: SocketAddr, is_armed: &Arc<AtomicBool>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let is_armed = Arc::clone(is_armed);
    thread::spawn(move || {
        for client in listener.incoming() {
            let (client, server) = (client.unwrap(), TcpStream::connect(server).unwrap());
            let (mut requests, mut to_server) = (client.try_clone().unwrap(), server.try_clone().unwrap());
            thread::spawn(move || std::io::copy(&mut requests, &mut to_server));
            let is_armed = Arc::clone(&is_armed);
            thread::spawn(move || answers_passed_on(server, client, &is_armed));
        }
    });
    address
}

fn answers_passed_on(mut server: TcpStream, mut client: TcpStream, is_armed: &AtomicBool) {
    let mut part = [0; 16 * 1024];
    while let Ok(count @ 1..) = server.read(&mut part) {
        let mut answers = part[..count].to_vec();
        while is_armed.load(Ordering::Relaxed)
            && let Some(at) = answers
                .windows(COMMITTED.len())
                .position(|bytes| bytes == COMMITTED)
        {
            answers.splice(at..at + COMMITTED.len(), UNKNOWN_OUTCOME.iter().copied());
        }
        if client.write_all(&answers).is_err() {
            return;
        }
    }
}

/// One delivery of each kind, by the number of an attempt; those of an attempt are committed in turn.
fn kinds(number: u32) -> [(&'static str, AcceptedDelivery); KINDS] {
    let (one, key) = (webhook(1), format!("key-{number}"));
    let hundred = |action| AcceptedDelivery {
        // Each attempt has a minute of its own, in which 100 incidents may be new.
        received_at: second(i64::from(number) * 60),
        ..changing(
            &one,
            (0..100).map(|place| change(action, &format!("{key}-{place}"))),
        )
    };
    let hundred_with_key = AcceptedDelivery {
        idempotency: keyed(&one, &format!("hundred-{number}"), b"1").idempotency,
        ..hundred(ChangeAction::Update)
    };
    [
        ("it opens an incident", delivery(&one)),
        ("it opens one with a dedup key", deduplicated(&one, &key, "open")),
        ("it updates it", deduplicated(&one, &key, "acknowledged")),
        ("it resolves it", deduplicated(&one, &key, "resolved")),
        ("it resolves it again", deduplicated(&one, &key, "resolved")),
        ("it resolves nothing", deduplicated(&one, "none", "resolved")),
        ("it has an idempotency key", keyed(&one, &key, b"1")),
        ("it is a retry", keyed(&one, &key, b"1")),
        ("it has the key of another one", keyed(&one, &key, b"2")),
        ("it opens 100 incidents", hundred(ChangeAction::Open)),
        (
            "it opens more of them than fit a minute",
            changing(&one, [change(ChangeAction::Open, &key)]),
        ),
        ("it updates 100 incidents", hundred_with_key.clone()),
        ("it is a retry of 100 incidents", hundred_with_key),
        ("it resolves 100 incidents", hundred(ChangeAction::Resolve)),
    ]
}

async fn connect(url: &str) -> Database {
    let address = url.parse().unwrap();
    Database::connect(&address, OpenMode::Create).await.unwrap()
}

fn database_name(url: &str) -> &str {
    url.rsplit('/').next().unwrap().split('?').next().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_takes_two_round_trips() {
    let trips = Arc::<AtomicUsize>::default();
    let server = Postgres::shared();
    let direct = server.database().unwrap();
    let proxy = counting_proxy(server.address(), &trips);
    let store = connect(&url_at(proxy, database_name(&direct))).await;
    store.webhook_insert(webhook(1), audit()).await.unwrap();
    let commit = async |delivery, fewest: &mut usize| {
        trips.store(0, Ordering::Relaxed);
        store.delivery_commit(delivery).await.unwrap();
        *fewest = trips.load(Ordering::Relaxed).min(*fewest);
    };
    let (mut fewest, mut with_refusal) = ([usize::MAX; KINDS], usize::MAX);
    for number in 0..ATTEMPTS {
        for ((_, delivery), fewest) in kinds(number).into_iter().zip(&mut fewest) {
            commit(delivery, fewest).await;
        }
        // The two are mostly in one batch.
        store.refusal_record(refusal(&webhook(1)));
        commit(delivery(&webhook(1)), &mut with_refusal).await;
        if fewest == [MOST; KINDS] && with_refusal == MOST {
            return;
        }
    }
    let kinds = kinds(0).map(|(kind, _)| kind);
    panic!("more than {MOST} round trips: {kinds:?} {fewest:?}, with a refusal {with_refusal}");
}

/// Also on empty tables, for which the server would rather read the whole table.
#[tokio::test(flavor = "multi_thread")]
async fn a_commit_finds_its_rows_by_indexes() {
    let server = Postgres::shared();
    let url = server.database().unwrap();
    let name = database_name(&url);
    let closed = async |store: Database| {
        drop(store);
        let sessions = format!("SELECT count(*) FROM pg_stat_activity WHERE datname = '{name}'");
        while server.sql("postgres", &sessions).unwrap().trim() != "0" {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let scans = || {
        let query = "SELECT sum(seq_scan) FROM pg_stat_user_tables WHERE relname IN \
                     ('webhooks', 'counters', 'deliveries_0', 'deliveries_1', 'incidents', 'idempotency_keys', \
                     'delivery_incidents', 'new_incidents')";
        server.sql(name, query).unwrap()
    };
    let store = connect(&url).await;
    store.webhook_insert(webhook(1), audit()).await.unwrap();
    closed(store).await;
    let before = scans();
    let store = connect(&url).await;
    for (_, delivery) in (0..7).flat_map(kinds) {
        store.delivery_commit(delivery).await.unwrap();
    }
    closed(store).await;
    assert_eq!(scans(), before);
}

/// The writes of a batch and its `COMMIT` are sent together: if a write fails, nothing is committed.
#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_the_server_refuses_takes_no_other_with_it() {
    let server = Postgres::shared();
    let url = server.database().unwrap();
    let store = connect(&url).await;
    store.webhook_insert(webhook(1), audit()).await.unwrap();
    let trigger = "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''no''; END'; \
                   CREATE TRIGGER refuse BEFORE INSERT ON deliveries_0 FOR EACH ROW \
                   WHEN (NEW.user_agent = 'bad') EXECUTE FUNCTION refuse()";
    server.sql(database_name(&url), trigger).unwrap();
    for _ in 0..10 {
        let bad = AcceptedDelivery {
            user_agent: Some("bad".into()),
            ..delivery(&webhook(1))
        };
        let (one, refused, other) = tokio::join!(
            store.delivery_commit(delivery(&webhook(1))),
            store.delivery_commit(bad),
            store.delivery_commit(delivery(&webhook(1))),
        );
        assert!(matches!(
            (one, other),
            (Ok(Commit::Stored(_)), Ok(Commit::Stored(_)))
        ));
        assert!(refused.is_err(), "{refused:?}");
    }
    let rows = "SELECT (SELECT count(*) FROM deliveries), (SELECT count(*) FROM incidents)";
    assert_eq!(server.sql(database_name(&url), rows).unwrap().trim(), "20|20");
}

/// A proxy may answer a commit by an error although it took effect, so the senders repeat it, with their idempotency
/// keys, and not the store.
#[tokio::test(flavor = "multi_thread")]
async fn a_commit_whose_outcome_is_unknown_is_not_repeated() {
    let server = Postgres::shared();
    let direct = server.database().unwrap();
    let is_armed = Arc::<AtomicBool>::default();
    let proxy = failover_proxy(server.address(), &is_armed);
    let store = connect(&url_at(proxy, database_name(&direct))).await;
    store.webhook_insert(webhook(1), audit()).await.unwrap();
    is_armed.store(true, Ordering::Relaxed);
    for _ in 0..10 {
        let (one, other, third) = tokio::join!(
            store.delivery_commit(delivery(&webhook(1))),
            store.delivery_commit(delivery(&webhook(1))),
            store.delivery_commit(delivery(&webhook(1))),
        );
        for answer in [one, other, third] {
            assert!(
                matches!(answer, Err(StoreError::Unavailable { .. })),
                "{answer:?}"
            );
        }
    }
    is_armed.store(false, Ordering::Relaxed);
    let rows = "SELECT count(*) FROM deliveries";
    assert_eq!(server.sql(database_name(&direct), rows).unwrap().trim(), "30");
}

/// A lone delivery is tried again only after a conflict, and the error of the statement that failed says so, even if
/// the answers to the statements behind it, that the transaction is aborted, are there too.
#[tokio::test(flavor = "multi_thread")]
async fn a_delivery_that_the_server_refuses_is_tried_once() {
    let server = Postgres::shared();
    let url = server.database().unwrap();
    let store = connect(&url).await;
    store.webhook_insert(webhook(1), audit()).await.unwrap();
    let trigger = "CREATE SEQUENCE tries; \
                   CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS \
                   'BEGIN PERFORM nextval(''public.tries''); RAISE EXCEPTION ''no''; END'; \
                   CREATE TRIGGER refuse BEFORE INSERT ON deliveries_0 FOR EACH ROW EXECUTE FUNCTION refuse()";
    server.sql(database_name(&url), trigger).unwrap();
    for _ in 0..10 {
        store.delivery_commit(delivery(&webhook(1))).await.unwrap_err();
    }
    let tries = "SELECT last_value FROM tries";
    assert_eq!(server.sql(database_name(&url), tries).unwrap().trim(), "10");
}

/// A commit looks for the unresolved incident first and for the newest resolved one behind it.
#[tokio::test(flavor = "multi_thread")]
async fn an_incident_that_is_reopened_between_two_reads_is_resolved() {
    let server = Postgres::shared();
    let url = server.database().unwrap();
    let store = connect(&url).await;
    store.webhook_insert(webhook(1), audit()).await.unwrap();
    let deliver = async |status| {
        store
            .delivery_commit(deduplicated(&webhook(1), "disk", status))
            .await
    };
    for status in ["open", "resolved", "open"] {
        deliver(status).await.unwrap();
    }
    // The first read of the commit waits for the second incident, and finds it resolved then.
    let swap = "BEGIN; UPDATE incidents SET status = 'resolved', resolved_at = updated_at WHERE number = 2; \
                UPDATE incidents SET status = 'open', resolved_at = NULL WHERE number = 1; \
                SELECT pg_advisory_xact_lock(4242); \
                DO $$ BEGIN WHILE NOT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND locktype = 'transactionid' \
                AND transactionid = pg_current_xact_id()::xid) LOOP PERFORM pg_sleep(0.01); END LOOP; END $$; COMMIT";
    let name = database_name(&url).to_owned();
    let swapped = thread::spawn(move || {
        Postgres::shared()
            .sql(&name, swap)
            .map_err(|error| error.to_string())
    });
    let holds = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = 4242";
    while server.sql(database_name(&url), holds).unwrap().trim() == "0" {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let late = deliver("resolved").await;
    swapped.join().unwrap().unwrap();
    let states = "SELECT string_agg(status, ' ' ORDER BY number) FROM incidents";
    let states = server.sql(database_name(&url), states).unwrap();
    assert_eq!(states.trim(), "resolved resolved", "{late:?}");
}
