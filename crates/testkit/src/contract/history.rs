//! Pages of the history and their filters, and refusals.

use std::net::IpAddr;
use std::sync::Arc;

use hookgate_domain::{DeliveryId, RefusalCode, RequestId};
use hookgate_gate::{AcceptedDelivery, DeliveryFilter, Outcome, PageSize, RefusedDelivery, Seek, Store};

use super::{accounted, all_records, record, stored, with_webhook};
use crate::samples::{SOURCE, delivery, refusal, second, sources_in};

async fn page<S: Store>(store: &Arc<S>, filter: &DeliveryFilter, seek: Seek, size: u16) -> Vec<DeliveryId> {
    let page = store
        .delivery_page(filter, seek, PageSize::new(size).unwrap())
        .await
        .unwrap();
    page.items.into_iter().map(|record| record.id).collect()
}

async fn ids<S: Store>(store: &Arc<S>, filter: DeliveryFilter) -> Vec<DeliveryId> {
    all_records(store, &filter)
        .await
        .into_iter()
        .map(|record| record.id)
        .collect()
}

/// Pages go back from the newest record and from any other, and forward from the first and from any other.
pub async fn pages_go_both_ways<S: Store>(store: &Arc<S>) {
    let webhook = with_webhook(store, 1).await;
    let all = DeliveryFilter::default();
    assert_eq!(page(store, &all, Seek::Newest, 3).await, []);
    let mut id = Vec::new();
    for at in [5, 3, 9, 1, 7] {
        // Clocks may go back; the order is that of the commits.
        id.push(
            stored(
                store,
                AcceptedDelivery {
                    received_at: second(at),
                    ..delivery(&webhook)
                },
            )
            .await
            .delivery,
        );
    }
    assert_eq!(page(store, &all, Seek::Newest, 2).await, [id[4], id[3]]);
    assert_eq!(page(store, &all, Seek::Before(id[3]), 2).await, [id[2], id[1]]);
    assert_eq!(page(store, &all, Seek::Before(id[1]), 2).await, [id[0]]);
    assert_eq!(page(store, &all, Seek::Before(id[0]), 2).await, []);
    assert_eq!(page(store, &all, Seek::After(None), 2).await, [id[0], id[1]]);
    assert_eq!(
        page(store, &all, Seek::After(Some(id[1])), 2).await,
        [id[2], id[3]]
    );
    assert_eq!(page(store, &all, Seek::After(Some(id[4])), 2).await, []);
    let unknown = DeliveryId::from_number(i64::MAX).unwrap();
    assert_eq!(store.delivery_by_id(unknown).await.unwrap(), None);
    assert_eq!(page(store, &all, Seek::Before(unknown), 1).await, [id[4]]);
}

/// Records are found by webhook, in both directions.
pub async fn a_page_finds_its_webhook<S: Store>(store: &Arc<S>) {
    let (one, two) = (with_webhook(store, 1).await, with_webhook(store, 2).await);
    let mut id = Vec::new();
    for webhook in [&one, &two, &one, &two, &one] {
        id.push(stored(store, delivery(webhook)).await.delivery);
    }
    let filter = DeliveryFilter {
        webhook: Some(one.handle),
        ..DeliveryFilter::default()
    };
    assert_eq!(page(store, &filter, Seek::Newest, 2).await, [id[4], id[2]]);
    assert_eq!(page(store, &filter, Seek::Before(id[3]), 2).await, [id[2], id[0]]);
    assert_eq!(
        page(store, &filter, Seek::After(Some(id[1])), 9).await,
        [id[2], id[4]]
    );
    let unknown = crate::samples::webhook(3).handle;
    assert_eq!(
        ids(
            store,
            DeliveryFilter {
                webhook: Some(unknown),
                ..DeliveryFilter::default()
            }
        )
        .await,
        []
    );
}

/// Records are found by outcome and by code.
pub async fn a_page_finds_outcome_and_code<S: Store>(store: &Arc<S>) {
    let webhook = with_webhook(store, 1).await;
    let accepted = stored(store, delivery(&webhook)).await.delivery;
    let codes = [
        RefusalCode::IpNotAllowed,
        RefusalCode::InvalidJson,
        RefusalCode::IpNotAllowed,
    ];
    for (deliveries, code) in (2..).zip(codes) {
        store.refusal_record(RefusedDelivery {
            code,
            ..refusal(&webhook)
        });
        accounted(store, deliveries).await;
    }
    let outcome = |outcome| DeliveryFilter {
        outcome: Some(outcome),
        ..DeliveryFilter::default()
    };
    assert_eq!(ids(store, outcome(Outcome::Accepted)).await, [accepted]);
    let refused = ids(store, outcome(Outcome::Refused)).await;
    assert_eq!(refused.len(), 3);
    let code = |code| DeliveryFilter {
        code: Some(code),
        ..DeliveryFilter::default()
    };
    assert_eq!(
        ids(store, code(RefusalCode::IpNotAllowed)).await,
        [refused[0], refused[2]]
    );
    assert_eq!(ids(store, code(RefusalCode::InvalidJson)).await, [refused[1]]);
    assert_eq!(ids(store, code(RefusalCode::RateLimited)).await, []);
    let both = DeliveryFilter {
        outcome: Some(Outcome::Accepted),
        ..code(RefusalCode::InvalidJson)
    };
    assert_eq!(ids(store, both).await, []);
}

