//! Retention at a size at which slices matter: each is small, together they remove everything, and the space
//! is freed.

use std::num::NonZeroU64;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use hookgate_gate::{
    AcceptedDelivery, Commit, DeliveryFilter, PageSize, RefusedDelivery, Retention, Seek, Store,
};
use hookgate_storage::{Database, OpenMode};
use hookgate_testkit::samples::{audit, deduplicated, delivery, refusal, second, webhook};

const DELIVERIES: u64 = 4_000;
const PAYLOAD: usize = 8 * 1024;
/// Most rows that a slice may remove.
const SLICE: u64 = 32;

async fn filled(directory: &Path) -> Arc<Database> {
    let store = Arc::new(Database::open(directory, OpenMode::Create).expect("a store"));
    store
        .webhook_insert(webhook(1), audit())
        .await
        .expect("a webhook");
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..DELIVERIES {
        let store = Arc::clone(&store);
        tasks.spawn(async move {
            let sent = AcceptedDelivery {
                payload: Some(vec![b' '; PAYLOAD].into()),
                ..deduplicated(&webhook(1), "none", "resolved")
            };
            while !matches!(store.delivery_commit(sent.clone()).await, Ok(Commit::Stored(_))) {
                // Too many at once, which this test is not about.
                tokio::task::yield_now().await;
            }
        });
    }
    tasks.join_all().await;
    store
}

fn pages(directory: &Path) -> u64 {
    std::fs::metadata(directory.join("hookgate.db"))
        .expect("a file")
        .len()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slices_are_small_and_space_comes_back() {
    let directory = tempfile::tempdir().unwrap();
    let store = filled(directory.path()).await;
    let (mut payloads, mut deliveries, mut incidents) = (0, 0, 0);
    let day = Duration::from_hours(24);
    let kept = Retention {
        deliveries: 10 * day,
        payloads: day,
        ..Retention::default()
    };
    loop {
        let pruned = store.history_prune(kept, second(0).after(2 * day)).await.unwrap();
        assert!(pruned.payloads <= SLICE && pruned.deliveries == 0, "{pruned:?}");
        payloads += pruned.payloads;
        if pruned.is_empty() {
            break;
        }
    }
    assert_eq!(payloads, DELIVERIES);
    let tight = Retention {
        bytes: NonZeroU64::MIN,
        ..Retention::default()
    };
    let mut slices = 0;
    loop {
        let pruned = store.history_prune(tight, second(1)).await.unwrap();
        (deliveries, incidents) = (deliveries + pruned.deliveries, incidents + pruned.incidents);
        slices += 1;
        if pruned.is_empty() {
            break;
        }
    }
    assert!(
        slices < DELIVERIES / SLICE,
        "a store that is far too large gets smaller in larger slices: {slices}"
    );
    assert_eq!(deliveries, DELIVERIES);
    assert!(incidents <= DELIVERIES);
    while !store.history_prune(kept, second(1)).await.unwrap().is_empty() {}
    store.close().await;
    drop(store);
    let bytes = pages(directory.path());
    assert!(bytes < DELIVERIES * 8 * 1024 * 2 / 3, "{bytes} bytes are left");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn senders_go_on_while_history_is_removed() {
    let directory = tempfile::tempdir().unwrap();
    let store = filled(directory.path()).await;
    let day = Duration::from_hours(24);
    let kept = Retention {
        deliveries: day,
        ..Retention::default()
    };
    let late = second(0).after(2 * day);
    let pruning = async { while !store.history_prune(kept, late).await.unwrap().is_empty() {} };
    let sending = async {
        for _ in 0..200 {
            let sent = AcceptedDelivery {
                received_at: late,
                ..delivery(&webhook(1))
            };
            assert!(matches!(store.delivery_commit(sent).await, Ok(Commit::Stored(_))));
            store.refusal_record(RefusedDelivery {
                received_at: late,
                ..refusal(&webhook(1))
            });
        }
    };
    tokio::join!(pruning, sending);
    let left = store
        .delivery_page(&DeliveryFilter::default(), Seek::Newest, PageSize::MAX)
        .await
        .unwrap()
        .items;
    assert!(left.iter().all(|record| record.received_at == late));
    assert!(left.iter().map(|record| record.count).sum::<i64>() >= 200);
}
