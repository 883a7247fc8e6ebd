//! Further fields of records, and pages of lists.

use std::sync::Arc;
use std::time::Duration;

use hookgate_domain::IncidentStatus;
use hookgate_gate::{
    AcceptedDelivery, CLOCK_MARGIN, DeliveryFilter, IncidentAction, IncidentFilter, PageSize,
    RefusedDelivery, Seek, Store,
};

use super::{accounted, acted, all_records, incidents, record, stored, told, with_webhook};
use crate::samples::{deduplicated, delivery, refusal, second, sources_in};

fn size(rows: u16) -> PageSize {
    PageSize::new(rows).unwrap()
}

/// Headers come back in their order, including repeated ones, also for refusals; and so does the time that the request
/// took.
pub async fn headers_and_timing_are_on_record<S: Store>(store: &Arc<S>) {
    let webhook = with_webhook(store, 1).await;
    let text = r#"[["via","a \\"quoted\\" one"],["accept","*/*"],["via","é\\u0007"]]"#.replace("\\\\", "\\");
    let took = Duration::from_micros(1_234);
    let headers = Some(text);
    let sent = AcceptedDelivery {
        headers: headers.clone(),
        took,
        ..delivery(&webhook)
    };
    let id = stored(store, sent).await.delivery;
    store.refusal_record(RefusedDelivery {
        headers,
        took,
        ..refusal(&webhook)
    });
    let records = accounted(store, 2).await;
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let expected = [
        pair("via", "a \"quoted\" one"),
        pair("accept", "*/*"),
        pair("via", "é\u{7}"),
    ];
    for id in [id, records[1].id] {
        let found = record(store, id).await;
        assert_eq!(found.headers, expected);
        assert_eq!(found.summary.took, Some(took));
    }
    assert!(records.iter().all(|record| record.took == Some(took)));
}

/// Bounds of time include the first and exclude the second, and clocks may be out of order within a margin.
pub async fn times_are_filtered<S: Store>(store: &Arc<S>) {
    let webhook = with_webhook(store, 1).await;
    let margin = i64::try_from(CLOCK_MARGIN.as_secs()).unwrap() - 1;
    let times = [
        0,
        1_000,
        1_000 - margin,
        2_000,
        3_000,
        3_000 - margin,
        4_000,
        5_000,
    ];
    for at in times {
        stored(
            store,
            AcceptedDelivery {
                received_at: second(at),
                ..delivery(&webhook)
            },
        )
        .await;
    }
    for bounds in [
        (None, None),
        (Some(1_000), None),
        (None, Some(3_000)),
        (Some(900), Some(2_990)),
        (Some(2_000), Some(2_001)),
        (Some(2_000), Some(2_000)),
        (Some(3_000), Some(1_000)),
        (Some(9_000), None),
        (None, Some(0)),
    ] {
        for webhook in [None, Some(webhook.handle)] {
            let filter = DeliveryFilter {
                webhook,
                from: bounds.0.map(second),
                to: bounds.1.map(second),
                ..DeliveryFilter::default()
            };
            let expected: Vec<_> = times
                .map(second)
                .into_iter()
                .filter(|at| filter.spans(*at))
                .collect();
            let found = all_records(store, &filter).await;
            let found: Vec<_> = found.iter().map(|record| record.received_at).collect();
            assert_eq!(found, expected, "{bounds:?}");
            let page = store
                .delivery_page(&filter, Seek::Newest, PageSize::MAX)
                .await
                .unwrap();
            let backwards: Vec<_> = page.items.iter().rev().map(|record| record.received_at).collect();
            assert_eq!(backwards, expected, "{bounds:?}");
        }
    }
}

