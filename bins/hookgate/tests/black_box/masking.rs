//! A webhook ID that a sender sends along is kept nowhere, however it is written.

use hookgate_testkit::https::{Full, Http, Request};

use super::needles::Needles;
use super::program::Program;
use super::support::{Server, dump};

/// The ID as software writes it: in JSON, in an address, in a page.
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
