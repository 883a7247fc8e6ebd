//! Retention: the removed and the remaining data, and the end of pruning.

use std::num::NonZeroU64;
use std::sync::Arc;
use std::time::Duration;

use hookgate_domain::{ChangeAction, KnownUrl, Timestamp, UrlChange};
use hookgate_gate::{
    AcceptedDelivery, Commit, DeliveryFilter, IncidentAction, IncidentFilter, NoPayload, Pruned, Retention,
    Store,
};

use super::{all_records, incidents, record, stored, told, with_webhook};
use crate::samples::{actor_context, audit, change, changing, deduplicated, delivery, keyed, second};

const HOUR: Duration = Duration::from_hours(1);
/// Steps within which pruning must have ended.
const MANY_STEPS: usize = 1_000;

fn retention() -> Retention {
    Retention {
        deliveries: 48 * HOUR,
        payloads: 24 * HOUR,
        ..Retention::default()
    }
}

/// Prunes until a step removes nothing; returns the sums.
pub(super) async fn prune<S: Store>(store: &Arc<S>, retention: Retention, now: Timestamp) -> Pruned {
    let mut all = Pruned::default();
    for _ in 0..MANY_STEPS {
        let step = store.history_prune(retention, now).await.unwrap();
        if step.is_empty() {
            return all;
        }
        all.deliveries += step.deliveries;
        all.payloads += step.payloads;
        all.incidents += step.incidents;
        all.keys += step.keys;
        all.people += step.people;
        all.counts += step.counts;
    }
    panic!("pruning does not end");
}

/// Nothing is removed if nothing is old.
pub async fn nothing_old_means_nothing_to_remove<S: Store>(store: &Arc<S>) {
    let webhook = with_webhook(store, 1).await;
    assert!(prune(store, retention(), second(0)).await.is_empty());
    stored(store, keyed(&webhook, "a", b"1")).await;
    assert!(prune(store, retention(), second(1)).await.is_empty());
    assert_eq!(all_records(store, &DeliveryFilter::default()).await.len(), 1);
}

/// Payloads are removed first, and records later, each at its age.
pub async fn payloads_go_before_records<S: Store>(store: &Arc<S>) {
    let webhook = with_webhook(store, 1).await;
    let start = second(0);
    let ages = [(0, Some("a")), (1, None), (30, Some("b")), (60, Some("c"))];
    for (hours, payload) in ages {
        let payload = payload.map(|payload| payload.as_bytes().to_vec().into());
        stored(
            store,
            AcceptedDelivery {
                received_at: start.after(hours * HOUR),
                payload,
                ..delivery(&webhook)
            },
        )
        .await;
    }
    let kept = async || {
        let mut payloads = Vec::new();
        for kept in all_records(store, &DeliveryFilter::default()).await {
            payloads.push(record(store, kept.id).await.payload.map(|payload| payload[0]));
        }
        payloads
    };
    let removed = prune(store, retention(), start.after(25 * HOUR)).await;
    assert_eq!((removed.deliveries, removed.payloads), (0, 1));
    assert_eq!(kept().await, [None, None, Some(b'b'), Some(b'c')]);
    let removed = prune(store, retention(), start.after(61 * HOUR)).await;
    assert_eq!((removed.deliveries, removed.payloads), (2, 1));
    assert_eq!(kept().await, [None, Some(b'c')]);
    assert_eq!(
        prune(store, retention(), start.after(1_000 * HOUR))
            .await
            .deliveries,
        2
    );
    assert_eq!(kept().await, []);
}

/// Incidents are removed if nothing has changed them for as long as deliveries are kept.
pub async fn old_incidents_go_unless_touched<S: Store>(store: &Arc<S>) {
    let webhook = with_webhook(store, 1).await;
    let old = told(store, delivery(&webhook)).await;
    let touched = told(store, delivery(&webhook)).await;
    let acted = store
        .incident_act(
            touched,
            IncidentAction::Acknowledge,
            actor_context(),
            second(0).after(40 * HOUR),
        )
        .await;
    acted.unwrap().unwrap().unwrap();
    assert_eq!(
        prune(store, retention(), second(0).after(50 * HOUR))
            .await
            .incidents,
        1
    );
    assert_eq!(store.incident_by_number(old).await.unwrap(), None);
    assert!(store.incident_by_number(touched).await.unwrap().is_some());
    assert_eq!(
        prune(store, retention(), second(0).after(90 * HOUR))
            .await
            .incidents,
        1
    );
    assert_eq!(incidents(store, IncidentFilter::default()).await, []);
}