/// A full page has a cursor for the next one, in both directions; a page that is not full is the last.
pub async fn a_page_tells_whether_it_is_the_last<S: Store>(store: &Arc<S>) {
    let webhook = with_webhook(store, 1).await;
    let mut id = Vec::new();
    for _ in 0..5 {
        id.push(stored(store, delivery(&webhook)).await.delivery);
    }
    for filter in [DeliveryFilter::default(), sources_in("192.0.2.0/24")] {
        let page = async |seek| {
            let page = store.delivery_page(&filter, seek, size(2)).await.unwrap();
            (
                page.items.iter().map(|record| record.id).collect::<Vec<_>>(),
                page.next,
            )
        };
        assert_eq!(page(Seek::Newest).await, (vec![id[4], id[3]], Some(id[3])));
        assert_eq!(page(Seek::Before(id[3])).await, (vec![id[2], id[1]], Some(id[1])));
        assert_eq!(page(Seek::Before(id[1])).await, (vec![id[0]], None));
        assert_eq!(
            page(Seek::After(Some(id[1]))).await,
            (vec![id[2], id[3]], Some(id[3]))
        );
        assert_eq!(page(Seek::After(Some(id[3]))).await, (vec![id[4]], None));
    }
}

/// Deliveries are found by the incident that they opened or updated, in both directions.
pub async fn an_incident_has_its_deliveries<S: Store>(store: &Arc<S>) {
    let webhook = with_webhook(store, 1).await;
    let (mut disk, mut number) = (Vec::new(), None);
    for _ in 0..4 {
        let accepted = stored(store, deduplicated(&webhook, "disk", "open")).await;
        disk.push(accepted.delivery);
        number = accepted.incidents.first().copied();
        stored(store, deduplicated(&webhook, "other", "open")).await;
        stored(store, delivery(&webhook)).await;
    }
    let page = async |seek, rows| {
        let page = store
            .deliveries_of_incident(number.unwrap().number, seek, size(rows))
            .await
            .unwrap();
        (
            page.items.iter().map(|record| record.id).collect::<Vec<_>>(),
            page.next,
        )
    };
    assert_eq!(
        page(Seek::Newest, 9).await,
        (vec![disk[3], disk[2], disk[1], disk[0]], None)
    );
    assert_eq!(
        page(Seek::Newest, 3).await,
        (vec![disk[3], disk[2], disk[1]], Some(disk[1]))
    );
    assert_eq!(page(Seek::Before(disk[1]), 3).await, (vec![disk[0]], None));
    assert_eq!(page(Seek::Before(disk[0]), 3).await, (vec![], None));
    assert_eq!(
        page(Seek::After(None), 2).await,
        (vec![disk[0], disk[1]], Some(disk[1]))
    );
    assert_eq!(
        page(Seek::After(Some(disk[1])), 9).await,
        (vec![disk[2], disk[3]], None)
    );
    let alone = told(store, delivery(&webhook)).await;
    let of_one = store
        .deliveries_of_incident(alone, Seek::Newest, size(9))
        .await
        .unwrap();
    assert_eq!(of_one.items.len(), 1);
    let unknown = hookgate_domain::IncidentNumber::new(i64::MAX).unwrap();
    let nothing = store
        .deliveries_of_incident(unknown, Seek::Newest, size(9))
        .await
        .unwrap();
    assert_eq!((nothing.items.len(), nothing.next), (0, None));
}

/// Incidents are found by webhook, with one status or with any.
pub async fn incidents_are_found_by_webhook<S: Store>(store: &Arc<S>) {
    let (one, two) = (with_webhook(store, 1).await, with_webhook(store, 2).await);
    let mut numbers = Vec::new();
    for (webhook, status) in [
        (&one, "open"),
        (&two, "open"),
        (&one, "resolved"),
        (&two, "resolved"),
    ] {
        let key = format!("{}", numbers.len());
        let number = told(store, deduplicated(webhook, &key, "open")).await;
        if status == "resolved" {
            acted(store, number, IncidentAction::Resolve, second(1)).await;
        }
        numbers.push(number);
    }
    let found = async |webhook: Option<_>, status| {
        let found = incidents(store, IncidentFilter { status, webhook }).await;
        found
            .into_iter()
            .map(|incident| incident.number)
            .collect::<Vec<_>>()
    };
    assert_eq!(found(Some(one.handle), None).await, [numbers[2], numbers[0]]);
    assert_eq!(
        found(Some(two.handle), Some(IncidentStatus::Open)).await,
        [numbers[1]]
    );
    assert_eq!(
        found(None, Some(IncidentStatus::Resolved)).await,
        [numbers[3], numbers[2]]
    );
    assert_eq!(found(Some(crate::samples::webhook(3).handle), None).await, []);
}
