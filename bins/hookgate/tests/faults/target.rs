//! A webhook, and the gates that accept its deliveries.

use std::net::SocketAddr;
use std::time::Duration;

use hookgate_testkit::https::{Answer, Client, Connection, Http, Outcome};
use serde_json::Value;
use tokio::time::{Instant, sleep, timeout};

use crate::site::Site;
use crate::support::{Server, post};

/// Time that a sender waits for an answer: longer than the server waits for any database.
pub(crate) const PATIENCE: Duration = Duration::from_secs(25);
/// Pause after a delivery with 503, and before the next attempt to connect.
pub(crate) const PAUSE: Duration = Duration::from_millis(10);
/// Maximum time until the service is back. The promise is five seconds after the end of a fault; the rest is for machines
/// that are busy with other tests.
const WELL_AGAIN: Duration = Duration::from_secs(30);

/// Destination and size of deliveries.
#[derive(Clone)]
pub(crate) struct Target {
    pub(crate) client: Client,
    /// Addresses of the gates that serve the webhook. A sender that finds one closed goes to the next.
    pub(crate) gates: Vec<SocketAddr>,
    /// Path of the webhook URL.
    pub(crate) path: String,
    /// Bytes of ballast in each payload.
    pub(crate) ballast: usize,
}

impl Target {
    /// The demo webhook of this server.
    pub(crate) fn demo(server: &Server) -> Self {
        let url = server.demo_url();
        Self {
            client: server.client.clone(),
            gates: vec![server.address()],
            path: url[url.find("/webhooks/").unwrap()..].to_owned(),
            ballast: 0,
        }
    }

    /// This webhook on all nodes of a site.
    pub(crate) fn nodes(site: &Site, path: &str) -> Self {
        Self {
            client: site.client.clone(),
            gates: site.nodes.iter().map(|node| node.gate).collect(),
            path: path.to_owned(),
            ballast: 0,
        }
    }

    /// Sends one delivery over a connection of its own.
    pub(crate) async fn deliver(&self, gate: usize, title: &str) -> Outcome<Answer> {
        let gate = self.gates[gate];
        let mut connection = self.client.connect(gate, Http::One).await?;
        self.send(&mut connection, gate, title).await
    }

    /// Sends one delivery over this connection.
    pub(crate) async fn send(
        &self,
        connection: &mut Connection,
        gate: SocketAddr,
        title: &str,
    ) -> Outcome<Answer> {
        let url = format!("https://localhost:{}{}", gate.port(), self.path);
        let ballast = "x".repeat(self.ballast);
        let body = format!(r#"{{"title":"{title}","ballast":"{ballast}"}}"#);
        timeout(PATIENCE, connection.send(post(&url, &body))).await?
    }

    /// Time from now until every gate accepts.
    pub(crate) async fn well_again(&self) -> Duration {
        let began = Instant::now();
        for gate in 0..self.gates.len() {
            while !matches!(self.deliver(gate, "well?").await, Ok(answer) if answer.status == 201) {
                assert!(began.elapsed() < WELL_AGAIN, "not well after {WELL_AGAIN:?}");
                sleep(PAUSE).await;
            }
        }
        began.elapsed()
    }
}

/// Checks that a 503 comes from Hookgate and has `Retry-After`.
pub(crate) fn is_unavailable(answer: &Answer) {
    let body: Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(body["error"]["code"], "UNAVAILABLE", "{answer:?}");
    assert!(
        answer.header("retry-after").parse::<u32>().unwrap() > 0,
        "{answer:?}"
    );
}