/// Records are found that passed only because their webhook observes.
pub async fn a_page_finds_what_would_be_refused<S: Store>(store: &Arc<S>) {
    let (webhook, other) = (with_webhook(store, 1).await, with_webhook(store, 2).await);
    let observed = |webhook| AcceptedDelivery {
        observed: Some("connection 192.0.2.1 client".parse().unwrap()),
        ..delivery(webhook)
    };
    stored(store, delivery(&webhook)).await;
    let mine = stored(store, observed(&webhook)).await.delivery;
    let others = stored(store, observed(&other)).await.delivery;
    store.refusal_record(RefusedDelivery {
        trail: Some("connection 192.0.2.1 client".parse().unwrap()),
        ..refusal(&webhook)
    });
    accounted(store, 4).await;
    let filter = DeliveryFilter {
        would_be_refused: true,
        ..DeliveryFilter::default()
    };
    assert_eq!(ids(store, filter.clone()).await, [mine, others]);
    let of_webhook = DeliveryFilter {
        webhook: Some(webhook.handle),
        ..filter.clone()
    };
    assert_eq!(ids(store, of_webhook).await, [mine]);
    let refused = DeliveryFilter {
        outcome: Some(Outcome::Refused),
        ..filter
    };
    assert_eq!(ids(store, refused).await, []);
}

/// Records are found by network, in both families.
pub async fn a_page_finds_a_network<S: Store>(store: &Arc<S>) {
    let webhook = with_webhook(store, 1).await;
    let sources = [
        "192.0.2.7",
        "192.0.3.0",
        "192.0.1.255",
        "2001:db8::7",
        "2001:db9::",
        "255.255.255.255",
    ];
    let mut id = Vec::new();
    for source in sources {
        let source: IpAddr = source.parse().unwrap();
        let accepted = stored(
            store,
            AcceptedDelivery {
                source,
                ..delivery(&webhook)
            },
        )
        .await;
        assert_eq!(record(store, accepted.delivery).await.summary.source, source);
        id.push(accepted.delivery);
    }
    assert_eq!(ids(store, sources_in("192.0.2.0/24")).await, [id[0]]);
    assert_eq!(ids(store, sources_in("192.0.2.7/32")).await, [id[0]]);
    assert_eq!(
        ids(store, sources_in("192.0.0.0/16")).await,
        [id[0], id[1], id[2]]
    );
    assert_eq!(
        ids(store, sources_in("0.0.0.0/0")).await,
        [id[0], id[1], id[2], id[5]]
    );
    assert_eq!(ids(store, sources_in("2001:db8::/32")).await, [id[3]]);
    assert_eq!(ids(store, sources_in("203.0.113.0/24")).await, []);
}

/// A record has to match all filters.
pub async fn filters_work_together<S: Store>(store: &Arc<S>) {
    let (one, two) = (with_webhook(store, 1).await, with_webhook(store, 2).await);
    let elsewhere: IpAddr = "198.51.100.1".parse().unwrap();
    let sent = [(&one, SOURCE), (&two, SOURCE), (&one, elsewhere)];
    for (deliveries, (webhook, source)) in (1..).zip(sent) {
        store.refusal_record(RefusedDelivery {
            source,
            ..refusal(webhook)
        });
        accounted(store, 2 * deliveries - 1).await;
        stored(
            store,
            AcceptedDelivery {
                source,
                ..delivery(webhook)
            },
        )
        .await;
    }
    let filter = DeliveryFilter {
        webhook: Some(one.handle),
        outcome: Some(Outcome::Refused),
        code: Some(RefusalCode::IpNotAllowed),
        ..sources_in("192.0.2.0/24")
    };
    let records = all_records(store, &filter).await;
    assert_eq!(records.len(), 1);
    let found = &records[0];
    assert_eq!(
        (found.webhook, found.source, found.answer.outcome()),
        (one.handle, SOURCE, Outcome::Refused)
    );
    assert_eq!(page(store, &filter, Seek::Before(found.id), 9).await, []);
    assert_eq!(page(store, &filter, Seek::Newest, 9).await, [found.id]);
}

/// The record of a request is found by request ID, anywhere in the history.
pub async fn a_page_finds_its_request<S: Store>(store: &Arc<S>) {
    let (one, two) = (with_webhook(store, 1).await, with_webhook(store, 2).await);
    let mut sent = Vec::new();
    for number in 0..20_u32 {
        let at = second(i64::from(number) * 600);
        let request_id = RequestId::new(at, 7, number);
        let delivery = AcceptedDelivery {
            // The clocks of nodes differ.
            received_at: second(i64::from(number) * 600 + 20 - i64::from(number % 3) * 20),
            request_id,
            ..delivery(if number % 2 == 0 { &one } else { &two })
        };
        sent.push((request_id, stored(store, delivery).await.delivery));
    }
    let of = |request_id| DeliveryFilter {
        request_id: Some(request_id),
        ..DeliveryFilter::default()
    };
    for (request_id, id) in &sent {
        assert_eq!(ids(store, of(*request_id)).await, [*id]);
        assert_eq!(page(store, &of(*request_id), Seek::After(None), 5).await, [*id]);
    }
    for unknown in [
        RequestId::new(second(600), 7, 99),
        RequestId::from_bytes([0xFF; 16]),
        RequestId::from_bytes([0; 16]),
    ] {
        assert_eq!(ids(store, of(unknown)).await, []);
    }
    let elsewhere = DeliveryFilter {
        webhook: Some(two.handle),
        ..of(sent[0].0)
    };
    assert_eq!(ids(store, elsewhere).await, []);
}
