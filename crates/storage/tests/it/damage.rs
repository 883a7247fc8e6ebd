//! Rows that are no valid domain values: the error names the place and not the content, and other requests
//! are not affected.

use std::path::Path;

use diesel::connection::SimpleConnection;
use diesel::{Connection, SqliteConnection};
use hookgate_domain::IncidentNumber;
use hookgate_gate::{Commit, DeliveryFilter, IncidentAction, PageSize, SearchStore, Seek, Store, StoreError};
use hookgate_storage::{Database, OpenMode};
use hookgate_testkit::samples::{actor_context, audit, deduplicated, delivery, keyed, second, webhook};

fn edit(directory: &Path, sql: &str) {
    let path = directory.join("hookgate.db");
    let mut connection = SqliteConnection::establish(path.to_str().expect("UTF-8")).expect("a database");
    connection
        .batch_execute("PRAGMA busy_timeout = 5000")
        .expect("a pragma");
    connection.batch_execute(sql).expect("a statement");
}

fn place<T>(result: Result<T, StoreError>) -> String {
    match result {
        Err(StoreError::Corrupt { what }) => what,
        Err(error) => panic!("{error}"),
        Ok(_) => panic!("read in spite of the damage"),
    }
}

async fn store(directory: &Path) -> Database {
    let store = Database::open(directory, OpenMode::Create).expect("a store");
    store
        .webhook_insert(webhook(1), audit())
        .await
        .expect("a webhook");
    store
        .webhook_insert(webhook(2), audit())
        .await
        .expect("a webhook");
    store
}

#[tokio::test]
async fn a_damaged_webhook_is_named_and_not_shown() {
    let directory = tempfile::tempdir().unwrap();
    let store = store(directory.path()).await;
    let handle = webhook(1).handle;
    let damages = [
        ("name", "''"),
        ("format", "'SECRET'"),
        ("state", "'SECRET'"),
        ("allowlist", "'SECRET'"),
        ("body_bytes", "-7"),
        ("per_minute", "0"),
        ("overload", "'SECRET'"),
        ("payload_logging", "'SECRET'"),
        ("rotation_days", "70000"),
        ("hint", "'SECRET'"),
        ("issued_at", "NULL"),
        ("organization", "0"),
    ];
    edit(directory.path(), "CREATE TABLE saved AS SELECT * FROM webhooks");
    for (column, value) in damages {
        edit(
            directory.path(),
            &format!(
                "PRAGMA foreign_keys = OFF; UPDATE webhooks SET {column} = {value} WHERE handle = '{handle}'"
            ),
        );
        let what = place(store.webhook_by_handle(handle).await);
        assert_eq!(what, format!("webhooks, row {handle}, column {column}"));
        assert_eq!(place(store.webhook_page(None, PageSize::default()).await), what);
        // A search of webhooks by name reads no allowlist, which may be long.
        let is_of_label = ["name", "hint"].contains(&column);
        let labels = store.webhook_labels(None, PageSize::default()).await;
        assert_eq!(labels.is_err(), is_of_label, "{column}");
        assert!(
            store
                .webhook_by_handle(webhook(2).handle)
                .await
                .unwrap()
                .is_some()
        );
        edit(
            directory.path(),
            &format!(
                "UPDATE webhooks SET {column} = (SELECT {column} FROM saved WHERE saved.id = webhooks.id)"
            ),
        );
    }
    assert_eq!(store.webhook_by_handle(handle).await.unwrap(), Some(webhook(1)));
}

#[tokio::test]
async fn damaged_history_is_named_and_not_shown() {
    let directory = tempfile::tempdir().unwrap();
    let store = store(directory.path()).await;
    let Commit::Stored(accepted) = store.delivery_commit(delivery(&webhook(1))).await.unwrap() else {
        panic!("not stored");
    };
    for (column, value) in [("source", "x'00'"), ("answer", "'SECRET'"), ("incident", "0")] {
        edit(
            directory.path(),
            &format!(
                "CREATE TABLE saved AS SELECT * FROM deliveries; UPDATE deliveries SET {column} = {value}"
            ),
        );
        assert_eq!(
            place(store.delivery_by_id(accepted.delivery).await),
            format!("deliveries, row 1, column {column}")
        );
        let page = store
            .delivery_page(&DeliveryFilter::default(), Seek::Newest, PageSize::default())
            .await;
        assert_eq!(place(page), format!("deliveries, row 1, column {column}"));
        edit(
            directory.path(),
            &format!("UPDATE deliveries SET {column} = (SELECT {column} FROM saved); DROP TABLE saved"),
        );
    }
    for (column, value) in [("severity", "'SECRET'"), ("metadata", "'[SECRET'")] {
        edit(
            directory.path(),
            &format!("UPDATE incidents SET {column} = {value}"),
        );
        assert_eq!(
            place(store.incident_by_number(accepted.incidents[0].number).await),
            format!("incidents, row 1, column {column}")
        );
        let acted = store
            .incident_act(
                accepted.incidents[0].number,
                IncidentAction::Resolve,
                actor_context(),
                second(1),
            )
            .await;
        assert_eq!(place(acted), format!("incidents, row 1, column {column}"));
        edit(
            directory.path(),
            "UPDATE incidents SET severity = 'SEV2', metadata = NULL",
        );
    }
}

/// In one batch: the corrupt incident fails its delivery, and the others are stored.
#[tokio::test]
async fn damage_fails_the_delivery_that_meets_it_and_no_other() {
    let directory = tempfile::tempdir().unwrap();
    let store = store(directory.path()).await;
    store
        .delivery_commit(deduplicated(&webhook(1), "disk", "open"))
        .await
        .unwrap();
    store
        .delivery_commit(keyed(&webhook(1), "a", b"1"))
        .await
        .unwrap();
    edit(
        directory.path(),
        "UPDATE incidents SET severity = 'x' WHERE number = 1; UPDATE idempotency_keys SET status = 'x'",
    );
    for _ in 0..20 {
        let (before, incident, key, after) = tokio::join!(
            store.delivery_commit(delivery(&webhook(1))),
            store.delivery_commit(deduplicated(&webhook(1), "disk", "open")),
            store.delivery_commit(keyed(&webhook(1), "a", b"1")),
            store.delivery_commit(delivery(&webhook(2))),
        );
        assert!(matches!(
            (before, after),
            (Ok(Commit::Stored(_)), Ok(Commit::Stored(_)))
        ));
        assert_eq!(place(incident), "incidents, row 1, column severity");
        assert_eq!(place(key), "idempotency_keys, row 2, column status");
    }
    assert!(
        store
            .incident_by_number(IncidentNumber::new(42).unwrap())
            .await
            .unwrap()
            .is_some()
    );
}
