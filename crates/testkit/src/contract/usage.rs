//! Usage: every answered delivery is counted once, in the right bucket.

use std::sync::Arc;
use std::time::Duration;

use hookgate_domain::{RefusalCode, Timestamp, Webhook};
use hookgate_gate::{
    AcceptedDelivery, Answer, LastSeen, RefusedDelivery, Retention, Store, Usage, UsageRange, WebhookUsage,
};

use super::pruning::prune;
use super::{accounted, stored, with_webhook};
use crate::samples::{self, START, delivery, keyed, refusal, second};

const HOUR: Duration = Duration::from_hours(1);

async fn usage<S: Store>(store: &Arc<S>, webhook: &Webhook, range: UsageRange, now: Timestamp) -> Usage {
    store.usage(Some(webhook.handle), range, now).await.unwrap()
}

/// Commits a delivery received at this time.
async fn sent<S: Store>(store: &Arc<S>, webhook: &Webhook, received_at: Timestamp) {
    stored(
        store,
        AcceptedDelivery {
            received_at,
            ..delivery(webhook)
        },
    )
    .await;
}

/// Without deliveries, and for an unknown webhook, every bucket is there and empty.
pub async fn nothing_sent_is_nothing_used<S: Store>(store: &Arc<S>) {
    let (known, unknown) = (with_webhook(store, 1).await, samples::webhook(2));
    for range in UsageRange::ALL {
        let empty = Usage::of(range, START, []);
        assert_eq!(usage(store, &known, range, START).await, empty);
        assert_eq!(usage(store, &unknown, range, START).await, empty);
        assert_eq!(store.usage(None, range, START).await.unwrap(), empty);
    }
    let seen = store
        .usage_many(&[unknown.handle, known.handle], START)
        .await
        .unwrap();
    assert_eq!(
        seen,
        [
            WebhookUsage::silent(unknown.handle),
            WebhookUsage::silent(known.handle)
        ]
    );
    assert_eq!(store.usage_many(&[], START).await.unwrap(), []);
}

/// A delivery is counted as soon as it is answered.
pub async fn what_was_answered_is_counted<S: Store>(store: &Arc<S>) {
    let webhook = with_webhook(store, 1).await;
    for count in 1..=5 {
        sent(store, &webhook, START).await;
        let asked = usage(store, &webhook, UsageRange::Hour, START).await;
        assert_eq!(asked.totals.accepted, count);
    }
    for count in 1..=3_u32 {
        store.refusal_record(refusal(&webhook));
        accounted(store, i64::from(5 + count)).await;
        let asked = usage(store, &webhook, UsageRange::Week, START).await;
        assert_eq!(asked.totals.refused, [(RefusalCode::IpNotAllowed, count.into())]);
    }
}

/// Folded refusals are counted one by one.
pub async fn folded_refusals_are_counted<S: Store>(store: &Arc<S>) {
    let webhook = with_webhook(store, 1).await;
    for round in 1..=3_u16 {
        for _ in 0..100 {
            store.refusal_record(refusal(&webhook));
        }
        accounted(store, i64::from(round) * 100).await;
        let asked = usage(store, &webhook, UsageRange::Day, START).await;
        assert_eq!(asked.totals.refusals(), u64::from(round) * 100);
        assert_eq!(asked.totals.accepted, 0);
    }
}

/// A replay is not counted.
pub async fn a_replay_is_not_counted<S: Store>(store: &Arc<S>) {
    let webhook = with_webhook(store, 1).await;
    for _ in 0..4 {
        stored(store, keyed(&webhook, "a", b"1")).await;
    }
    let asked = usage(store, &webhook, UsageRange::Hour, START).await;
    assert_eq!(asked.totals.accepted, 1);
}

/// A delivery is in the bucket of its time, in every range.
pub async fn minutes_and_hours_have_their_buckets<S: Store>(store: &Arc<S>) {
    let webhook = with_webhook(store, 1).await;
    for at in [0, 59, 60, 3_599, 3_600, 86_399, 200_000, 2_500_000] {
        sent(store, &webhook, second(at)).await;
    }
    for now in [second(3_700), second(90_000), second(2_500_000)] {
        for range in UsageRange::ALL {
            let times = [0, 59, 60, 3_599, 3_600, 86_399, 200_000, 2_500_000].map(second);
            let expected = Usage::of(range, now, times.map(|at| (at, None, 1)));
            assert_eq!(
                usage(store, &webhook, range, now).await,
                expected,
                "{range} {now:?}"
            );
            assert_eq!(
                store.usage(None, range, now).await.unwrap(),
                expected,
                "{range} of all"
            );
        }
    }
}

