//! A program that uses the admin API.

use hookgate_testkit::https::{Answer, Bytes, Full, Http, Request};
use serde_json::Value;

use crate::support::Server;

/// A program with a token of this role.
pub(crate) struct Program<'a> {
    server: &'a Server,
    token: String,
}

impl<'a> Program<'a> {
    /// Creates the token.
    pub(crate) fn new(server: &'a Server, role: &str) -> Self {
        let made = server.json(&["token", "create", &format!("{role}-tests"), "--role", role]);
        Self::with(server, made["token"].as_str().unwrap())
    }

    /// Uses this token.
    pub(crate) fn with(server: &'a Server, token: &str) -> Self {
        Self {
            server,
            token: token.to_owned(),
        }
    }

    /// The token.
    pub(crate) fn token(&self) -> &str {
        &self.token
    }

    /// Sends a request.
    pub(crate) async fn call(
        &self,
        method: &str,
        path: &str,
        body: Option<Value>,
        headers: &[(&str, &str)],
    ) -> Answer {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.server.console()))
            .header("authorization", format!("Bearer {}", self.token));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let body = match body {
            Some(json) => {
                request = request.header("content-type", "application/json");
                Full::from(json.to_string())
            }
            None => Full::from(Bytes::new()),
        };
        self.server.send(Http::One, request.body(body).unwrap()).await
    }

    /// The data at this path.
    pub(crate) async fn get(&self, path: &str) -> Value {
        let answer = self.call("GET", path, None, &[]).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        data(&answer)
    }

    /// Sends JSON.
    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        self.call("POST", path, Some(body), &[]).await
    }
}

/// The data of a success.
pub(crate) fn data(answer: &Answer) -> Value {
    let envelope: Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(envelope["success"], true, "{envelope}");
    envelope["data"].clone()
}

/// The error code.
pub(crate) fn code(answer: &Answer) -> String {
    let envelope: Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(envelope["success"], false, "{envelope}");
    assert!(envelope["error"]["message"].is_string());
    assert!(answer.header("x-request-id").starts_with("req_"));
    envelope["error"]["code"].as_str().unwrap().to_owned()
}
