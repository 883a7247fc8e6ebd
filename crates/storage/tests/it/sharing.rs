//! Two programs on one directory: the server, and the command line beside it. A change that one has answered
//! holds for the other.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use hookgate_domain::{KnownUrl, Policy, UrlChange, Webhook};
use hookgate_gate::{Commit, DeliveryFilter, PageSize, Seek, Store};
use hookgate_storage::{Database, OpenMode};
use hookgate_testkit::samples::{audit, delivery, name, second, webhook};

const ROUNDS: u16 = 60;
const SENDERS: usize = 4;

fn open(directory: &tempfile::TempDir) -> Arc<Database> {
    Arc::new(Database::open(directory.path(), OpenMode::Create).expect("a store"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_sees_what_the_other_did() {
    let directory = tempfile::tempdir().unwrap();
    let (server, cli) = (open(&directory), open(&directory));
    cli.webhook_insert(webhook(1), audit()).await.unwrap();
    assert_eq!(
        server.webhook_by_handle(webhook(1).handle).await.unwrap(),
        Some(webhook(1))
    );
    let Commit::Stored(accepted) = server.delivery_commit(delivery(&webhook(1))).await.unwrap() else {
        panic!("not stored");
    };
    assert!(cli.delivery_by_id(accepted.delivery).await.unwrap().is_some());
    let edited = webhook(1).edit(name("edited"), Policy::default()).unwrap();
    cli.webhook_replace(edited.clone(), None, audit()).await.unwrap();
    assert_eq!(
        server.delivery_commit(delivery(&webhook(1))).await.unwrap(),
        Commit::Stale
    );
    let digest = edited.live_url().unwrap().digest;
    assert_eq!(
        server.url_by_digest(&digest).await.unwrap(),
        Some(KnownUrl::Live(edited))
    );
}

/// The guarantee of revocation, across processes and under load: a delivery that begins after the answer to
/// the revocation is never accepted, and none is accepted later at all.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_revocation_beside_the_server_holds_at_once() {
    let directory = tempfile::tempdir().unwrap();
    let (server, cli) = (open(&directory), open(&directory));
    for round in 1..=ROUNDS {
        let webhook = webhook(round);
        cli.webhook_insert(webhook.clone(), audit()).await.unwrap();
        let revoked = Arc::new(AtomicBool::new(false));
        let senders: Vec<_> = (0..SENDERS)
            .map(|_| tokio::spawn(send(Arc::clone(&server), webhook.clone(), Arc::clone(&revoked))))
            .collect();
        let filter = DeliveryFilter {
            webhook: Some(webhook.handle),
            ..DeliveryFilter::default()
        };
        while cli
            .delivery_page(&filter, Seek::Newest, PageSize::default())
            .await
            .unwrap()
            .items
            .is_empty()
        {
            tokio::task::yield_now().await;
        }
        let UrlChange {
            webhook: dead,
            retired,
        } = webhook.revoke(second(1)).unwrap();
        cli.webhook_replace(dead, Some(retired), audit()).await.unwrap();
        revoked.store(true, Ordering::SeqCst);
        let newest = cli
            .delivery_page(&filter, Seek::Newest, PageSize::default())
            .await
            .unwrap()
            .items[0]
            .id;
        for sender in senders {
            sender.await.unwrap();
        }
        let after = server
            .delivery_page(&filter, Seek::After(Some(newest)), PageSize::default())
            .await
            .unwrap()
            .items;
        assert_eq!(after, []);
    }
}

async fn send(server: Arc<Database>, webhook: Webhook, revoked: Arc<AtomicBool>) {
    loop {
        let must_fail = revoked.load(Ordering::SeqCst);
        match server
            .delivery_commit(delivery(&webhook))
            .await
            .expect("a store at work")
        {
            Commit::Stale => return,
            commit => assert!(!must_fail, "{commit:?}"),
        }
    }
}

/// All processes take numbers from one counter.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_writers_never_share_a_number() {
    let directory = tempfile::tempdir().unwrap();
    let stores = [open(&directory), open(&directory)];
    stores[0].webhook_insert(webhook(1), audit()).await.unwrap();
    let mut tasks = tokio::task::JoinSet::new();
    for sender in 0..8 {
        let store = Arc::clone(&stores[sender % 2]);
        tasks.spawn(async move {
            for _ in 0..50 {
                let commit = store.delivery_commit(delivery(&webhook(1))).await.unwrap();
                assert!(matches!(commit, Commit::Stored(_)), "{commit:?}");
            }
        });
    }
    tasks.join_all().await;
    let filter = DeliveryFilter::default();
    let mut records = 0;
    let mut seek = Seek::After(None);
    while let Some(last) = stores[1]
        .delivery_page(&filter, seek, PageSize::MAX)
        .await
        .unwrap()
        .items
        .last()
    {
        records = last.id.number();
        seek = Seek::After(Some(last.id));
    }
    assert_eq!(records, 400, "no number is left out and none is given twice");
}
