//! Strangers displace nothing of others, on either database: here the audit trail.

use std::path::Path;
use std::sync::Arc;

use diesel::connection::SimpleConnection;
use diesel::{Connection, SqliteConnection};
use hookgate_gate::{AUDIT_FAILED_ROWS, AuditFilter, PageSize, PeopleStore, Retention, Store};
use hookgate_people::AuditAct;
use hookgate_storage::{Database, OpenMode};
use hookgate_testkit::postgres::Postgres;
use hookgate_testkit::samples::{audit_of, second};

const ACTS: usize = 10;
/// Failed sign-ins as an older version stored them, each with an entry of its own. Their numbers are far
/// behind the acts before them, as after a million entries that were removed since.
const FLOOD: &str = "INSERT INTO audit (id, organization, at, actor_kind, actor_name, act, subject_id, subject_name) \
    SELECT 2000000 + n, 1, 1767225600000000, 'system', 'hookgate', 'session.sign_in_failed', '', 'unknown name' FROM ";

async fn acts_stay(store: &Arc<Database>, flood: impl Fn(&str)) {
    for _ in 0..ACTS {
        let act = audit_of(AuditAct::WebhookRevoke, "w", second(0));
        store.audit_insert(act).await.unwrap();
    }
    flood(&format!("{FLOOD} {{}}"));
    let prune = async || {
        let retention = Retention::default();
        while store.history_prune(retention, second(1)).await.unwrap().people > 0 {}
    };
    prune().await;
    let page = async |acts: Option<AuditAct>| {
        let filter = AuditFilter {
            acts: acts.map(Into::into),
            ..AuditFilter::default()
        };
        let (mut before, mut rows) = (None, 0);
        loop {
            let page = store.audit_page(&filter, before, PageSize::MAX).await.unwrap();
            let Some(last) = page.last() else {
                return rows;
            };
            (before, rows) = (Some(last.id), rows + page.len());
        }
    };
    assert_eq!(page(Some(AuditAct::WebhookRevoke)).await, ACTS);
    let failures = page(Some(AuditAct::SessionSignInFailed)).await;
    assert_eq!(failures, usize::try_from(AUDIT_FAILED_ROWS).unwrap());
}

fn edit(directory: &Path, sql: &str) {
    let path = directory.join("hookgate.db");
    let mut connection = SqliteConnection::establish(path.to_str().unwrap()).unwrap();
    connection
        .batch_execute(&format!("PRAGMA busy_timeout = 5000; {sql}"))
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn failed_sign_ins_push_out_no_act() {
    let directory = tempfile::tempdir().unwrap();
    let store = Arc::new(Database::open(directory.path(), OpenMode::Create).unwrap());
    let series =
        "(WITH RECURSIVE s (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < 10500) SELECT n FROM s)";
    acts_stay(&store, |sql| edit(directory.path(), &sql.replace("{}", series))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn failed_sign_ins_push_out_no_act_of_a_server() {
    let server = Postgres::shared();
    let url = server.database().unwrap();
    let name = url.rsplit('/').next().unwrap().split('?').next().unwrap();
    let address = url.parse().unwrap();
    let store = Arc::new(Database::connect(&address, OpenMode::Create).await.unwrap());
    let series = "generate_series(1, 10500) AS n";
    acts_stay(&store, |sql| {
        server.sql(name, &sql.replace("{}", series)).map(drop).unwrap();
    })
    .await;
}
