//! Guarantees of a delivery beyond its answer: it is recorded if its sender disconnects, a flood from its address does
//! not delay it, and nothing of the secret in the URL is stored.

use std::future::pending;
use std::time::Duration;

use bytes::Bytes;
use hookgate_domain::{Policy, RefusalCode};
use hookgate_gate::{
    Body, BodyFault, DeliveryFilter, DeliveryRecord, DeliveryRequest, Effect, Gate, Issued, PageSize, Reply,
    Reservation, Seek, Store,
};
use hookgate_people::{ApiToken, SessionToken, SignInSecret};
use hookgate_testkit::{MemoryStore, samples};
use tokio::time::timeout;

use crate::gate;

/// A thirty-second of the quota of a webhook, less the bytes that the delivery itself takes.
const ROOM: usize = 1024 * 1024 - 4 * 1024;

/// A body that is complete.
struct Whole(Vec<u8>);

impl Body for Whole {
    async fn read(self, _limit: usize, held: &Reservation<'_>) -> Result<Bytes, BodyFault> {
        if held.take(self.0.len()) {
            Ok(self.0.into())
        } else {
            Err(BodyFault::NoRoom)
        }
    }
}

/// A body that reserves this many bytes and never ends.
struct Endless(usize);

impl Body for Endless {
    async fn read(self, _limit: usize, held: &Reservation<'_>) -> Result<Bytes, BodyFault> {
        assert!(held.take(self.0), "there is no room");
        pending().await
    }
}

async fn create(gate: &Gate<MemoryStore>, name: &str) -> Issued {
    let new = samples::new_webhook(name, Policy::default());
    gate.create(&samples::actor_context(), new).await.unwrap()
}

fn request(webhook_id: &str) -> DeliveryRequest<'_> {
    samples::request(webhook_id)
}

fn code(reply: &Reply) -> Option<RefusalCode> {
    match reply {
        Reply::Accepted(_) => None,
        Reply::Refused(refusal) => Some(refusal.code),
    }
}

async fn send(gate: &Gate<MemoryStore>, issued: &Issued, body: &str) -> Option<RefusalCode> {
    code(
        &gate
            .receive(request(issued.id.reveal()), Whole(body.into()))
            .await,
    )
}

async fn records(gate: &Gate<MemoryStore>) -> Vec<DeliveryRecord> {
    let filter = DeliveryFilter::default();
    let page = gate.store().delivery_page(&filter, Seek::Newest, PageSize::MAX);
    let mut records = Vec::new();
    for summary in page.await.unwrap().items {
        records.push(gate.store().delivery_by_id(summary.id).await.unwrap().unwrap());
    }
    records
}

#[tokio::test(start_paused = true)]
async fn a_sender_that_leaves_is_on_record() {
    let gate = gate();
    let issued = create(&gate, "w").await;
    for _ in 0..2 {
        let receiving = gate.receive(request(issued.id.reveal()), Endless(1));
        assert!(timeout(Duration::from_secs(1), receiving).await.is_err());
    }
    let codes: Vec<_> = records(&gate)
        .await
        .iter()
        .map(|record| record.summary.answer.code())
        .collect();
    assert_eq!(codes, [Some(RefusalCode::ClientGone); 2]);
}

