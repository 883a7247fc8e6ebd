//! The gate's use cases over a store in memory. Its cache is made stale on purpose: changes go to the store directly,
//! as another process would make them.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Arc;

use bytes::Bytes;
use hookgate_domain::address_set::SetOrigin;
use hookgate_domain::policy::{Limits, Overload, PayloadLogging};
use hookgate_domain::{Networks, Policy, RefusalCode, Webhook};
use hookgate_gate::{
    Body, BodyFault, DeliveryFilter, DeliveryRequest, DeliverySummary, Gate, Issued, ManageError, PageSize,
    Refusal, Reply, Reservation, Seek, Store,
};
use hookgate_testkit::{MemoryStore, samples};

use crate::gate;

const GOOD: &[u8] = br#"{"title":"t"}"#;

/// A body that is complete.
struct Whole(&'static [u8]);

impl Body for Whole {
    async fn read(self, limit: usize, _held: &Reservation<'_>) -> Result<Bytes, BodyFault> {
        if self.0.len() > limit {
            Err(BodyFault::TooLarge)
        } else {
            Ok(Bytes::from_static(self.0))
        }
    }
}

/// A body that must not be read.
struct Untouched;

impl Body for Untouched {
    async fn read(self, _limit: usize, _held: &Reservation<'_>) -> Result<Bytes, BodyFault> {
        panic!("read before the judgement")
    }
}

async fn create(gate: &Gate<MemoryStore>, policy: Policy) -> Issued {
    let new = samples::new_webhook("w", policy);
    gate.create(&samples::actor_context(), new).await.unwrap()
}

fn request(webhook_id: &str) -> DeliveryRequest<'_> {
    DeliveryRequest {
        source: IpAddr::from([192, 0, 2, 9]).into(),
        user_agent: Some(b"test/1"),
        ..samples::request(webhook_id)
    }
}

async fn send(gate: &Gate<MemoryStore>, issued: &Issued, body: &'static [u8]) -> Reply {
    gate.receive(request(issued.id.reveal()), Whole(body)).await
}

fn refusal(reply: Reply) -> Refusal {
    match reply {
        Reply::Refused(refusal) => refusal,
        Reply::Accepted(accepted) => panic!("{accepted:?}"),
    }
}

fn is_accepted(reply: &Reply) -> bool {
    matches!(reply, Reply::Accepted(_))
}

async fn records(gate: &Gate<MemoryStore>) -> Vec<DeliverySummary> {
    gate.store()
        .delivery_page(&DeliveryFilter::default(), Seek::Newest, PageSize::MAX)
        .await
        .unwrap()
        .items
}

/// Changes the policy in the store alone, as another process would.
async fn behind_its_back(gate: &Gate<MemoryStore>, webhook: &Webhook, policy: Policy) {
    let changed = webhook.clone().edit(webhook.name.clone(), policy).unwrap();
    gate.store()
        .webhook_replace(changed, None, samples::audit())
        .await
        .unwrap();
}

fn allowing(list: &str) -> Policy {
    Policy {
        allowlist: list.parse().unwrap(),
        ..Policy::default()
    }
}

#[tokio::test]
async fn a_revocation_elsewhere_holds_for_a_remembered_webhook() {
    let gate = gate();
    let issued = create(&gate, Policy::default()).await;
    assert!(is_accepted(&send(&gate, &issued, GOOD).await));
    let change = issued.webhook.clone().revoke(gate.now()).unwrap();
    gate.store()
        .webhook_replace(change.webhook, Some(change.retired), samples::audit())
        .await
        .unwrap();
    // A body that would be refused anyway makes no difference: a dead URL is dead.
    for body in [GOOD, b"broken", br#"{"title":7}"#] {
        assert_eq!(
            refusal(send(&gate, &issued, body).await).code,
            RefusalCode::WebhookRevoked
        );
    }
    assert_eq!(
        records(&gate)
            .await
            .iter()
            .filter(|record| record.answer.code().is_none())
            .count(),
        1
    );
}

