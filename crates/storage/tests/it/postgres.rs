//! Features of a store on a PostgreSQL server alone: verified TLS, several nodes, partitions.

use std::io::Write;
use std::num::NonZeroU64;
use std::process::Stdio;
use std::time::Duration;

use hookgate_domain::{Policy, Timestamp};
use hookgate_gate::{Commit, DeliveryFilter, PageSize, Retention, Seek, Store};
use hookgate_storage::{Address, Database, OpenError, OpenMode};
use hookgate_testkit::postgres::Postgres;
use hookgate_testkit::samples::{START, audit, deduplicated, name, webhook};

async fn connect(url: &str) -> Result<Database, OpenError> {
    let address: Address = url.parse().expect("an address");
    Database::connect(&address, OpenMode::Create).await
}

/// A CA and a certificate for localhost from it, with its key; PEM.
fn certificate() -> (String, String, String) {
    let ca_key = rcgen::KeyPair::generate().unwrap();
    let mut ca = rcgen::CertificateParams::new(Vec::new()).unwrap();
    ca.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let ca_pem = ca.self_signed(&ca_key).unwrap().pem();
    let key = rcgen::KeyPair::generate().unwrap();
    let leaf = rcgen::CertificateParams::new(["localhost".to_owned()]).unwrap();
    let leaf = leaf.signed_by(&key, &rcgen::Issuer::new(ca, ca_key)).unwrap();
    (ca_pem, leaf.pem(), key.serialize_pem())
}