/// A commit goes on without its sender and has the only record. A refusal that is not confirmed yet is none.
#[tokio::test(start_paused = true)]
async fn a_sender_that_leaves_while_the_store_works_is_on_record_once() {
    let gate = gate();
    let issued = create(&gate, "w").await;
    assert_eq!(send(&gate, &issued, r#"{"title":"t"}"#).await, None);
    gate.store().set_hanging(true);
    for (body, code) in [(r#"{"title":"t"}"#, None), ("{", Some(RefusalCode::ClientGone))] {
        let before = records(&gate).await.len();
        assert!(
            timeout(Duration::from_secs(1), send(&gate, &issued, body))
                .await
                .is_err()
        );
        let records = records(&gate).await;
        assert_eq!(records.len(), before + 1, "{body}");
        assert_eq!(records[0].summary.answer.code(), code, "{body}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_sender_that_is_answered_is_on_record_once() {
    let gate = gate();
    let issued = create(&gate, "w").await;
    assert_eq!(send(&gate, &issued, r#"{"title":"t"}"#).await, None);
    assert_eq!(send(&gate, &issued, "{").await, Some(RefusalCode::InvalidJson));
    gate.store().set_reachable(false);
    assert_eq!(send(&gate, &issued, "{").await, Some(RefusalCode::Unavailable));
    gate.store().set_reachable(true);
    assert_eq!(records(&gate).await.len(), 2);
}

#[tokio::test]
async fn what_was_answered_is_on_record() {
    let gate = gate();
    let issued = create(&gate, "w").await;
    let id = hookgate_domain::RequestId::new(samples::START, 7, 9);
    let request = DeliveryRequest {
        request_id: id,
        ..request(issued.id.reveal())
    };
    let reply = gate.receive(request, Whole(br#"{"title":{}}"#.to_vec())).await;
    let Reply::Refused(refusal) = reply else {
        panic!("{reply:?}")
    };
    let delivery = gate.delivery_by_request(id).await.unwrap().unwrap();
    let record = gate.store().delivery_by_id(delivery).await.unwrap().unwrap();
    assert_eq!(record.summary.request_id, Some(id));
    assert_eq!(
        record.details,
        refusal.details.map(|details| details.to_json().to_string())
    );
    assert!(record.details.unwrap().contains("title"));
    assert_eq!(
        gate.delivery_by_request(samples::request_id(3)).await.unwrap(),
        None
    );
}

#[tokio::test]
async fn a_url_that_is_not_remembered_is_found_during_a_flood_from_its_address() {
    let gate = gate();
    let issued = create(&gate, "w").await;
    for seed in 0..400 {
        let guess = samples::webhook_id(1_000 + seed).unwrap();
        gate.receive(request(guess.reveal()), Whole(Vec::new())).await;
    }
    let guess = samples::webhook_id(999).unwrap();
    let reply = gate.receive(request(guess.reveal()), Whole(Vec::new())).await;
    assert_eq!(code(&reply), Some(RefusalCode::RateLimited));
    assert_eq!(send(&gate, &issued, r#"{"title":"t"}"#).await, None);
}

#[tokio::test]
async fn a_webhook_id_in_what_was_sent_is_not_kept() {
    let gate = gate();
    let issued = create(&gate, "w").await;
    let id = issued.id.reveal();
    let accepted =
        format!(r#"{{"title":"ping {id}","metadata":{{"url":"https://h/webhooks/custom/{id}?x"}}}}"#);
    let with_key = DeliveryRequest {
        idempotency_key: Some(id.as_bytes()),
        ..request(id)
    };
    let reply = gate.receive(with_key, Whole(accepted.clone().into())).await;
    let Reply::Accepted(accepted_as) = reply else {
        panic!("{reply:?}")
    };
    assert_eq!(
        send(&gate, &issued, &format!(r#"{{"url":"{id}"}}"#)).await,
        Some(RefusalCode::ValidationError)
    );
    let incident = gate
        .store()
        .incident_by_number(accepted_as.incidents[0].number)
        .await
        .unwrap();
    let kept = format!("{incident:?} {:?}", records(&gate).await);
    assert!(!kept.contains(&id[3..]), "{kept}");
    let payload = records(&gate).await.pop().unwrap().payload.unwrap();
    assert_eq!(payload.len(), accepted.len(), "its length is kept");
    assert!(String::from_utf8_lossy(&payload).contains("ping wh_***"));
}

/// Spellings of a secret that software on the way produces, as they stand in JSON.
fn spellings(prefix: &str, digits: &str) -> Vec<String> {
    let each = |write: fn(char) -> String| digits.chars().map(write).collect::<String>();
    vec![
        format!("{prefix}\\u005f{digits}"),
        format!("{prefix}\\\\_{digits}"),
        format!("{prefix}%5F{digits}"),
        format!("{prefix}%255f{digits}"),
        format!("{prefix}&#95;{digits}"),
        format!("{prefix}&#x5f;{digits}"),
        format!("{prefix}&lowbar;{digits}"),
        format!("{prefix}\u{FF3F}{digits}"),
        format!("{prefix}_{}", each(|c| format!("\\u{:04x}", u32::from(c)))),
        format!("{prefix}_{}", each(|c| format!("\\u0025{:02x}", u32::from(c)))),
        format!("{prefix}_{}", each(|c| format!("\\u0026#{};", u32::from(c)))),
        format!("{prefix}_{}", each(|c| format!("{c}\u{200B}"))),
        format!("{prefix}_{}\\n{}", &digits[..20], &digits[20..]),
    ]
}

/// A secret of each kind. The first is this ID.
fn secrets(id: &str) -> [String; 5] {
    let fill = |buffer: &mut [u8]| {
        let bytes = id.bytes().skip(3).cycle();
        buffer
            .iter_mut()
            .zip(bytes)
            .for_each(|(byte, other)| *byte = other);
        Ok::<(), std::convert::Infallible>(())
    };
    let Ok(token) = ApiToken::generate(fill);
    let Ok(session) = SessionToken::generate(fill);
    let Ok(link) = SignInSecret::generate(fill);
    let [token, session, link] = [token.reveal(), session.reveal(), link.reveal()].map(str::to_owned);
    [
        id.to_owned(),
        token,
        session,
        link,
        "whsec_C2FVsBQIhrscChlQIMV+b5sSYsp/b7oD".to_owned(),
    ]
}

#[tokio::test]
async fn a_secret_is_masked_in_every_spelling_and_field() {
    let gate = gate();
    let issued = create(&gate, "w").await;
    let id = issued.id.reveal();
    let spelled = secrets(id).map(|secret| {
        let (prefix, digits) = secret.split_once('_').unwrap();
        spellings(prefix, digits)
    });
    // The digits of an ID are a secret without their prefix too.
    let alone = [id[3..].to_owned()];
    for (number, spelled) in spelled.into_iter().flatten().chain(alone).enumerate() {
        let body = format!(
            r#"{{"title":"{number} {spelled}","description":"{spelled}","service":"s {spelled}","source_url":"https://h/{number}?{spelled}",
                "dedup_key":"{number}:{spelled}","metadata":{{"{spelled}":"{spelled}"}}}}"#
        );
        let plain: String = spelled.chars().filter(char::is_ascii_graphic).collect();
        let request = DeliveryRequest {
            idempotency_key: Some(plain.as_bytes()),
            user_agent: Some(spelled.as_bytes()),
            ..request(id)
        };
        let code = code(&gate.receive(request, Whole(body.into())).await);
        assert!(
            matches!(code, None | Some(RefusalCode::ValidationError)),
            "{number}: {code:?}"
        );
    }
    let mut kept = Vec::new();
    for record in records(&gate).await {
        let payload = record.payload.unwrap();
        // As a page would show it: with every escape decoded.
        let json: serde_json::Value = serde_json::from_slice(&payload).unwrap();
        kept.push(format!(
            "{} {json} {:?}",
            String::from_utf8_lossy(&payload),
            record.summary
        ));
        if let Some(number) = record.summary.incident {
            kept.push(format!(
                "{:?}",
                gate.store().incident_by_number(number).await.unwrap()
            ));
        }
    }
    for kept in kept {
        assert_eq!(
            hookgate_domain::leaks::mask_secrets(kept.as_bytes()),
            None,
            "{kept}"
        );
    }
}

/// Masking keeps different dedup keys different, and equal ones equal.
#[tokio::test]
async fn what_is_masked_is_told_apart() {
    let gate = gate();
    let issued = create(&gate, "w").await;
    let other = create(&gate, "other").await;
    let tokens = ["hgt_", "whsec_", "wh_"]
        .map(|prefix| ["a", "b"].map(|digit| prefix.to_owned() + digit.repeat(38).as_str()));
    let ids = [other.id.reveal(), issued.id.reveal()].map(str::to_owned);
    for secrets in tokens.into_iter().chain([ids]) {
        for (secret, effect) in [
            (&secrets[0], Effect::Opened),
            (&secrets[1], Effect::Opened),
            (&secrets[0], Effect::Updated),
        ] {
            let body = format!(r#"{{"title":"t","dedup_key":"{secret}"}}"#);
            let reply = gate
                .receive(request(issued.id.reveal()), Whole(body.into()))
                .await;
            let Reply::Accepted(accepted) = reply else {
                panic!("{reply:?}")
            };
            assert_eq!(accepted.effect, effect, "{secret}");
        }
    }
}

#[tokio::test]
async fn words_that_begin_like_a_secret_stay() {
    let gate = gate();
    let issued = create(&gate, "w").await;
    let body = r#"{"title":"kWh_totalconsumption2026inGermany","dedup_key":"wh_d1v5r0k2q9s0cd2k7v3g"}"#;
    assert_eq!(send(&gate, &issued, body).await, None);
    let payload = records(&gate).await.remove(0).payload.unwrap();
    assert_eq!(String::from_utf8_lossy(&payload), body);
}

/// A body whose reading panics.
struct Broken;

impl Body for Broken {
    async fn read(self, _limit: usize, _held: &Reservation<'_>) -> Result<Bytes, BodyFault> {
        panic!("on purpose")
    }
}

#[tokio::test]
async fn a_fault_of_ours_is_not_the_senders() {
    let gate = std::sync::Arc::new(gate());
    let issued = create(&gate, "w").await;
    let theirs = std::sync::Arc::clone(&gate);
    let receiving = tokio::spawn(async move { theirs.receive(request(issued.id.reveal()), Broken).await });
    assert!(receiving.await.unwrap_err().is_panic());
    assert_eq!(records(&gate).await.len(), 0);
}

#[tokio::test(start_paused = true)]
async fn one_webhook_cannot_take_the_room_of_the_others() {
    let gate = gate();
    let (busy, quiet) = (create(&gate, "busy").await, create(&gate, "quiet").await);
    let mut held: Vec<_> = (0..32)
        .map(|_| Box::pin(gate.receive(request(busy.id.reveal()), Endless(ROOM))))
        .collect();
    let mut in_time = 0;
    for receiving in &mut held {
        in_time += usize::from(timeout(Duration::from_millis(1), receiving).await.is_err());
    }
    let body = r#"{"title":"t"}"#;
    assert_eq!(in_time, 32, "the newest have room");
    assert_eq!(send(&gate, &busy, body).await, None, "those that wait make room");
    assert_eq!(send(&gate, &quiet, body).await, None);
    let mut evicted = 0;
    for receiving in &mut held {
        evicted += usize::from(timeout(Duration::from_millis(1), receiving).await.is_ok());
    }
    assert!(evicted >= 24, "one source has a quarter: {evicted}");
}
