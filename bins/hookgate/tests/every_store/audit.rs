//! The limits of the audit trail, and the URLs that a removed member knows.

use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use crate::support::program::{Program, data};
use crate::support::visitor::ConsoleClient;
use crate::support::{PATIENCE, Server, run, sql};

/// A viewer who signs in again and again fills the trail, and only that viewer's own entries are removed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_member_who_fills_the_trail_pushes_out_no_act_of_others() {
    const ACTS: u64 = 10;
    const SURPLUS: u64 = 150;
    let mut server = Server::start();
    let directory = server.directory().to_owned();
    for number in 1..ACTS {
        server.create(&format!("w{number}"), &[]);
    }
    server.signal("-TERM");
    let rows = "WITH RECURSIVE s (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < 400) \
        SELECT 2000000 + n, 1, 4102444800000000, 'member', 'mem_vic', 'vic', 'session.sign_in', 'mem_vic', 'password' FROM s";
    let columns = "id, organization, at, actor_kind, actor_id, actor_name, act, subject_id, subject_name";
    sql(&directory, &format!("INSERT INTO audit ({columns}) {rows}"));
    let acts = "SELECT count(*) FROM audit WHERE act <> 'session.sign_in_failed'";
    // Pretends that a million older entries exist; their rows are not needed to see which entries go.
    let known = format!("1000000 + {SURPLUS} - ({acts})");
    sql(
        &directory,
        &format!("UPDATE counters SET next = next + {known} WHERE name = 'audit_acts'"),
    );
    let _server = Server::start_in(&directory, "error", Stdio::inherit());
    let count = |act: &str| {
        let counted = sql(
            &directory,
            &format!("SELECT count(*) FROM audit WHERE act = '{act}'"),
        );
        counted.trim().parse::<u64>().unwrap()
    };
    let began = Instant::now();
    while count("session.sign_in") > 400 - SURPLUS {
        assert!(began.elapsed() < PATIENCE, "nothing is removed");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(count("webhook.create"), ACTS);
    let doctor = run(&directory, &["doctor"], "");
    let printed = String::from_utf8(doctor.stdout).unwrap();
    assert!(printed.contains("removed before two years"), "{printed}");
}

/// Failed sign-ins, which strangers can cause, far beyond the million entries that the trail keeps, after acts of members.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn failed_sign_ins_push_out_no_act() {
    const ACTS: u64 = 10;
    let mut server = Server::start();
    let directory = server.directory().to_owned();
    for number in 1..ACTS {
        server.create(&format!("w{number}"), &[]);
    }
    server.signal("-TERM");
    let rows = "WITH RECURSIVE s (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < 10500) \
        SELECT 2000000 + n, 1, 1767225600000000, 'system', 'hookgate', 'session.sign_in_failed', '', 'unknown name' FROM s";
    let columns = "id, organization, at, actor_kind, actor_name, act, subject_id, subject_name";
    sql(&directory, &format!("INSERT INTO audit ({columns}) {rows}"));
    let _server = Server::start_in(&directory, "warn", Stdio::inherit());
    let count = |act: &str| {
        let counted = sql(
            &directory,
            &format!("SELECT count(*) FROM audit WHERE act = '{act}'"),
        );
        counted.trim().parse::<u64>().unwrap()
    };
    let began = Instant::now();
    while count("session.sign_in_failed") > 10_000 {
        assert!(began.elapsed() < PATIENCE, "nothing is removed");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(count("webhook.create"), ACTS);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_removal_names_the_urls_that_the_member_saw_and_marks_them() {
    let server = Server::start();
    let made = server.json(&["member", "add", "mallory", "--role", "admin"]);
    let id = made["id"].as_str().unwrap();
    let mallory = ConsoleClient::by_link(&server, made["sign_in"].as_str().unwrap()).await;
    let form = [("name", "mallorys hook"), ("rotation_days", "90")];
    mallory.send("/webhooks", &form).await;
    let owner = ConsoleClient::sign_in(&server).await;
    let admin = Program::new(&server, "admin");
    let preview = admin.get(&format!("/api/v1/members/{id}/removal")).await;
    assert_eq!(preview["webhooks_count"], 1, "{preview}");
    assert_eq!(preview["others_unknown"], false, "{preview}");
    assert_eq!(preview["webhooks"][0]["name"], "mallorys hook");
    let handle = preview["webhooks"][0]["handle"].as_str().unwrap();
    let question = owner.send(&format!("/members/{id}/remove"), &[]).await.body;
    assert!(question.contains(&format!("/webhooks/{handle}")), "{question}");
    assert!(
        question.contains("1 webhook. These URLs keep working"),
        "{question}"
    );

    let path = format!("/api/v1/members/{id}");
    let removed = admin.call("DELETE", &path, None, &[]).await;
    let removed = data(&removed);
    assert_eq!(
        (&removed["name"], &removed["webhooks"][0]["handle"]),
        (&json!("mallory"), &json!(handle))
    );
    let marked = admin.get(&format!("/api/v1/webhooks/{handle}")).await;
    assert_eq!(marked["rotation"], "known_to_leaver", "{marked}");
    assert_eq!(marked["leaver"]["name"], "mallory");
    assert!(owner.get("/webhooks").await.contains("known to a former member"));
    let page = owner.get(&format!("/webhooks/{handle}")).await;
    assert!(page.contains("mallory was removed"), "{page}");
    assert!(page.contains(&format!("/audit?about={handle}")), "{page}");
    assert!(
        server
            .json(&["doctor"])
            .to_string()
            .contains("mallory was removed")
    );

    server.json(&["webhook", "regenerate", handle]);
    let fresh = admin.get(&format!("/api/v1/webhooks/{handle}")).await;
    assert_eq!(
        (&fresh["rotation"], &fresh["leaver"]),
        (&json!("fresh"), &Value::Null)
    );
    server.json(&["webhook", "revoke", handle, "--yes"]);
    let page = owner.get(&format!("/webhooks/{handle}")).await;
    assert!(page.contains("(command line)"), "{page}");
}
