//! Usage by source.

use std::sync::Arc;
use std::time::Duration;

use hookgate_domain::{RefusalCode, Timestamp, Webhook};
use hookgate_gate::{
    AcceptedDelivery, PageSize, RefusedDelivery, Retention, SourceUsage, Store, UsageRange, UsageTotals,
};

use super::pruning::prune;
use super::{accounted, all_records, stored, with_webhook};
use crate::samples::{START, audit, delivery, refusal, second};

const DAY: Duration = Duration::from_hours(24);

async fn sent<S: Store>(store: &Arc<S>, webhook: &Webhook, source: &str, received_at: Timestamp) {
    let source = source.parse().unwrap();
    let sent = AcceptedDelivery {
        source,
        received_at,
        ..delivery(webhook)
    };
    stored(store, sent).await;
}

async fn refused<S: Store>(store: &Arc<S>, webhook: &Webhook, source: &str, received_at: Timestamp) {
    let before = all_records(store, &hookgate_gate::DeliveryFilter::default()).await;
    let source = source.parse().unwrap();
    store.refusal_record(RefusedDelivery {
        source,
        received_at,
        ..refusal(webhook)
    });
    accounted(store, before.iter().map(|record| record.count).sum::<i64>() + 1).await;
}

async fn top<S: Store>(
    store: &Arc<S>,
    webhook: &Webhook,
    range: UsageRange,
    now: Timestamp,
) -> Vec<SourceUsage> {
    let top = store
        .top_sources(webhook.handle, range, PageSize::MAX, now)
        .await
        .unwrap();
    assert_eq!((top.beyond_accepted, top.beyond_refused), (0, 0));
    top.sources
}

/// Sources are ordered by number of deliveries, with the number of accepted ones.
pub async fn sources_that_sent_most_come_first<S: Store>(store: &Arc<S>) {
    let (webhook, other) = (with_webhook(store, 1).await, with_webhook(store, 2).await);
    sent(store, &webhook, "192.0.2.1", second(1)).await;
    for at in 2..5 {
        sent(store, &webhook, "192.0.2.2", second(at)).await;
        sent(store, &other, "192.0.2.1", second(at)).await;
    }
    refused(store, &webhook, "192.0.2.1", second(9)).await;
    refused(store, &webhook, "192.0.2.3", second(10)).await;
    let found = top(store, &webhook, UsageRange::Day, second(20)).await;
    let shown: Vec<_> = found
        .iter()
        .map(|source| (source.source.to_string(), source.accepted, source.refused))
        .collect();
    let expected = [
        ("192.0.2.2/32", 3, 0),
        ("192.0.2.1/32", 1, 1),
        ("192.0.2.3/32", 0, 1),
    ];
    assert_eq!(
        shown,
        expected.map(|(source, accepted, refused)| (source.to_owned(), accepted, refused))
    );
    assert_eq!((found[1].first_seen, found[1].last_seen), (second(1), second(9)));
    let one = PageSize::new(1).unwrap();
    let first = store
        .top_sources(webhook.handle, UsageRange::Day, one, second(20))
        .await
        .unwrap();
    assert_eq!(first.sources, found[..1]);
    let unknown = crate::samples::webhook(3);
    assert_eq!(top(store, &unknown, UsageRange::Day, second(20)).await, []);
}

/// A source is new if its first delivery is in the range, unless the webhook itself is as new. A source without
/// deliveries in the range is not listed.
pub async fn a_source_is_new_once<S: Store>(store: &Arc<S>) {
    let webhook = with_webhook(store, 1).await;
    sent(store, &webhook, "192.0.2.1", START).await;
    sent(store, &webhook, "192.0.2.9", START).await;
    assert!(
        !top(store, &webhook, UsageRange::Week, START).await[0].is_new,
        "all is new"
    );
    let later = START.after(8 * DAY);
    sent(store, &webhook, "192.0.2.1", later).await;
    sent(store, &webhook, "192.0.2.2", later).await;
    let found = top(store, &webhook, UsageRange::Week, later).await;
    let mut shown: Vec<_> = found
        .iter()
        .map(|source| (source.source.to_string(), source.is_new, source.first_seen))
        .collect();
    shown.sort();
    let expected = [
        ("192.0.2.1/32".to_owned(), false, START),
        ("192.0.2.2/32".to_owned(), true, later),
    ];
    assert_eq!(shown, expected);
    let month = top(store, &webhook, UsageRange::Month, later).await;
    assert_eq!(month.len(), 3);
    assert!(month.iter().all(|source| !source.is_new));
}

/// An IPv6 source is its /64; but accepted sources, by which allowlists are previewed, are single addresses.
pub async fn sites_of_ipv6_are_one_source<S: Store>(store: &Arc<S>) {
    let webhook = with_webhook(store, 1).await;
    sent(store, &webhook, "2001:db8::1", second(1)).await;
    sent(store, &webhook, "2001:db8::2", second(2)).await;
    refused(store, &webhook, "2001:db8::3", second(3)).await;
    sent(store, &webhook, "2001:db8:0:1::1", second(4)).await;
    let found = top(store, &webhook, UsageRange::Hour, second(5)).await;
    assert_eq!(found.len(), 2);
    assert_eq!(
        (found[0].source.to_string().as_str(), found[0].accepted),
        ("2001:db8::/64", 2)
    );
    let mut accepted = store
        .accepted_sources(webhook.handle, START)
        .await
        .unwrap()
        .sources;
    accepted.sort_by_key(|source| source.last_seen);
    let addresses: Vec<_> = accepted.iter().map(|source| source.address.to_string()).collect();
    assert_eq!(addresses, ["2001:db8::1", "2001:db8::2", "2001:db8:0:1::1"]);
}

