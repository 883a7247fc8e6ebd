//! Strangers who know the URL of a signed webhook but not its secret: with any requests, and any number of open ones, they
//! can't stop the sender's signed deliveries. They use the sender's own address, which is the worst case.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use hookgate_testkit::https::{Answer, Http};
use tokio::io::{AsyncWriteExt, sink};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};

use crate::frames::{END_HEADERS, Kind, PREFACE, field, frame, post_block};
use crate::stage::scale;
use crate::support::{Server, code, post, sign};

const GOOD: &str = r#"{"title":"signed"}"#;
/// Number of strangers' connections, and of requests on each: more than the memory quota of a webhook allows.
const CONNECTIONS: u32 = 100;
const STREAMS: u32 = 100;

/// A signed webhook with its sender.
struct Signed {
    server: Server,
    url: String,
    secret: String,
    next: AtomicU64,
}

impl Signed {
    fn new(arguments: &[&str]) -> Self {
        let server = Server::start();
        let create = ["webhook", "create", "signed", "--signature", "standard-webhooks"];
        let created = server.json(&[&create[..], arguments].concat());
        Self {
            url: created["url"].as_str().unwrap().to_owned(),
            secret: created["signing_secret"].as_str().unwrap().to_owned(),
            server,
            next: AtomicU64::new(0),
        }
    }

    /// Sends this body with these signature headers; empty ones are left out.
    async fn send(&self, body: &str, id: &str, timestamp: &str, signature: &str) -> Answer {
        let mut request = post(&self.url, body);
        let headers = [
            ("webhook-id", id),
            ("webhook-timestamp", timestamp),
            ("webhook-signature", signature),
        ];
        for (name, value) in headers.into_iter().filter(|(_, value)| !value.is_empty()) {
            request.headers_mut().insert(name, value.parse().unwrap());
        }
        self.server.send(Http::Two, request).await
    }

    async fn deliver(&self) {
        let id = format!("msg_{}", self.next.fetch_add(1, Ordering::Relaxed));
        let now = now();
        let signature = sign(&self.secret, &id, now, GOOD);
        let answer = self.send(GOOD, &id, &now.to_string(), &signature).await;
        assert_eq!(answer.status, 201, "{answer:?}");
    }
}

fn now() -> i64 {
    jiff::Timestamp::now().as_second()
}

/// Ten unsigned requests a second, for five seconds and longer, against a limit of twenty a minute.
#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_signed_uses_up_no_rate_limit() {
    let signed = Signed::new(&["--per-minute", "20"]);
    let until = Instant::now() + Duration::from_secs(5) * scale();
    let strangers = async {
        let mut pace = interval(Duration::from_millis(100));
        pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let wrong = sign(&format!("whsec_{}", "A".repeat(44)), "x", 1, GOOD);
        let time = || now().to_string();
        let old = (now() - 600).to_string();
        let mut told = Vec::new();
        while Instant::now() < until {
            for (body, timestamp, signature, expected) in [
                (GOOD, "", "", "SIGNATURE_REQUIRED"),
                (GOOD, "soon", &wrong[..], "SIGNATURE_INVALID"),
                (GOOD, &time(), "v1,", "SIGNATURE_INVALID"),
                (GOOD, &time(), &wrong, "SIGNATURE_INVALID"),
                ("{", &time(), &wrong, "SIGNATURE_INVALID"),
                (GOOD, &old, &wrong, "SIGNATURE_EXPIRED"),
            ] {
                pace.tick().await;
                let answer = signed.send(body, "msg_x", timestamp, signature).await;
                told.push((code(&answer), expected));
            }
        }
        told
    };
    let sender = async {
        let mut pace = interval(Duration::from_secs(3));
        while Instant::now() < until {
            pace.tick().await;
            signed.deliver().await;
        }
    };
    let (told, ()) = tokio::join!(strangers, sender);
    for (told, expected) in told {
        assert_eq!(told, expected);
    }
}

/// A hundred connections with a hundred requests each whose bodies never arrive, with headers that only the body could prove
/// wrong.
#[tokio::test(flavor = "multi_thread")]
async fn requests_that_wait_for_a_body_hold_up_nobody() {
    let signed = Signed::new(&["--max-body", "1048576"]);
    let path = format!("/{}", signed.url.splitn(4, '/').nth(3).unwrap());
    let mut block = post_block(&path);
    let wrong = sign(&format!("whsec_{}", "A".repeat(44)), "x", 1, GOOD);
    for (name, value) in [
        ("webhook-id", "msg_x"),
        ("webhook-timestamp", &now().to_string()),
        ("webhook-signature", &wrong),
    ] {
        block.extend(field(name, value));
    }
    let mut open = Vec::new();
    for connection in 0..CONNECTIONS {
        let tls = signed.server.client.tls(signed.server.address(), Http::Two);
        let (mut reader, mut writer) = tokio::io::split(tls.await.unwrap());
        let heads = (0..STREAMS).flat_map(|index| frame(Kind::Headers, END_HEADERS, 1 + 2 * index, &block));
        writer.write_all(PREFACE).await.unwrap();
        writer.write_all(&heads.collect::<Vec<_>>()).await.unwrap();
        tokio::spawn(async move { tokio::io::copy(&mut reader, &mut sink()).await });
        open.push(writer);
        if connection % 10 == 9 {
            signed.deliver().await;
        }
    }
    for _ in 0..5 * scale() {
        signed.deliver().await;
        sleep(Duration::from_millis(200)).await;
    }
}
