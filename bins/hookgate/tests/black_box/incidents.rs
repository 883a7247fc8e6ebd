//! Incidents from opening to reopening: the timeline, its durations, late resolves and notes.

use hookgate_testkit::https::Http;
use serde_json::{Value, json};

use crate::program::{Program, code, data};
use crate::support::{Server, run};
use crate::visitor::ConsoleClient;

async fn deliver(server: &Server, body: &Value) -> Value {
    let url = server.demo_url();
    let answer = server.post(Http::One, &url, &body.to_string()).await;
    assert!(answer.status.is_success(), "{}", answer.body);
    serde_json::from_str::<Value>(&answer.body).unwrap()["data"].take()
}

fn kinds(incident: &Value) -> Vec<&str> {
    let entries = incident["timeline"].as_array().unwrap();
    entries
        .iter()
        .map(|entry| entry["kind"].as_str().unwrap())
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_timeline_tells_all_that_happened() {
    let server = Server::start();
    let operator = Program::new(&server, "operator");
    let about = |severity: &str| json!({"title": "Disk full", "dedup_key": "disk", "severity": severity});
    for severity in ["medium", "medium", "medium", "critical"] {
        deliver(&server, &about(severity)).await;
    }
    server.json(&["incidents", "acknowledge", "INC-1"]);
    let resolved = operator
        .call(
            "PATCH",
            "/api/v1/incidents/INC-1",
            Some(json!({"status": "resolved"})),
            &[],
        )
        .await;
    assert_eq!(data(&resolved)["status"], "resolved");
    let late = deliver(&server, &json!({"dedup_key": "disk", "status": "resolved"})).await;
    assert_eq!(late["incidents"], json!([{"id": "INC-1", "status": "resolved"}]));

    let incident = operator.get("/api/v1/incidents/INC-1").await;
    assert_eq!(
        kinds(&incident),
        [
            "opened",
            "updated",
            "severity",
            "acknowledged",
            "resolved",
            "resolved_late"
        ]
    );
    let timeline = incident["timeline"].as_array().unwrap();
    assert_eq!(timeline[1]["count"], 2);
    assert_eq!(
        (&timeline[2]["from"], &timeline[2]["to"]),
        (&json!("SEV2"), &json!("SEV0"))
    );
    assert_eq!(timeline[3]["actor"]["kind"], "command_line");
    assert_eq!(timeline[4]["actor"]["kind"], "token");
    assert_eq!(timeline[5]["delivery"], late["delivery_id"]);
    let summary = incident["summary"].as_str().unwrap();
    assert!(
        summary.starts_with("Resolved after ") && summary.contains("(command line)"),
        "{summary}"
    );
    assert!(incident["seconds_to_resolve"].as_u64() >= incident["seconds_to_acknowledge"].as_u64());
    assert_eq!(
        server.json(&["incidents", "show", "INC-1"])["timeline"],
        incident["timeline"]
    );

    let page = ConsoleClient::sign_in(&server)
        .await
        .get("/incidents/INC-1")
        .await;
    assert!(
        page.contains("<title>INC-1 Disk full · Hookgate</title>"),
        "{page}"
    );
    for words in [
        "Updated by 2 deliveries",
        "Severity changed from SEV2 to SEV0 by the sender",
        "The sender reported it resolved, ",
        "(token)",
    ] {
        assert!(page.contains(words), "{words} is not in {page}");
    }
    let text = run(server.directory(), &["incidents", "show", "INC-1"], "");
    let object: Value = serde_json::from_slice(&text.stdout).unwrap();
    assert_eq!(kinds(&object).len(), 6);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_note_is_masked_and_added_once() {
    let server = Server::start();
    let operator = Program::new(&server, "operator");
    deliver(&server, &json!({"title": "Disk full"})).await;
    let url = server.demo_url();
    let id = url.rsplit('/').next().unwrap();
    let piped = run(
        server.directory(),
        &["incidents", "note", "INC-1", "-"],
        &format!("Sent to {url}\r\nby cron\r\n"),
    );
    assert!(piped.status.success());
    for text in ["", " \n"] {
        let empty = run(server.directory(), &["incidents", "note", "INC-1", text], "");
        assert_eq!(empty.status.code(), Some(2));
    }
    let post = async |text: &str| {
        let body = Some(json!({"text": text}));
        operator
            .call(
                "POST",
                "/api/v1/incidents/INC-1/notes",
                body,
                &[("idempotency-key", "one")],
            )
            .await
    };
    assert_eq!(post("Once").await.status, 201);
    assert_eq!(post("Once").await.status, 200);
    assert_eq!(code(&post("Twice").await), "IDEMPOTENCY_CONFLICT");
    let long = operator
        .post(
            "/api/v1/incidents/INC-1/notes",
            json!({"text": "x".repeat(2_001)}),
        )
        .await;
    assert_eq!(
        (long.status.as_u16(), code(&long).as_str()),
        (422, "VALIDATION_ERROR")
    );

    let incident = operator.get("/api/v1/incidents/INC-1").await;
    let entries = incident["timeline"].as_array().unwrap();
    let notes: Vec<_> = entries
        .iter()
        .filter_map(|entry| entry["note"].as_str())
        .collect();
    assert_eq!(notes.len(), 2, "{notes:?}");
    assert!(
        notes[0].ends_with("\nby cron") && notes[0].contains("wh_***"),
        "{notes:?}"
    );
    assert_eq!(notes[1], "Once");
    let dump = crate::support::dump(server.directory());
    assert!(!dump.contains(id) && dump.contains("Sent to "));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reopening_is_refused_with_the_reason() {
    let server = Server::start();
    let operator = Program::new(&server, "operator");
    let patch = async |status: &str| {
        let body = Some(json!({"status": status}));
        operator.call("PATCH", "/api/v1/incidents/INC-1", body, &[]).await
    };
    let firing = json!({"title": "Disk full", "dedup_key": "disk"});
    deliver(&server, &firing).await;
    let open = patch("open").await;
    assert_eq!((open.status.as_u16(), code(&open).as_str()), (409, "CONFLICT"));
    assert!(open.body.contains("not resolved"), "{}", open.body);
    patch("resolved").await;
    deliver(&server, &firing).await;
    let taken = patch("open").await;
    assert_eq!(taken.status, 409);
    assert!(
        taken.body.contains("INC-2 is open with the same dedup key"),
        "{}",
        taken.body
    );
    server.json(&["incidents", "resolve", "INC-2"]);
    assert_eq!(data(&patch("open").await)["status"], "open");
    assert_eq!(deliver(&server, &firing).await["incident"]["id"], "INC-1");
}

/// The second of two members sees on the incident's page who acted first. The confirmation of an act is shown only while it
/// is true.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_console_says_what_is_true() {
    let server = Server::start();
    deliver(&server, &json!({"title": "Disk full"})).await;
    let person = ConsoleClient::sign_in(&server).await;
    server.json(&["incidents", "acknowledge", "INC-1"]);
    let second = person.send("/incidents/INC-1/acknowledge", &[]).await;
    let page = person.get(second.header("location")).await;
    for words in [" (command line) acknowledged this ", " ago.", "Disk full"] {
        assert!(page.contains(words), "{words} is not in {page}");
    }
    let acknowledged = "Incident acknowledged.";
    let path = "/incidents/INC-1?done=acknowledged";
    assert!(person.get(path).await.contains(acknowledged));
    person.send("/incidents/INC-1/resolve", &[]).await;
    assert!(!person.get(path).await.contains(acknowledged));
    assert!(person.get("/incidents?status=all").await.contains("Disk full"));
    let open = person.get("/incidents").await;
    assert!(!open.contains("Disk full") && open.contains("Open 0"), "{open}");
    let empty = person
        .try_to_send("/incidents/INC-1/note", &[("text", " ")])
        .await;
    assert_eq!(empty.status, 422);
    assert!(
        empty.body.contains("a note has 1 to 2,000 characters"),
        "{}",
        empty.body
    );
}
