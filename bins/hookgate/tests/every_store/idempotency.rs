//! Requests that create something, sent at the same time, and what the store keeps of them.

use std::fmt::Write;

use hookgate_testkit::https::Answer;
use ring::digest::{SHA256, digest};
use ring::hmac;
use serde_json::{Value, json};

use crate::support::program::{Program, code};
use crate::support::{Server, dump};

const KEY: (&str, &str) = ("idempotency-key", "create-1");

async fn post(program: &Program<'_>, path: &str, body: &Value) -> Answer {
    program.call("POST", path, Some(body.clone()), &[KEY]).await
}

/// The stored data of a request reveals nothing of it to an attacker who has only the store: no digest to try guesses
/// against, and no idempotency key, since some keys contain secrets.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_can_be_guessed_from_nothing_in_the_store() {
    let server = Server::start();
    let program = Program::new(&server, "owner");
    let id = server.demo_url().rsplit('/').next().unwrap().to_owned();
    let key = format!("rotate-{id}-2");
    let hex = |bytes: &[u8]| {
        bytes.iter().fold(String::new(), |mut text, byte| {
            write!(text, "{byte:02x}").unwrap();
            text
        })
    };
    let mut digests = Vec::new();
    for (path, body) in [
        (
            "/api/v1/members",
            json!({"name": "eve", "role": "admin", "password": "Summer2026!"}),
        ),
        ("/api/v1/members", json!({"name": "ada", "role": "viewer"})),
        ("/api/v1/webhooks", json!({"name": "new"})),
    ] {
        let headers = [("idempotency-key", &*key)];
        let answer = program.call("POST", path, Some(body.clone()), &headers).await;
        // Programs can't set passwords, and a refusal stores no digest either.
        assert!(
            [201, 403, 409].contains(&answer.status.as_u16()),
            "{}",
            answer.body
        );
        for text in [format!("{path}\n{body}"), body.to_string()] {
            digests.push(hex(digest(&SHA256, text.as_bytes()).as_ref()));
            let empty = hmac::Key::new(hmac::HMAC_SHA256, b"");
            digests.push(hex(hmac::sign(&empty, text.as_bytes()).as_ref()));
        }
    }
    let stored = dump(server.directory());
    let in_lower_case = stored.to_ascii_lowercase();
    for digest in digests {
        assert!(
            !in_lower_case.contains(&digest),
            "a digest that anybody can make is stored"
        );
    }
    assert!(!stored.contains(&key) && !stored.contains(&id), "a key is stored");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_several_at_once_one_creates() {
    let server = Server::start();
    let program = Program::new(&server, "admin");
    let body = json!({"name": "one of many"});
    let send = || post(&program, "/api/v1/webhooks", &body);
    let (first, second, third, fourth) = tokio::join!(send(), send(), send(), send());
    let mut created = 0;
    for answer in [first, second, third, fourth] {
        match answer.status.as_u16() {
            201 => created += 1,
            200 => {}
            409 => assert_eq!(code(&answer), "CONFLICT"),
            status => panic!("{status}: {}", answer.body),
        }
    }
    assert_eq!(created, 1);
    let webhooks = program.get("/api/v1/webhooks").await["items"]
        .as_array()
        .unwrap()
        .clone();
    let made = webhooks.iter().filter(|webhook| webhook["name"] == "one of many");
    assert_eq!(made.count(), 1);
    assert_eq!(post(&program, "/api/v1/webhooks", &body).await.status, 200);
}
