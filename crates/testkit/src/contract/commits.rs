//! Commits of accepted deliveries, which are valid only for the revision that was judged.

use std::collections::HashSet;
use std::future::ready;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use hookgate_domain::client_address::Trail;
use hookgate_domain::draft::DraftFields;
use hookgate_domain::{Policy, UrlChange, Webhook};
use hookgate_gate::{
    AcceptedDelivery, Answer, Commit, DeliveryFilter, DeliveryRecord, DeliverySummary, Effect,
    IncidentFilter, PageSize, Seek, Store,
};

use super::{accounted, all_records, incidents, stored, touched, with_webhook};
use crate::samples::{self, audit, delivery, drafted, name, second};

/// An accepted delivery has a record with all its properties.
pub async fn an_accepted_delivery_is_on_record<S: Store>(store: &Arc<S>) {
    let webhook = with_webhook(store, 1).await;
    let sent = AcceptedDelivery {
        source: "2001:db8::7".parse().unwrap(),
        ..delivery(&webhook)
    };
    let accepted = stored(store, sent.clone()).await;
    assert_eq!(accepted.effect, Effect::Opened);
    let summary = DeliverySummary {
        id: accepted.delivery,
        webhook: webhook.handle,
        webhook_name: webhook.name.to_string(),
        received_at: sent.received_at,
        source: sent.source,
        user_agent: sent.user_agent.map(String::from),
        answer: Answer::Opened,
        incident: Some(touched(&accepted).number),
        count: 1,
        request_id: Some(sent.request_id),
        took: Some(sent.took),
        would_be_refused: false,
        notes: Vec::new(),
    };
    let record = DeliveryRecord {
        summary: summary.clone(),
        trail: None,
        headers: vec![("accept".into(), "*/*".into())],
        payload: sent.payload.map(|payload| payload.to_vec()),
        payload_bytes: None,
        no_payload: None,
        incidents: accepted.incidents.to_vec(),
        details: None,
        retry_after: None,
    };
    assert_eq!(
        store.delivery_by_id(accepted.delivery).await.unwrap().as_ref(),
        Some(&record)
    );
    let page = store
        .delivery_page(&DeliveryFilter::default(), Seek::Newest, PageSize::default())
        .await
        .unwrap();
    assert_eq!((page.items, page.next), (vec![summary], None));
}

/// The notes of a delivery are on its record and in lists.
pub async fn notes_are_on_record<S: Store>(store: &Arc<S>) {
    let webhook = with_webhook(store, 1).await;
    let draft = samples::draft(DraftFields {
        title: Some("é".repeat(501).into()),
        severity: Some("\"x\"".into()),
        ..DraftFields::default()
    });
    let draft = draft.expect("a draft that the rules take");
    let expected = draft.notes().to_vec();
    assert_eq!(expected.len(), 2);
    let accepted = stored(store, drafted(&webhook, draft)).await;
    let record = store.delivery_by_id(accepted.delivery).await.unwrap().unwrap();
    assert_eq!(record.summary.notes, expected);
    let page = store
        .delivery_page(&DeliveryFilter::default(), Seek::Newest, PageSize::default())
        .await
        .unwrap();
    assert_eq!(page.items[0].notes, expected);
}

/// A delivery that passes only because its webhook observes is marked, also in lists, and its record has the trail.
pub async fn what_would_be_refused_is_marked<S: Store>(store: &Arc<S>) {
    let webhook = with_webhook(store, 1).await;
    let trail: Trail = "connection 10.0.0.2 trusted; x-forwarded-for 203.0.113.9 client"
        .parse()
        .unwrap();
    let sent = AcceptedDelivery {
        observed: Some(trail.clone()),
        ..delivery(&webhook)
    };
    let marked = stored(store, sent).await;
    let plain = stored(store, delivery(&webhook)).await;
    let record = store.delivery_by_id(marked.delivery).await.unwrap().unwrap();
    assert_eq!(
        (record.trail, record.summary.would_be_refused),
        (Some(trail), true)
    );
    let records = all_records(store, &DeliveryFilter::default()).await;
    let marks: Vec<_> = records
        .iter()
        .map(|record| (record.id, record.would_be_refused))
        .collect();
    assert_eq!(marks, [(marked.delivery, true), (plain.delivery, false)]);
}

/// A payload that is not stored is absent, which is not the same as an empty one.
pub async fn what_is_not_kept_is_not_on_record<S: Store>(store: &Arc<S>) {
    let webhook = with_webhook(store, 1).await;
    let sent = AcceptedDelivery {
        payload: None,
        headers: None,
        user_agent: None,
        ..delivery(&webhook)
    };
    let bare = stored(store, sent).await;
    let sent = AcceptedDelivery {
        payload: Some(Vec::new().into()),
        user_agent: Some("".into()),
        ..delivery(&webhook)
    };
    let empty = stored(store, sent).await;
    let bare = store.delivery_by_id(bare.delivery).await.unwrap().unwrap();
    assert_eq!((bare.payload, bare.headers), (None, Vec::new()));
    assert_eq!(bare.summary.user_agent, None);
    let empty = store.delivery_by_id(empty.delivery).await.unwrap().unwrap();
    assert_eq!(
        (empty.payload, empty.summary.user_agent),
        (Some(Vec::new()), Some(String::new()))
    );
}

