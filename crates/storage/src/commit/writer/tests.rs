//! The writer from inside: faults of single jobs, floods, and the end of the thread.

use hookgate_gate::{DeliveryFilter, IncidentFilter, PageSize, Seek, Store};
use hookgate_testkit::samples::{audit, delivery, refusal, webhook};

use super::*;

use crate::{Database, OpenMode};

async fn database(directory: &tempfile::TempDir) -> Database {
    let database = Database::open(directory.path(), OpenMode::Create).unwrap();
    database.webhook_insert(webhook(1), audit()).await.unwrap();
    database
}

/// Number of records, and of the deliveries that they count.
async fn recorded(database: &Database) -> (usize, i64) {
    let (mut rows, mut count, mut seek) = (0, 0, Seek::After(None));
    loop {
        let page = database
            .delivery_page(&DeliveryFilter::default(), seek, PageSize::MAX)
            .await
            .unwrap()
            .items;
        let Some(last) = page.last() else {
            return (rows, count);
        };
        seek = Seek::After(Some(last.id));
        rows += page.len();
        count += page.iter().map(|record| record.count).sum::<i64>();
    }
}

fn breaks(connection: &mut Connection) -> Result<(), QueryError> {
    Ok(connection.batch_execute("DELETE FROM incidents; INSERT INTO nowhere VALUES (1)")?)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_that_fails_takes_no_other_with_it() {
    let directory = tempfile::tempdir().unwrap();
    let database = database(&directory).await;
    for _ in 0..20 {
        let (before, broken, after, twice) = tokio::join!(
            database.delivery_commit(delivery(&webhook(1))),
            database.writer.change("break", breaks),
            database.delivery_commit(delivery(&webhook(1))),
            database.webhook_insert(webhook(1), audit()),
        );
        assert!(matches!(
            (before, after),
            (Ok(Commit::Stored(_)), Ok(Commit::Stored(_)))
        ));
        assert!(
            matches!(
                broken,
                Err(StoreError::Unavailable {
                    what: "break",
                    source: Some(_)
                })
            ),
            "{broken:?}"
        );
        assert!(matches!(twice, Err(StoreError::Conflict)), "{twice:?}");
    }
    assert_eq!(recorded(&database).await, (40, 40));
    assert_eq!(
        database
            .incident_page(IncidentFilter::default(), None, PageSize::MAX)
            .await
            .unwrap()
            .items
            .len(),
        40,
        "nothing half done stays"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_panic_leaves_nobody_waiting() {
    let directory = tempfile::tempdir().unwrap();
    let database = database(&directory).await;
    assert!(database.is_writing());
    let panics = |_: &mut Connection| -> Result<(), QueryError> { panic!("on purpose") };
    let (before, panicked, after) = tokio::join!(
        database.delivery_commit(delivery(&webhook(1))),
        database.writer.change("panic", panics),
        // In the queue when it is first polled, and not before: behind the panic.
        async { database.delivery_commit(delivery(&webhook(1))).await },
    );
    assert!(matches!(
        before,
        Ok(Commit::Stored(_)) | Err(StoreError::Unavailable { .. })
    ));
    assert!(
        matches!(panicked, Err(StoreError::Unavailable { .. })),
        "{panicked:?}"
    );
    assert!(matches!(after, Err(StoreError::Unavailable { .. })), "{after:?}");
    let later = database.delivery_commit(delivery(&webhook(1))).await;
    assert!(matches!(later, Err(StoreError::Unavailable { .. })), "{later:?}");
    database.refusal_record(refusal(&webhook(1)));
    assert!(!database.is_writing());
    assert!(
        database
            .webhook_by_handle(webhook(1).handle)
            .await
            .unwrap()
            .is_some(),
        "reads go on"
    );
    database.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn closing_writes_what_waits() {
    let directory = tempfile::tempdir().unwrap();
    for round in 1..=2 {
        let database = Database::open(directory.path(), OpenMode::Create).unwrap();
        if round == 1 {
            database.webhook_insert(webhook(1), audit()).await.unwrap();
        }
        let before = recorded(&database).await.1;
        for _ in 0..100 {
            database.refusal_record(refusal(&webhook(1)));
        }
        let key = refusal(&webhook(1)).key();
        while !database.refusal_count(key) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        for _ in 1..100 {
            assert!(database.refusal_count(key));
        }
        // Once asked to, and once by going away.
        if round == 1 {
            database.close().await;
            database.close().await;
            assert!(!database.refusal_count(key), "nobody writes it any more");
        }
        drop(database);
        let database = Database::open(directory.path(), OpenMode::Existing).unwrap();
        assert_eq!(recorded(&database).await.1, before + 200);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_queue_refuses_and_recovers() {
    let directory = tempfile::tempdir().unwrap();
    let database = database(&directory).await;
    let (release, held) = std::sync::mpsc::channel::<()>();
    let holding = database.writer.change("hold", move |_| {
        let _ = held.recv();
        Ok(())
    });
    let flooding = async {
        for _ in 0..2 * QUEUE {
            database.refusal_record(refusal(&webhook(1)));
        }
        let room = database.writer.queue().unwrap().capacity();
        assert!(
            room >= KEPT_FOR_DELIVERIES - 1,
            "refusals leave room for deliveries, not {room}"
        );
        let waiting: Vec<_> = (0..QUEUE)
            .filter_map(|_| database.writer.enqueue(delivery(&webhook(1))).ok())
            .collect();
        assert!(waiting.len() >= KEPT_FOR_DELIVERIES - 1 && waiting.len() < QUEUE);
        let refused = database.delivery_commit(delivery(&webhook(1))).await;
        assert!(
            matches!(refused, Err(StoreError::Unavailable { .. })),
            "{refused:?}"
        );
        release.send(()).unwrap();
        for answer in waiting {
            assert!(matches!(answer.await, Ok(Ok(Commit::Stored(_)))));
        }
    };
    let (held, ()) = tokio::join!(holding, flooding);
    held.unwrap();
    assert!(matches!(
        database.delivery_commit(delivery(&webhook(1))).await,
        Ok(Commit::Stored(_))
    ));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_webhook_that_is_refused_much_takes_no_record_from_others() {
    let directory = tempfile::tempdir().unwrap();
    let database = database(&directory).await;
    database.webhook_insert(webhook(2), audit()).await.unwrap();
    let (release, held) = std::sync::mpsc::channel::<()>();
    let holding = database.writer.change("hold", move |_| {
        let _ = held.recv();
        Ok(())
    });
    let pending_refusal = async {
        for source in 0..2 * QUEUE {
            let source = std::net::Ipv4Addr::from_bits(u32::try_from(source).unwrap()).into();
            database.refusal_record(RefusedDelivery {
                source,
                ..refusal(&webhook(1))
            });
        }
        database.refusal_record(refusal(&webhook(2)));
        release.send(()).unwrap();
    };
    let (held, ()) = tokio::join!(holding, pending_refusal);
    held.unwrap();
    database.close().await;
    let filter = DeliveryFilter {
        webhook: Some(webhook(2).handle),
        ..DeliveryFilter::default()
    };
    let page = database
        .delivery_page(&filter, Seek::After(None), PageSize::MAX)
        .await;
    assert_eq!(page.unwrap().items.len(), 1);
    let dropped = database.writer.dropped.load(Ordering::Relaxed);
    let counted = recorded(&database).await.1 - 1;
    let sent = i64::try_from(2 * QUEUE).unwrap();
    assert!(
        dropped > 0 && dropped.cast_signed() + counted <= sent,
        "{dropped} and {counted}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_refusals_makes_a_bounded_number_of_rows() {
    let directory = tempfile::tempdir().unwrap();
    let database = database(&directory).await;
    for source in 0..20_000_u32 {
        let source = std::net::Ipv4Addr::from_bits(source).into();
        database.refusal_record(RefusedDelivery {
            source,
            ..refusal(&webhook(1))
        });
    }
    database.close().await;
    let (rows, count) = recorded(&database).await;
    assert!(rows <= 501, "{rows} rows");
    let dropped = database.writer.dropped.load(Ordering::Relaxed);
    assert!(i64::try_from(dropped).unwrap() + count <= 20_000 && count > 501);
}
