//! The command line for people: headers and IDs, full details, times, remarks.

use hookgate_testkit::https::Http;
use std::process::{Command, Output, Stdio};

use crate::support::{HOOKGATE, Server, place};

fn people(server: &Server, arguments: &[&str]) -> Output {
    let mut command = Command::new(HOOKGATE);
    command.args(arguments).args(place(server.directory()));
    command.stdin(Stdio::null()).output().unwrap()
}

/// Standard output in lines, and standard error.
fn read(server: &Server, arguments: &[&str]) -> (Vec<String>, String) {
    let output = people(server, arguments);
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    let lines = text.lines().map(str::to_owned).collect();
    (lines, String::from_utf8(output.stderr).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn every_list_has_a_header_and_begins_with_the_id() {
    let server = Server::start();
    for title in ["one", "two"] {
        let body = format!(r#"{{"title":"{title}"}}"#);
        server.post(Http::One, &server.demo_url(), &body).await;
    }
    server.deliveries(|all| all.len() == 2).await;
    server.json(&["token", "create", "t", "--role", "viewer"]);
    server.json(&["addresses", "create", "office", "--network", "192.0.2.0/24"]);
    server.json(&["sign-in-link"]);
    for (list, header, id) in [
        (&["webhook", "list"][..], "HANDLE", "hk_"),
        (&["deliveries", "list"], "ID", "dlv_"),
        (&["incidents", "list"], "ID", "INC-"),
        (&["token", "list"], "ID", "tok_"),
        (&["member", "list"], "ID", "mem_"),
        (&["addresses", "list"], "NAME", "@office"),
    ] {
        let (lines, said) = read(&server, list);
        assert!(lines[0].starts_with(header), "{lines:?}");
        assert!(lines[1].starts_with(id), "{lines:?}");
        assert_eq!(said, "", "{list:?}");
    }
    let (lines, said) = read(&server, &["deliveries", "list", "--limit", "1"]);
    assert_eq!(lines.len(), 2);
    assert!(
        said.contains("--cursor dlv_") && said.contains("--limit"),
        "{said}"
    );
    let (lines, said) = read(&server, &["deliveries", "list", "--code", "INVALID_JSON"]);
    assert_eq!((lines.len(), said.trim_end()), (0, "No deliveries match."));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_thing_is_shown_in_full_with_its_page_of_the_console() {
    let server = Server::start();
    let body = r#"{"title":"t","description":"first\nsecond \u001b[2J"}"#;
    server.post(Http::One, &server.demo_url(), body).await;
    server.deliveries(|all| all.len() == 1).await;
    let shown = |arguments: &[&str]| read(&server, arguments).0.join("\n");
    let webhook = shown(&["webhook", "show", "demo"]);
    for setting in [
        "allowlist",
        "every source",
        "max_body",
        "payload_logging",
        "rotation_days",
    ] {
        assert!(webhook.contains(setting), "{setting}: {webhook}");
    }
    let incident = shown(&["incidents", "show", "INC-1"]);
    assert!(incident.contains("demo (hk_"), "{incident}");
    assert!(
        incident.contains("first\n") && incident.contains(r"second \u{1b}[2J"),
        "{incident}"
    );
    let id = server.json(&["deliveries", "list"])["items"][0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let delivery = shown(&["deliveries", "show", &id]);
    let made = shown(&["webhook", "create", "w"]);
    assert!(made.contains("url      https://"), "{made}");
    for (text, page) in [
        (webhook, "webhooks/hk_"),
        (incident, "incidents/INC-1"),
        (delivery, "deliveries/dlv_"),
        (made, "webhooks/hk_"),
    ] {
        assert!(
            text.contains(&format!("{}/{page}", server.console())),
            "{page}: {text}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn deliveries_are_filtered_by_how_long_ago() {
    let server = Server::start();
    server
        .post(Http::One, &server.demo_url(), r#"{"title":"t"}"#)
        .await;
    server.deliveries(|all| all.len() == 1).await;
    let count = |arguments: &[&str]| {
        let list = server.json(&[&["deliveries", "list"], arguments].concat());
        list["items"].as_array().unwrap().len()
    };
    assert_eq!(count(&["--since", "1h"]), 1);
    assert_eq!(count(&["--until", "1h"]), 0);
    let today = server.json(&["deliveries", "list"])["items"][0]["received_at"]
        .as_str()
        .unwrap()[..10]
        .to_owned();
    assert_eq!(count(&["--since", &today, "--until", &today]), 1);
    for (wrong, reading) in [
        ("11/12/2026", "2026-12-11"),
        ("10", "10m"),
        ("2026-11-30T03:30", "no time zone"),
    ] {
        let output = people(&server, &["deliveries", "list", "--since", wrong]);
        assert_eq!(output.status.code(), Some(2));
        assert!(String::from_utf8(output.stderr).unwrap().contains(reading));
    }
    let backwards = people(&server, &["deliveries", "list", "--since", "1h", "--until", "2h"]);
    assert_eq!(backwards.status.code(), Some(2));
}