/// Idempotency keys are removed after their window, at any retention.
pub async fn old_keys_go<S: Store>(store: &Arc<S>) {
    let webhook = with_webhook(store, 1).await;
    stored(store, keyed(&webhook, "a", b"1")).await;
    stored(
        store,
        AcceptedDelivery {
            received_at: second(3_600),
            ..keyed(&webhook, "b", b"1")
        },
    )
    .await;
    let forever = Retention {
        deliveries: Duration::MAX,
        payloads: Duration::MAX,
        ..Retention::default()
    };
    let pruned = prune(store, forever, second(0).after(24 * HOUR)).await;
    assert_eq!(
        pruned,
        Pruned {
            keys: 1,
            ..Pruned::default()
        }
    );
}

/// A budget into which nothing fits.
fn tight() -> Retention {
    Retention {
        bytes: NonZeroU64::MIN,
        ..Retention::default()
    }
}

/// A history over its budget loses its oldest records first, and pruning ends even if the budget can't be met.
pub async fn too_much_goes_oldest_first<S: Store>(store: &Arc<S>) {
    let webhook = with_webhook(store, 1).await;
    let mut newest = None;
    for _ in 0..20 {
        newest = Some(
            stored(store, deduplicated(&webhook, "none", "resolved"))
                .await
                .delivery,
        );
    }
    let mut removed = 0;
    while removed == 0 {
        removed = store.history_prune(tight(), second(1)).await.unwrap().deliveries;
    }
    let left = all_records(store, &DeliveryFilter::default()).await;
    assert!(left.is_empty() || left.last().map(|record| record.id) == newest);
    prune(store, tight(), second(1)).await;
    assert_eq!(all_records(store, &DeliveryFilter::default()).await, []);
    stored(store, delivery(&webhook)).await;
}

/// A history over its budget keeps the records that show an unresolved incident, without their payloads. Once it is
/// resolved, they are removed.
pub async fn too_much_takes_no_unresolved_incident<S: Store>(store: &Arc<S>) {
    let webhook = with_webhook(store, 1).await;
    let large = |sent| AcceptedDelivery {
        payload: Some(vec![b'x'; 10_000].into()),
        ..sent
    };
    let open = told(store, large(deduplicated(&webhook, "disk", "open"))).await;
    for _ in 0..3 {
        stored(store, large(deduplicated(&webhook, "disk", "open"))).await;
    }
    let over = told(store, large(deduplicated(&webhook, "over", "open"))).await;
    stored(store, large(deduplicated(&webhook, "over", "resolved"))).await;
    prune(store, tight(), second(1)).await;
    let numbers: Vec<_> = incidents(store, IncidentFilter::default()).await;
    assert_eq!(
        numbers.iter().map(|incident| incident.number).collect::<Vec<_>>(),
        [open]
    );
    assert_ne!(open, over);
    let left = all_records(store, &DeliveryFilter::default()).await;
    assert_eq!(left.len(), 2, "its first delivery and its last one");
    for kept in &left {
        let kept = record(store, kept.id).await;
        assert_eq!(kept.why_no_payload(), Some(NoPayload::Space));
    }
    stored(store, deduplicated(&webhook, "disk", "resolved")).await;
    prune(store, tight(), second(1).after(2 * HOUR)).await;
    assert_eq!(incidents(store, IncidentFilter::default()).await, []);
    assert_eq!(all_records(store, &DeliveryFilter::default()).await, []);
}

/// A webhook whose unresolved incidents fill the store opens no more of them until some are resolved. Its deliveries
/// still update those that it has, and other webhooks open theirs.
pub async fn a_full_webhook_opens_no_more_incidents<S: Store>(store: &Arc<S>) {
    let (full, other) = (with_webhook(store, 1).await, with_webhook(store, 2).await);
    stored(store, deduplicated(&full, "disk", "open")).await;
    prune(store, tight(), second(1)).await;
    let refused = store.delivery_commit(deduplicated(&full, "more", "open")).await;
    assert_eq!(refused.unwrap(), Commit::Full);
    let known = incidents(store, IncidentFilter::default()).await;
    let mixed = [
        change(ChangeAction::Resolve, "disk"),
        change(ChangeAction::Open, "more"),
    ];
    let refused = store.delivery_commit(changing(&full, mixed)).await;
    assert_eq!(refused.unwrap(), Commit::Full);
    assert_eq!(
        incidents(store, IncidentFilter::default()).await,
        known,
        "no part of it is stored"
    );
    stored(store, deduplicated(&full, "disk", "open")).await;
    stored(store, deduplicated(&other, "disk", "open")).await;
    stored(store, deduplicated(&full, "disk", "resolved")).await;
    prune(store, tight(), second(1).after(2 * HOUR)).await;
    stored(store, deduplicated(&full, "more", "open")).await;
}

