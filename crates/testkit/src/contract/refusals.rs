//! Refusals: each is in the history soon, and identical ones are folded.

use std::sync::Arc;

use hookgate_domain::RefusalCode;
use hookgate_domain::client_address::Trail;
use hookgate_gate::{
    Answer, DeliveryFilter, MAX_REFUSED_PAYLOAD, NoPayload, RefusedDelivery, RefusedPayload, Store,
    UsageRange,
};

use super::{accounted, all_records, record, stored, with_webhook};
use crate::samples::{self, SOURCE, START, delivery, refusal, second};

/// A refusal has a record soon, with all its properties.
pub async fn a_refusal_is_on_record<S: Store>(store: &Arc<S>) {
    let webhook = with_webhook(store, 1).await;
    let sent = RefusedDelivery {
        user_agent: Some("curl/8".into()),
        payload: Some(RefusedPayload::of(&b"{".to_vec().into())),
        code: RefusalCode::InvalidJson,
        ..refusal(&webhook)
    };
    store.refusal_record(sent);
    accounted(store, 1).await;
    store.refusal_record(RefusedDelivery {
        code: RefusalCode::RateLimited,
        postponed: true,
        ..refusal(&webhook)
    });
    let records = accounted(store, 2).await;
    let first = &records[0];
    assert_eq!(
        (first.webhook, first.received_at, first.source),
        (webhook.handle, START, SOURCE)
    );
    assert_eq!(
        (
            first.user_agent.as_deref(),
            record(store, first.id).await.payload.as_deref()
        ),
        (Some("curl/8"), Some(b"{".as_slice()))
    );
    assert_eq!(
        (first.answer, first.incident, first.count),
        (Answer::Refused(RefusalCode::InvalidJson), None, 1)
    );
    assert_eq!(records[1].answer, Answer::Postponed(RefusalCode::RateLimited));
    assert!(records[0].id < records[1].id);
}

/// A refusal by the allowlist has the trail on its record, and is not marked as passed by observing.
pub async fn a_refusal_tells_how_its_source_was_found<S: Store>(store: &Arc<S>) {
    let webhook = with_webhook(store, 1).await;
    let trail: Trail = "connection 10.0.0.2 trusted; forwarded hidden".parse().unwrap();
    store.refusal_record(RefusedDelivery {
        code: RefusalCode::SourceUnknown,
        trail: Some(trail.clone()),
        ..refusal(&webhook)
    });
    let records = accounted(store, 1).await;
    assert_eq!(
        (records[0].answer, records[0].would_be_refused),
        (Answer::Refused(RefusalCode::SourceUnknown), false)
    );
    assert_eq!(record(store, records[0].id).await.trail, Some(trail));
}

/// A refused delivery has only the first part of the payload on its record, with the size of the whole.
pub async fn a_refused_payload_is_cut<S: Store>(store: &Arc<S>) {
    let webhook = with_webhook(store, 1).await;
    for bytes in [MAX_REFUSED_PAYLOAD, 1 << 20] {
        store.refusal_record(RefusedDelivery {
            payload: Some(RefusedPayload::of(&vec![b'x'; bytes].into())),
            ..refusal(&webhook)
        });
    }
    let mut sizes = Vec::new();
    for kept in accounted(store, 2).await {
        let record = record(store, kept.id).await;
        sizes.push((record.payload.map(|payload| payload.len()), record.payload_bytes));
    }
    sizes.sort_unstable();
    let kept = Some(MAX_REFUSED_PAYLOAD);
    assert_eq!(sizes, [(kept, None), (kept, Some(1 << 20))]);
}

/// The payloads of a webhook's refusals are bounded in bytes within a minute. Every refusal has its record
/// nevertheless, and other webhooks keep their payloads.
pub async fn refusals_of_a_webhook_keep_few_bytes<S: Store>(store: &Arc<S>) {
    const SOURCES: u8 = 200;
    let (flooded, other) = (with_webhook(store, 1).await, with_webhook(store, 2).await);
    let large = |webhook, source: u8| RefusedDelivery {
        source: [203, 0, 113, source].into(),
        payload: Some(RefusedPayload::of(&vec![b'x'; 256 * 1024].into())),
        no_payload: None,
        ..refusal(webhook)
    };
    for source in 0..SOURCES {
        store.refusal_record(large(&flooded, source));
    }
    store.refusal_record(large(&other, 0));
    let (mut bytes, mut without) = (0, 0);
    for kept in accounted(store, i64::from(SOURCES) + 1).await {
        let record = record(store, kept.id).await;
        let size = record.payload.as_ref().map_or(0, Vec::len);
        if kept.webhook == other.handle {
            assert_eq!(size, MAX_REFUSED_PAYLOAD);
        } else {
            bytes += size;
            without += usize::from(record.why_no_payload() == Some(NoPayload::Flood));
        }
    }
    assert!((900_000..=1 << 20).contains(&bytes), "{bytes}");
    assert_eq!(without, usize::from(SOURCES) - bytes / MAX_REFUSED_PAYLOAD);
}

/// Identical refusals fold above a cap, and each is counted. Other refusals, and those of another minute, have records
/// of their own.
pub async fn identical_refusals_fold_and_are_counted<S: Store>(store: &Arc<S>) {
    let webhook = with_webhook(store, 1).await;
    for _ in 0..300 {
        store.refusal_record(refusal(&webhook));
    }
    let records = accounted(store, 300).await;
    assert!(records.len() < 50, "{} records", records.len());
    let other = RefusedDelivery {
        code: RefusalCode::InvalidJson,
        ..refusal(&webhook)
    };
    let later = RefusedDelivery {
        received_at: second(120),
        ..refusal(&webhook)
    };
    store.refusal_record(other);
    store.refusal_record(later);
    let more = accounted(store, 302).await;
    assert_eq!(more.len(), records.len() + 2);
    assert_eq!(more.iter().map(|record| record.count).sum::<i64>(), 302);
}

/// A refusal that the store only counts is on the count of a record soon. Usage has the counted refusals and the
/// recorded ones.
pub async fn a_refusal_that_is_counted_needs_no_record<S: Store>(store: &Arc<S>) {
    let webhook = with_webhook(store, 1).await;
    let (mut sent, mut counted) = (0, 0);
    for _ in 0..5 {
        for _ in 0..100 {
            if store.refusal_count(refusal(&webhook).key()) {
                counted += 1;
            } else {
                store.refusal_record(refusal(&webhook));
            }
        }
        sent += 100;
        let records = accounted(store, sent).await;
        assert!(records.len() < 50, "{} records", records.len());
    }
    assert!(counted >= 300, "{counted} without a record");
    let other = RefusedDelivery {
        code: RefusalCode::InvalidJson,
        ..refusal(&webhook)
    };
    assert!(!store.refusal_count(other.key()), "no record stands for it");
    let usage = store
        .usage(Some(webhook.handle), UsageRange::Day, second(1))
        .await;
    assert_eq!(usage.map(|usage| usage.totals.refusals()).ok(), Some(500));
}

/// A refusal of an unknown webhook has no record.
pub async fn a_refusal_of_no_webhook_leaves_no_trace<S: Store>(store: &Arc<S>) {
    let webhook = with_webhook(store, 1).await;
    store.refusal_record(refusal(&samples::webhook(2)));
    let id = stored(store, delivery(&webhook)).await.delivery;
    let records = all_records(store, &DeliveryFilter::default()).await;
    assert_eq!(records.iter().map(|record| record.id).collect::<Vec<_>>(), [id]);
}
