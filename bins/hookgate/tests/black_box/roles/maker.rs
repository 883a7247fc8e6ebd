//! Creates the objects of requests, each for a single request.

use std::sync::atomic::{AtomicU32, Ordering};

use hookgate_testkit::https::Http;
use serde_json::{Value, json};

use super::matrix::Row;
use crate::program::{Program, data};
use crate::support::Server;
use crate::visitor::ConsoleClient;

/// Creates the objects of requests.
pub(super) struct Maker<'a> {
    server: &'a Server,
    pub(super) owner: Program<'a>,
    made: AtomicU32,
}

impl<'a> Maker<'a> {
    pub(super) fn new(server: &'a Server) -> Self {
        Self {
            server,
            owner: Program::new(server, "owner"),
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
                let (what, after) = rest.split_once('}').unwrap();
                format!("{before}{}{after}", self.thing(before, what).await)
            }
        };
        (path, body.replace("FRESH", &self.fresh()))
    }

    async fn thing(&self, before: &str, what: &str) -> String {
        let kind = before.trim_end_matches('/').rsplit('/').next().unwrap();
        let create = async |body: Value, key: &str| {
            let made = data(&self.owner.post(&format!("/api/v1/{kind}"), body).await);
            made[key].as_str().unwrap().to_owned()
        };
        let name = self.fresh();
        match (kind, what) {
            ("webhooks", _) => create(json!({"name": name}), "handle").await,
            ("address-sets", _) => {
                create(json!({"name": name, "networks": ["198.51.100.0/24"]}), "name").await
            }
            ("tokens", _) => create(json!({"name": name, "role": "viewer"}), "id").await,
            ("members", _) => self.member("viewer").await.0,
            ("incidents", _) => self.delivered("incident").await,
            ("deliveries", _) => self.delivered("delivery").await,
            ("sign-in", _) => self
                .member("viewer")
                .await
                .1
                .rsplit('/')
                .next()
                .unwrap()
                .to_owned(),
            ("sessions", _) => format!("ses_{:026}", 0),
            ("assets", _) => {
                let page = ConsoleClient::nobody(self.server).get("/sign-in").await;
                page.split("/assets/")
                    .nth(1)
                    .unwrap()
                    .split('"')
                    .next()
                    .unwrap()
                    .to_owned()
            }
            _ => panic!("nobody knows how to make {what} for {before}"),
        }
    }

    /// A delivery or its incident.
    async fn delivered(&self, what: &str) -> String {
        let sent = self
            .server
            .post(Http::One, &self.server.demo_url(), r#"{"title":"t"}"#)
            .await;
        let sent = data(&sent);
        let id = if what == "incident" {
            &sent["incident"]["id"]
        } else {
            &sent["delivery_id"]
        };
        id.as_str().unwrap().to_owned()
    }

    /// A member of this role: its ID and a link that signs it in.
    pub(super) async fn member(&self, role: &str) -> (String, String) {
        let body = json!({"name": self.fresh(), "role": role});
        let made = data(&self.owner.post("/api/v1/members", body).await);
        let id = made["id"].as_str().unwrap().to_owned();
        let link = self
            .server
            .json(&["sign-in-link", made["name"].as_str().unwrap()]);
        (id, link["sign_in"].as_str().unwrap().to_owned())
    }
}
