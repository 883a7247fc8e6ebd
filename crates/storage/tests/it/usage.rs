//! Counts of usage in difficult cases: a crash, two processes, a transaction that fails, floods.

use std::net::Ipv4Addr;
use std::path::Path;
use std::sync::Arc;

use diesel::connection::SimpleConnection;
use diesel::{Connection, QueryableByName, RunQueryDsl, SqliteConnection, sql_query, sql_types};
use hookgate_domain::{Allowlist, Timestamp};
use hookgate_gate::{
    AcceptedDelivery, Commit, DeliveryFilter, PageSize, Preview, RefusedDelivery, Seek, Store, StoreError,
    Usage, UsageRange,
};
use hookgate_storage::{Database, OpenMode};
use hookgate_testkit::samples::{START, audit, delivery, refusal, second, sources_in, webhook};

/// Refused sources of a webhook that are counted separately on a day.
const REFUSED_SOURCES: u32 = 200;

fn open(directory: &Path) -> Database {
    Database::open(directory, OpenMode::Create).expect("a store")
}

fn connect(directory: &Path) -> SqliteConnection {
    let path = directory.join("hookgate.db");
    let mut connection = SqliteConnection::establish(path.to_str().expect("UTF-8")).expect("a database");
    connection
        .batch_execute("PRAGMA busy_timeout = 5000")
        .expect("a pragma");
    connection
}

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = sql_types::BigInt)]
    number: i64,
}

fn number(directory: &Path, query: &str) -> i64 {
    let mut connection = connect(directory);
    let query = sql_query(format!("SELECT coalesce(({query}), 0) AS number"));
    query
        .get_result::<Number>(&mut connection)
        .expect("a number")
        .number
}

async fn send(store: &Database, at: Timestamp) {
    let sent = AcceptedDelivery {
        received_at: at,
        ..delivery(&webhook(1))
    };
    assert!(matches!(store.delivery_commit(sent).await, Ok(Commit::Stored(_))));
}

async fn used(store: &Database) -> (u64, u64) {
    let usage = asked(store, UsageRange::Day).await.expect("usage");
    for other in UsageRange::ALL {
        assert_eq!(asked(store, other).await.expect("usage").totals, usage.totals);
    }
    let sources = store
        .top_sources(webhook(1).handle, UsageRange::Day, PageSize::MAX, second(0))
        .await
        .expect("sources");
    let sum = |of: fn(&hookgate_gate::SourceUsage) -> u64| sources.sources.iter().map(of).sum::<u64>();
    assert_eq!(
        sum(|source| source.accepted) + sources.beyond_accepted,
        usage.totals.accepted
    );
    assert_eq!(
        sum(|source| source.refused) + sources.beyond_refused,
        usage.totals.refusals()
    );
    (usage.totals.accepted, usage.totals.refusals())
}

async fn asked(store: &Database, range: UsageRange) -> Result<Usage, StoreError> {
    store.usage(Some(webhook(1).handle), range, second(0)).await
}

/// Copies the files while the store is at work, as a crash at this moment would leave them.
fn crashed(directory: &Path) -> tempfile::TempDir {
    let left = tempfile::tempdir().expect("a directory");
    for name in ["hookgate.db", "hookgate.db-wal"] {
        std::fs::copy(directory.join(name), left.path().join(name)).expect("a copy");
    }
    left
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crash_loses_and_doubles_no_count() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    store.webhook_insert(webhook(1), audit()).await.unwrap();
    for count in 1..=10 {
        send(&store, START).await;
        if count == 4 {
            assert_eq!(used(&store).await, (4, 0));
        }
    }
    for _ in 0..50 {
        store.refusal_record(refusal(&webhook(1)));
    }
    // This delivery is behind them in the queue, so they are on record when it is answered.
    send(&store, START).await;
    let left = crashed(directory.path());
    assert_eq!(
        number(left.path(), "SELECT next FROM counters WHERE name = 'usage'"),
        5
    );
    for _ in 0..2 {
        // The first query counts again; the second finds the work done.
        let reopened = open(left.path());
        assert_eq!(used(&reopened).await, (11, 50));
        send(&reopened, START).await;
        drop(reopened);
        let reopened = open(left.path());
        assert_eq!(used(&reopened).await, (12, 50));
        edit(
            left.path(),
            "DELETE FROM deliveries WHERE id = (SELECT max(id) FROM deliveries)",
        );
        edit(
            left.path(),
            "UPDATE usage SET count = count - 1 WHERE code = ''; UPDATE sources SET accepted = accepted - 1",
        );
        drop(reopened);
    }
    assert_eq!(used(&store).await, (11, 50));
}

