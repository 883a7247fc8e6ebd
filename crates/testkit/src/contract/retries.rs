//! Idempotency keys: a retry is the same delivery.

use std::sync::Arc;
use std::time::Duration;

use hookgate_domain::idempotency::IDEMPOTENCY_WINDOW;
use hookgate_domain::{IncidentStatus, Policy};
use hookgate_gate::{
    Accepted, AcceptedDelivery, Commit, DeliveryFilter, Effect, IncidentAction, IncidentFilter, Store,
};

use super::{all_records, incidents, stored, touched, with_webhook};
use crate::samples::{START, actor_context, audit, keyed, name, second};

/// A retry gets the first answer, has no record of its own, and is counted on the first one's record.
pub async fn a_retry_gets_the_first_answer_and_is_counted<S: Store>(store: &Arc<S>) {
    let webhook = with_webhook(store, 1).await;
    let first = stored(store, keyed(&webhook, "a", b"1")).await;
    store
        .incident_act(
            touched(&first).number,
            IncidentAction::Resolve,
            actor_context(),
            second(1),
        )
        .await
        .unwrap()
        .unwrap()
        .unwrap();
    for _ in 0..2 {
        let again = stored(store, keyed(&webhook, "a", b"1")).await;
        assert_eq!(
            again,
            Accepted {
                effect: Effect::Replayed,
                ..first.clone()
            }
        );
        assert_eq!(touched(&again).status, IncidentStatus::Open);
    }
    let records = all_records(store, &DeliveryFilter::default()).await;
    assert_eq!(
        records
            .iter()
            .map(|record| (record.id, record.count))
            .collect::<Vec<_>>(),
        [(first.delivery, 3)]
    );
    assert_eq!(incidents(store, IncidentFilter::default()).await.len(), 1);
}

/// The same key with another payload is a conflict, and nothing is stored.
pub async fn another_payload_is_a_conflict<S: Store>(store: &Arc<S>) {
    let webhook = with_webhook(store, 1).await;
    stored(store, keyed(&webhook, "a", b"1")).await;
    assert_eq!(
        store.delivery_commit(keyed(&webhook, "a", b"2")).await.unwrap(),
        Commit::IdempotencyConflict
    );
    let records = all_records(store, &DeliveryFilter::default()).await;
    assert_eq!(records.iter().map(|record| record.count).collect::<Vec<_>>(), [1]);
    stored(store, keyed(&webhook, "b", b"2")).await;
}

/// A key from an earlier version of Hookgate, with the plain SHA-256 of its payload, is known until it is too old.
pub async fn a_key_of_an_earlier_version_is_known<S: Store>(store: &Arc<S>) {
    let webhook = with_webhook(store, 1).await;
    let mut earlier = keyed(&webhook, "a", b"1");
    if let Some(idempotency) = &mut earlier.idempotency {
        idempotency.payload = idempotency.plain;
    }
    let first = stored(store, earlier).await;
    let again = stored(store, keyed(&webhook, "a", b"1")).await;
    assert_eq!((again.effect, again.delivery), (Effect::Replayed, first.delivery));
    assert_eq!(
        store.delivery_commit(keyed(&webhook, "a", b"2")).await.unwrap(),
        Commit::IdempotencyConflict
    );
}

/// A key is new after its window, with any payload.
pub async fn a_key_expires<S: Store>(store: &Arc<S>) {
    let webhook = with_webhook(store, 1).await;
    let at = |payload, received_at| AcceptedDelivery {
        received_at,
        ..keyed(&webhook, "a", payload)
    };
    let first = stored(store, at(b"1", START)).await;
    let expiry = START.after(IDEMPOTENCY_WINDOW);
    let last = stored(store, at(b"1", expiry.before(Duration::from_micros(1)))).await;
    assert_eq!((last.effect, last.delivery), (Effect::Replayed, first.delivery));
    let fresh = stored(store, at(b"2", expiry)).await;
    assert_eq!(fresh.effect, Effect::Opened);
    assert_ne!(fresh.delivery, first.delivery);
    let again = stored(store, at(b"2", expiry)).await;
    assert_eq!((again.effect, again.delivery), (Effect::Replayed, fresh.delivery));
}

/// Two webhooks may have the same key.
pub async fn a_key_belongs_to_its_webhook<S: Store>(store: &Arc<S>) {
    let (one, two) = (with_webhook(store, 1).await, with_webhook(store, 2).await);
    assert_eq!(stored(store, keyed(&one, "a", b"1")).await.effect, Effect::Opened);
    assert_eq!(stored(store, keyed(&two, "a", b"2")).await.effect, Effect::Opened);
}

/// A retry is judged too: a known key does not bypass a change of the webhook.
pub async fn a_stale_retry_is_stale<S: Store>(store: &Arc<S>) {
    let webhook = with_webhook(store, 1).await;
    stored(store, keyed(&webhook, "a", b"1")).await;
    let edited = webhook.clone().edit(name("edited"), Policy::default()).unwrap();
    store
        .webhook_replace(edited.clone(), None, audit())
        .await
        .unwrap();
    assert_eq!(
        store.delivery_commit(keyed(&webhook, "a", b"1")).await.unwrap(),
        Commit::Stale
    );
    assert_eq!(
        stored(store, keyed(&edited, "a", b"1")).await.effect,
        Effect::Replayed
    );
}

/// Concurrent retries are one delivery.
pub async fn many_retries_at_once_store_one<S: Store>(store: &Arc<S>) {
    let webhook = with_webhook(store, 1).await;
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..40 {
        let (store, sent) = (Arc::clone(store), keyed(&webhook, "a", b"1"));
        tasks.spawn(async move { stored(&store, sent).await });
    }
    let answers = tasks.join_all().await;
    assert_eq!(
        answers
            .iter()
            .filter(|answer| answer.effect == Effect::Opened)
            .count(),
        1
    );
    let records = all_records(store, &DeliveryFilter::default()).await;
    assert_eq!(
        records.iter().map(|record| record.count).collect::<Vec<_>>(),
        [40]
    );
}
