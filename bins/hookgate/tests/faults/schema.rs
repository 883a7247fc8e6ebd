//! Schema changes under load. A newer program may migrate the tables while older nodes serve, and a node with outdated
//! tables answers deliveries with 503 until `hookgate migrate` has run.

use std::ffi::OsStr;
use std::fs;
use std::process::Stdio;

use hookgate_testkit::postgres::Postgres;

use crate::load::Load;
use crate::site::{Node, Site};
use crate::support::node;
use crate::support::{Server, comes, run, run_as_is, sql};
use crate::target::Target;

const SENDERS: usize = 6;
/// Number of deliveries that are acknowledged or get 503 before the next step.
const STEP: usize = 50;
/// The migrations that the test reverts, newest first: the last of them changes the table of deliveries.
const TAKEN_BACK: [&str; 14] = [
    "0025_index_keys",
    "0022_incident_weight",
    "0017_digests",
    "0016_holdings",
    "0015_strangers",
    "0014_modes",
    "0013_audit",
    "0012_usage",
    "0011_timeline",
    "0010_record",
    "0009_notes",
    "0008_periods",
    "0007_addresses",
    "0006_trail",
];
/// Locks tables in the order of the nodes, as a migration does: in another order PostgreSQL would end one of the two to
/// resolve a deadlock.
const QUIET: &str = "LOCK TABLE webhooks, counters, deliveries IN ACCESS EXCLUSIVE MODE;";
/// Changes of the tables by a newer program. The tables of webhooks come first, as in every transaction of a delivery: in
/// another order PostgreSQL would end one of the two to resolve a deadlock.
const NEWER: &str = "ALTER TABLE webhooks ADD COLUMN newer TEXT; ALTER TABLE deliveries ADD COLUMN newer TEXT; \
    CREATE TABLE newer (id BIGINT PRIMARY KEY); INSERT INTO __diesel_schema_migrations (version) VALUES ('9999');";

#[tokio::test(flavor = "multi_thread")]
async fn a_newer_program_may_change_the_tables_of_a_server_that_serves() {
    let scratch = tempfile::tempdir().unwrap();
    let data = scratch.path().join("data");
    let mut server = Server::start_in(&data, "error", Stdio::inherit());
    let target = Target::demo(&server);
    let load = Load::start(&target, "t", SENDERS);
    load.acknowledges(STEP).await;
    sql(&data, &format!("BEGIN IMMEDIATE; {NEWER} COMMIT"));
    let well = target.well_again().await;
    load.acknowledges(STEP).await;
    let sent = load.end().await;
    sent.is_kept(&sql(&data, "SELECT title FROM incidents"));
    sent.answered_all();
    assert_eq!(server.signal("-TERM"), Some(0));
    println!("newer tables, SQLite: {sent}; well again after {well:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newer_program_may_change_the_tables_of_nodes_that_serve() {
    let postgres = Postgres::start().unwrap();
    let site = Site::start(&postgres, 2).await;
    let (_, path) = site.create(0, "load").await.unwrap();
    let target = Target::nodes(&site, &path);
    let load = Load::start(&target, "t", SENDERS);
    load.acknowledges(STEP).await;
    Site::sql(&postgres, &format!("BEGIN; {NEWER} COMMIT"));
    let well = target.well_again().await;
    load.acknowledges(STEP).await;
    let sent = load.end().await;
    sent.is_kept(&Site::sql(&postgres, "SELECT title FROM incidents"));
    sent.answered_all();
    assert!(site.nodes.iter().all(Node::is_running));
    println!("newer tables, 2 nodes: {sent}; well again after {well:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn older_tables_put_deliveries_off_until_they_are_migrated() {
    let scratch = tempfile::tempdir().unwrap();
    let data = scratch.path().join("data");
    let mut server = Server::start_in(&data, "off", Stdio::null());
    let target = Target::demo(&server);
    let load = Load::start(&target, "t", SENDERS);
    load.acknowledges(STEP).await;
    let older = taken_back("sqlite");
    sql(&data, &format!("BEGIN IMMEDIATE; {older} COMMIT"));
    load.is_put_off(STEP).await;
    let refused = run(&data, &["webhook", "list"], "");
    let told = String::from_utf8(refused.stderr).unwrap();
    assert!(told.contains("hookgate migrate"), "{told}");
    assert!(run(&data, &["migrate"], "").status.success());
    let well = target.well_again().await;
    load.acknowledges(STEP).await;
    let sent = load.end().await;
    sent.is_kept(&sql(&data, "SELECT title FROM incidents"));
    sent.answered_all();
    assert_eq!(server.signal("-TERM"), Some(0));
    println!("older tables, SQLite: {sent}; well again after {well:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn older_tables_put_deliveries_off_on_every_node_until_they_are_migrated() {
    let postgres = Postgres::start().unwrap();
    let site = Site::start(&postgres, 2).await;
    let (_, path) = site.create(0, "load").await.unwrap();
    let target = Target::nodes(&site, &path);
    let load = Load::start(&target, "t", SENDERS);
    load.acknowledges(STEP).await;
    let older = taken_back("postgres");
    Site::sql(&postgres, &format!("BEGIN; {QUIET} {older} COMMIT"));
    load.is_put_off(STEP).await;
    let config = site.nodes[0].directory.join(node::CONFIG);
    let migrate = [OsStr::new("migrate"), OsStr::new("--config"), config.as_os_str()];
    // A command does not wait for a database that is too busy to answer.
    comes("a migration", async || run_as_is(&migrate, "").status.success()).await;
    let well = target.well_again().await;
    load.acknowledges(STEP).await;
    let sent = load.end().await;
    sent.is_kept(&Site::sql(&postgres, "SELECT title FROM incidents"));
    sent.answered_all();
    println!("older tables, 2 nodes: {sent}; well again after {well:?}");
}

/// SQL that reverts the newest migrations.
fn taken_back(database: &str) -> String {
    let step = |name: &&str| {
        let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../../migrations");
        let down = fs::read_to_string(format!("{root}/{database}/{name}/down.sql")).unwrap();
        let version = name.split('_').next().unwrap();
        format!("{down}; DELETE FROM __diesel_schema_migrations WHERE version = '{version}';")
    };
    TAKEN_BACK.iter().map(step).collect()
}