/// A delivery that was judged by another revision is not stored.
pub async fn another_revision_is_stale<S: Store>(store: &Arc<S>) {
    let webhook = with_webhook(store, 1).await;
    let edited = webhook.clone().edit(name("edited"), Policy::default()).unwrap();
    store
        .webhook_replace(edited.clone(), None, audit())
        .await
        .unwrap();
    for revision in [webhook.revision, edited.revision + 1, 0, i64::MIN, i64::MAX] {
        let sent = AcceptedDelivery {
            revision,
            ..delivery(&webhook)
        };
        assert_eq!(store.delivery_commit(sent).await.unwrap(), Commit::Stale);
    }
    assert_eq!(all_records(store, &DeliveryFilter::default()).await, []);
    assert_eq!(incidents(store, IncidentFilter::default()).await, []);
    stored(store, delivery(&edited)).await;
}

/// A delivery for an unknown webhook is not stored.
pub async fn an_unknown_webhook_is_stale<S: Store>(store: &Arc<S>) {
    assert_eq!(
        store
            .delivery_commit(delivery(&samples::webhook(1)))
            .await
            .unwrap(),
        Commit::Stale
    );
}

/// A change and a commit at the same time take effect one after the other, never in part.
pub async fn a_change_earlier_in_line_makes_it_stale<S: Store>(store: &Arc<S>) {
    let mut webhook = with_webhook(store, 1).await;
    for round in 0..50 {
        let edited = webhook
            .clone()
            .edit(name(&format!("round {round}")), Policy::default())
            .unwrap();
        let (replaced, judged_before, judged_after) = tokio::join!(
            store.webhook_replace(edited.clone(), None, audit()),
            store.delivery_commit(delivery(&webhook)),
            store.delivery_commit(delivery(&edited)),
        );
        replaced.unwrap();
        // The order is not known, but if both passed, the delivery of the old revision was first.
        if let (Commit::Stored(before), Commit::Stored(after)) =
            (judged_before.unwrap(), judged_after.unwrap())
        {
            assert!(before.delivery < after.delivery);
        }
        assert_eq!(
            store.delivery_commit(delivery(&webhook)).await.unwrap(),
            Commit::Stale
        );
        webhook = edited;
    }
}

/// Once a replacement has returned, no delivery of the old revision is committed, under any load.
pub async fn nothing_is_committed_after_a_replacement_answered<S: Store>(store: &Arc<S>) {
    for seed in 1..=10 {
        let webhook = with_webhook(store, seed).await;
        let filter = DeliveryFilter {
            webhook: Some(webhook.handle),
            ..DeliveryFilter::default()
        };
        let done = Arc::new(AtomicBool::new(false));
        let senders: Vec<_> = (0..8)
            .map(|_| tokio::spawn(send(Arc::clone(store), webhook.clone(), Arc::clone(&done))))
            .collect();
        while store
            .delivery_page(&filter, Seek::Newest, PageSize::MAX)
            .await
            .unwrap()
            .items
            .len()
            < 20
        {
            tokio::task::yield_now().await;
        }
        let UrlChange {
            webhook: revoked,
            retired,
        } = webhook.revoke(second(60)).unwrap();
        store
            .webhook_replace(revoked, Some(retired), audit())
            .await
            .unwrap();
        done.store(true, Ordering::SeqCst);
        let at_once = all_records(store, &filter).await.len();
        for sender in senders {
            sender.await.unwrap();
        }
        assert_eq!(
            all_records(store, &filter).await.len(),
            at_once,
            "accepted after the revocation answered"
        );
    }
}

/// Sends until a delivery is stale. One that began after the revocation had returned must be.
async fn send<S: Store>(store: Arc<S>, webhook: Webhook, done: Arc<AtomicBool>) {
    loop {
        let must_fail = done.load(Ordering::SeqCst);
        match store.delivery_commit(delivery(&webhook)).await.unwrap() {
            Commit::Stale => return,
            commit => assert!(!must_fail, "{commit:?}"),
        }
    }
}

/// Deliveries and incidents have unique numbers, which rise from commit to commit.
pub async fn numbers_are_unique_and_rise<S: Store>(store: &Arc<S>) {
    let mut tasks = tokio::task::JoinSet::new();
    for seed in 1..=4 {
        let webhook = with_webhook(store, seed).await;
        for _ in 0..5 {
            let (store, webhook) = (Arc::clone(store), webhook.clone());
            tasks.spawn(async move {
                let mut numbers = Vec::new();
                for _ in 0..20 {
                    let accepted = stored(&store, delivery(&webhook)).await;
                    numbers.push((accepted.delivery, touched(&accepted).number));
                }
                assert!(numbers.is_sorted_by(|one, next| one.0 < next.0 && one.1 < next.1));
                numbers
            });
        }
    }
    let numbers: Vec<_> = tasks.join_all().await.into_iter().flatten().collect();
    let (deliveries, incidents): (HashSet<_>, HashSet<_>) = numbers.into_iter().unzip();
    assert_eq!((deliveries.len(), incidents.len()), (400, 400));
    assert_eq!(all_records(store, &DeliveryFilter::default()).await.len(), 400);
}

/// A commit completes although its sender is gone.
pub async fn a_commit_outlives_its_caller<S: Store>(store: &Arc<S>) {
    let webhook = with_webhook(store, 1).await;
    tokio::select! {
        biased;
        _ = store.delivery_commit(delivery(&webhook)) => {}
        () = ready(()) => {}
    }
    assert_eq!(accounted(store, 1).await.len(), 1);
}
