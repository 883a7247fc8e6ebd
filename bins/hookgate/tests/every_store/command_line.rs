//! The command line for scripts: names, exit codes, and the use of both outputs.

use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, Output};

use hookgate_testkit::https::Http;
use hookgate_testkit::postgres::Postgres;
use serde_json::{Value, json};

use crate::support::node;
use crate::support::{HOOKGATE, Server, Store, place, run, run_as_is};

fn failed(output: &Output, code: i32) -> Value {
    assert_eq!(output.status.code(), Some(code), "{output:?}");
    assert!(
        output.stdout.is_empty(),
        "data on standard output, talk on standard error"
    );
    serde_json::from_slice::<Value>(&output.stderr).unwrap_or(Value::Null)
}

#[tokio::test(flavor = "multi_thread")]
async fn exit_codes_tell_what_happened() {
    let server = Server::start();
    let data = server.directory();
    assert_eq!(run(data, &["webhook", "list"], "").status.code(), Some(0));
    for misused in [
        &["webhook", "nonsense"][..],
        &["webhook", "create"],
        &["webhook"],
        &["deliveries", "list", "--limit", "500"],
    ] {
        let failure = failed(&run(data, misused, ""), 2);
        assert_eq!(failure["error"]["code"], "USAGE", "{misused:?}: {failure}");
        let message = failure["error"]["message"].as_str().unwrap();
        assert!(!message.is_empty() && !message.contains("Usage:"), "{message}");
    }
    failed(
        &run(data, &["webhook", "create", "x", "--allow", "10.0.0.5/8"], ""),
        2,
    );
    failed(&run(data, &["webhook", "revoke", "demo"], ""), 2);
    let missing = failed(&run(data, &["webhook", "show", "nobody"], ""), 3);
    assert_eq!(missing["error"]["code"], "NOT_FOUND");
    failed(&run(data, &["deliveries", "show", "dlv_0000000000zzz"], ""), 3);
    failed(&run(data, &["incidents", "show", "INC-99"], ""), 3);
    server.json(&["webhook", "revoke", "demo", "--yes"]);
    for arguments in [
        &["webhook", "revoke", "demo", "--yes"][..],
        &["webhook", "regenerate", "demo"],
        &["webhook", "edit", "demo", "--allow-any"],
    ] {
        failed(&run(data, arguments, ""), 4);
    }
    let nowhere = data.join("nowhere");
    if crate::STORE == Store::Postgres {
        node::lay_out(&nowhere, &Postgres::shared().database().unwrap());
    }
    let nowhere = failed(&run(&nowhere, &["webhook", "list"], ""), 5);
    assert!(
        nowhere["error"]["message"]
            .as_str()
            .unwrap()
            .contains("hookgate migrate"),
        "{nowhere}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn names_must_be_unique_where_they_stand_for_a_webhook() {
    let server = Server::start();
    server.create("twin", &[]);
    let second = server.json(&["webhook", "create", "twin"]);
    failed(&run(server.directory(), &["webhook", "show", "twin"], ""), 2);
    let handle = second["handle"].as_str().unwrap();
    assert_eq!(server.json(&["webhook", "show", handle])["handle"], handle);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_is_edited_field_by_field() {
    let server = Server::start();
    let webhook = server.json(&[
        "webhook",
        "create",
        "w",
        "--allow",
        "192.0.2.1, 10.0.0.0/8",
        "--payload-logging",
        "off",
    ]);
    assert!(webhook["url"].as_str().unwrap().contains("/webhooks/custom/wh_"));
    assert_eq!(
        webhook["url"].as_str().unwrap().rsplit('/').next().unwrap()[..7],
        webhook["hint"].as_str().unwrap()[..7]
    );
    let edited = server.json(&["webhook", "edit", "w", "--name", "v", "--max-body", "1000"]);
    assert_eq!(
        (&edited["name"], &edited["max_body"]),
        (&Value::from("v"), &Value::from(1000))
    );
    assert_eq!(edited["allowlist"], webhook["allowlist"]);
    assert_eq!(edited["payload_logging"], false);
    assert!(edited.get("url").is_none(), "the URL is shown once");
    assert_eq!(
        server.json(&["webhook", "edit", "v", "--allow-any"])["allowlist"],
        Value::Null
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn which_tells_whose_url_it_is() {
    let server = Server::start();
    let old = server.create("w", &[]);
    server.json(&["webhook", "regenerate", "w"]);
    let which = run(server.directory(), &["webhook", "which"], &format!("{old}\n"));
    let which: Value = serde_json::from_slice(&which.stdout).unwrap();
    assert_eq!(
        (&which["name"], &which["url_state"]),
        (&Value::from("w"), &Value::from("regenerated"))
    );
    for pasted in [
        format!("{old}?x=1\n"),
        format!("{old}/"),
        format!("{old}/?x=/y#z"),
        old.replace("wh_", "wh%5F"),
        old.replace("wh_", "wh\\_"),
        old.replace("/webhooks", "//Webhooks"),
        format!("curl -X POST \"{old}\" # twice: {old}"),
        format!("\u{feff}<{old}>,\r\n"),
    ] {
        let which = run(server.directory(), &["webhook", "which"], &pasted);
        assert!(which.status.success(), "{which:?}");
    }
    for text in ["nonsense", ""] {
        failed(&run(server.directory(), &["webhook", "which"], text), 2);
    }
    let two = format!("{old} {}", server.demo_url());
    failed(&run(server.directory(), &["webhook", "which"], &two), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn payloads_are_not_kept_when_logging_is_off() {
    let server = Server::start();
    let quiet = server.create("quiet", &["--payload-logging", "off"]);
    assert_eq!(
        server
            .post(Http::One, &quiet, r#"{"title":"canary-4711"}"#)
            .await
            .status,
        201
    );
    server
        .post(Http::One, &quiet, r#"{"title":7,"x":"canary-4711"}"#)
        .await;
    let items = server.deliveries(|items| items.len() == 2).await;
    assert!(items.iter().all(|item| item["payload"].is_null()));
}

#[tokio::test(flavor = "multi_thread")]
async fn deliveries_are_filtered_and_paged() {
    let server = Server::start();
    for number in 0..5 {
        server
            .post(
                Http::One,
                &server.demo_url(),
                &format!(r#"{{"title":"t{number}"}}"#),
            )
            .await;
    }
    server.post(Http::One, &server.demo_url(), "broken").await;
    server.deliveries(|items| items.len() == 6).await;
    let list = |arguments: &[&str]| server.json(&[&["deliveries", "list"], arguments].concat());
    let count = |arguments: &[&str]| list(arguments)["items"].as_array().unwrap().len();
    assert_eq!(count(&["--outcome", "accepted"]), 5);
    assert_eq!(count(&["--code", "INVALID_JSON"]), 1);
    assert_eq!(count(&["--source", "127.0.0.0/8", "--webhook", "demo"]), 6);
    assert_eq!(count(&["--source", "::1"]), 0);
    let first = list(&["--limit", "4"]);
    let second = list(&["--limit", "4", "--cursor", first["next"].as_str().unwrap()]);
    assert_eq!(
        (second["items"].as_array().unwrap().len(), &second["next"]),
        (2, &Value::Null)
    );
    let mut shown = server.json(&["deliveries", "show", second["items"][0]["id"].as_str().unwrap()]);
    assert_eq!(shown["headers"], json!([["content-type", "application/json"]]));
    assert!(shown["took_us"].as_u64().is_some_and(|took| took < 10_000_000));
    for only_shown in [
        "headers",
        "took_us",
        "trail",
        "answer",
        "payload_bytes",
        "no_payload",
        "incidents",
    ] {
        shown.as_object_mut().unwrap().remove(only_shown);
    }
    assert_eq!(shown, second["items"][0]);
    let middle = first["items"][1]["received_at"].as_str().unwrap();
    let (before, since) = (count(&["--to", middle]), count(&["--from", middle]));
    assert_eq!((before, since), (4, 2));
    failed(
        &run(
            server.directory(),
            &["deliveries", "list", "--from", "yesterday"],
            "",
        ),
        2,
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn usage_and_previews_tell_what_the_server_counted() {
    let server = Server::start();
    for _ in 0..3 {
        server
            .post(Http::One, &server.demo_url(), r#"{"title":"t"}"#)
            .await;
    }
    server.post(Http::One, &server.demo_url(), "broken").await;
    server.deliveries(|items| items.len() == 4).await;
    for range in ["1h", "24h", "7d", "30d"] {
        let usage = server.json(&["webhook", "usage", "demo", "--range", range]);
        assert_eq!(
            usage["totals"],
            json!({"accepted": 3, "refused": {"INVALID_JSON": 1}}),
            "{range}"
        );
        assert_eq!(usage["sources"][0]["source"], "127.0.0.1");
    }
    let preview = |allow| server.json(&["webhook", "preview", "demo", "--days", "30", "--allow", allow]);
    let stops = preview("192.0.2.0/24");
    assert_eq!(stops["would_stop"], json!({"senders": 1, "deliveries": 3}));
    assert_eq!(
        (
            &stops["senders"][0]["passes_now"],
            &stops["senders"][0]["passes_then"]
        ),
        (&json!(true), &json!(false))
    );
    assert_eq!(
        preview("127.0.0.0/8")["would_stop"],
        json!({"senders": 0, "deliveries": 0})
    );
    for arguments in [
        &["usage", "demo"][..],
        &["preview", "demo", "--allow", "192.0.2.1"],
    ] {
        let output = run(server.directory(), &[&["webhook"], arguments].concat(), "");
        assert!(output.status.success());
    }
    failed(
        &run(
            server.directory(),
            &["webhook", "usage", "demo", "--range", "2h"],
            "",
        ),
        2,
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn incidents_are_acknowledged_and_resolved() {
    let server = Server::start();
    let hostile = r#"{"title":"\u001b[2J\u202eevil\u0000","metadata":{"a":1}}"#;
    assert_eq!(
        server.post(Http::One, &server.demo_url(), hostile).await.status,
        201
    );
    let place = place(server.directory());
    let data: Vec<&OsStr> = place.iter().map(AsRef::as_ref).collect();
    for arguments in [
        &["incidents", "list"][..],
        &["incidents", "show", "INC-1"],
        &["deliveries", "list"],
    ] {
        let arguments: Vec<&OsStr> = arguments
            .iter()
            .map(OsStr::new)
            .chain(data.iter().copied())
            .collect();
        let output = run_as_is(&arguments, "");
        assert!(
            !output.stdout.contains(&0x1b) && !String::from_utf8(output.stdout).unwrap().contains('\u{202e}')
        );
    }
    assert_eq!(
        server.json(&["incidents", "acknowledge", "INC-1"])["status"],
        "acknowledged"
    );
    assert_eq!(
        server.json(&["incidents", "resolve", "INC-1"])["status"],
        "resolved"
    );
    failed(
        &run(server.directory(), &["incidents", "resolve", "INC-1"], ""),
        4,
    );
    assert_eq!(
        server.json(&["incidents", "list", "--status", "open"])["items"]
            .as_array()
            .unwrap()
            .len(),
        0
    );
    for (since, count) in [("1h", 1), ("2100-01-01", 0)] {
        let listed = server.json(&["incidents", "list", "--limit", "1", "--since", since]);
        assert_eq!(listed["items"].as_array().unwrap().len(), count, "{since}");
        assert!(count == 1 || listed["next"].is_null());
    }
}

/// The sample configuration with its files in this directory, where there is a certificate.
fn sample_in(directory: &Path) -> String {
    node::lay_out(directory, "sqlite:data");
    let sample = run_as_is(&["config".as_ref(), "init".as_ref()], "").stdout;
    let sample = String::from_utf8(sample).unwrap();
    sample.replace("/etc/hookgate/", &format!("{}/", directory.display()))
}

#[test]
fn the_sample_configuration_passes_its_own_check() {
    let scratch = tempfile::tempdir().unwrap();
    let file = scratch.path().join("hookgate.toml");
    std::fs::write(&file, sample_in(scratch.path())).unwrap();
    let check = |file: &Path| {
        run_as_is(
            &[
                "config".as_ref(),
                "check".as_ref(),
                "--config".as_ref(),
                file.as_os_str(),
            ],
            "",
        )
    };
    assert_eq!(check(&file).status.code(), Some(0));
    std::fs::write(&file, "gate.lisen = 1").unwrap();
    let broken = check(&file);
    assert_eq!(broken.status.code(), Some(2));
    assert!(
        String::from_utf8(broken.stderr)
            .unwrap()
            .contains("did you mean gate.listen?")
    );
    assert_eq!(
        run_as_is(&["completions".as_ref(), "bash".as_ref()], "")
            .status
            .code(),
        Some(0)
    );
    assert_eq!(run_as_is(&["serve".as_ref()], "").status.code(), Some(2));
}

#[test]
fn what_is_typed_counts_more_than_the_environment() {
    let scratch = tempfile::tempdir().unwrap();
    let file = scratch.path().join("hookgate.toml");
    std::fs::write(&file, sample_in(scratch.path())).unwrap();
    let (file, nowhere) = (file.to_str().unwrap(), scratch.path().join("nowhere"));
    let nowhere = nowhere.to_str().unwrap();
    let (data, config) = (("HOOKGATE_DATA", nowhere), ("HOOKGATE_CONFIG", file));
    let code = |arguments: &[&str], environment: &[(&str, &str)]| {
        let mut command = Command::new(HOOKGATE);
        command.args(arguments).envs(environment.iter().copied());
        command.output().unwrap().status.code()
    };
    assert_eq!(code(&["config", "check", "--config", file], &[data]), Some(0));
    assert_eq!(code(&["--config", file, "config", "check"], &[data]), Some(0));
    assert_eq!(code(&["config", "check"], &[config]), Some(0));
    assert_eq!(
        code(
            &["webhook", "list", "--data", nowhere],
            &[("HOOKGATE_CONFIG", nowhere)]
        ),
        Some(5),
        "there is no store in that directory, and the file is not asked for"
    );
    assert_eq!(code(&["config", "check"], &[data, config]), Some(2));
    let both = ["config", "check", "--data", nowhere, "--config", file];
    assert_eq!(code(&both, &[]), Some(2));
    let typo = ("HOOKGATE_GATE_LISTN", "127.0.0.1:1");
    assert_eq!(code(&["config", "check", "--config", file], &[typo]), Some(2));
}

#[test]
fn help_and_version_are_text_even_for_scripts() {
    for asked in ["--help", "--version"] {
        let output = run_as_is(&["--json".as_ref(), asked.as_ref()], "");
        assert_eq!(output.status.code(), Some(0), "{asked}");
        assert!(!output.stdout.is_empty() && output.stderr.is_empty(), "{asked}");
    }
}
