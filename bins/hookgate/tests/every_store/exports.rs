//! Exports of deliveries from the API, the console and the command line: all have the same content, and a partial one is
//! never mistaken for a complete one.

use std::process::{Command, Output};

use hookgate_testkit::https::{Full, Http, Request};
use serde_json::json;

use crate::support::program::Program;
use crate::support::visitor::ConsoleClient;
use crate::support::{Server, run, sql};

/// More than one page of the store.
const DELIVERIES: usize = 230;

/// The newest that a page of the store holds.
const PAGE: usize = 200;

async fn with_deliveries() -> Server {
    let server = Server::start();
    for _ in 0..DELIVERIES {
        let answer = server
            .post(
                Http::Two,
                &server.demo_url(),
                r#"{"title":"Disk full","dedup_key":"disk"}"#,
            )
            .await;
        assert!(answer.status.is_success(), "{}", answer.body);
    }
    server
}

/// Runs curl on a path of the console, with this header.
fn curl(server: &Server, protocol: &str, path: &str, header: &str) -> Output {
    Command::new("curl")
        .args(["--silent", "--show-error", protocol, "--cacert"])
        .arg(server.ready["ca"].as_str().unwrap())
        .args(["--header", header])
        .arg(format!("{}{path}", server.console()))
        .output()
        .unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_export_that_breaks_off_is_taken_for_whole_by_nobody() {
    let server = with_deliveries().await;
    let program = Program::new(&server, "admin");
    let visitor = ConsoleClient::sign_in(&server).await;
    let token = format!("authorization: Bearer {}", program.token());
    let cookie = format!("cookie: __Host-hookgate={}", visitor.session());
    let places = [("/api/v1/deliveries/export", token), ("/logs/export", cookie)];
    let lines = |output: &Output| output.stdout.split(|byte| *byte == b'\n').count() - 1;

    for (path, header) in &places {
        let whole = curl(&server, "--http1.1", path, header);
        assert!(
            whole.status.success() && lines(&whole) == DELIVERIES + 1,
            "{whole:?}"
        );
    }
    sql(
        server.directory(),
        "UPDATE deliveries SET answer = 'damaged' WHERE id = (SELECT min(id) FROM deliveries)",
    );
    for (path, header) in &places {
        for format in ["csv", "excel", "ndjson"] {
            for protocol in ["--http1.0", "--http1.1", "--http2"] {
                let broken = curl(&server, protocol, &format!("{path}?format={format}"), header);
                assert!(!broken.status.success(), "{path} {format} {protocol}");
                assert!(lines(&broken) <= PAGE + 1, "{path} {format} {protocol}");
            }
        }
    }
    let broken = run(server.directory(), &["deliveries", "export"], "");
    assert_eq!((broken.status.code(), lines(&broken)), (Some(1), PAGE + 1));
    let text = String::from_utf8(broken.stderr).unwrap();
    assert!(
        text.contains("the export stopped after 200 deliveries and is not complete"),
        "{text}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_form_names_the_webhook_and_the_verdict() {
    let server = Server::start();
    let url = server.create("=1+1", &["--allow", "192.0.2.1", "--allowlist-mode", "observe"]);
    server.post(Http::One, &url, r#"{"title":"Disk full"}"#).await;
    server.deliveries(|items| items.len() == 1).await;
    let export = |format: &str| {
        let output = run(
            server.directory(),
            &["deliveries", "export", "--format", format],
            "",
        );
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let csv = export("csv");
    assert!(
        csv.lines()
            .next()
            .unwrap()
            .ends_with(",webhook_name,would_be_refused,notes,request_id"),
        "{csv}"
    );
    assert!(
        csv.contains(",'=1+1,true,,req_") && csv.ends_with("\r\n"),
        "{csv}"
    );
    assert_eq!(export("excel"), format!("\u{FEFF}{csv}"));
    let line: serde_json::Value = serde_json::from_str(&export("ndjson")).unwrap();
    assert_eq!(
        (line["webhook_name"].as_str(), line["would_be_refused"].as_bool()),
        (Some("=1+1"), Some(true))
    );
    assert_eq!(line["payload"]["title"], "Disk full");
}

/// Texts that a sender sends to attack later readers: control characters of terminals, letters that reorder or hide others,
/// and cells that a spreadsheet computes, also one with semicolons as separators.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_output_holds_what_terminals_and_spreadsheets_act_on() {
    let server = Server::start();
    let texts = [
        "\u{9b}31mred\u{202e}\u{200b}",
        "\u{feff}=cmd|x",
        ";=1+1",
        "a;\t@x",
        "\u{200b}+1",
    ];
    for text in texts {
        let request = Request::post(server.demo_url())
            .header("content-type", "application/json")
            .header("user-agent", text.as_bytes())
            .body(Full::from(
                json!({"title": text, "description": text, "log": text}).to_string(),
            ));
        server.send(Http::One, request.unwrap()).await;
    }
    server.deliveries(|items| items.len() == texts.len()).await;
    let acted_on = |text: char| matches!(text, '\u{80}'..='\u{9f}' | '\u{202a}'..='\u{202e}' | '\u{200b}'..='\u{200f}' | '\u{feff}');
    for arguments in [
        &["deliveries", "list"][..],
        &["deliveries", "export", "--format", "ndjson"],
        &["deliveries", "export", "--format", "csv"],
        &["incidents", "list"],
        &["incidents", "show", "INC-1"],
    ] {
        let output = run(server.directory(), arguments, "");
        assert!(output.status.success(), "{output:?}");
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(!text.contains(acted_on), "{arguments:?}: {text:?}");
        if arguments.contains(&"csv") {
            for cell in text.split([',', ';', '\n', '\t']) {
                let cell = cell.trim_matches(['"', ' ', '\r']);
                assert!(!cell.starts_with(['=', '+', '-', '@']), "{cell:?} in {text}");
            }
        }
    }
}
