//! Limits on strangers, who know a URL and nothing else: they use up neither the webhook's rate limit nor its memory,
//! nor the allowed failures of other sources. A failure for lack of our own resources counts for nobody.

use std::future::pending;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use bytes::Bytes;
use hookgate_domain::policy::{Limits, Overload};
use hookgate_domain::{Policy, RefusalCode};
use hookgate_gate::{
    Body, BodyFault, Browser, DeliveryRequest, Gate, Hashing, Issued, NewWebhook, Passwords, PasswordsError,
    Ports, Reply, Reservation, SignInError, SignatureHeaders, Store,
};
use hookgate_people::{Password, PasswordHash, Role};
use hookgate_testkit::{MemoryStore, samples};
use tokio::time::timeout;

use crate::gate;

const GOOD: &str = r#"{"title":"t"}"#;
const SENDER: [u8; 4] = [192, 0, 2, 7];
const STRANGER: [u8; 4] = [198, 51, 100, 9];

/// A body that is complete.
struct Whole(&'static str);

impl Body for Whole {
    async fn read(self, _limit: usize, held: &Reservation<'_>) -> Result<Bytes, BodyFault> {
        if held.take(self.0.len()) {
            Ok(Bytes::from_static(self.0.as_bytes()))
        } else {
            Err(BodyFault::NoRoom)
        }
    }
}

/// A body that must not be read.
struct Untouched;

impl Body for Untouched {
    async fn read(self, _limit: usize, _held: &Reservation<'_>) -> Result<Bytes, BodyFault> {
        panic!("read before the head was checked")
    }
}

/// A body that never arrives.
struct Never;

impl Body for Never {
    async fn read(self, _limit: usize, _held: &Reservation<'_>) -> Result<Bytes, BodyFault> {
        pending().await
    }
}

fn per_minute(limit: u32) -> Policy {
    Policy {
        limits: Limits::new(1_000, NonZeroU32::new(limit), Overload::Refuse).unwrap(),
        ..Policy::default()
    }
}

async fn create(gate: &Gate<MemoryStore>, name: &str, policy: Policy) -> Issued {
    let new = samples::new_webhook(name, policy);
    gate.create(&samples::actor_context(), new).await.unwrap()
}

fn from(source: [u8; 4], issued: &Issued) -> DeliveryRequest<'_> {
    DeliveryRequest {
        source: IpAddr::from(source).into(),
        ..samples::request(issued.id.reveal())
    }
}

fn code(reply: &Reply) -> Option<RefusalCode> {
    match reply {
        Reply::Accepted(_) => None,
        Reply::Refused(refusal) => Some(refusal.code),
    }
}

async fn send(
    gate: &Gate<MemoryStore>,
    source: [u8; 4],
    issued: &Issued,
    body: &'static str,
) -> Option<RefusalCode> {
    code(&gate.receive(from(source, issued), Whole(body)).await)
}

#[tokio::test]
async fn what_the_head_tells_is_refused_without_the_body() {
    let gate = gate();
    let signed = NewWebhook {
        signed: true,
        ..samples::new_webhook("signed", per_minute(5))
    };
    let issued = gate.create(&samples::actor_context(), signed).await.unwrap();
    let now = (samples::START.as_micros() / 1_000_000).to_string();
    let old = (samples::START.as_micros() / 1_000_000 - 301).to_string();
    let formed = format!("v1,{}=", "A".repeat(43));
    let cases = [
        (None, RefusalCode::SignatureRequired),
        (Some(("soon", formed.as_str())), RefusalCode::SignatureInvalid),
        (Some((now.as_str(), "v1,")), RefusalCode::SignatureInvalid),
        (Some((now.as_str(), "v1,%%%")), RefusalCode::SignatureInvalid),
        (
            Some((old.as_str(), formed.as_str())),
            RefusalCode::SignatureExpired,
        ),
        (Some(("0", formed.as_str())), RefusalCode::SignatureExpired),
    ];
    for _ in 0..50 {
        for (headers, expected) in cases {
            let signature = headers.map_or_else(SignatureHeaders::default, |(timestamp, signature)| {
                SignatureHeaders {
                    id: Some(b"msg_1"),
                    timestamp: Some(timestamp.as_bytes()),
                    signature: Some(signature.as_bytes()),
                }
            });
            let request = DeliveryRequest {
                signature,
                ..from(SENDER, &issued)
            };
            let reply = gate.receive(request, Untouched).await;
            assert_eq!(code(&reply), Some(expected), "{headers:?}");
        }
    }
    let compressed = DeliveryRequest {
        compressed: true,
        ..from(SENDER, &issued)
    };
    let reply = gate.receive(compressed, Untouched).await;
    assert_eq!(code(&reply), Some(RefusalCode::UnsupportedMediaType));
}

#[tokio::test]
async fn what_fails_does_not_use_up_the_rate_limit() {
    let gate = gate();
    let issued = create(&gate, "w", per_minute(5)).await;
    for _ in 0..40 {
        for (body, expected) in [
            ("{", RefusalCode::InvalidJson),
            ("{}", RefusalCode::ValidationError),
        ] {
            assert_eq!(send(&gate, STRANGER, &issued, body).await, Some(expected));
        }
    }
    for _ in 0..5 {
        assert_eq!(send(&gate, SENDER, &issued, GOOD).await, None);
    }
    let limited = Some(RefusalCode::RateLimited);
    assert_eq!(send(&gate, SENDER, &issued, GOOD).await, limited);
    let reply = gate.receive(from(SENDER, &issued), Untouched).await;
    assert_eq!(code(&reply), limited, "no body is read in vain");
}

