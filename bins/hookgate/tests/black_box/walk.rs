//! The first steps of a new user and of a security engineer, with curl: the product's promises, in order.

use std::process::Command;

use serde_json::{Value, json};

use crate::support::{Server, plain_tcp};

/// Runs curl with a payload; returns status and body.
fn curl(server: &Server, url: &str, payload: &Value) -> (u16, String) {
    let output = Command::new("curl")
        .args([
            "--silent",
            "--show-error",
            "--cacert",
            server.ready["ca"].as_str().unwrap(),
            "--write-out",
            "\n%{http_code}",
        ])
        .args([
            "--header",
            "content-type: application/json",
            "--data",
            &payload.to_string(),
            url,
        ])
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let (body, status) = text
        .rsplit_once('\n')
        .unwrap_or_else(|| panic!("{}", String::from_utf8_lossy(&output.stderr)));
    (status.parse().unwrap(), body.to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn from_the_first_delivery_to_revocation() {
    let server = Server::start();
    let payload = json!({"title": "Disk full on db1"});
    let (status, body) = curl(&server, &server.demo_url(), &payload);
    assert_eq!(status, 201);
    assert!(
        body.contains(r#""incident":{"id":"INC-1","status":"open"}"#),
        "{body}"
    );

    let allowed = server.create("allowed", &["--allow", "127.0.0.0/8, ::1"]);
    let elsewhere = server.create("elsewhere", &["--allow", "192.0.2.1"]);
    assert_eq!(curl(&server, &allowed, &payload).0, 201);
    let (status, body) = curl(&server, &elsewhere, &payload);
    assert_eq!((status, body.contains("\"IP_NOT_ALLOWED\"")), (403, true));
    // A refusal is recorded shortly after its answer, so its place is known before the next delivery.
    server.deliveries(|items| items.len() == 3).await;
    let incidents = server.json(&["incidents", "list"]);
    assert_eq!(
        incidents["items"].as_array().unwrap().len(),
        2,
        "two webhooks, the same payload, two incidents"
    );

    let new = server.json(&["webhook", "regenerate", "allowed"])["url"]
        .as_str()
        .unwrap()
        .to_owned();
    let (status, body) = curl(&server, &allowed, &payload);
    assert_eq!((status, body.contains("\"WEBHOOK_REVOKED\"")), (410, true));
    server.deliveries(|items| items.len() == 4).await;
    assert_eq!(curl(&server, &new, &payload).0, 201);

    server.json(&["webhook", "revoke", "allowed", "--yes"]);
    let revoked =
        r#"{"success":false,"error":{"code":"WEBHOOK_REVOKED","message":"Webhook has been revoked"}}"#;
    assert_eq!(curl(&server, &new, &payload), (410, revoked.to_owned()));
    server.deliveries(|items| items.len() == 6).await;

    let path = server.demo_url()[server.ready["gate"].as_str().unwrap().len()..].to_owned();
    let plain = plain_tcp(
        server.address(),
        format!("POST {path} HTTP/1.1\r\nhost: localhost\r\nuser-agent: p/1\r\n\r\n").as_bytes(),
    );
    assert!(plain.contains("403") && plain.contains("HTTPS_REQUIRED"));

    let items = server.deliveries(|items| items.len() >= 7).await;
    let seen: Vec<(u64, &str)> = items
        .iter()
        .rev()
        .map(|item| {
            (
                item["status"].as_u64().unwrap(),
                item["code"].as_str().unwrap_or("-"),
            )
        })
        .collect();
    assert_eq!(
        seen,
        [
            (201, "-"),
            (201, "-"),
            (403, "IP_NOT_ALLOWED"),
            (410, "WEBHOOK_REVOKED"),
            (201, "-"),
            (410, "WEBHOOK_REVOKED"),
            (403, "HTTPS_REQUIRED"),
        ]
    );
    for item in &items {
        assert_eq!(item["source"], "127.0.0.1");
        assert!(item["received_at"].as_str().unwrap().ends_with('Z') && item["count"] == 1);
        let accepted = item["outcome"] == "accepted";
        assert_eq!(
            item["payload"],
            if accepted { payload.clone() } else { Value::Null }
        );
        assert!(
            item["user_agent"]
                .as_str()
                .unwrap()
                .starts_with(if item["code"] == "HTTPS_REQUIRED" {
                    "p/1"
                } else {
                    "curl/"
                })
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_printed_command_works_as_pasted() {
    let scratch = tempfile::tempdir().unwrap();
    let [here, elsewhere] = ["Ada's place", "elsewhere"].map(|name| scratch.path().join(name));
    for directory in [&here, &elsewhere] {
        std::fs::create_dir(directory).unwrap();
    }
    let mut child = Command::new(crate::support::HOOKGATE)
        .args(["dev", "--gate", "127.0.0.1:0"])
        .current_dir(&here)
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = std::io::BufRead::lines(std::io::BufReader::new(child.stdout.take().unwrap()));
    let mut command = String::new();
    for line in lines.by_ref() {
        let line = line.unwrap();
        if line.contains("curl --cacert") || command.ends_with('\\') {
            command = format!("{}{line}", command.trim_end_matches('\\'));
        }
        if line.starts_with("Waiting") {
            break;
        }
    }
    let pasted = Command::new("sh")
        .args(["-c", &command])
        .current_dir(&elsewhere)
        .output()
        .unwrap();
    let answer = String::from_utf8(pasted.stdout).unwrap();
    let shown = lines.next().unwrap().unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(answer.contains("INC-1"), "{command}: {answer}");
    for part in ["201", "demo", "127.0.0.1", "curl/", "INC-1"] {
        assert!(shown.contains(part), "{part} is not in {shown}");
    }
}
