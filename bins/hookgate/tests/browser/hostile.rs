//! Hostile deliveries are shown as text only.

use std::ffi::OsStr;

use hookgate_testkit::browser::Setup;
use hookgate_testkit::https::{Full, Http, Request};
use serde_json::json;

use crate::person::Person;
use crate::support::{Server, run, run_as_is};

const HOSTILE: [&str; 6] = [
    "<script>window.harmed = 1</script>",
    "\"><img src=x onerror=\"window.harmed=1\">",
    "</textarea></title><svg onload=window.harmed=1>",
    "\u{202E}gnp.exe\u{2066}",
    "=HYPERLINK(\"https://evil.example\")",
    "\u{1b}[2J\u{7}{{7*7}} ${7*7}",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_deliveries_harm_nobody() {
    let server = Server::start();
    for text in HOSTILE {
        let body = json!({
            "title": text,
            "description": text.repeat(20),
            "service": text,
            "dedup_key": text,
            "source_url": "https://example.org/?q=javascript:window.harmed=1",
            "metadata": {text: text},
        });
        let agent: String = text.chars().filter(|c| c.is_ascii() && !c.is_control()).collect();
        let request = Request::post(server.demo_url())
            .header("content-type", "application/json")
            .header("user-agent", &agent)
            .header("x-note", &agent)
            .body(Full::from(body.to_string()))
            .unwrap();
        let answer = server.send(Http::One, request).await;
        assert_eq!(answer.status, 201, "{text}: {}", answer.body);
    }
    let long = json!({"title": ["x".repeat(5_000)]}).to_string();
    for body in [long.as_bytes(), b"{\"title\":\"\xff\x00\"}", b"\x00\x1b]0;x\x07"] {
        let request = Request::post(server.demo_url())
            .body(Full::from(body.to_vec()))
            .unwrap();
        let status = server.send(Http::One, request).await.status.as_u16();
        assert!((400..500).contains(&status), "{status}");
    }
    let items = server.deliveries(|items| items.len() >= HOSTILE.len() + 3).await;
    let person = Person::signed_in(&server, Setup::default()).await;
    let handle = server.ready["webhook"]["handle"].as_str().unwrap();
    let mut paths = vec!["/logs".to_owned(), "/incidents".to_owned()];
    paths.extend((1..=HOSTILE.len()).map(|number| format!("/incidents/INC-{number}")));
    paths.push(format!("/webhooks/{handle}"));
    paths.extend(
        items
            .iter()
            .map(|item| format!("/deliveries/{}", item["id"].as_str().unwrap())),
    );
    for path in paths {
        person.go(&path).await;
        person.find("main").await;
        let state = person
            .run("return [window.harmed ?? null, document.querySelectorAll('main script, main img, svg[onload], [onerror], [onmouseover]').length, document.documentElement.scrollWidth <= innerWidth]")
            .await;
        assert_eq!(state, json!([null, 0, true]), "{path}");
        let shown = person.text().await;
        assert!(
            !shown.contains('\u{202E}') && !shown.contains('\u{1b}'),
            "{path} turns text around: {shown}"
        );
    }
    person.close().await;
    for command in [
        ["deliveries", "list"],
        ["incidents", "list"],
        ["incidents", "show"],
        ["deliveries", "show"],
    ] {
        let subject = match command {
            ["incidents", "show"] => "INC-4",
            ["deliveries", "show"] => items[items.len() - 4]["id"].as_str().unwrap(),
            _ => "--limit=200",
        };
        let words = [command[0], command[1], subject, "--data"].map(OsStr::new);
        let said = run_as_is(&[&words[..], &[server.directory().as_os_str()]].concat(), "");
        let said = String::from_utf8(said.stdout).unwrap();
        let acts = |c: char| {
            (c.is_control() && c != '\n') || matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
        };
        assert!(
            !said.is_empty() && !said.contains(acts),
            "{command:?} acts on the terminal: {said:?}"
        );
    }
    let csv = run(server.directory(), &["deliveries", "export"], "");
    let csv = String::from_utf8(csv.stdout).unwrap();
    assert!(
        csv.contains("'=HYPERLINK") && !csv.contains("\"=HYPERLINK") && !csv.contains(",=HYPERLINK"),
        "{csv}"
    );
    assert!(!csv.contains('\u{1b}'), "{csv}");
}
