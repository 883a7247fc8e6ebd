//! Events of an incident: their kinds, their order, and their bounds.

use std::sync::Arc;
use std::time::Duration;

use hookgate_domain::draft::DraftFields;
use hookgate_domain::incident::{IncidentError, IncidentEvent, MAX_LISTED_CHANGES, REOPEN_WINDOW};
use hookgate_domain::{DeliveryId, IncidentNumber, IncidentStatus, Severity, Timestamp, Webhook};
use hookgate_gate::{AcceptedDelivery, Effect, IncidentAction, IncidentRecord, MAX_EVENTS, Retention, Store};

use super::{acted, incident, stored, told, touched, with_webhook};
use crate::samples::{actor_context, deduplicated, delivery, draft, second};

/// A delivery with the same dedup key, at this second.
pub(super) fn about(webhook: &Webhook, at: i64, fields: DraftFields) -> AcceptedDelivery {
    let fields = DraftFields {
        dedup_key: Some("disk".into()),
        ..fields
    };
    AcceptedDelivery {
        received_at: second(at),
        changes: vec![draft(fields).unwrap().into()],
        ..delivery(webhook)
    }
}

pub(super) fn severity(word: &str) -> DraftFields<'_> {
    DraftFields {
        severity: Some(word.into()),
        ..DraftFields::default()
    }
}

async fn events<S: Store>(store: &Arc<S>, number: IncidentNumber) -> Vec<IncidentRecord> {
    store.incident_events(number).await.unwrap()
}

fn by_sender(delivery: DeliveryId, at: Timestamp, event: IncidentEvent, occurrences: i64) -> IncidentRecord {
    IncidentRecord {
        at,
        event,
        actor: None,
        delivery: Some(delivery),
        occurrences,
    }
}

/// The changes of a delivery are events with its ID, in a fixed order.
pub async fn what_changes_is_listed_in_order<S: Store>(store: &Arc<S>) {
    let webhook = with_webhook(store, 1).await;
    let number = told(store, about(&webhook, 0, severity("high"))).await;
    assert_eq!(events(store, number).await, []);
    let worse = DraftFields {
        title: Some("Disk 99 % full \u{1F525}".into()),
        status: Some("acknowledged".into()),
        ..severity("critical")
    };
    let worse = stored(store, about(&webhook, 5, worse)).await;
    assert_eq!(touched(&worse).number, number);
    let over = AcceptedDelivery {
        received_at: second(9),
        ..deduplicated(&webhook, "disk", "resolved")
    };
    let over = stored(store, over).await;
    let title = |from: &str, to: &str| IncidentEvent::Title {
        from: from.into(),
        to: to.into(),
    };
    let (from, to) = (Severity::Sev1, Severity::Sev0);
    let full = "Disk 99 % full \u{1F525}";
    let expected = [
        by_sender(worse.delivery, second(5), title("Disk full", full), 2),
        by_sender(worse.delivery, second(5), IncidentEvent::Severity { from, to }, 2),
        by_sender(worse.delivery, second(5), IncidentEvent::Acknowledged, 2),
        by_sender(over.delivery, second(9), title(full, "Disk full"), 3),
        by_sender(over.delivery, second(9), IncidentEvent::Resolved, 3),
    ];
    assert_eq!(events(store, number).await, expected);
    let now = incident(store, number).await;
    assert_eq!(
        (now.acknowledged_at, now.resolved_at),
        (Some(second(5)), Some(second(9)))
    );
    assert_eq!(now.cleared_at, Some(second(9)));
    let unknown = IncidentNumber::new(i64::MAX).unwrap();
    assert_eq!(events(store, unknown).await, []);
}

/// Deliveries that change nothing are counted and are no events.
pub async fn plain_repeats_are_not_listed<S: Store>(store: &Arc<S>) {
    let webhook = with_webhook(store, 1).await;
    let number = told(store, about(&webhook, 0, DraftFields::default())).await;
    for at in 1..4 {
        told(store, about(&webhook, at, DraftFields::default())).await;
    }
    assert_eq!(events(store, number).await, []);
    assert_eq!(incident(store, number).await.occurrences, 4);
}

/// A repeated late `resolved` is one event for each resolve.
pub async fn a_late_resolve_is_listed_once<S: Store>(store: &Arc<S>) {
    let webhook = with_webhook(store, 1).await;
    let number = told(store, about(&webhook, 0, DraftFields::default())).await;
    acted(store, number, IncidentAction::Resolve, second(1)).await;
    for _ in 0..3 {
        let late = stored(store, deduplicated(&webhook, "disk", "resolved")).await;
        assert_eq!((late.effect, touched(&late).number), (Effect::Updated, number));
    }
    let listed = events(store, number).await;
    let kinds: Vec<_> = listed.iter().map(|record| record.event.kind()).collect();
    assert_eq!(kinds, ["resolved", "resolved_late"]);
    assert_eq!(incident(store, number).await.occurrences, 4);
}

/// The first changes of a severity that goes up and down are events; further ones are counted.
pub async fn listed_changes_are_bounded<S: Store>(store: &Arc<S>) {
    let webhook = with_webhook(store, 1).await;
    let number = told(store, about(&webhook, 0, severity("low"))).await;
    for at in 1..=MAX_LISTED_CHANGES + 20 {
        let word = if at % 2 == 0 { "low" } else { "high" };
        told(store, about(&webhook, at, severity(word))).await;
    }
    let listed = events(store, number).await.len();
    assert_eq!(i64::try_from(listed), Ok(MAX_LISTED_CHANGES));
    assert_eq!(incident(store, number).await.changes, MAX_LISTED_CHANGES + 20);
}