fn edit(directory: &Path, sql: &str) {
    connect(directory).batch_execute(sql).expect("a statement");
}

/// Records of an older version have no weight, and their removal subtracts their estimated size.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn records_without_a_weight_are_held_as_they_are_removed() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    store.webhook_insert(webhook(1), audit()).await.unwrap();
    let sent = AcceptedDelivery {
        payload: Some(vec![b' '; 5_000].into()),
        ..delivery(&webhook(1))
    };
    store.delivery_commit(sent).await.unwrap();
    let left = crashed(directory.path());
    edit(left.path(), "UPDATE deliveries SET weight = NULL, grown = NULL");
    assert_eq!(used(&open(left.path())).await, (1, 0));
    let headers = "SELECT coalesce(length(headers), 0) FROM deliveries";
    let expected = 512 + 5_000 + number(left.path(), headers);
    assert_eq!(number(left.path(), "SELECT bytes FROM holdings"), expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn counts_are_written_once_a_second_and_at_the_end() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    store.webhook_insert(webhook(1), audit()).await.unwrap();
    let written = || {
        number(
            directory.path(),
            "SELECT sum(count) FROM usage WHERE webhook = 0 AND step = 60",
        )
    };
    let at = |millis: i64| Timestamp::from_micros(START.as_micros() - 60_000_000 + millis * 1_000);
    for (millis, expected) in [
        (0, 0),
        (500, 0),
        (999, 0),
        (1_000, 3),
        (1_500, 3),
        (2_100, 5),
        (500, 6),
    ] {
        send(&store, at(millis)).await;
        assert_eq!(written(), expected, "at {millis}");
    }
    store.close().await;
    assert_eq!(written(), 7);
    drop(store);
    assert_eq!(used(&open(directory.path())).await, (7, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_count_everything_once() {
    let directory = tempfile::tempdir().unwrap();
    let stores = [Arc::new(open(directory.path())), Arc::new(open(directory.path()))];
    stores[0].webhook_insert(webhook(1), audit()).await.unwrap();
    let mut tasks = tokio::task::JoinSet::new();
    for sender in 0..4_u32 {
        let store = Arc::clone(&stores[(sender % 2) as usize]);
        tasks.spawn(async move {
            for count in 0..60_u32 {
                send(&store, second(-i64::from(count % 7))).await;
                if count % 9 == sender {
                    asked(&store, UsageRange::Hour).await.expect("usage");
                }
            }
        });
    }
    tasks.join_all().await;
    assert_eq!(used(&stores[0]).await, (240, 0));
    for _ in 0..3 {
        // The command line beside a server that goes on running.
        send(&stores[0], START).await;
        used(&stores[1]).await;
    }
    for store in &stores {
        store.close().await;
        assert_eq!(number(directory.path(), "SELECT sum(accepted) FROM sources"), 243);
    }
    drop(stores);
    assert_eq!(used(&open(directory.path())).await, (243, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_transaction_that_fails_neither_loses_nor_doubles() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    store.webhook_insert(webhook(1), audit()).await.unwrap();
    for _ in 0..3 {
        send(&store, START).await;
    }
    edit(directory.path(), "ALTER TABLE known_sources RENAME TO hidden");
    assert!(matches!(
        asked(&store, UsageRange::Hour).await,
        Err(StoreError::Unavailable { .. })
    ));
    send(&store, START).await;
    edit(directory.path(), "ALTER TABLE hidden RENAME TO known_sources");
    assert_eq!(used(&store).await, (4, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_sources_is_counted_and_bounded() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    store.webhook_insert(webhook(1), audit()).await.unwrap();
    send(&store, START).await;
    let sources = 2_500;
    for source in 0..sources {
        store.refusal_record(RefusedDelivery {
            source: Ipv4Addr::from_bits(0x0A00_0000 + source).into(),
            ..refusal(&webhook(1))
        });
        if source % 500 == 499 {
            send(&store, START).await;
        }
        if source % 1_000 == 999 {
            asked(&store, UsageRange::Hour).await.unwrap();
        }
    }
    send(&store, START).await;
    let (accepted, refused) = asked(&store, UsageRange::Hour)
        .await
        .map(|usage| (usage.totals.accepted, usage.totals.refusals()))
        .unwrap();
    assert_eq!((accepted, refused), (7, u64::from(sources)));
    assert_eq!(
        number(directory.path(), "SELECT count(*) FROM sources"),
        i64::from(REFUSED_SOURCES) + 2,
        "the one that passed has a place of its own, and there is one for all the others"
    );
    assert_eq!(
        number(directory.path(), "SELECT sum(refused) FROM sources"),
        i64::from(sources)
    );
    assert_eq!(
        number(directory.path(), "SELECT count(*) FROM source_codes"),
        i64::from(REFUSED_SOURCES) + 1,
        "why they were refused is counted for no more of them, and for all the others"
    );
    let top = store
        .top_sources(webhook(1).handle, UsageRange::Day, PageSize::MAX, START)
        .await
        .unwrap();
    assert_eq!(top.beyond_refused, u64::from(sources - REFUSED_SOURCES));
    assert!(top.sources.iter().any(|source| source.accepted > 0));
    // Usage and previews include senders that come after such a flood.
    for sender in ["127.0.0.9", "127.0.0.10"] {
        let sent = AcceptedDelivery {
            source: sender.parse().unwrap(),
            ..delivery(&webhook(1))
        };
        store.delivery_commit(sent).await.unwrap();
    }
    asked(&store, UsageRange::Hour).await.unwrap();
    let accepted = store.accepted_sources(webhook(1).handle, START).await.unwrap();
    assert_eq!((accepted.sources.len(), accepted.beyond_accepted), (3, 0));
    let other = "192.0.2.1".parse().unwrap();
    let preview = Preview::of(&accepted, &Allowlist::any(), &other, START);
    assert_eq!((preview.would_stop.senders, preview.beyond), (3, 0));
}

/// A page examines a bounded number of rows and returns where it stopped; further pages find everything.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_search_that_finds_little_stops_and_goes_on() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    store.webhook_insert(webhook(1), audit()).await.unwrap();
    send(&store, START).await;
    edit(
        directory.path(),
        "WITH RECURSIVE many (n) AS (SELECT 2 UNION ALL SELECT n + 1 FROM many WHERE n < 50000) \
         INSERT INTO deliveries (id, organization, webhook, received_at, source, answer, incident, count) \
         SELECT n, 1, 1, (SELECT received_at FROM deliveries WHERE id = 1) + n * 1000000, \
                x'00000000000000000000FFFF0A000001', 'opened', n, 1 FROM many; \
         UPDATE counters SET next = 50001 WHERE name IN ('delivery', 'usage')",
    );
    let filter = DeliveryFilter {
        webhook: Some(webhook(1).handle),
        ..sources_in("192.0.2.0/24")
    };
    for (mut seek, forward) in [(Seek::Newest, false), (Seek::After(None), true)] {
        let (mut pages, mut found) = (0, Vec::new());
        loop {
            let page = store
                .delivery_page(&filter, seek, PageSize::default())
                .await
                .unwrap();
            (pages, found) = (pages + 1, [found, page.items].concat());
            let Some(next) = page.next else { break };
            seek = if forward {
                Seek::After(Some(next))
            } else {
                Seek::Before(next)
            };
        }
        assert_eq!((pages, found.len()), (3, 1));
    }
    let within = DeliveryFilter {
        from: Some(second(40_000)),
        to: Some(second(40_010)),
        ..DeliveryFilter::default()
    };
    let page = store
        .delivery_page(&within, Seek::Newest, PageSize::default())
        .await
        .unwrap();
    assert_eq!((page.items.len(), page.next), (10, None));
}