#[tokio::test(flavor = "multi_thread")]
async fn tls_is_checked_and_never_left_out() {
    let (ca, chain, key) = certificate();
    let server = Postgres::start_with_tls(&chain, &key).unwrap();
    let plain = server.database().unwrap();
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().join("ca.pem");
    std::fs::write(&root, ca).unwrap();
    let query = |host: &str, query: &str| {
        let (front, _) = plain.split_once('?').unwrap();
        format!("{}?{query}", front.replace("127.0.0.1", host))
    };
    let trusting = format!("sslmode=require&sslrootcert={}", root.display());
    assert!(connect(&query("localhost", &trusting)).await.is_ok());
    let verify_full = trusting.replace("require", "verify-full");
    assert!(connect(&query("localhost", &verify_full)).await.is_ok());
    for (host, query_text, why) in [
        ("127.0.0.1", trusting.as_str(), "not valid for name"),
        ("localhost", "sslmode=require", "UnknownIssuer"),
        ("localhost", "sslmode=disable", "no encryption"),
    ] {
        let error = connect(&query(host, query_text)).await.err().unwrap().to_string();
        assert!(error.contains(why), "{host} {query_text}: {error}");
        assert!(!error.contains("not-a-secret"), "{error}");
    }
    // A server without TLS is refused, not used in plain text.
    let bare = Postgres::shared()
        .database()
        .unwrap()
        .replace("disable", "require");
    assert!(connect(&bare).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_may_start_at_once_and_an_older_program_is_refused() {
    let server = Postgres::shared();
    let url = server.database().unwrap();
    let existing = Database::connect(&url.parse().unwrap(), OpenMode::Existing).await;
    assert!(matches!(existing.err(), Some(OpenError::Missing { .. })));
    let (one, two, three) = tokio::join!(connect(&url), connect(&url), connect(&url));
    assert!(one.is_ok() && two.is_ok() && three.is_ok());
    let database = url.rsplit('/').next().unwrap().split('?').next().unwrap();
    let newer = "INSERT INTO __diesel_schema_migrations (version) VALUES ('9999')";
    server.sql(database, newer).unwrap();
    assert!(matches!(
        connect(&url).await.err(),
        Some(OpenError::TooNew { .. })
    ));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_hears_of_changes_by_another() {
    let url = Postgres::shared().database().unwrap();
    let (one, two) = (connect(&url).await.unwrap(), connect(&url).await.unwrap());
    let mut changed = two.changed_urls();
    one.webhook_insert(webhook(1), audit()).await.unwrap();
    let heard = async {
        // The channel may not be open yet, so the change is repeated.
        let mut now = webhook(1);
        loop {
            now = now.edit(name("changed"), Policy::default()).unwrap();
            one.webhook_replace(now.clone(), None, audit()).await.unwrap();
            let word = tokio::time::timeout(Duration::from_millis(200), changed.recv()).await;
            if let Ok(digest) = word {
                return digest.unwrap();
            }
        }
    };
    let heard = tokio::time::timeout(Duration::from_mins(1), heard).await.unwrap();
    let url = one.url_by_digest(&heard).await.unwrap();
    assert!(url.is_some(), "it names a URL");
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_are_made_ahead_and_go_when_they_are_too_large() {
    let server = Postgres::shared();
    let url = server.database().unwrap();
    let name = url.rsplit('/').next().unwrap().split('?').next().unwrap();
    let store = connect(&url).await.unwrap();
    store.webhook_insert(webhook(1), audit()).await.unwrap();
    let tables = || {
        let query =
            "SELECT inhrelid::regclass FROM pg_inherits WHERE inhparent = 'deliveries'::regclass ORDER BY 1";
        server.sql(name, query).unwrap().replace('\n', " ")
    };
    let commit = async || match store
        .delivery_commit(deduplicated(&webhook(1), "none", "resolved"))
        .await
        .unwrap()
    {
        Commit::Stored(accepted) => accepted.delivery,
        other => panic!("{other:?}"),
    };
    commit().await;
    assert_eq!(tables().trim(), "deliveries_0 deliveries_1");
    let now: Timestamp = START;
    // More than one part of the budget, and less than the whole: numbers go on in the next partition.
    let part = Retention {
        bytes: NonZeroU64::new(1_000_000).unwrap(),
        ..Retention::default()
    };
    store.history_prune(part, now).await.unwrap();
    let next = commit().await;
    assert!(next.number() >= 1 << 33, "{next:?}");
    store.history_prune(Retention::default(), now).await.unwrap();
    assert_eq!(tables().trim(), "deliveries_0 deliveries_1 deliveries_2");
    let page = async || {
        let all = DeliveryFilter::default();
        let page = store.delivery_page(&all, Seek::Newest, PageSize::MAX).await;
        page.unwrap().items.len()
    };
    assert_eq!(page().await, 2);
    let tight = Retention {
        bytes: NonZeroU64::MIN,
        ..Retention::default()
    };
    assert_eq!(store.history_prune(tight, now).await.unwrap().deliveries, 1);
    assert_eq!(page().await, 1, "the oldest went first");
    // An empty partition is dropped once nothing in it can be too young, after the rest of the one before.
    while !store
        .history_prune(Retention::default(), now)
        .await
        .unwrap()
        .is_empty()
    {}
    assert_eq!(tables().trim(), "deliveries_1 deliveries_2");
}

/// A commit locks its webhooks and then writes. Migrations that alter the tables in another order wait for
/// its end.
#[tokio::test(flavor = "multi_thread")]
async fn a_migration_waits_for_a_commit_instead_of_deadlocking_with_it() {
    const BACK: &str = concat!(
        include_str!("../../../../migrations/postgres/0016_holdings/down.sql"),
        include_str!("../../../../migrations/postgres/0015_strangers/down.sql"),
        include_str!("../../../../migrations/postgres/0009_notes/down.sql"),
        include_str!("../../../../migrations/postgres/0007_addresses/down.sql"),
        include_str!("../../../../migrations/postgres/0006_trail/down.sql"),
        "DELETE FROM __diesel_schema_migrations WHERE version IN ('0006', '0007', '0008', '0009', '0015', '0016');"
    );
    let server = Postgres::shared();
    let url = server.database().unwrap();
    let database = url.rsplit('/').next().unwrap().split('?').next().unwrap();
    drop(connect(&url).await.unwrap());
    server.sql(database, BACK).unwrap();

    let mut commit = server.session(database).stdin(Stdio::piped()).spawn().unwrap();
    let mut statements = commit.stdin.take().unwrap();
    statements
        .write_all(b"BEGIN; SELECT id FROM webhooks FOR SHARE;\n")
        .unwrap();
    let locks = |granted: &str| {
        let query = format!(
            "SELECT count(*) FROM pg_locks JOIN pg_database ON pg_database.oid = database \
             WHERE datname = current_database() AND relation = 'webhooks'::regclass \
             AND mode <> 'AccessShareLock' AND {granted}"
        );
        server.sql(database, &query).unwrap().trim() == "1"
    };
    until(|| locks("granted")).await;
    let migrating = tokio::spawn({
        let url = url.clone();
        async move { connect(&url).await.map(drop) }
    });
    until(|| locks("NOT granted")).await;
    statements
        .write_all(b"LOCK TABLE deliveries IN ROW EXCLUSIVE MODE; COMMIT;\n")
        .unwrap();
    drop(statements);
    assert!(commit.wait().unwrap().success());
    migrating.await.unwrap().unwrap();
}

/// Waits until the condition holds.
async fn until(is_so: impl Fn() -> bool) {
    let waiting = async {
        while !is_so() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let waited = tokio::time::timeout(Duration::from_secs(30), waiting).await;
    waited.expect("it comes to that");
}
