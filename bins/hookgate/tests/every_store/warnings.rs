//! Warnings before a list refuses deliveries, or opens the gate to everybody.

use std::process::Command;

use hookgate_testkit::https::Http;
use serde_json::json;

use crate::every_store::addresses::said;
use crate::support::publisher::Publisher;
use crate::support::{HOOKGATE, Server};

const ALERT: &str = r#"{"title":"Disk full"}"#;

#[tokio::test]
async fn what_is_wide_in_a_set_is_warned_of() {
    let server = Server::start();
    server.json(&["addresses", "create", "office", "--network", "192.0.2.0/24"]);
    let wide = [
        "addresses",
        "edit",
        "office",
        "--network",
        "192.0.2.0/24, 0.0.0.0/0, 172.0.0.0/8",
    ];
    let warnings = server.json(&wide)["warnings"].to_string();
    for wrong in [
        "0.0.0.0/0 allows every IPv4 address",
        "172.0.0.0/8 contains private addresses",
    ] {
        assert!(warnings.contains(wrong), "{warnings}");
        let doctor = server.json(&["doctor"]).to_string();
        assert!(doctor.contains(wrong), "{doctor}");
    }
}

#[tokio::test]
async fn a_webhook_that_observes_marks_and_refuses_nothing() {
    let server = Server::start();
    let hook = server.create("hook", &["--allow", "192.0.2.1", "--allowlist-mode", "observe"]);
    assert_eq!(server.post(Http::One, &hook, ALERT).await.status, 201);
    let records = server.deliveries(|items| items.len() == 1).await;
    assert_eq!(
        (&records[0]["outcome"], &records[0]["would_be_refused"]),
        (&json!("accepted"), &json!(true))
    );
    // The effect of the same list after it is enforced.
    let preview = server.json(&["webhook", "preview", "hook", "--allow", "192.0.2.1"]);
    assert_eq!(preview["would_stop"], json!({"senders": 1, "deliveries": 1}));
    server.json(&["webhook", "allow", "hook", "127.0.0.1 # found in the log"]);
    assert_eq!(server.post(Http::One, &hook, ALERT).await.status, 201);
    let records = server.deliveries(|items| items.len() == 2).await;
    assert_eq!(records[0]["would_be_refused"], false);
    server.json(&[
        "webhook",
        "edit",
        "hook",
        "--allowlist-mode",
        "enforce",
        "--allow",
        "192.0.2.1",
    ]);
    assert_eq!(server.post(Http::One, &hook, ALERT).await.status, 403);
}

#[tokio::test]
async fn an_entry_ends_when_it_says() {
    let server = Server::start();
    let hook = server.create("hook", &["--allow", "127.0.0.1 until 2020-01-01 # long ago"]);
    assert_eq!(server.post(Http::One, &hook, ALERT).await.status, 403);
    server.json(&["webhook", "allow", "hook", "127.0.0.1 until 2200-01-01"]);
    assert_eq!(server.post(Http::One, &hook, ALERT).await.status, 201);
    let doctor = server.json(&["doctor"]);
    assert!(
        doctor
            .to_string()
            .contains("127.0.0.1/32 contains private addresses"),
        "{doctor}"
    );
}

#[tokio::test]
async fn a_set_that_holds_everybody_is_no_set_of_proxies() {
    let directory = tempfile::tempdir().unwrap();
    let config = directory.path().join("hookgate.toml");
    let text = "public_url = \"https://localhost\"\n[store]\nurl = \"sqlite:data\"\n\
                [gate]\nlisten = \"127.0.0.1:0\"\ncertificate = \"gate.pem\"\nkey = \"gate.key\"\n\
                trusted_proxies = \"@front\"\nforwarded = \"x-forwarded-for\"\n[console]\nlisten = \"127.0.0.1:0\"\n";
    std::fs::write(&config, text).unwrap();
    let key = rcgen::KeyPair::generate().unwrap();
    let leaf = rcgen::CertificateParams::new(["localhost".to_owned()]).unwrap();
    std::fs::write(
        directory.path().join("gate.pem"),
        leaf.self_signed(&key).unwrap().pem(),
    )
    .unwrap();
    std::fs::write(directory.path().join("gate.key"), key.serialize_pem()).unwrap();
    let hookgate = |arguments: &[&str]| {
        let mut command = Command::new(HOOKGATE);
        command
            .args(arguments)
            .arg("--config")
            .arg(&config)
            .output()
            .unwrap()
    };
    assert!(hookgate(&["migrate"]).status.success());
    let create = ["addresses", "create", "front", "--network", "192.0.2.1, ::/0"];
    assert!(hookgate(&create).status.success());
    let refused = hookgate(&["serve"]);
    let error = String::from_utf8(refused.stderr).unwrap();
    assert_eq!(refused.status.code(), Some(2), "{error}");
    assert!(error.contains("cover as much of IPv6 as a /0"), "{error}");
}

#[tokio::test]
async fn a_broken_list_leaves_the_others_to_be_read() {
    let server = Server::start();
    let publishers = ["a", "b"].map(|name| {
        let publisher = Publisher::start("192.0.2.0/24\n");
        let url = publisher.url("/list");
        server.json(&["addresses", "import", name, "--provider", "list", "--url", &url]);
        publisher
    });
    publishers[0].publish("192.0.2.0/24\n0.0.0.0/0\n");
    publishers[1].publish("192.0.2.0/24\n198.51.100.0/24\n");
    let (exit, error) = said(&server, &["addresses", "refresh"]);
    let message = error["error"]["message"].as_str().unwrap();
    assert_eq!(exit, Some(1), "{error}");
    assert!(
        message.starts_with("@a: ") && message.contains("as much of IPv4 as a /0"),
        "{message}"
    );
    let sets = server.json(&["addresses", "list"]);
    let counts: Vec<_> = sets["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|set| &set["count"])
        .collect();
    assert_eq!(
        counts,
        [1, 2],
        "the last good version of one, the new one of the other"
    );
}