/// Accepted sources are those with an accepted delivery.
pub async fn accepted_sources_are_those_that_passed<S: Store>(store: &Arc<S>) {
    let webhook = with_webhook(store, 1).await;
    sent(store, &webhook, "192.0.2.1", START).await;
    sent(store, &webhook, "192.0.2.2", START.after(2 * DAY)).await;
    refused(store, &webhook, "192.0.2.3", START.after(2 * DAY)).await;
    let accepted = async |since| {
        let totals = store.accepted_sources(webhook.handle, since).await.unwrap();
        let mut found: Vec<_> = totals
            .sources
            .iter()
            .map(|source| source.address.to_string())
            .collect();
        found.sort();
        found
    };
    assert_eq!(accepted(START).await, ["192.0.2.1", "192.0.2.2"]);
    assert_eq!(accepted(START.after(DAY)).await, ["192.0.2.2"]);
    assert_eq!(accepted(START.after(3 * DAY)).await, [] as [&str; 0]);
}

/// The refusals of a source are counted by code, folded or not. The counts are removed with the history.
pub async fn reasons_are_counted_by_source<S: Store>(store: &Arc<S>) {
    let webhook = with_webhook(store, 1).await;
    sent(store, &webhook, "192.0.2.1", START).await;
    let from = |source: &str, code| RefusedDelivery {
        source: source.parse().unwrap(),
        code,
        ..refusal(&webhook)
    };
    for _ in 0..50 {
        store.refusal_record(from("192.0.2.1", RefusalCode::InvalidJson));
    }
    for source in ["192.0.2.1", "2001:db8::1", "2001:db8::2"] {
        store.refusal_record(from(source, RefusalCode::IpNotAllowed));
    }
    accounted(store, 54).await;
    let reasons = async |now| {
        let found = top(store, &webhook, UsageRange::Week, now).await;
        let told = found
            .into_iter()
            .map(|source| (source.source.to_string(), source.reasons.codes));
        told.collect::<Vec<_>>()
    };
    let (json, address) = (RefusalCode::InvalidJson, RefusalCode::IpNotAllowed);
    let expected = [
        ("192.0.2.1/32".to_owned(), vec![(json, 50), (address, 1)]),
        ("2001:db8::/64".to_owned(), vec![(address, 2)]),
    ];
    assert_eq!(reasons(START).await, expected);
    assert_eq!(reasons(START.after(6 * DAY)).await, expected);
    assert_eq!(reasons(START.after(9 * DAY)).await, []);
    let retention = Retention {
        deliveries: DAY,
        ..Retention::default()
    };
    prune(store, retention, START.after(3 * DAY)).await;
    assert_eq!(reasons(START.after(2 * DAY)).await, []);
}

/// Deliveries that passed only because their webhook observes are accepted ones, and are counted on their own too.
pub async fn what_would_be_refused_is_counted_by_source<S: Store>(store: &Arc<S>) {
    let webhook = with_webhook(store, 1).await;
    for (source, observed) in [
        ("192.0.2.1", false),
        ("192.0.2.1", true),
        ("192.0.2.1", true),
        ("192.0.2.2", false),
        ("2001:db8::7", true),
    ] {
        let sent = AcceptedDelivery {
            source: source.parse().unwrap(),
            observed: observed.then(|| "connection 192.0.2.1 client".parse().unwrap()),
            ..delivery(&webhook)
        };
        stored(store, sent).await;
    }
    let found = top(store, &webhook, UsageRange::Day, START).await;
    let mut told: Vec<_> = found
        .iter()
        .map(|source| {
            (
                source.source.to_string(),
                source.accepted,
                source.reasons.would_be_refused,
            )
        })
        .collect();
    told.sort();
    let expected = [
        ("192.0.2.1/32", 3, 2),
        ("192.0.2.2/32", 1, 0),
        ("2001:db8::/64", 1, 1),
    ];
    assert_eq!(
        told,
        expected.map(|(source, all, observed)| (source.to_owned(), all, observed))
    );
}

/// Living webhooks that refused a delivery in the last 24 hours are found, with all their counts of that time.
pub async fn who_refused_lately_is_found<S: Store>(store: &Arc<S>) {
    let (webhook, good) = (with_webhook(store, 1).await, with_webhook(store, 2).await);
    let revoked = with_webhook(store, 3).await;
    for webhook in [&webhook, &good] {
        sent(store, webhook, "192.0.2.1", START).await;
        sent(store, webhook, "192.0.2.1", second(-90_000)).await;
    }
    for webhook in [&webhook, &webhook, &revoked] {
        refused(store, webhook, "192.0.2.1", START).await;
    }
    let dead = revoked.clone().revoke(START).unwrap();
    store
        .webhook_replace(dead.webhook, Some(dead.retired), audit())
        .await
        .unwrap();
    let found = async |now| store.recent_refusals(now).await.unwrap();
    let expected = UsageTotals {
        accepted: 1,
        refused: vec![(RefusalCode::IpNotAllowed, 2)],
    };
    assert_eq!(found(START).await, [(webhook.handle, expected.clone())]);
    assert_eq!(found(START.after(DAY / 2)).await, [(webhook.handle, expected)]);
    assert_eq!(found(START.after(2 * DAY)).await, []);
}
