//! An administrator who revokes, regenerates and changes allowlists at random, on any node, and repeats failed calls.

use std::sync::Arc;
use std::time::Duration;

use hookgate_testkit::https::{Answer, Outcome};
use serde_json::{Value, json};

use crate::history::State;
use crate::scale;
use crate::senders::Book;
use crate::site::{Site, path_of};

/// Pause before a failed call is repeated.
const PAUSE: Duration = Duration::from_millis(50);
/// Pause between two changes at scale one, so that deliveries come in between.
const BREATH: Duration = Duration::from_millis(8);

/// Changes webhooks one after the other.
pub(crate) struct Administrator {
    site: Arc<Site>,
    book: Arc<Book>,
    number: usize,
    draw: usize,
}

/// The webhook that is changed now.
struct Target {
    handle: String,
    /// Its URL in the book.
    url: usize,
    state: State,
}

impl Administrator {
    pub(crate) const fn new(site: Arc<Site>, book: Arc<Book>, number: usize) -> Self {
        Self {
            site,
            book,
            number,
            draw: number,
        }
    }

    /// Makes this number of changes.
    pub(crate) async fn work(mut self, changes: usize) {
        let mut target = self.create(0).await;
        for change in 0..changes {
            target = match self.random(5) {
                0 => {
                    self.revoke(&target).await;
                    self.create(change + 1).await
                }
                1 => self.regenerate(target).await,
                _ => self.toggle(target).await,
            };
            tokio::time::sleep(BREATH * u32::try_from(scale()).unwrap()).await;
        }
    }

    async fn create(&mut self, change: usize) -> Target {
        let name = format!("w{}-{change}", self.number);
        loop {
            let node = self.node();
            if let Ok((handle, path)) = self.site.create(node, &name).await {
                let url = self.book.url(&path, State::Open);
                return Target {
                    handle,
                    url,
                    state: State::Open,
                };
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn revoke(&mut self, target: &Target) {
        let began = self.book.now();
        let path = format!("/api/v1/webhooks/{}/revoke", target.handle);
        // A repetition finds it revoked.
        self.repeat("POST", &path, None, &[200, 409, 410]).await;
        self.book.changed(target.url, State::Dead, began);
    }

    async fn regenerate(&mut self, target: Target) -> Target {
        let began = self.book.now();
        let path = format!("/api/v1/webhooks/{}/regenerate", target.handle);
        let answer = self.repeat("POST", &path, None, &[200]).await;
        self.book.changed(target.url, State::Dead, began);
        let made: Value = serde_json::from_str(&answer.body).unwrap();
        let url = self
            .book
            .url(&path_of(&made["data"]["url"]).unwrap(), target.state);
        Target { url, ..target }
    }

    /// Closes the allowlist, or opens it.
    async fn toggle(&mut self, target: Target) -> Target {
        let (state, allowlist) = match target.state {
            State::Open => (State::Closed, json!(["192.0.2.1"])),
            _ => (State::Open, Value::Null),
        };
        let began = self.book.now();
        let path = format!("/api/v1/webhooks/{}", target.handle);
        let change = json!({"allowlist": allowlist});
        self.repeat("PATCH", &path, Some(change), &[200]).await;
        self.book.changed(target.url, state, began);
        Target { state, ..target }
    }

    /// Calls any node until one of them answers with a status of `done`.
    async fn repeat(&mut self, method: &str, path: &str, body: Option<Value>, done: &[u16]) -> Answer {
        loop {
            let node = self.node();
            match self.call(node, method, path, body.clone()).await {
                Ok(answer) if done.contains(&answer.status.as_u16()) => return answer,
                Ok(answer) => assert!([409, 412, 503].contains(&answer.status.as_u16()), "{answer:?}"),
                // The node is down, or was killed before it answered.
                Err(_) => {}
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn call(&self, node: usize, method: &str, path: &str, body: Option<Value>) -> Outcome<Answer> {
        let mut tag = None;
        if method == "PATCH" {
            let now = self.site.call(node, "GET", path, None, &[]).await?;
            if now.status != 200 {
                return Ok(now);
            }
            tag = Some(now.header("etag").to_owned());
        }
        let headers: Vec<_> = tag.iter().map(|tag| ("if-match", tag.as_str())).collect();
        self.site.call(node, method, path, body, &headers).await
    }

    fn node(&mut self) -> usize {
        self.random(self.site.nodes.len())
    }

    fn random(&mut self, below: usize) -> usize {
        self.draw = self.draw.wrapping_mul(48_271).wrapping_add(11) % 2_147_483_647;
        self.draw / 7 % below
    }
}
