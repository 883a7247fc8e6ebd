//! The history of a webhook over several periods of an embedded store, some of them without any record of it.

use std::path::Path;

use diesel::connection::SimpleConnection;
use diesel::{Connection, SqliteConnection};
use hookgate_domain::DeliveryId;
use hookgate_gate::{
    AcceptedDelivery, Commit, DeliveryFilter, Outcome, PageSize, RefusedDelivery, Retention, Seek, Store,
};
use hookgate_storage::{Database, OpenMode};
use hookgate_testkit::samples::{audit, delivery, refusal, second, webhook};

/// Numbers in a period.
const PERIOD: i64 = 1 << 16;

fn edit(directory: &Path, sql: &str) {
    let path = directory.join("hookgate.db");
    let mut connection = SqliteConnection::establish(path.to_str().expect("UTF-8")).expect("a database");
    connection
        .batch_execute(&format!("PRAGMA busy_timeout = 5000; {sql}"))
        .expect("a statement");
}

/// Deliveries to one webhook in the first, the third and the sixth period, each time two accepted and a refused one, and one
/// to another webhook in the fourth.
async fn scattered(directory: &Path) -> (Database, Vec<DeliveryId>) {
    let store = Database::open(directory, OpenMode::Create).expect("a store");
    for number in [1, 2, 3] {
        store
            .webhook_insert(webhook(number), audit())
            .await
            .expect("a webhook");
    }
    let mut ids = Vec::new();
    for (period, number) in [(0, 1), (2, 1), (3, 2), (5, 1)] {
        let next = (period * PERIOD).max(1);
        edit(
            directory,
            &format!("UPDATE counters SET next = {next} WHERE name = 'delivery'"),
        );
        let webhook = webhook(number);
        let (received_at, deliveries) = (second(period), if number == 1 { 2 } else { 1 });
        for _ in 0..deliveries {
            let sent = AcceptedDelivery {
                received_at,
                ..delivery(&webhook)
            };
            let Ok(Commit::Stored(stored)) = store.delivery_commit(sent).await else {
                panic!("not stored");
            };
            if number == 1 {
                ids.push(stored.delivery);
            }
        }
        if number == 1 {
            store.refusal_record(RefusedDelivery {
                received_at,
                ..refusal(&webhook)
            });
            store.count().await.expect("the refusal is on the record");
            ids.extend(DeliveryId::from_number(next + deliveries));
        }
    }
    ids.reverse();
    (store, ids)
}

async fn page(store: &Database, filter: &DeliveryFilter, seek: Seek, rows: u16) -> Vec<DeliveryId> {
    let size = PageSize::new(rows).expect("rows");
    let page = store.delivery_page(filter, seek, size).await.expect("a page");
    page.items.iter().map(|record| record.id).collect()
}

#[tokio::test]
async fn pages_go_on_from_period_to_period() {
    let directory = tempfile::tempdir().unwrap();
    let (store, ids) = scattered(directory.path()).await;
    assert_eq!(ids.len(), 9);
    let of_webhook = DeliveryFilter {
        webhook: Some(webhook(1).handle),
        ..DeliveryFilter::default()
    };
    let upwards: Vec<_> = ids.iter().rev().copied().collect();
    for rows in 1..=10 {
        let (mut back, mut forward) = (Vec::new(), Vec::new());
        let (mut seek, mut ahead) = (Seek::Newest, Seek::After(None));
        while let Some(last) = {
            let some = page(&store, &of_webhook, seek, rows).await;
            back.extend(&some);
            some.last().copied()
        } {
            seek = Seek::Before(last);
        }
        while let Some(last) = {
            let some = page(&store, &of_webhook, ahead, rows).await;
            forward.extend(&some);
            some.last().copied()
        } {
            ahead = Seek::After(Some(last));
        }
        assert_eq!((&back, &forward), (&ids, &upwards), "{rows} rows");
    }
    let refused = DeliveryFilter {
        outcome: Some(Outcome::Refused),
        ..of_webhook.clone()
    };
    assert_eq!(
        page(&store, &refused, Seek::Newest, 50).await,
        [ids[0], ids[3], ids[6]]
    );
    let accepted = DeliveryFilter {
        outcome: Some(Outcome::Accepted),
        ..of_webhook.clone()
    };
    assert_eq!(
        page(&store, &accepted, Seek::Newest, 3).await,
        [ids[1], ids[2], ids[4]]
    );
    let silent = DeliveryFilter {
        webhook: Some(webhook(3).handle),
        ..DeliveryFilter::default()
    };
    assert_eq!(page(&store, &silent, Seek::Newest, 50).await, []);
    assert_eq!(page(&store, &silent, Seek::After(None), 50).await, []);
}

#[tokio::test]
async fn the_last_delivery_of_each_webhook_is_found_wherever_it_lies() {
    let directory = tempfile::tempdir().unwrap();
    let (store, _) = scattered(directory.path()).await;
    let handles = [webhook(2).handle, webhook(3).handle, webhook(1).handle];
    let usage = store.usage_many(&handles, second(6)).await.unwrap();
    let last: Vec<_> = usage
        .iter()
        .map(|usage| usage.last.as_ref().map(|last| last.at))
        .collect();
    assert_eq!(last, [Some(second(3)), None, Some(second(5))]);
}

#[tokio::test]
async fn retention_takes_whole_periods_away() {
    let directory = tempfile::tempdir().unwrap();
    let (store, ids) = scattered(directory.path()).await;
    let kept = Retention {
        deliveries: std::time::Duration::from_secs(2),
        ..Retention::default()
    };
    while !store.history_prune(kept, second(6)).await.unwrap().is_empty() {}
    let all = DeliveryFilter::default();
    assert_eq!(page(&store, &all, Seek::Newest, 50).await, ids[..3]);
    let of_webhook = DeliveryFilter {
        webhook: Some(webhook(1).handle),
        ..all
    };
    assert_eq!(
        page(&store, &of_webhook, Seek::After(None), 2).await,
        [ids[2], ids[1]]
    );
}
