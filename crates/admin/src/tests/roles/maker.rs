//! Creates the objects of requests, each for a single request.

use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::{Value, json};

use super::matrix::Row;
use crate::tests::test_app::{TestApp, TestWebhook};

/// Creates the objects of requests, as an owner.
pub(super) struct Maker {
    pub(super) app: TestApp,
    pub(super) webhook: TestWebhook,
    made: AtomicU32,
}

impl Maker {
    pub(super) async fn new() -> Self {
        let app = TestApp::new().await;
        Self {
            webhook: app.webhook("demo").await,
            app,
            made: AtomicU32::new(0),
        }
    }

    pub(super) fn fresh(&self) -> String {
        format!("fresh{}", self.made.fetch_add(1, Ordering::Relaxed))
    }

    /// Path and body of a row, with objects created for it.
    pub(super) async fn fill(&self, (_, path, _, body, _): &Row) -> (String, String) {
        let path = match path.split_once('{') {
            None => (*path).to_owned(),
            Some((before, rest)) => {
                let (what, after) = rest.split_once('}').expect("an end");
                format!("{before}{}{after}", self.thing(before, what).await)
            }
        };
        (path, body.replace("FRESH", &self.fresh()))
    }

    async fn thing(&self, before: &str, what: &str) -> String {
        let kind = before.trim_end_matches('/').rsplit('/').next().expect("a kind");
        let name = self.fresh();
        let create = async |body: Value, key: &str| {
            let made = self.app.post(&format!("/api/v1/{kind}"), &body).await.data();
            text(&made[key])
        };
        match (kind, what) {
            ("webhooks", _) => create(json!({"name": name}), "handle").await,
            ("address-sets", _) => {
                create(json!({"name": name, "networks": ["198.51.100.0/24"]}), "name").await
            }
            ("tokens", _) => create(json!({"name": name, "role": "viewer"}), "id").await,
            ("members", _) => self.app.member(&name, "viewer").await,
            ("incidents", _) => text(&self.delivered().await["incident"]["id"]),
            ("deliveries", _) => text(&self.delivered().await["delivery_id"]),
            ("sign-in", _) => {
                self.app.member(&name, "viewer").await;
                let path = self.app.sign_in_path(&name).await;
                path.trim_start_matches("/sign-in/").to_owned()
            }
            ("sessions", _) => format!("ses_{:026}", 0),
            ("assets", _) => {
                let page = self.app.get("/sign-in").await.body;
                let asset = page
                    .split("/assets/")
                    .nth(1)
                    .and_then(|rest| rest.split('"').next());
                asset.expect("a file").to_owned()
            }
            _ => panic!("nobody knows how to make {what} for {before}"),
        }
    }

    async fn delivered(&self) -> Value {
        self.app
            .deliver(&self.webhook, &json!({"title": "t"}))
            .await
            .data()
    }
}

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}
