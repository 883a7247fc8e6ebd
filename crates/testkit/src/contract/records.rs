//! Records of deliveries, as they are read one by one.

use std::sync::Arc;
use std::time::Duration;

use hookgate_domain::{IncidentStatus, Policy, RefusalCode};
use hookgate_gate::{AcceptedDelivery, DeliveryFilter, NoPayload, Outcome, RefusedDelivery, Store};

use super::{accounted, all_records, record, stored, with_webhook};
use crate::samples::{audit, delivery, name, refusal, request_id};

/// A record has the present name of its webhook.
pub async fn a_record_has_the_name_of_today<S: Store>(store: &Arc<S>) {
    let webhook = with_webhook(store, 1).await;
    let id = stored(store, delivery(&webhook)).await.delivery;
    store
        .webhook_replace(
            webhook.edit(name("renamed"), Policy::default()).unwrap(),
            None,
            audit(),
        )
        .await
        .unwrap();
    assert_eq!(record(store, id).await.summary.webhook_name, "renamed");
}

/// A record has the details of the answer, and the reason for which there is no payload.
pub async fn what_was_answered_is_on_record<S: Store>(store: &Arc<S>) {
    let webhook = with_webhook(store, 1).await;
    let quiet = AcceptedDelivery {
        payload: None,
        ..crate::samples::deduplicated(&webhook, "k", "acknowledged")
    };
    let accepted = stored(store, quiet).await;
    let accepted = store.delivery_by_id(accepted.delivery).await.unwrap().unwrap();
    assert_eq!(accepted.incidents[0].status, IncidentStatus::Acknowledged);
    assert_eq!(accepted.no_payload, Some(NoPayload::Off));
    let details = r#"{"limit":"webhook","per_minute":60}"#;
    store.refusal_record(RefusedDelivery {
        request_id: Some(request_id(9)),
        code: RefusalCode::RateLimited,
        details: Some(details.into()),
        retry_after: Some(Duration::from_millis(1_500)),
        ..refusal(&webhook)
    });
    accounted(store, 2).await;
    let refusals = DeliveryFilter {
        outcome: Some(Outcome::Refused),
        ..DeliveryFilter::default()
    };
    let refused = all_records(store, &refusals).await.remove(0);
    assert_eq!(refused.request_id, Some(request_id(9)));
    let refused = record(store, refused.id).await;
    assert_eq!(refused.details.as_deref(), Some(details));
    assert_eq!(
        refused.retry_after,
        Some(Duration::from_secs(2)),
        "as it was told"
    );
    assert_eq!(
        (refused.incidents, refused.no_payload),
        (Vec::new(), Some(NoPayload::Unread))
    );
}
