//! Queries of the audit trail by people and scripts: by name, kind and time, in pages, from the API and on the command line;
//! and its export.

use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use super::program::{Program, code, data};
use super::support::{Server, run, sql};
use super::visitor::ConsoleClient;

fn items(page: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let items = page["items"].as_array().unwrap().iter();
    items
        .map(|entry| (text(&entry["actor"]["name"]), text(&entry["act"])))
        .collect()
}

/// A server with an admin, Mallory, who created a webhook and was removed.
async fn with_mallory() -> Server {
    let server = Server::start();
    let made = server.json(&["member", "add", "Mallory@example.org", "--role", "admin"]);
    let visitor = ConsoleClient::by_link(&server, made["sign_in"].as_str().unwrap()).await;
    let form = [("name", "mallorys hook"), ("rotation_days", "90")];
    visitor.send("/webhooks", &form).await;
    server.json(&["member", "remove", "Mallory@example.org"]);
    server
}

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
        assert!(began.elapsed() < Duration::from_secs(20), "nothing is removed");
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
        assert!(began.elapsed() < Duration::from_secs(20), "nothing is removed");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(count("webhook.create"), ACTS);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_removed_member_is_found_by_name() {
    let server = with_mallory().await;
    let owner = ConsoleClient::sign_in(&server).await;
    let page = owner.get("/audit").await;
    assert!(page.contains("value=\"member:Mallory@example.org\""), "{page}");
    assert!(page.contains("(command line)"), "{page}");
    for who in [
        "Mallory@example.org",
        "mallory%40EXAMPLE.org",
        "member:Mallory@example.org",
    ] {
        let page = owner.get(&format!("/audit?who={who}&what=webhook")).await;
        let rows = page.split("<tbody>").nth(1).unwrap();
        assert!(
            rows.contains("webhook.create") && rows.contains("mallorys hook"),
            "{rows}"
        );
        assert!(!rows.contains("session.sign_in"), "{rows}");
    }
    let admin = Program::new(&server, "admin");
    let made = [("Mallory@example.org".to_owned(), "webhook.create".to_owned())];
    let page = admin
        .get("/api/v1/audit?actor=mallory@example.org&act=webhook")
        .await;
    assert_eq!(items(&page), made);
    let page = admin.get("/api/v1/audit?actor=command-line&act=member").await;
    let acts: Vec<_> = items(&page).into_iter().map(|(_, act)| act).collect();
    assert_eq!(acts, ["member.remove", "member.add"]);
    let list = [
        "audit",
        "list",
        "--actor",
        "MALLORY@example.org",
        "--act",
        "webhook.create",
    ];
    assert_eq!(items(&server.json(&list)), made);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn times_have_a_beginning_and_an_end() {
    let server = with_mallory().await;
    let admin = Program::new(&server, "admin");
    let all = admin.get("/api/v1/audit").await;
    let newest = all["items"][0]["at"].as_str().unwrap();
    let since = admin.get(&format!("/api/v1/audit?from={newest}")).await;
    assert_eq!(items(&since), items(&all)[..1]);
    let until = admin.get(&format!("/api/v1/audit?to={newest}")).await;
    assert_eq!(items(&until), items(&all)[1..]);
    let owner = ConsoleClient::sign_in(&server).await;
    let page = owner
        .get("/audit?from=2020-01-01T00:00&to=2020-02-01T00:00")
        .await;
    assert!(page.contains("No matching events."), "{page}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_filter_that_stands_for_nothing_is_told_with_what_it_could_be() {
    let server = with_mallory().await;
    let owner = ConsoleClient::sign_in(&server).await;
    for (query, said) in [
        ("what=webhok", "address_set, incident"),
        ("who=nobody", "command-line, system"),
        ("about=nothing+such", "INC-1"),
        ("from=yesterday", "RFC 3339"),
        (
            "from=2026-01-02T00:00&to=2026-01-01T00:00",
            "the end is not after the beginning",
        ),
    ] {
        let page = owner.get(&format!("/audit?{query}")).await;
        assert!(page.contains(said), "{query}: {page}");
        assert!(!page.contains("No matching events."), "{query}: {page}");
    }
    let admin = Program::new(&server, "admin");
    for query in [
        "act=webhok",
        "actor=nobody",
        "subject=nothing+such",
        "from=2026-01-02&to=2026-01-02",
    ] {
        let answer = admin
            .call("GET", &format!("/api/v1/audit?{query}"), None, &[])
            .await;
        assert_eq!(
            (answer.status.as_u16(), code(&answer).as_str()),
            (422, "VALIDATION_ERROR"),
            "{query}"
        );
    }
    let data = server.directory();
    assert_eq!(
        run(data, &["audit", "list", "--actor", "nobody"], "")
            .status
            .code(),
        Some(3)
    );
    assert_eq!(
        run(data, &["audit", "list", "--act", "webhok"], "").status.code(),
        Some(2)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_trail_is_exported_and_the_export_is_on_it() {
    let server = with_mallory().await;
    let admin = Program::new(&server, "admin");
    let owner = ConsoleClient::sign_in(&server).await;
    let filter = "act=webhook&actor=Mallory@example.org";
    let answer = admin
        .call("GET", &format!("/api/v1/audit/export?{filter}"), None, &[])
        .await;
    assert_eq!(answer.header("content-type"), "text/csv; charset=utf-8");
    assert!(answer.body.starts_with("id,at,actor_kind,"), "{}", answer.body);
    assert_eq!(answer.body.lines().count(), 2, "{}", answer.body);
    let page = owner
        .get("/audit/export?what=webhook&who=Mallory@example.org&format=ndjson")
        .await;
    let entry: Value = serde_json::from_str(page.trim()).unwrap();
    assert_eq!(entry["act"], "webhook.create");
    assert!(
        entry["change"].as_str().unwrap().contains("allowlist: any"),
        "{entry}"
    );
    let export = [
        "audit",
        "export",
        "--act",
        "webhook",
        "--actor",
        "Mallory@example.org",
        "--format",
        "ndjson",
    ];
    let printed = run(server.directory(), &export, "");
    assert!(printed.status.success(), "{printed:?}");
    assert_eq!(String::from_utf8(printed.stdout).unwrap(), page);
    let trail = admin.get("/api/v1/audit?act=audit").await;
    let actors: Vec<_> = items(&trail).into_iter().map(|(name, _)| name).collect();
    assert_eq!(
        (actors.len(), actors[1].as_str(), actors[2].as_str()),
        (3, "owner", "admin-tests")
    );
    let asked = json!({"act": "webhook", "actor": "Mallory@example.org", "format": "csv"});
    assert_eq!(trail["items"][2]["after"], asked);
    let operator = Program::new(&server, "operator");
    assert_eq!(
        operator
            .call("GET", "/api/v1/audit/export", None, &[])
            .await
            .status,
        403
    );
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
