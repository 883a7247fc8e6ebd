//! Copies a store from one database to another and back, complete, whatever is in it.

use std::sync::atomic::{AtomicU64, Ordering};

use hookgate_domain::Policy;
use hookgate_gate::{
    AcceptedDelivery, AuditFilter, DeliveryFilter, IncidentFilter, PageSize, PeopleStore, Seek, Store,
};
use hookgate_people::Role;
use hookgate_storage::{CopyError, CopyStep, Database, OpenMode, copy_store};
use hookgate_testkit::postgres::Postgres;
use hookgate_testkit::samples::{audit, deduplicated, delivery, keyed, member, name, refusal, webhook};
use tempfile::TempDir;
use tokio::task::JoinSet;

async fn server() -> Database {
    let url = Postgres::shared().database().unwrap();
    let database = Database::connect(&url.parse().unwrap(), OpenMode::Create).await;
    database.unwrap()
}

fn file() -> (Database, TempDir) {
    let directory = tempfile::tempdir().unwrap();
    let database = Database::open(directory.path(), OpenMode::Create).unwrap();
    (database, directory)
}

/// A store with a bit of everything, and odd text.
async fn fill(store: &Database, deliveries: usize) {
    let first = webhook(1);
    store.webhook_insert(first.clone(), audit()).await.unwrap();
    store.webhook_insert(webhook(2), audit()).await.unwrap();
    let edited = webhook(2)
        .edit(name("it's, x'00' \\ \"odd\""), Policy::default())
        .unwrap();
    store
        .webhook_replace(edited.clone(), None, audit())
        .await
        .unwrap();
    let change = edited.revoke(hookgate_testkit::samples::START).unwrap();
    store
        .webhook_replace(change.webhook, Some(change.retired), audit())
        .await
        .unwrap();
    store
        .member_insert(member(1, Role::Owner), audit())
        .await
        .unwrap();
    let mut commits = JoinSet::new();
    for number in 0..deliveries {
        let odd = AcceptedDelivery {
            payload: Some(vec![0, 255, b'\'', b'"'].into()),
            ..delivery(&first)
        };
        let key = format!("a,x'{number}'");
        let (store, keyed) = (store.clone(), keyed(&first, &key, b"1"));
        commits.spawn(async move {
            store.delivery_commit(odd).await.unwrap();
            store.delivery_commit(keyed).await.unwrap();
        });
    }
    commits.join_all().await;
    store
        .delivery_commit(deduplicated(&first, "disk's \u{fffd}", "open"))
        .await
        .unwrap();
    store.refusal_record(refusal(&first));
    store.set_setting("a", "b").await.unwrap();
    store.count().await.unwrap();
}

async fn everything(store: &Database) -> String {
    let all = DeliveryFilter::default();
    let deliveries = store
        .delivery_page(&all, Seek::Newest, PageSize::MAX)
        .await
        .unwrap();
    let incidents = store
        .incident_page(IncidentFilter::default(), None, PageSize::MAX)
        .await;
    let webhooks = store.webhook_page(None, PageSize::MAX).await.unwrap();
    let trail = store
        .audit_page(&AuditFilter::default(), None, PageSize::MAX)
        .await
        .unwrap();
    format!("{deliveries:?} {:?} {webhooks:?} {trail:?}", incidents.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_moves_to_a_server_and_back() {
    let (first, _directory) = file();
    fill(&first, 20).await;
    let there = server().await;
    let copied = copy_store(&first, &there, |_| {}).await.unwrap();
    assert_eq!(copied["deliveries"].0, 42);
    assert_eq!(everything(&there).await, everything(&first).await);
    let (back, _other) = file();
    assert_eq!(copy_store(&there, &back, |_| {}).await.unwrap(), copied);
    assert_eq!(everything(&back).await, everything(&first).await);
    for store in [&there, &back] {
        // Numbers continue behind the copied ones.
        let accepted = store.delivery_commit(delivery(&webhook(1))).await.unwrap();
        assert!(format!("{accepted:?}").contains("43"), "{accepted:?}");
        store.webhook_insert(webhook(3), audit()).await.unwrap();
        let again = copy_store(&first, store, |_| {}).await;
        assert!(matches!(again, Err(CopyError::NotEmpty)), "{again:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_that_was_cut_off_goes_on() {
    let (from, _directory) = file();
    fill(&from, 3_000).await;
    let to = server().await;
    for cuts in 1..=2 {
        let steps = AtomicU64::new(0);
        let cut = std::panic::AssertUnwindSafe(copy_store(&from, &to, |step| {
            let is_delivery = matches!(
                step,
                CopyStep::Copied {
                    table: "deliveries",
                    ..
                }
            );
            assert!(
                !is_delivery || steps.fetch_add(1, Ordering::Relaxed) < cuts,
                "cut off"
            );
        }));
        let runtime = tokio::runtime::Handle::current();
        let ended = tokio::task::block_in_place(|| {
            std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| runtime.block_on(cut.0)))
        });
        assert!(ended.is_err(), "it was cut off");
    }
    let before = AtomicU64::new(0);
    let copied = copy_store(&from, &to, |step| {
        if let CopyStep::Copied {
            table: "deliveries",
            rows,
        } = step
        {
            before.store(rows, Ordering::Relaxed);
        }
    });
    assert_eq!(copied.await.unwrap()["deliveries"].0, 6_002);
    assert!(before.load(Ordering::Relaxed) < 6_002, "it did not begin anew");
    assert_eq!(everything(&to).await, everything(&from).await);
}