/// A sender who fills the store with accepted and refused deliveries of one webhook removes nothing of another webhook.
pub async fn the_loudest_webhook_pays<S: Store>(store: &Arc<S>) {
    const THEIRS: usize = 10;
    const PAYLOAD: usize = 100_000;
    let (victim, loud) = (with_webhook(store, 1).await, with_webhook(store, 2).await);
    for number in 0..THEIRS {
        let sent = deduplicated(&victim, &format!("key-{number}"), "open");
        stored(store, sent).await;
        stored(store, deduplicated(&victim, "none", "resolved")).await;
    }
    for number in 0..60_u8 {
        let sent = AcceptedDelivery {
            payload: Some(vec![number; PAYLOAD].into()),
            source: [203, 0, 113, number].into(),
            ..deduplicated(&loud, &format!("key-{number}"), "open")
        };
        stored(store, sent).await;
        let closed = deduplicated(&loud, &format!("key-{number}"), "resolved");
        stored(store, closed).await;
    }
    let budget = Retention {
        bytes: NonZeroU64::new(1_500_000).unwrap(),
        ..Retention::default()
    };
    let removed = prune(store, budget, second(1)).await;
    assert!(removed.deliveries >= 50, "{removed:?}");
    let theirs = DeliveryFilter {
        webhook: Some(victim.handle),
        ..DeliveryFilter::default()
    };
    assert_eq!(all_records(store, &theirs).await.len(), 2 * THEIRS);
    let open = IncidentFilter {
        webhook: Some(victim.handle),
        ..IncidentFilter::default()
    };
    assert_eq!(incidents(store, open).await.len(), THEIRS);
}

/// Tombstones and webhooks stay for ever.
pub async fn tombstones_stay<S: Store>(store: &Arc<S>) {
    let UrlChange { webhook, retired } = with_webhook(store, 1).await.revoke(second(1)).unwrap();
    store
        .webhook_replace(webhook.clone(), Some(retired), audit())
        .await
        .unwrap();
    let tight = Retention {
        bytes: NonZeroU64::MIN,
        deliveries: HOUR,
        payloads: HOUR,
    };
    prune(store, tight, second(0).after(100_000 * HOUR)).await;
    assert_eq!(
        store.url_by_digest(&retired.digest).await.unwrap(),
        Some(KnownUrl::Retired(retired))
    );
    assert_eq!(
        store.webhook_by_handle(webhook.handle).await.unwrap(),
        Some(webhook)
    );
}

/// A delivery that touched several incidents stays with each of them while it is the first or the last one of an
/// unresolved one, and goes with all of them.
pub async fn deliveries_of_several_incidents_are_pruned<S: Store>(store: &Arc<S>) {
    use ChangeAction::{Open, Resolve, Update};

    let webhook = with_webhook(store, 1).await;
    let sent = |changes: &[(ChangeAction, &str)]| {
        let changes = changes.iter().map(|(action, key)| change(*action, key));
        changing(&webhook, changes)
    };
    let first = stored(store, sent(&[(Open, "gone"), (Open, "stays")])).await;
    let middle = stored(store, sent(&[(Update, "gone"), (Update, "stays")])).await;
    let over = stored(store, sent(&[(Resolve, "gone"), (Update, "stays")])).await;
    let alone = stored(
        store,
        sent(&[(Open, "x"), (Open, "y"), (Resolve, "x"), (Resolve, "y")]),
    )
    .await;
    prune(store, tight(), second(1)).await;
    let kept: Vec<_> = all_records(store, &DeliveryFilter::default()).await;
    let kept: Vec<_> = kept.iter().map(|record| record.id).collect();
    assert_eq!(
        kept,
        [first.delivery, over.delivery],
        "and not {middle:?} nor {alone:?}"
    );
    assert_eq!(
        record(store, first.delivery).await.no_payload,
        Some(NoPayload::Space)
    );
    let left: Vec<_> = incidents(store, IncidentFilter::default()).await;
    let left: Vec<_> = left
        .into_iter()
        .filter_map(|incident| incident.dedup_key)
        .collect();
    assert_eq!(left, ["stays", "gone"]);

    let late = second(1).after(retention().deliveries + HOUR);
    prune(store, retention(), late).await;
    assert_eq!(all_records(store, &DeliveryFilter::default()).await, []);
    assert_eq!(incidents(store, IncidentFilter::default()).await, []);
    let again = stored(
        store,
        AcceptedDelivery {
            received_at: late,
            ..sent(&[(Open, "gone"), (Open, "stays")])
        },
    )
    .await;
    assert_eq!(again.incidents.len(), 2);
}