/// A sender may share its address with a stranger, behind one gateway.
#[tokio::test]
async fn what_fails_keeps_nothing_good_from_its_source() {
    let gate = gate();
    let issued = create(&gate, "w", Policy::default()).await;
    for _ in 0..8_192 {
        let refused = send(&gate, STRANGER, &issued, "{").await;
        assert_eq!(refused, Some(RefusalCode::InvalidJson));
    }
    assert_eq!(send(&gate, STRANGER, &issued, GOOD).await, None);
    assert_eq!(send(&gate, SENDER, &issued, GOOD).await, None);
}

#[tokio::test]
async fn what_the_store_could_not_take_does_not_use_up_the_rate_limit() {
    let gate = gate();
    let issued = create(&gate, "w", per_minute(5)).await;
    assert_eq!(send(&gate, SENDER, &issued, GOOD).await, None);
    gate.store().set_reachable(false);
    for _ in 0..20 {
        let unavailable = Some(RefusalCode::Unavailable);
        assert_eq!(send(&gate, SENDER, &issued, GOOD).await, unavailable);
    }
    gate.store().set_reachable(true);
    for _ in 0..4 {
        assert_eq!(send(&gate, SENDER, &issued, GOOD).await, None);
    }
}

#[tokio::test]
async fn urls_that_exist_are_no_guesses() {
    let gate = gate();
    for number in 0..300 {
        let issued = create(&gate, &format!("w{number}"), Policy::default()).await;
        assert_eq!(send(&gate, SENDER, &issued, GOOD).await, None);
    }
    let unknown = samples::webhook_id(1_000_000).unwrap();
    let request = DeliveryRequest {
        source: IpAddr::from(SENDER).into(),
        ..samples::request(unknown.reveal())
    };
    let reply = gate.receive(request, Untouched).await;
    assert_eq!(code(&reply), Some(RefusalCode::WebhookNotFound));
}

#[tokio::test(start_paused = true)]
async fn requests_without_a_body_take_no_room_from_others() {
    let gate = gate();
    let issued = create(&gate, "w", Policy::default()).await;
    let mut strangers = Vec::new();
    for number in 0..8_u8 {
        for _ in 0..1_250 {
            let source = [198, 51, 100, number];
            let mut receiving = Box::pin(gate.receive(from(source, &issued), Never));
            assert!(timeout(Duration::ZERO, &mut receiving).await.is_err());
            strangers.push(receiving);
        }
        assert_eq!(send(&gate, SENDER, &issued, GOOD).await, None);
        assert_eq!(send(&gate, [198, 51, 100, number], &issued, GOOD).await, None);
    }
    let mut evicted = 0;
    for receiving in &mut strangers {
        if let Ok(reply) = timeout(Duration::ZERO, receiving).await {
            assert_eq!(code(&reply), Some(RefusalCode::Unavailable));
            evicted += 1;
        }
    }
    assert!((1_000..9_000).contains(&evicted), "{evicted}");
}

/// A port that is too busy to check passwords.
struct Busy;

impl Passwords for Busy {
    fn hash(&self, password: Password) -> Hashing<'_, PasswordHash> {
        Box::pin(async move { Ok(PasswordHash::from_text(password.reveal())) })
    }

    fn verify(&self, _password: Password, _hash: Option<PasswordHash>) -> Hashing<'_, bool> {
        let retry_after = Duration::from_secs(1);
        Box::pin(async move { Err(PasswordsError::Busy { retry_after }) })
    }
}

#[tokio::test]
async fn nobody_is_locked_out_because_we_were_busy() {
    let ports = Ports {
        passwords: Box::new(Busy),
        ..samples::ports()
    };
    let gate = Gate::new(MemoryStore::default(), ports);
    let password: Password = "correct horse battery".parse().unwrap();
    gate.member_add(
        &samples::actor_context(),
        "ada".parse().unwrap(),
        Role::Owner,
        Some(password),
    )
    .await
    .unwrap();
    for _ in 0..100 {
        let password = "correct horse battery".parse().unwrap();
        let from = IpAddr::from(SENDER);
        let browser = Browser {
            from,
            user_agent: None,
            device: None,
            held: 0,
        };
        let busy = gate.sign_in(&"ada".parse().unwrap(), password, browser).await;
        let Err(SignInError::Busy { retry_after }) = busy else {
            panic!("it was not busy");
        };
        assert_eq!(retry_after, Duration::from_secs(1), "busy, not locked out");
    }
}

#[tokio::test]
async fn a_url_in_the_clear_is_flagged_once_and_then_costs_no_look() {
    let gate = gate();
    let issued = create(&gate, "exposed", Policy::default()).await;
    let refuse = || gate.refuse(from(STRANGER, &issued), RefusalCode::HttpsRequired);
    tokio::join!(refuse(), refuse(), refuse());
    let webhook = gate
        .store()
        .webhook_by_handle(issued.webhook.handle)
        .await
        .unwrap();
    assert_eq!(webhook.unwrap().revision, 2);
    // Each refusal makes two store calls, to count it and to record it, and no more.
    gate.store().fail_call(41);
    for _ in 0..20 {
        refuse().await;
    }
    assert!(!gate.store().has_failed(), "the store was asked again");
}
