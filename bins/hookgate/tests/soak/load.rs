//! Senders, and a program at the admin API, which continue at a steady pace and check each answer.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use hookgate_testkit::https::{Answer, Client, Full, Http, Outcome, Request};
use serde_json::json;
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval};

use crate::support::program::{Program, data};
use crate::support::{Server, post};

/// Number of senders, and interval of each after the warm-up.
const SENDERS: usize = 4;
const SEND_EVERY: Duration = Duration::from_millis(10);
/// Requests of one connection, before it is closed and another one opened.
const REQUESTS_A_CONNECTION: usize = 60;
/// Interval in which the program at the API does all of its acts.
const ADMINISTER_EVERY: Duration = Duration::from_secs(2);
/// Number of incidents that are updated repeatedly.
const DEDUP_KEYS: usize = 20;
/// Maximum number of unexpected answers to store. One fails the test; more help to find the cause.
const KEPT: usize = 5;

/// A running load.
pub(crate) struct Load {
    plan: Arc<Plan>,
    workers: Vec<JoinHandle<Sum>>,
}

/// The answers.
#[derive(Debug, Default)]
pub(crate) struct Sum {
    pub(crate) answered: usize,
    pub(crate) unexpected: Vec<String>,
}

/// The shared data of all workers.
struct Plan {
    /// URL of an open webhook.
    open: String,
    closed: String,
    dead: String,
    sent: AtomicUsize,
    is_warm: AtomicBool,
    is_over: AtomicBool,
}

impl Load {
    /// Starts the load, as fast as the server answers.
    pub(crate) fn begin(server: &Arc<Server>) -> Self {
        let plan = Arc::new(Plan {
            open: server.demo_url(),
            closed: server.create("closed", &["--allow", "192.0.2.1"]),
            dead: server.create("dead", &[]),
            sent: AtomicUsize::new(0),
            is_warm: AtomicBool::new(false),
            is_over: AtomicBool::new(false),
        });
        server.json(&["webhook", "revoke", "dead", "--yes"]);
        let mut workers: Vec<_> = (0..SENDERS)
            .map(|sender| {
                let plan = Arc::clone(&plan);
                let (client, address) = (server.client.clone(), server.address());
                let http = Http::BOTH[sender % 2];
                tokio::spawn(async move { send(&client, address, http, &plan).await })
            })
            .collect();
        workers.push(tokio::spawn(administer(Arc::clone(server), Arc::clone(&plan))));
        Self { plan, workers }
    }

    /// Waits until `requests` requests are sent, and continues at a steady pace.
    pub(crate) async fn warm_up(&self, requests: usize) {
        let is_sending = || self.workers.iter().any(|worker| !worker.is_finished());
        while self.plan.sent.load(Ordering::Relaxed) < requests && is_sending() {
            tokio::time::sleep(SEND_EVERY).await;
        }
        self.plan.is_warm.store(true, Ordering::Relaxed);
    }

    /// Ends the load.
    pub(crate) async fn end(self) -> Sum {
        self.plan.is_over.store(true, Ordering::Relaxed);
        let mut sum = Sum::default();
        for worker in self.workers {
            let of_worker = worker.await.unwrap();
            sum.answered += of_worker.answered;
            sum.unexpected.extend(of_worker.unexpected);
        }
        sum
    }
}

impl Sum {
    fn note(&mut self, what: &str, expected: &[u16], answered: &Outcome<Answer>) {
        self.answered += 1;
        let is_expected = answered
            .as_ref()
            .is_ok_and(|answer| expected.contains(&answer.status.as_u16()));
        if !is_expected && self.unexpected.len() < KEPT {
            self.unexpected
                .push(format!("{what}: {answered:?}, not {expected:?}"));
        }
    }
}

/// Sends valid and invalid deliveries in turn, over connections that last for a while.
async fn send(client: &Client, address: SocketAddr, http: Http, plan: &Plan) -> Sum {
    let mut sum = Sum::default();
    let mut pace = interval(SEND_EVERY);
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while !plan.is_over.load(Ordering::Relaxed) {
        let mut connection = match client.connect(address, http).await {
            Ok(connection) => connection,
            Err(error) => {
                sum.note("a connection", &[], &Err(error));
                continue;
            }
        };
        for number in 0..REQUESTS_A_CONNECTION {
            if plan.is_warm.load(Ordering::Relaxed) {
                pace.tick().await;
            }
            let title = plan.sent.fetch_add(1, Ordering::Relaxed);
            let (what, request, expected): (_, _, &[u16]) = match number % 8 {
                0 => ("not JSON", post(&plan.open, "{"), &[400]),
                1 => ("a refused source", post(&plan.closed, r#"{"title":"t"}"#), &[403]),
                2 => ("a revoked webhook", post(&plan.dead, r#"{"title":"t"}"#), &[410]),
                3 => (
                    "a GET",
                    Request::get(&plan.open).body(Full::default()).unwrap(),
                    &[405],
                ),
                4 => (
                    "a new incident",
                    post(&plan.open, &format!(r#"{{"title":"t{title}"}}"#)),
                    &[201],
                ),
                _ => {
                    let key = title % DEDUP_KEYS;
                    let body = format!(r#"{{"title":"t{title}","dedup_key":"k{key}"}}"#);
                    ("an update", post(&plan.open, &body), &[200, 201])
                }
            };
            sum.note(what, expected, &connection.send(request).await);
        }
    }
    sum
}

/// Creates webhooks, regenerates and revokes their URLs, and reads deliveries.
async fn administer(server: Arc<Server>, plan: Arc<Plan>) -> Sum {
    let program = Program::new(&server, "admin");
    let mut sum = Sum::default();
    let mut pace = interval(ADMINISTER_EVERY);
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let deliver = async |url: &str| server.client.send(Http::Two, post(url, r#"{"title":"t"}"#)).await;
    while !plan.is_over.load(Ordering::Relaxed) {
        pace.tick().await;
        let made = data(
            &program
                .post("/api/v1/webhooks", json!({"name": "short-lived"}))
                .await,
        );
        let path = format!("/api/v1/webhooks/{}", made["handle"].as_str().unwrap());
        let old = made["url"].as_str().unwrap();
        sum.note("a new URL", &[201], &deliver(old).await);
        let fresh = data(&program.post(&format!("{path}/regenerate"), json!({})).await);
        sum.note("an old URL", &[410], &deliver(old).await);
        sum.note(
            "its successor",
            &[201],
            &deliver(fresh["url"].as_str().unwrap()).await,
        );
        sum.note(
            "the end",
            &[200],
            &Ok(program.post(&format!("{path}/revoke"), json!({})).await),
        );
        for path in ["/api/v1/deliveries?limit=50", "/api/v1/incidents", "/metrics"] {
            sum.note(path, &[200], &Ok(program.call("GET", path, None, &[]).await));
        }
    }
    sum
}