/// Acts of people are events with their actor and the last delivery before.
pub async fn acts_of_people_are_listed<S: Store>(store: &Arc<S>) {
    let webhook = with_webhook(store, 1).await;
    let first = stored(store, about(&webhook, 0, DraftFields::default())).await;
    let number = touched(&first).number;
    acted(store, number, IncidentAction::Acknowledge, second(1)).await;
    let second_told = stored(store, about(&webhook, 2, DraftFields::default())).await;
    let note = IncidentAction::Note("Looking.\r\nIt is the log.".parse().unwrap());
    let noted = acted(store, number, note, second(3)).await;
    assert_eq!(noted.updated_at, second(3));
    let by_person = |delivery, at, event, occurrences| IncidentRecord {
        actor: Some(actor_context().identity),
        ..by_sender(delivery, second(at), event, occurrences)
    };
    let text = "Looking.\nIt is the log.".parse().unwrap();
    let expected = [
        by_person(first.delivery, 1, IncidentEvent::Acknowledged, 1),
        by_person(second_told.delivery, 3, IncidentEvent::Note(text), 2),
    ];
    assert_eq!(events(store, number).await, expected);
}

/// Notes and reopenings end at a bound; resolving does not.
pub async fn a_full_timeline_takes_no_more_notes<S: Store>(store: &Arc<S>) {
    let webhook = with_webhook(store, 1).await;
    let number = told(store, about(&webhook, 0, DraftFields::default())).await;
    let note = || IncidentAction::Note("x".parse().unwrap());
    for _ in 0..MAX_EVENTS / 2 {
        acted(store, number, note(), second(1)).await;
    }
    let act = |action| store.incident_act(number, action, actor_context(), second(2));
    let full = Some(Err(IncidentError::TimelineFull));
    assert_eq!(act(note()).await.unwrap(), full);
    acted(store, number, IncidentAction::Resolve, second(3)).await;
    assert_eq!(act(IncidentAction::Reopen).await.unwrap(), full);
}

/// A person reopens a resolved incident within a day, and deliveries update it again.
pub async fn a_reopened_incident_takes_deliveries_again<S: Store>(store: &Arc<S>) {
    let webhook = with_webhook(store, 1).await;
    let number = told(store, about(&webhook, 0, DraftFields::default())).await;
    let reopen = |at| store.incident_act(number, IncidentAction::Reopen, actor_context(), at);
    let refused = |error| Some(Err(error));
    assert_eq!(
        reopen(second(1)).await.unwrap(),
        refused(IncidentError::NotResolved)
    );
    acted(store, number, IncidentAction::Resolve, second(1)).await;
    let late = second(1).after(REOPEN_WINDOW + Duration::from_secs(1));
    assert_eq!(
        reopen(late).await.unwrap(),
        refused(IncidentError::TooLateToReopen)
    );
    let reopened = acted(store, number, IncidentAction::Reopen, second(60)).await;
    assert_eq!(
        (reopened.status, reopened.resolved_at),
        (IncidentStatus::Open, None)
    );
    assert_eq!(incident(store, number).await, reopened);
    let again = stored(store, about(&webhook, 61, DraftFields::default())).await;
    assert_eq!((again.effect, touched(&again).number), (Effect::Updated, number));
}

/// An incident can't be reopened if another one has its dedup key by now, not even at the same moment.
pub async fn a_taken_dedup_key_keeps_an_incident_resolved<S: Store>(store: &Arc<S>) {
    let webhook = with_webhook(store, 1).await;
    for round in 0..10 {
        let key = format!("disk {round}");
        let open = || deduplicated(&webhook, &key, "open");
        let first = told(store, open()).await;
        acted(store, first, IncidentAction::Resolve, second(1)).await;
        let reopen = || store.incident_act(first, IncidentAction::Reopen, actor_context(), second(2));
        let (number, reopened) = if round == 0 {
            let number = told(store, open()).await;
            (number, reopen().await)
        } else {
            tokio::join!(told(store, open()), reopen())
        };
        match reopened.unwrap().unwrap() {
            Ok(_) => assert_eq!(number, first),
            Err(error) => assert_eq!(error, IncidentError::DedupKeyTaken(number)),
        }
    }
}

/// Removing an incident removes its events.
pub async fn events_go_with_their_incident<S: Store>(store: &Arc<S>) {
    let webhook = with_webhook(store, 1).await;
    let (old, young) = (
        told(store, deduplicated(&webhook, "a", "open")).await,
        told(store, deduplicated(&webhook, "b", "open")).await,
    );
    let day = 24 * 60 * 60;
    acted(store, old, IncidentAction::Acknowledge, second(1)).await;
    acted(store, young, IncidentAction::Acknowledge, second(100 * day)).await;
    while !store
        .history_prune(Retention::default(), second(101 * day))
        .await
        .unwrap()
        .is_empty()
    {}
    assert_eq!(store.incident_by_number(old).await.unwrap(), None);
    assert_eq!(events(store, old).await, []);
    assert_eq!(events(store, young).await.len(), 1);
}
