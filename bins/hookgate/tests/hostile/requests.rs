//! Complete requests that try to cost more than they should.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use hookgate_domain::WebhookId;
use hookgate_testkit::https::Http;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::stage::{ON_RECORD, Target, attack, attack_within};
use crate::support::post;

/// Number of attacking connections. Each can make the server hold a payload and its keys, about 10 MiB.
const ATTACKERS: usize = 2;

/// Number of answers by status.
type Statuses = BTreeMap<u16, usize>;

/// Sends the requests of `next` repeatedly.
async fn over_and_over<N>(target: Target, next: N) -> Statuses
where
    N: Fn(&Target) -> (String, String) + Clone + Send + Sync + 'static,
{
    let mut attackers = JoinSet::new();
    for index in 0..ATTACKERS {
        let (target, next) = (target.clone(), next.clone());
        attackers.spawn(async move {
            let mut statuses = Vec::new();
            let mut open = None;
            while Instant::now() < target.until {
                let mut connection = match open.take() {
                    Some(connection) => connection,
                    None => target
                        .client
                        .connect(target.address, Http::BOTH[index % 2])
                        .await
                        .unwrap(),
                };
                let (path, body) = next(&target);
                let url = format!("https://localhost:{}{path}", target.address.port());
                // A refusal may end the connection while the body is still being sent.
                if let Ok(answer) = connection.send(post(&url, &body)).await {
                    statuses.push(answer.status.as_u16());
                    open = Some(connection);
                }
            }
            statuses
        });
    }
    let mut counts = Statuses::new();
    for status in attackers.join_all().await.into_iter().flatten() {
        *counts.entry(status).or_default() += 1;
    }
    counts
}

/// Sends the same body repeatedly, which must be refused with this status only.
fn bodies(name: &str, body: String, status: u16) {
    let statuses = attack_within(ON_RECORD, name, |target| {
        over_and_over(target, move |target| (target.path.clone(), body.clone()))
    });
    assert_eq!(statuses.keys().collect::<Vec<_>>(), [&status]);
}

#[test]
fn deep_json() {
    let body = format!("{{\"title\":\"t\",\"x\":{}", "[".repeat(1_000_000));
    bodies("JSON of a million levels", body, 400);
}

#[test]
fn wide_json() {
    // All keys are read before the last one is found to be a duplicate.
    let keys: Vec<_> = (0..85_000).map(|key| format!("\"k{key}\":0,")).collect();
    bodies(
        "JSON of 85,000 keys",
        format!("{{\"title\":\"t\",{}\"title\":\"u\"}}", keys.concat()),
        400,
    );
}

#[test]
fn wider_json() {
    let body = format!("{{\"title\":\"t\",{}\"k\":0}}", "\"k\":0,".repeat(1_000_000));
    bodies("JSON of a million keys, over the limit", body, 413);
}

#[test]
fn unknown_urls() {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let statuses = attack("unknown URLs", |target| {
        over_and_over(target, |_| {
            let number = NEXT.fetch_add(1, Ordering::Relaxed).to_le_bytes();
            let id = WebhookId::generate(|buffer| {
                let bytes = number.iter().chain(std::iter::repeat(&7));
                buffer
                    .iter_mut()
                    .zip(bytes)
                    .for_each(|(slot, byte)| *slot = *byte % 61);
                Ok::<(), std::convert::Infallible>(())
            });
            let path = format!("/webhooks/custom/{}", id.unwrap().reveal());
            (path, "{}".to_owned())
        })
    });
    assert!(
        statuses.keys().all(|status| [404, 429].contains(status)),
        "{statuses:?}"
    );
}

#[test]
fn refusals() {
    let statuses = attack_within(ON_RECORD, "refusals", |target| {
        over_and_over(target, |target| (target.closed_path.clone(), "{}".to_owned()))
    });
    assert_eq!(statuses.keys().collect::<Vec<_>>(), [&403]);
}
