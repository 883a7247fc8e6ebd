//! Connection poolers: session pooling works, and a pooler that shares sessions is refused by name.

use std::process::Stdio;

use hookgate_testkit::https::{Client, Http};
use hookgate_testkit::postgres::Postgres;
use serde_json::Value;

use super::pooler::Pooler;
use crate::support::node;
use crate::support::{post, run};

/// The error about a pooler that shares sessions.
const REFUSED: &str =
    "pgbouncer, or another connection pooler, is in front of PostgreSQL and shares sessions";

/// A database of its own on the shared server.
fn database() -> String {
    let url = Postgres::shared().database().unwrap();
    let name = url.rsplit('/').next().unwrap().split('?').next();
    name.unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pooler_that_gives_each_client_a_session_works() {
    let pooler = Pooler::start("pool_mode = session\ndefault_pool_size = 40");
    let directory = tempfile::tempdir().unwrap();
    let at = directory.path();
    node::lay_out(at, &pooler.url(&database()));
    let mut node = node::serve(at, "warn", Stdio::inherit(), &[]);
    let json = |arguments: &[&str]| -> Value {
        let output = run(at, arguments, "");
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        serde_json::from_slice(&output.stdout).unwrap()
    };
    let url = json(&["webhook", "create", "demo"])["url"]
        .as_str()
        .unwrap()
        .to_owned();
    let client = Client::trusting(&std::fs::read(at.join("ca.pem")).unwrap()).unwrap();
    let answer = client
        .send(Http::Two, post(&url, r#"{"title":"Disk full"}"#))
        .await
        .unwrap();
    assert_eq!(answer.status, 201, "{answer:?}");
    // The node hears of it by LISTEN, or asks: a URL that was used is refused at once.
    json(&["webhook", "revoke", "demo", "--yes"]);
    let answer = client
        .send(Http::Two, post(&url, r#"{"title":"Disk full"}"#))
        .await
        .unwrap();
    assert_eq!(answer.status, 410, "{answer:?}");
    node.kill().unwrap();
    node.wait().unwrap();
}

#[test]
fn a_pooler_that_shares_sessions_is_refused_by_name() {
    for mode in ["transaction", "statement"] {
        for sharing in [
            "",
            "default_pool_size = 1",
            "default_pool_size = 2",
            "server_round_robin = 1",
            "server_round_robin = 1\ndefault_pool_size = 2",
            "min_pool_size = 5",
            "min_pool_size = 5\nserver_round_robin = 1",
        ] {
            let pooler = Pooler::start(&format!("pool_mode = {mode}\n{sharing}"));
            let directory = tempfile::tempdir().unwrap();
            let name = database();
            node::lay_out(directory.path(), &pooler.url(&name));
            // With the connections of the first one idle in the pool, the second one finds them there.
            for command in [&["migrate"][..], &["serve"], &["webhook", "list"]] {
                let output = run(directory.path(), command, "");
                let said = String::from_utf8_lossy(&output.stderr);
                assert_eq!(
                    output.status.code(),
                    Some(5),
                    "{mode} {sharing:?} {command:?}: {said}"
                );
                assert!(said.contains(REFUSED), "{mode} {sharing:?} {command:?}: {said}");
                assert!(said.contains("pool_mode = session"), "{said}");
            }
            let tables = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'";
            assert_eq!(
                Postgres::shared().sql(&name, tables).unwrap().trim(),
                "0",
                "{mode}"
            );
        }
    }
}

#[test]
fn a_pool_that_has_one_connection_is_named() {
    let pooler = Pooler::start("pool_mode = session\ndefault_pool_size = 1");
    let directory = tempfile::tempdir().unwrap();
    node::lay_out(directory.path(), &pooler.url(&database()));
    let output = run(directory.path(), &["migrate"], "");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(5), "{said}");
    assert!(
        said.contains("the pool of pgbouncer, or of another connection pooler, is too small"),
        "{said}"
    );
}

#[test]
fn a_schema_that_a_pooler_drops_is_not_passed_over() {
    let name = database();
    Postgres::shared()
        .sql(&name, "CREATE SCHEMA hook AUTHORIZATION hookgate")
        .unwrap();
    for (settings, what) in [
        ("pool_mode = session", "unsupported startup parameter"),
        (
            "pool_mode = session\nignore_startup_parameters = options",
            "options of the URL names a search_path",
        ),
    ] {
        let pooler = Pooler::start(settings);
        let directory = tempfile::tempdir().unwrap();
        let url = format!("{}&options=-csearch_path%3Dhook", pooler.url(&name));
        node::lay_out(directory.path(), &url);
        let output = run(directory.path(), &["migrate"], "");
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(5), "{settings}: {said}");
        assert!(
            said.contains(what) && said.contains("pgbouncer"),
            "{settings}: {said}"
        );
        let tables = "SELECT count(*) FROM pg_tables WHERE schemaname IN ('public', 'hook')";
        assert_eq!(
            Postgres::shared().sql(&name, tables).unwrap().trim(),
            "0",
            "{settings}"
        );
    }
    let role = format!("ALTER ROLE hookgate IN DATABASE {name} SET search_path = hook");
    Postgres::shared().sql(&name, &role).unwrap();
    let pooler = Pooler::start("pool_mode = session\nignore_startup_parameters = options");
    let directory = tempfile::tempdir().unwrap();
    node::lay_out(directory.path(), &pooler.url(&name));
    assert!(run(directory.path(), &["migrate"], "").status.success());
    let tables = "SELECT count(*) > 0 FROM pg_tables WHERE schemaname = 'hook'";
    assert_eq!(Postgres::shared().sql(&name, tables).unwrap().trim(), "t");
}