#[tokio::test]
async fn a_tighter_allowlist_elsewhere_holds_and_a_wider_one_works_at_once() {
    let gate = gate();
    let issued = create(&gate, allowing("192.0.2.9")).await;
    assert!(is_accepted(&send(&gate, &issued, GOOD).await));
    behind_its_back(&gate, &issued.webhook, allowing("198.51.100.1")).await;
    assert_eq!(
        refusal(send(&gate, &issued, GOOD).await).code,
        RefusalCode::IpNotAllowed
    );
    let tightened = gate
        .store()
        .webhook_by_handle(issued.webhook.handle)
        .await
        .unwrap()
        .unwrap();
    behind_its_back(&gate, &tightened, allowing("192.0.2.0/24")).await;
    assert!(is_accepted(&send(&gate, &issued, GOOD).await));
}

/// The error of a change, which the gate returns as it is.
#[derive(Debug, PartialEq)]
enum EditError {
    TooLong,
    Gate(&'static str),
}

impl From<ManageError> for EditError {
    fn from(error: ManageError) -> Self {
        Self::Gate(match error {
            ManageError::Changed => "changed",
            _ => "other",
        })
    }
}

#[tokio::test]
async fn a_change_that_fails_is_an_error_and_stores_nothing() {
    let gate = gate();
    let webhook = create(&gate, Policy::default()).await.webhook;
    let edit = async |revision, result: fn() -> Result<(), EditError>| {
        let change = |name: &mut _, _: &mut _| {
            *name = samples::name("changed");
            result()
        };
        gate.edit(&samples::actor_context(), webhook.handle, revision, change)
            .await
    };
    let failed = edit(None, || Err(EditError::TooLong)).await;
    assert_eq!(failed.unwrap_err(), EditError::TooLong);
    let late = edit(Some(webhook.revision + 1), || Ok(())).await;
    assert_eq!(late.unwrap_err(), EditError::Gate("changed"));
    let stored = gate.store().webhook_by_handle(webhook.handle).await.unwrap();
    assert_eq!(stored.as_ref(), Some(&webhook));
    let done = edit(Some(webhook.revision), || Ok(())).await.unwrap();
    assert_eq!(done.name, samples::name("changed"));
}

#[tokio::test]
async fn nothing_of_the_body_is_read_before_the_judgement() {
    let gate = gate();
    let issued = create(&gate, allowing("198.51.100.1")).await;
    let reply = gate.receive(request(issued.id.reveal()), Untouched).await;
    assert_eq!(refusal(reply).code, RefusalCode::IpNotAllowed);
    gate.revoke(&samples::actor_context(), issued.webhook.handle)
        .await
        .unwrap();
    let reply = gate.receive(request(issued.id.reveal()), Untouched).await;
    assert_eq!(refusal(reply).code, RefusalCode::WebhookRevoked);
    assert_eq!(
        refusal(gate.receive(request("wh_nonsense"), Untouched).await).code,
        RefusalCode::WebhookNotFound
    );
}

#[tokio::test]
async fn a_store_that_is_down_never_lets_a_remembered_webhook_pass() {
    let gate = gate();
    let issued = create(&gate, Policy::default()).await;
    assert!(is_accepted(&send(&gate, &issued, GOOD).await));
    gate.store().set_reachable(false);
    for body in [GOOD, b"broken"] {
        let refused = refusal(send(&gate, &issued, body).await);
        assert_eq!(refused.code, RefusalCode::Unavailable);
        assert!(refused.retry_after.is_some());
    }
    gate.store().set_reachable(true);
    assert!(is_accepted(&send(&gate, &issued, GOOD).await));
}

#[tokio::test]
async fn refusals_are_recorded_with_what_was_read_and_may_be_kept() {
    let gate = gate();
    let loud = create(&gate, Policy::default()).await;
    let quiet = create(
        &gate,
        Policy {
            payload_logging: PayloadLogging::Off,
            ..Policy::default()
        },
    )
    .await;
    for issued in [&loud, &quiet] {
        assert_eq!(
            refusal(send(&gate, issued, b"{broken").await).code,
            RefusalCode::InvalidJson
        );
    }
    let records = records(&gate).await;
    let payload = async |issued: &Issued| {
        let webhook = issued.webhook.handle;
        let found = records.iter().find(|record| record.webhook == webhook).unwrap();
        gate.store()
            .delivery_by_id(found.id)
            .await
            .unwrap()
            .unwrap()
            .payload
    };
    assert_eq!(
        (payload(&loud).await.as_deref(), payload(&quiet).await),
        (Some(&b"{broken"[..]), None)
    );
}

#[tokio::test]
async fn a_source_that_guesses_is_refused_and_a_known_url_is_not() {
    let gate = gate();
    let issued = create(&gate, Policy::default()).await;
    assert!(is_accepted(&send(&gate, &issued, GOOD).await));
    let mut codes = Vec::new();
    for seed in 0..400 {
        let guess = samples::webhook_id(1_000 + seed).unwrap();
        codes.push(refusal(gate.receive(request(guess.reveal()), Untouched).await).code);
    }
    assert_eq!(codes[0], RefusalCode::WebhookNotFound);
    assert_eq!(codes.last(), Some(&RefusalCode::RateLimited));
    assert!(is_accepted(&send(&gate, &issued, GOOD).await));
    assert_eq!(
        records(&gate).await.len(),
        2,
        "URLs that never existed are on no record"
    );
}

#[tokio::test]
async fn a_rate_limit_is_told_as_the_webhook_wants_it() {
    for (overload, postponed) in [(Overload::Refuse, false), (Overload::Postpone, true)] {
        let gate = gate();
        let limits = Limits::new(1_000, NonZeroU32::new(1), overload).unwrap();
        let issued = create(
            &gate,
            Policy {
                limits,
                ..Policy::default()
            },
        )
        .await;
        assert!(is_accepted(&send(&gate, &issued, GOOD).await));
        let refused = refusal(send(&gate, &issued, GOOD).await);
        assert_eq!(
            (refused.code, refused.postponed),
            (RefusalCode::RateLimited, postponed)
        );
        assert!(refused.retry_after.is_some());
    }
}

#[tokio::test]
async fn a_url_in_the_clear_is_flagged_once_and_recorded_each_time() {
    let gate = gate();
    let issued = create(&gate, Policy::default()).await;
    for _ in 0..3 {
        gate.refuse(request(issued.id.reveal()), RefusalCode::HttpsRequired)
            .await;
    }
    let webhook = gate
        .store()
        .webhook_by_handle(issued.webhook.handle)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(webhook.live_url().unwrap().exposed_at, Some(gate.now()));
    assert_eq!(webhook.revision, 2);
    assert_eq!(records(&gate).await.len(), 3);
    let fresh = gate
        .regenerate(&samples::actor_context(), webhook.handle)
        .await
        .unwrap();
    assert_eq!(fresh.webhook.live_url().unwrap().exposed_at, None);
    assert!(
        gate.revoke(&samples::actor_context(), webhook.handle)
            .await
            .is_ok()
    );
    assert!(
        gate.revoke(&samples::actor_context(), webhook.handle)
            .await
            .is_err()
    );
}

/// A revalidation that several requests share doesn't keep its result alive.
#[tokio::test]
async fn what_is_remembered_goes_with_the_memory() {
    let gate = gate();
    let name = "office".parse().unwrap();
    let networks = Networks::of(["198.51.100.0/24".parse().unwrap()]).unwrap();
    gate.address_set_create(&samples::actor_context(), name, SetOrigin::Own, networks, None)
        .await
        .unwrap();
    let policy = Policy {
        allowlist: "@office".parse().unwrap(),
        ..Policy::default()
    };
    let issued = create(&gate, policy).await;
    let refused = refusal(gate.receive(request(issued.id.reveal()), Untouched).await);
    assert_eq!(refused.code, RefusalCode::IpNotAllowed);

    let (_, networks) = gate.address_set(&"office".parse().unwrap()).await.unwrap();
    drop((gate, issued));
    assert_eq!(Arc::strong_count(&networks), 1, "an allowlist is still held");
}