/// Each webhook has its own counts, and all of them together have theirs.
pub async fn webhooks_are_counted_apart_and_together<S: Store>(store: &Arc<S>) {
    let (one, two) = (with_webhook(store, 1).await, with_webhook(store, 2).await);
    for webhook in [&one, &two, &two] {
        sent(store, webhook, START).await;
    }
    let codes = [RefusalCode::InvalidJson, RefusalCode::RateLimited];
    for (deliveries, code) in (4..).zip(codes) {
        store.refusal_record(RefusedDelivery {
            code,
            ..refusal(&one)
        });
        accounted(store, deliveries).await;
    }
    let asked = async |webhook: Option<&Webhook>| {
        let webhook = webhook.map(|webhook| webhook.handle);
        let usage = store.usage(webhook, UsageRange::Hour, START).await.unwrap();
        (usage.totals.accepted, usage.totals.refusals())
    };
    assert_eq!(asked(Some(&one)).await, (1, 2));
    assert_eq!(asked(Some(&two)).await, (2, 0));
    assert_eq!(asked(None).await, (3, 2));
}

/// The list has 24 hours and the newest delivery of each webhook, in the requested order.
pub async fn a_list_shows_a_day_and_the_last_delivery<S: Store>(store: &Arc<S>) {
    let (one, two) = (with_webhook(store, 1).await, with_webhook(store, 2).await);
    sent(store, &one, START).await;
    sent(store, &one, START.after(HOUR)).await;
    sent(store, &two, START).await;
    store.refusal_record(RefusedDelivery {
        received_at: START.after(HOUR),
        ..refusal(&two)
    });
    accounted(store, 4).await;
    let now = START.after(2 * HOUR);
    let unknown = samples::webhook(3).handle;
    let seen = store
        .usage_many(&[two.handle, unknown, one.handle, two.handle], now)
        .await
        .unwrap();
    let hours = |usage: &WebhookUsage| usage.hours[20..].to_vec();
    assert_eq!(hours(&seen[0]), [(0, 0), (1, 0), (0, 1), (0, 0)]);
    assert_eq!(
        (
            seen[0].totals.accepted,
            seen[0].totals.refusals(),
            seen[0].hours.len()
        ),
        (1, 1, 24)
    );
    let answer = Answer::Refused(RefusalCode::IpNotAllowed);
    let at = START.after(HOUR);
    assert_eq!(seen[0].last, Some(LastSeen { at, answer }));
    assert_eq!(seen[1], WebhookUsage::silent(unknown));
    assert_eq!(hours(&seen[2]), [(0, 0), (1, 0), (1, 0), (0, 0)]);
    let answer = Answer::Opened;
    assert_eq!(seen[2].last, Some(LastSeen { at, answer }));
    assert_eq!(seen[3], seen[0]);
    let later = store
        .usage_many(&[one.handle], START.after(30 * HOUR))
        .await
        .unwrap();
    assert_eq!((later[0].totals.accepted, later[0].last.is_some()), (0, true));
}

/// Counts are kept for as long as deliveries.
pub async fn counts_go_with_the_deliveries<S: Store>(store: &Arc<S>) {
    let webhook = with_webhook(store, 1).await;
    sent(store, &webhook, START).await;
    let late = START.after(10 * 24 * HOUR);
    sent(store, &webhook, late).await;
    let asked = usage(store, &webhook, UsageRange::Month, late).await;
    assert_eq!(asked.totals.accepted, 2);
    let kept = Retention {
        deliveries: 72 * HOUR,
        payloads: 72 * HOUR,
        ..Retention::default()
    };
    assert!(prune(store, kept, late).await.counts > 0);
    let asked = usage(store, &webhook, UsageRange::Month, late).await;
    assert_eq!(asked.totals.accepted, 1);
    let sources = store.accepted_sources(webhook.handle, START).await.unwrap();
    assert_eq!(
        sources.sources.iter().map(|source| source.accepted).sum::<u64>(),
        1
    );
}
