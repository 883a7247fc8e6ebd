//! A secret that a sender sends along, or that people paste, is never stored, in any spelling.

use hookgate_testkit::https::{Full, Http, Request};
use serde_json::json;

use crate::every_store::needles::Needles;
use crate::support::program::{Program, data};
use crate::support::visitor::ConsoleClient;
use crate::support::{Server, dump};

/// Spellings of the ID in software: in JSON, in a URL, in HTML.
fn spellings(id: &str) -> Vec<String> {
    let escape = |write: fn(u8) -> String| id.bytes().map(write).collect::<String>();
    vec![
        id.to_owned(),
        id.replace('_', "\\u005f"),
        escape(|byte| format!("\\u{byte:04x}")),
        id.replace('_', "%5F"),
        escape(|byte| format!("%{byte:02x}")),
        id.replace('_', "&#95;"),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_id_in_a_request_is_masked_however_it_is_written() {
    let server = Server::start();
    let url = server.demo_url();
    let id = url.rsplit('/').next().unwrap();
    let mut needles = Needles::default();
    needles.add_id("the ID", &url);
    for text in spellings(id) {
        for body in [
            format!(r#"{{"title":"my hook is {text}","description":"{text}"}}"#),
            format!(r#"{{"title":"t","metadata":{{"{text}":"1","hook":"{text}"}}}}"#),
            format!(r#"{{"text":"{text}"}}"#),
        ] {
            server.post(Http::One, &url, &body).await;
        }
        if !text.contains('\\') {
            let request = Request::post(&url)
                .header("content-type", "application/json")
                .header("x-hook", &text)
                .header("x-other-hook", text.to_uppercase())
                .body(Full::from(r#"{"title":"t"}"#));
            server.send(Http::One, request.unwrap()).await;
        }
    }
    let named = Request::post(&url)
        .header("content-type", "application/json")
        .header(id.to_ascii_lowercase(), "1")
        .body(Full::from(r#"{"title":"t"}"#));
    server.send(Http::One, named.unwrap()).await;
    let items = server.deliveries(|items| items.len() >= 20).await;
    for role in ["viewer", "operator"] {
        let program = Program::new(&server, role);
        let mut paths = vec![
            "/api/v1/incidents?limit=200".to_owned(),
            "/api/v1/deliveries?limit=200".to_owned(),
        ];
        let incidents = program.get(&paths[0]).await;
        let incidents = incidents["items"].as_array().unwrap().iter();
        paths.extend(incidents.map(|item| format!("/api/v1/incidents/{}", item["id"].as_str().unwrap())));
        paths.extend(
            items
                .iter()
                .map(|item| format!("/api/v1/deliveries/{}", item["id"].as_str().unwrap())),
        );
        for path in paths {
            let answer = program.call("GET", &path, None, &[]).await;
            needles.must_not_be_in(&format!("{path} for a {role}"), answer.body.as_bytes());
        }
    }
    needles.must_not_be_in("the store", dump(server.directory()).as_bytes());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_kind_of_secret_is_masked_in_notes_and_payloads() {
    let server = Server::start();
    let url = server.demo_url();
    let visitor = ConsoleClient::sign_in(&server).await;
    let made = server.json(&["token", "create", "owner-tests", "--role", "owner"]);
    let token = made["token"].as_str().unwrap();
    let program = Program::with(&server, token);
    program
        .post("/api/v1/members", json!({"name": "ada", "role": "operator"}))
        .await;
    let link = server.json(&["sign-in-link", "ada"])["sign_in"].clone();
    let signed = json!({"name": "signed", "signed": true});
    let signed = data(&program.post("/api/v1/webhooks", signed).await)["signing_secret"].clone();
    let bare = |url: &str| url.rsplit('/').next().unwrap().to_owned();
    let secrets = [
        bare(&url),
        token.to_owned(),
        visitor.session().to_owned(),
        bare(link.as_str().unwrap()),
        signed.as_str().unwrap().to_owned(),
    ];
    let mut needles = Needles::default();
    for secret in &secrets {
        let (_, digits) = secret.split_once('_').unwrap();
        needles.add("a secret", &digits.as_bytes()[4..24]);
    }
    for secret in &secrets {
        for text in [
            secret.clone(),
            secret.replace('_', "%5F"),
            secret.replace('_', "\\_"),
        ] {
            let body = json!({
                "title": format!("title {text}"), "description": text, "service": text, "dedup_key": text,
                "source_url": format!("https://h.example/?{text}"), "metadata": {&text: text},
            });
            server.post(Http::One, &url, &body.to_string()).await;
            let note = json!({"text": format!("see {text} there")});
            let noted = program.post("/api/v1/incidents/INC-1/notes", note).await;
            assert!(noted.status.is_success(), "{}", noted.body);
            needles.must_not_be_in("the answer to a note", noted.body.as_bytes());
        }
    }
    let viewer = Program::new(&server, "viewer");
    for path in [
        "/api/v1/incidents?limit=200",
        "/api/v1/incidents/INC-1",
        "/api/v1/deliveries?limit=200",
    ] {
        let answer = viewer.call("GET", path, None, &[]).await;
        needles.must_not_be_in(path, answer.body.as_bytes());
    }
    let trail = program.call("GET", "/api/v1/audit?limit=200", None, &[]).await;
    needles.must_not_be_in("the audit trail", trail.body.as_bytes());
    let incidents = program.get("/api/v1/incidents?limit=200").await;
    let opened = incidents["items"].as_array().unwrap().len();
    assert_eq!(opened, 15, "each dedup key is one of its own");
    needles.must_not_be_in("the store", dump(server.directory()).as_bytes());
}
