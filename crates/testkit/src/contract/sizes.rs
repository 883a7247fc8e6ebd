//! Retention by size with large incidents: the webhook that pays, the one that is full, and the ones that are not
//! affected.

use std::num::NonZeroU64;
use std::sync::Arc;

use hookgate_domain::Webhook;
use hookgate_domain::draft::{DraftFields, MetadataValue};
use hookgate_gate::{AcceptedDelivery, Commit, DeliveryFilter, IncidentFilter, PageSize, Retention, Store};

use super::pruning::prune;
use super::{all_records, incidents, stored, with_webhook};
use crate::samples::{deduplicated, delivery, draft, second};

/// Characters of a metadata value.
const VALUE: usize = 5_000;
/// Rounds within which a webhook must be full.
const MANY_ROUNDS: usize = 400;

fn budget(bytes: u64) -> Retention {
    Retention {
        bytes: NonZeroU64::new(bytes).unwrap(),
        ..Retention::default()
    }
}

/// A delivery with `values` long metadata values, which no database can compress.
fn large(webhook: &Webhook, key: &str, values: usize) -> AcceptedDelivery {
    let mut state = key
        .bytes()
        .fold(1_u64, |state, byte| state * 131 + u64::from(byte));
    let mut letter = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        char::from(
            b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_"[(state >> 58) as usize],
        )
    };
    let metadata = (0..values).map(|number| {
        let text: String = (0..VALUE).map(|_| letter()).collect();
        (format!("k{number}").into(), MetadataValue::Text(text.into()))
    });
    let fields = DraftFields {
        dedup_key: Some(key.into()),
        metadata: metadata.collect(),
        ..DraftFields::default()
    };
    AcceptedDelivery {
        changes: vec![draft(fields).expect("a draft that the rules take").into()],
        ..delivery(webhook)
    }
}

/// Growth of incidents by updates counts for their webhook even when the deliveries of the updates are gone: the
/// webhook gets full, and nothing of another webhook is removed.
pub async fn what_updates_add_is_held_against_their_webhook<S: Store>(store: &Arc<S>) {
    const BUDGET: u64 = 4_000_000;
    const THEIRS: usize = 30;
    let (victim, leaked) = (with_webhook(store, 1).await, with_webhook(store, 2).await);
    for _ in 0..THEIRS {
        let sent = AcceptedDelivery {
            payload: Some(vec![b'y'; 20_000].into()),
            ..deduplicated(&victim, "same", "open")
        };
        stored(store, sent).await;
    }
    let mut grown = 0;
    for round in 0.. {
        assert!(round < MANY_ROUNDS, "it is never full");
        let key = format!("key-{round}");
        let opened = store.delivery_commit(deduplicated(&leaked, &key, "open")).await;
        if opened.unwrap() == Commit::Full {
            break;
        }
        stored(store, large(&leaked, &key, 10)).await;
        stored(store, deduplicated(&leaked, &key, "open")).await;
        grown += 10 * VALUE;
        prune(store, budget(BUDGET), second(1)).await;
    }
    assert!(u64::try_from(grown).unwrap() < BUDGET, "{grown}");
    let theirs = DeliveryFilter {
        webhook: Some(victim.handle),
        ..DeliveryFilter::default()
    };
    assert_eq!(all_records(store, &theirs).await.len(), THEIRS);
    stored(store, deduplicated(&victim, "another", "open")).await;
}

/// A few webhooks that only open incidents can open no more when the store is full, although none of them holds half of
/// it.
pub async fn three_webhooks_that_only_open_incidents_are_full<S: Store>(store: &Arc<S>) {
    open_until_full(store, 3, 4_000_000).await;
}

/// Twenty webhooks that only open incidents can open no more either.
pub async fn twenty_webhooks_that_only_open_incidents_are_full<S: Store>(store: &Arc<S>) {
    open_until_full(store, 20, 8_000_000).await;
}

async fn open_until_full<S: Store>(store: &Arc<S>, webhooks: u16, bytes: u64) {
    const VALUES: usize = 4;
    let quiet = with_webhook(store, 1).await;
    stored(store, deduplicated(&quiet, "quiet", "open")).await;
    let mut loud = Vec::new();
    for number in 0..webhooks {
        loud.push(with_webhook(store, 2 + number).await);
    }
    let mut opened = 0;
    for round in 0.. {
        assert!(round < MANY_ROUNDS, "they are never full");
        let before = opened;
        for webhook in &loud {
            let sent = store
                .delivery_commit(large(webhook, &format!("key-{round}"), VALUES))
                .await;
            opened += usize::from(sent.unwrap() != Commit::Full);
        }
        if opened == before {
            break;
        }
        prune(store, budget(bytes), second(1)).await;
    }
    let taken = u64::try_from(opened * VALUES * VALUE).unwrap();
    assert!(taken < bytes + bytes / 10, "{taken}");
    let open = incidents(store, IncidentFilter::default()).await.len();
    assert_eq!(
        open,
        usize::from(PageSize::MAX.rows()).min(opened + 1),
        "none of them goes"
    );
    stored(store, deduplicated(&quiet, "more", "open")).await;
}
