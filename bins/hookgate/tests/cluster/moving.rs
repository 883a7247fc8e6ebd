//! A large copy that is killed twice resumes, and ends with equal stores.

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use hookgate_testkit::postgres::Postgres;
use serde_json::Value;

use crate::scale;
use crate::support::HOOKGATE;

/// Deliveries at scale one, and at any other scale.
const FEW: usize = 20_000;
const MANY: usize = 1_000_000;
/// Interval of checking the progress of the copy.
const LOOK_EVERY: Duration = Duration::from_millis(20);

#[test]
fn a_copy_that_is_killed_twice_ends_equal() {
    let deliveries = if scale() == 1 { FEW } else { MANY };
    let scratch = tempfile::tempdir().unwrap();
    let directory = scratch.path().join("data");
    let migrated = Command::new(HOOKGATE)
        .arg("migrate")
        .arg("--data")
        .arg(&directory)
        .output();
    assert!(migrated.unwrap().status.success());
    fill(&directory.join("hookgate.db"), deliveries);
    let postgres = Postgres::shared();
    let url = postgres.database().unwrap();
    let name = url.rsplit('/').next().unwrap().split('?').next().unwrap();
    let begin = || -> Child {
        Command::new(HOOKGATE)
            .args(["db", "copy", "--json", "--to", &url, "--from"])
            .arg(format!("sqlite:{}", directory.display()))
            .stdout(Stdio::piped())
            .spawn()
            .unwrap()
    };
    let copied = || -> usize {
        let there = postgres.sql(name, "SELECT count(*) FROM deliveries");
        there.map_or(0, |count| count.trim().parse().unwrap())
    };
    for part in [3, 2] {
        let mut copy = begin();
        while copied() < deliveries / part {
            assert!(copy.try_wait().unwrap().is_none(), "it is cut off before its end");
            std::thread::sleep(LOOK_EVERY);
        }
        copy.kill().unwrap();
        copy.wait().unwrap();
    }
    assert!(copied() < deliveries);
    let output = begin().wait_with_output().unwrap();
    assert!(output.status.success());
    let tables: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(tables["tables"]["deliveries"]["rows"], deliveries);
    assert_eq!(copied(), deliveries);
    println!("{deliveries} deliveries: {}", tables["tables"]["deliveries"]);
}

/// Adds a webhook with this number of deliveries, each with an incident.
fn fill(database: &std::path::Path, deliveries: usize) {
    let statements = format!(
        "PRAGMA synchronous = OFF; BEGIN;
         INSERT INTO webhooks (id, organization, handle, name, format, state, digest, hint, issued_at, allowlist, body_bytes,
             overload, payload_logging, revision, created_at)
             VALUES (1, 1, 'hk_01m86bvqpqebq99kr51w9xyrjs', 'load', 'custom', 'active', zeroblob(32), 'wh_abcd', 1, 'any',
             262144, 'refuse', 'on', 1, 1);
         WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {deliveries})
             INSERT INTO deliveries (id, organization, webhook, received_at, source, user_agent, answer, incident, count,
                 took_us, headers, payload)
             SELECT n, 1, 1, 1700000000000000 + n, x'00000000000000000000FFFF7F000001', 'load/1', 'opened', n, 1, 250,
                 '[[\"accept\",\"*/*\"]]', CAST('{{\"title\":\"disk ' || n || ' full\",\"é\":\"it''s\"}}' AS BLOB) FROM numbers;
         INSERT INTO incidents (number, organization, webhook, title, severity, status, occurrences, opened_at, updated_at,
                 first_delivery)
             SELECT id, 1, 1, 'disk ' || id || ' full', 'SEV2', 'open', 1, received_at, received_at, id FROM deliveries;
         UPDATE counters SET next = {deliveries} + 1 WHERE name IN ('delivery', 'incident', 'usage'); COMMIT;"
    );
    let filled = Command::new("sqlite3")
        .arg(database)
        .arg(statements)
        .output()
        .unwrap();
    assert!(filled.status.success(), "{filled:?}");
}
