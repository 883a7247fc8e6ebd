//! Authentication, routes and methods, the same for every resource.

mod idempotency;

use hyper::Method;
use serde_json::json;

use crate::tests::test_app::TestApp;

#[tokio::test]
async fn a_request_needs_a_valid_token() {
    let app = TestApp::new().await;
    for value in ["", "Bearer", "Bearer hgt_x", "Basic aGd0Xw==", "hgt_x"] {
        for path in ["/api/v1/webhooks", "/api/v1/nothing"] {
            let answer = app.with("authorization", value).get(path).await;
            answer.assert_error(401, "UNAUTHENTICATED");
            assert_eq!(answer.header("www-authenticate"), "Bearer");
        }
    }
}

#[tokio::test]
async fn an_unknown_path_is_not_found() {
    let app = TestApp::new().await;
    for path in [
        "",
        "/",
        "/nothing",
        "/webhooks/",
        "/webhooks/a/b",
        "/incidents/INC-1/x",
        "/audit/1",
    ] {
        let answer = app.get(&format!("/api/v1{path}")).await;
        answer.assert_error(404, "NOT_FOUND");
    }
    app.get("/api/v2/webhooks").await.assert_error(404, "NOT_FOUND");
}

#[tokio::test]
async fn another_method_is_answered_with_those_that_are_allowed() {
    let app = TestApp::new().await;
    for (path, allow) in [
        ("webhooks", "GET, HEAD, POST"),
        ("webhooks/a", "GET, HEAD, PATCH"),
        ("webhooks/a/regenerate", "POST"),
        ("webhooks/a/revoke", "POST"),
        ("webhooks/a/usage", "GET, HEAD"),
        ("webhooks/a/allowlist/preview", "POST"),
        ("webhooks/a/allowlist/suggestion", "GET, HEAD"),
        ("address-sets", "GET, HEAD, POST"),
        ("address-sets/a", "DELETE, GET, HEAD, PATCH"),
        ("address-sets/a/versions", "GET, HEAD"),
        ("address-sets/a/refresh", "POST"),
        ("address-sets/a/decide", "POST"),
        ("address-sets/a/preview", "POST"),
        ("deliveries", "GET, HEAD"),
        ("deliveries/export", "GET, HEAD"),
        ("deliveries/a", "GET, HEAD"),
        ("incidents", "GET, HEAD"),
        ("incidents/a", "GET, HEAD, PATCH"),
        ("incidents/a/notes", "POST"),
        ("members", "GET, HEAD, POST"),
        ("members/a", "DELETE, PATCH"),
        ("members/a/removal", "GET, HEAD"),
        ("members/a/sign-in-link", "POST"),
        ("tokens", "GET, HEAD, POST"),
        ("tokens/a", "DELETE"),
        ("audit", "GET, HEAD"),
        ("audit/export", "GET, HEAD"),
    ] {
        let answer = app.send(Method::PUT, &format!("/api/v1/{path}"), "{}").await;
        answer.assert_error(405, "METHOD_NOT_ALLOWED");
        assert_eq!(answer.header("allow"), allow, "{path}");
    }
}

#[tokio::test]
async fn head_is_answered_like_get_without_the_body() {
    let app = TestApp::new().await;
    app.webhook("disk").await;
    let answer = app.send(Method::HEAD, "/api/v1/webhooks", "").await;
    assert_eq!((answer.status, &*answer.body), (200, ""));
}

#[tokio::test]
async fn a_foreign_host_name_is_refused() {
    let app = TestApp::new().await;
    let elsewhere = app.with("host", "hookgate.example.org");
    for path in ["/api/v1/webhooks", "/api/openapi.json"] {
        elsewhere.get(path).await.assert_error(421, "MISDIRECTED_REQUEST");
    }
}

#[tokio::test]
async fn every_answer_has_a_request_id() {
    let app = TestApp::new().await;
    for path in ["/api/v1/webhooks", "/api/v1/nothing"] {
        let answer = app.get(path).await;
        assert!(answer.header("x-request-id").starts_with("req_"), "{answer:?}");
        assert_eq!(answer.header("content-type"), "application/json");
    }
}

#[tokio::test]
async fn a_revoked_token_is_refused() {
    let app = TestApp::new().await;
    let new = json!({"name": "ci", "role": "viewer"});
    let made = app.post("/api/v1/tokens", &new).await.data();
    let program = app.bearer(made["token"].as_str().expect("a token"));
    assert_eq!(program.get("/api/v1/webhooks").await.status, 200);
    let path = format!("/api/v1/tokens/{}", made["id"].as_str().expect("an ID"));
    assert_eq!(app.delete(&path).await.data()["state"], "revoked");
    program
        .get("/api/v1/webhooks")
        .await
        .assert_error(401, "UNAUTHENTICATED");
}
