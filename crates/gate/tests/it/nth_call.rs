//! Every store call of a delivery fails once: the answer is a temporary failure, and never an acceptance without a
//! record.

use std::net::IpAddr;

use bytes::Bytes;
use hookgate_domain::{Policy, RefusalCode, Webhook};
use hookgate_gate::{
    Body, BodyFault, DeliveryFilter, DeliveryRequest, Gate, PageSize, Reply, Reservation, Seek, Store,
};
use hookgate_testkit::{MemoryStore, samples};

/// A body that is complete.
struct Whole(&'static [u8]);

impl Body for Whole {
    async fn read(self, _limit: usize, _held: &Reservation<'_>) -> Result<Bytes, BodyFault> {
        Ok(Bytes::from_static(self.0))
    }
}

/// The state of the gate before a delivery.
#[derive(Clone, Copy, Debug)]
enum Story {
    /// The URL is not cached.
    Unknown,
    /// The URL is cached.
    Remembered,
    /// The URL is cached, and the webhook was changed by another process.
    Changed,
    /// The URL is cached, and its allowlist was widened by another process.
    Widened,
    /// The delivery is a retry of an accepted one.
    Retry,
    /// The body is refused.
    Broken,
}

#[tokio::test]
async fn whichever_call_of_the_store_fails_nothing_is_accepted_without_a_record() {
    let stories = [
        Story::Unknown,
        Story::Remembered,
        Story::Changed,
        Story::Widened,
        Story::Retry,
        Story::Broken,
    ];
    for story in stories {
        let mut call = 1;
        while fails_at(story, call).await {
            call += 1;
        }
        assert!(call > 1, "{story:?}: a delivery without a call of the store");
        println!("{story:?}: {} calls, each failed once", call - 1);
    }
}

/// Runs a story in which this store call fails. Returns `true` if the call was made at all.
async fn fails_at(story: Story, call: usize) -> bool {
    let gate = Gate::new(MemoryStore::default(), samples::ports());
    let policy = match story {
        Story::Widened => allowing("198.51.100.1"),
        _ => Policy::default(),
    };
    let new = samples::new_webhook("w", policy);
    let issued = gate.create(&samples::actor_context(), new).await.unwrap();
    let id = issued.id.reveal();
    if !matches!(story, Story::Unknown) {
        send(&gate, id, story).await;
    }
    match story {
        Story::Changed => edit(&gate, &issued.webhook, Policy::default()).await,
        Story::Widened => edit(&gate, &issued.webhook, allowing("192.0.2.0/24")).await,
        _ => {}
    }
    let before = counted(&gate).await;
    gate.store().fail_call(call);
    let reply = send(&gate, id, story).await;
    let has_failed = gate.store().has_failed();
    gate.store().fail_call(0);
    let stored = counted(&gate).await - before;
    match (story, &reply) {
        (Story::Broken, Reply::Refused(refusal)) if refusal.code == RefusalCode::InvalidJson => {}
        (_, Reply::Accepted(_)) => {
            assert!(!has_failed, "{story:?}: accepted though call {call} failed");
            assert_eq!(stored, 1, "{story:?}: accepted and not on record");
        }
        (_, Reply::Refused(refusal)) => {
            assert!(has_failed, "{story:?}: {refusal:?}");
            assert_eq!(refusal.code, RefusalCode::Unavailable, "{story:?}, call {call}");
            assert!(refusal.retry_after.is_some());
            assert_eq!(stored, 0, "{story:?}, call {call}");
        }
    }
    // The next delivery succeeds after any failure.
    let next = send(&gate, id, story).await;
    assert_eq!(
        matches!(next, Reply::Accepted(_)),
        !matches!(story, Story::Broken),
        "{story:?}, call {call}"
    );
    has_failed
}

async fn send(gate: &Gate<MemoryStore>, id: &str, story: Story) -> Reply {
    let body: &[u8] = match story {
        Story::Broken => b"{broken",
        _ => br#"{"title":"t"}"#,
    };
    let request = DeliveryRequest {
        source: IpAddr::from([192, 0, 2, 9]).into(),
        idempotency_key: matches!(story, Story::Retry).then_some(b"key"),
        ..samples::request(id)
    };
    gate.receive(request, Whole(body)).await
}

/// Changes the policy in the store alone, as another process would.
async fn edit(gate: &Gate<MemoryStore>, webhook: &Webhook, policy: Policy) {
    let changed = webhook.clone().edit(webhook.name.clone(), policy).unwrap();
    let stored = gate.store().webhook_replace(changed, None, samples::audit());
    stored.await.unwrap();
}

fn allowing(list: &str) -> Policy {
    Policy {
        allowlist: list.parse().unwrap(),
        ..Policy::default()
    }
}

/// Number of accepted deliveries on record, including retries.
async fn counted(gate: &Gate<MemoryStore>) -> i64 {
    let page = gate
        .store()
        .delivery_page(&DeliveryFilter::default(), Seek::Newest, PageSize::MAX)
        .await
        .unwrap();
    let accepted = page.items.iter().filter(|record| record.answer.code().is_none());
    accepted.map(|record| record.count).sum()
}
