//! Payloads of strangers who know a URL and nothing else: the store keeps little of them, and says that the rest is missing.

use hookgate_testkit::https::Http;
use serde_json::{Value, json};

use crate::support::visitor::ConsoleClient;
use crate::support::{Server, code};

/// The whole record of a delivery.
fn record(server: &Server, item: &Value) -> Value {
    server.json(&["deliveries", "show", item["id"].as_str().unwrap()])
}

#[tokio::test(flavor = "multi_thread")]
async fn who_cannot_sign_leaves_no_payload() {
    let server = Server::start();
    let created = server.json(&["webhook", "create", "signed", "--signature", "standard-webhooks"]);
    let url = created["url"].as_str().unwrap();
    let answer = server.post(Http::One, url, r#"{"title":"JUNK"}"#).await;
    assert_eq!(code(&answer), "SIGNATURE_REQUIRED");
    let items = server.deliveries(|items| items.len() == 1).await;
    let record = record(&server, &items[0]);
    assert_eq!(record["payload"], Value::Null);
    // The body may or may not have been read before the refusal.
    assert!(["unsigned", "unread"].contains(&record["no_payload"].as_str().unwrap()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_payload_is_cut_and_says_so() {
    let server = Server::start();
    let body = format!(r#"{{"text":"{}"}}"#, "x".repeat(100_000));
    let answer = server.post(Http::One, &server.demo_url(), &body).await;
    assert_eq!(code(&answer), "VALIDATION_ERROR");
    let items = server.deliveries(|items| items.len() == 1).await;
    let record = record(&server, &items[0]);
    assert_eq!(record["payload"].as_str().unwrap(), &body[..8 * 1024]);
    assert_eq!(record["payload_bytes"], json!(body.len()));
    let visitor = ConsoleClient::sign_in(&server).await;
    let page = visitor
        .get(&format!("/deliveries/{}", items[0]["id"].as_str().unwrap()))
        .await;
    assert!(
        page.contains("Only this part of a refused delivery is stored"),
        "{page}"
    );
}
