//! Deliveries with several changes of incidents: all of them are in one commit, or none is.

use std::sync::Arc;

use hookgate_domain::draft::{Note, NoteCode};
use hookgate_domain::incident::{FOLDING_KEY, IncidentEvent, MAX_NEW_INCIDENTS};
use hookgate_domain::{
    ChangeAction, DeliveryId, IncidentChange, IncidentNumber, IncidentStatus, Severity, Webhook,
};
use hookgate_gate::{
    Accepted, AcceptedDelivery, Answer, Commit, DeliveryFilter, Effect, IncidentAction, IncidentFilter,
    PageSize, Seek, Store, Timeline, TimelineKind,
};

use super::{acted, all_records, incident, incidents, record, stored, told, with_webhook};
use crate::samples::{change, changing, deduplicated, delivery, drafted, keyed, second};
use ChangeAction::{Acknowledge, Open, Resolve, Update};

fn numbers(accepted: &Accepted) -> Vec<IncidentNumber> {
    accepted.incidents.iter().map(|touched| touched.number).collect()
}

fn statuses(accepted: &Accepted) -> Vec<IncidentStatus> {
    accepted.incidents.iter().map(|touched| touched.status).collect()
}

fn changes<const N: usize>(webhook: &Webhook, changes: [(ChangeAction, &str); N]) -> AcceptedDelivery {
    changing(webhook, changes.map(|(action, key)| change(action, key)))
}

/// The deliveries of an incident, oldest first, read in pages of two.
async fn deliveries_of<S: Store>(store: &Arc<S>, number: IncidentNumber) -> Vec<DeliveryId> {
    let (mut found, mut seek) = (Vec::new(), Seek::After(None));
    loop {
        let page = store
            .deliveries_of_incident(number, seek, PageSize::new(2).unwrap())
            .await
            .unwrap();
        found.extend(page.items.iter().map(|delivery| delivery.id));
        match page.next {
            Some(next) => seek = Seek::After(Some(next)),
            None => return found,
        }
    }
}

/// One delivery opens many incidents, and all of them have it.
pub async fn many_incidents_open_in_one_commit<S: Store>(store: &Arc<S>) {
    let webhook = with_webhook(store, 1).await;
    let keys: Vec<_> = (0..70).map(|number| format!("key-{number}")).collect();
    let sent = changing(&webhook, keys.iter().map(|key| change(Open, key)));
    let accepted = stored(store, sent).await;
    assert_eq!(accepted.effect, Effect::Opened);
    let opened = numbers(&accepted);
    assert!(opened.len() == 70 && opened.is_sorted_by(|one, next| one < next));
    let found = record(store, accepted.delivery).await;
    assert_eq!(found.incidents, accepted.incidents.to_vec());
    assert_eq!(
        (found.summary.answer, found.summary.incident),
        (Answer::Opened, Some(opened[0]))
    );
    for (number, key) in opened.iter().zip(&keys) {
        let incident = incident(store, *number).await;
        assert_eq!(
            (incident.dedup_key.as_ref(), incident.occurrences),
            (Some(key), 1)
        );
        assert_eq!(deliveries_of(store, *number).await, [accepted.delivery]);
    }
}

/// One delivery opens, updates, acknowledges and resolves. A change without an unresolved incident changes nothing.
pub async fn changes_of_each_kind_are_made<S: Store>(store: &Arc<S>) {
    let webhook = with_webhook(store, 1).await;
    let before = stored(store, changes(&webhook, [(Open, "a"), (Open, "b"), (Open, "c")])).await;
    let known = numbers(&before);
    let mixed = [
        (Resolve, "none"),
        (Update, "a"),
        (Open, "d"),
        (Acknowledge, "b"),
        (Update, "none"),
        (Resolve, "c"),
        (Acknowledge, "none"),
    ];
    let accepted = stored(store, changes(&webhook, mixed)).await;
    assert_eq!(accepted.effect, Effect::Opened);
    let touched = numbers(&accepted);
    assert_eq!([touched[0], touched[2], touched[3]], known[..]);
    let expected = [
        IncidentStatus::Open,
        IncidentStatus::Open,
        IncidentStatus::Acknowledged,
        IncidentStatus::Resolved,
    ];
    assert_eq!(statuses(&accepted), expected);
    assert_eq!(incidents(store, IncidentFilter::default()).await.len(), 4);
    for (number, status) in touched.iter().zip(expected) {
        let incident = incident(store, *number).await;
        let opened_now = *number == touched[1];
        assert_eq!(
            (incident.status, incident.occurrences),
            (status, if opened_now { 1 } else { 2 })
        );
        let key = incident.dedup_key.unwrap();
        assert_eq!(
            incident.title,
            format!("Problem {key}"),
            "a change without a title keeps it"
        );
        let mut expected = vec![before.delivery, accepted.delivery];
        expected.retain(|id| !opened_now || *id == accepted.delivery);
        assert_eq!(deliveries_of(store, *number).await, expected);
    }
    let over = stored(store, changes(&webhook, [(Resolve, "a"), (Resolve, "b")])).await;
    assert_eq!(over.effect, Effect::Updated);
    assert_eq!(record(store, over.delivery).await.summary.answer, Answer::Updated);
}

/// A tool that repeats that a problem is over makes no incident and touches none.
pub async fn a_change_without_incident_changes_nothing<S: Store>(store: &Arc<S>) {
    let webhook = with_webhook(store, 1).await;
    let opened = told(store, changes(&webhook, [(Open, "disk")])).await;
    stored(store, changes(&webhook, [(Resolve, "disk")])).await;
    let resolved = incident(store, opened).await;
    for action in [Resolve, Update, Acknowledge] {
        let repeated = stored(store, changes(&webhook, [(action, "disk"), (action, "other")])).await;
        assert_eq!(
            (repeated.effect, repeated.incidents.len()),
            (Effect::Unmatched, 0)
        );
        let found = record(store, repeated.delivery).await;
        assert_eq!(
            (found.summary.answer, found.incidents.len()),
            (Answer::Unmatched, 0)
        );
    }
    assert_eq!(incidents(store, IncidentFilter::default()).await, [resolved]);
    let nothing = stored(store, changes(&webhook, [])).await;
    assert_eq!(nothing.effect, Effect::Unmatched);
}

/// Changes of one key are made in their order, and their incident counts the delivery once.
pub async fn a_key_twice_is_changed_in_order<S: Store>(store: &Arc<S>) {
    let webhook = with_webhook(store, 1).await;
    let twice = [
        (Open, "k"),
        (Acknowledge, "k"),
        (Resolve, "k"),
        (Resolve, "k"),
        (Open, "k"),
    ];
    let accepted = stored(store, changes(&webhook, twice)).await;
    assert_eq!(
        statuses(&accepted),
        [IncidentStatus::Resolved, IncidentStatus::Open]
    );
    let both = numbers(&accepted);
    let first = incident(store, both[0]).await;
    assert_eq!((first.status, first.occurrences), (IncidentStatus::Resolved, 1));
    let timeline = Timeline::read(&**store, both[0]).await.unwrap().unwrap();
    let kinds: Vec<_> = timeline.entries.into_iter().map(|entry| entry.kind).collect();
    let events = [IncidentEvent::Acknowledged, IncidentEvent::Resolved].map(TimelineKind::Event);
    assert_eq!(kinds, [&[TimelineKind::Opened][..], &events[..]].concat());

    let again = [(Resolve, "k"), (Open, "k"), (Update, "k")];
    let again = stored(store, changes(&webhook, again)).await;
    assert_eq!(numbers(&again)[0], both[1]);
    assert_eq!(statuses(&again), [IncidentStatus::Resolved, IncidentStatus::Open]);
    let alone = stored(store, changes(&webhook, [(Open, "alone"), (Resolve, "alone")])).await;
    assert_eq!(
        (alone.effect, statuses(&alone)),
        (Effect::Opened, vec![IncidentStatus::Resolved])
    );
    assert_eq!(
        record(store, alone.delivery).await.incidents,
        alone.incidents.to_vec()
    );
    assert_eq!(deliveries_of(store, numbers(&alone)[0]).await, [alone.delivery]);
}

/// A delivery that is stale or conflicts stores none of its changes.
pub async fn no_part_of_a_delivery_is_stored<S: Store>(store: &Arc<S>) {
    let webhook = with_webhook(store, 1).await;
    told(store, changes(&webhook, [(Open, "a"), (Open, "b")])).await;
    stored(store, keyed(&webhook, "key", b"1")).await;
    let everything = async || {
        let records = all_records(store, &DeliveryFilter::default()).await;
        (incidents(store, IncidentFilter::default()).await, records)
    };
    let before = everything().await;
    let mixed = || changes(&webhook, [(Update, "a"), (Open, "new"), (Resolve, "b")]);
    let stale = AcceptedDelivery {
        revision: webhook.revision + 1,
        ..mixed()
    };
    assert_eq!(store.delivery_commit(stale).await.unwrap(), Commit::Stale);
    let conflict = AcceptedDelivery {
        idempotency: keyed(&webhook, "key", b"2").idempotency,
        ..mixed()
    };
    assert_eq!(
        store.delivery_commit(conflict).await.unwrap(),
        Commit::IdempotencyConflict
    );
    assert_eq!(everything().await, before);
    let next = stored(store, changes(&webhook, [(Open, "new")])).await;
    assert_eq!(
        numbers(&next)[0].get(),
        before.0[0].number.get() + 1,
        "no number is lost"
    );
}

/// A retry gets all incidents of the first answer, with their status then.
pub async fn a_retry_gets_all_incidents<S: Store>(store: &Arc<S>) {
    let webhook = with_webhook(store, 1).await;
    let sent = || AcceptedDelivery {
        idempotency: keyed(&webhook, "key", b"1").idempotency,
        ..changes(&webhook, [(Open, "a"), (Open, "b"), (Open, "c"), (Resolve, "b")])
    };
    let (first, at_once) = tokio::join!(stored(store, sent()), stored(store, sent()));
    let first = if first.effect == Effect::Replayed {
        at_once
    } else {
        first
    };
    assert_eq!(first.effect, Effect::Opened);
    acted(store, numbers(&first)[0], IncidentAction::Resolve, second(1)).await;
    stored(store, changes(&webhook, [(Acknowledge, "c")])).await;
    let again = stored(store, sent()).await;
    let replayed = Accepted {
        effect: Effect::Replayed,
        ..first.clone()
    };
    assert_eq!(again, replayed);
    assert_eq!(incidents(store, IncidentFilter::default()).await.len(), 3);
    assert_eq!(record(store, first.delivery).await.summary.count, 3);
}

/// Beyond a number of new incidents within a minute, one incident counts the rest.
pub async fn further_new_incidents_are_folded<S: Store>(store: &Arc<S>) {
    let webhook = with_webhook(store, 1).await;
    let opening = |from: i64, to: i64| {
        let keys = (from..to).map(|number| format!("key-{number}"));
        changing(&webhook, keys.map(|key| change(Open, &key)))
    };
    let most = usize::try_from(MAX_NEW_INCIDENTS).unwrap();
    let first = stored(store, opening(0, 60)).await;
    assert_eq!(first.incidents.len(), 60);
    let flood = stored(store, opening(50, 200)).await;
    assert_eq!(
        (flood.effect, flood.incidents.len()),
        (Effect::Opened, 10 + (most - 60) + 1)
    );
    let note = |count| vec![Note::limit("payload", NoteCode::Folded, count)];
    assert_eq!(record(store, flood.delivery).await.summary.notes, note(100));
    let counting = *numbers(&flood).last().unwrap();
    let folded = incident(store, counting).await;
    assert_eq!(
        (folded.folded(), folded.occurrences, folded.status),
        (100, 1, IncidentStatus::Open)
    );
    assert_eq!(folded.dedup_key.as_deref(), Some(FOLDING_KEY));

    // Changes of known incidents are made, those of folded keys find nothing, and `custom` is not folded.
    let mixed = [(Resolve, "key-150"), (Resolve, "key-0"), (Open, "key-1")];
    let mixed = stored(store, changes(&webhook, mixed)).await;
    assert_eq!(numbers(&mixed), numbers(&first)[..2]);
    let custom = stored(store, deduplicated(&webhook, "key-150", "open")).await;
    assert_eq!(custom.effect, Effect::Opened);
    let severe = hookgate_domain::draft::DraftFields {
        title: Some("down".into()),
        severity: Some("critical".into()),
        ..Default::default()
    };
    let severe = changing(&webhook, [IncidentChange::check(Open, severe).unwrap()]);
    let more = stored(store, severe).await;
    assert_eq!((more.effect, numbers(&more)), (Effect::Updated, vec![counting]));
    assert_eq!(record(store, more.delivery).await.summary.notes, note(1));
    let folded = incident(store, counting).await;
    assert_eq!(
        (folded.folded(), folded.severity, folded.occurrences),
        (101, Severity::Sev0, 2)
    );
    assert_eq!(
        deliveries_of(store, counting).await,
        [flood.delivery, more.delivery]
    );

    let other = with_webhook(store, 2).await;
    assert_eq!(
        stored(store, changes(&other, [(Open, "key")])).await.effect,
        Effect::Opened
    );
    let later = AcceptedDelivery {
        received_at: second(60),
        ..opening(150, 152)
    };
    assert_eq!(
        stored(store, later).await.incidents.len(),
        2,
        "of the next minute"
    );
}

/// An incident has the deliveries that touched it alone and those that touched others too, in both directions.
pub async fn an_incident_has_all_deliveries_that_touched_it<S: Store>(store: &Arc<S>) {
    let webhook = with_webhook(store, 1).await;
    let mut expected = Vec::new();
    let first = stored(store, changes(&webhook, [(Open, "other"), (Open, "disk")])).await;
    let number = numbers(&first)[1];
    expected.push(first.delivery);
    for at in 1..=8 {
        let both = [(Update, "other"), (Update, "disk"), (Open, "third")];
        let sent = match at % 3 {
            0 => changes(&webhook, both),
            1 => changes(&webhook, [(Update, "disk")]),
            _ => changes(
                &webhook,
                [(Update, "disk"), (Open, "further"), (Resolve, "further")],
            ),
        };
        let sent = AcceptedDelivery {
            received_at: second(at),
            ..sent
        };
        expected.push(stored(store, sent).await.delivery);
        stored(store, changes(&webhook, [(Update, "other")])).await;
    }
    assert_eq!(deliveries_of(store, number).await, expected);
    let page = store
        .deliveries_of_incident(number, Seek::Before(expected[7]), PageSize::new(3).unwrap())
        .await
        .unwrap();
    let found: Vec<_> = page.items.iter().map(|delivery| delivery.id).collect();
    assert_eq!(
        (found, page.next),
        (vec![expected[6], expected[5], expected[4]], Some(expected[4]))
    );
    let timeline = Timeline::read(&**store, number).await.unwrap().unwrap();
    let entries: Vec<_> = timeline
        .entries
        .iter()
        .map(|entry| (entry.at, entry.until, entry.kind.clone(), entry.delivery))
        .collect();
    let expected_entries = [
        (second(0), None, TimelineKind::Opened, Some(expected[0])),
        (second(1), Some(second(8)), TimelineKind::Updated(8), None),
    ];
    assert_eq!(entries, expected_entries);
    let acted = store.incident_act(
        number,
        IncidentAction::Acknowledge,
        crate::samples::actor_context(),
        second(9),
    );
    acted.await.unwrap().unwrap().unwrap();
    let events = store.incident_events(number).await.unwrap();
    assert_eq!(events.last().unwrap().delivery, expected.last().copied());
}

/// Deliveries of `custom` have one change, and their late `resolved` joins the newest resolved incident.
pub async fn a_late_resolve_of_custom_joins_its_incident<S: Store>(store: &Arc<S>) {
    let webhook = with_webhook(store, 1).await;
    let opened = told(store, changes(&webhook, [(Open, "disk"), (Open, "other")])).await;
    acted(store, opened, IncidentAction::Resolve, second(1)).await;
    let tool = stored(store, changes(&webhook, [(Resolve, "disk")])).await;
    assert_eq!(tool.effect, Effect::Unmatched);
    let custom = stored(store, deduplicated(&webhook, "disk", "resolved")).await;
    assert_eq!((custom.effect, numbers(&custom)), (Effect::Updated, vec![opened]));
    let untitled = drafted(
        &webhook,
        crate::samples::draft(hookgate_domain::draft::DraftFields::default()).unwrap(),
    );
    assert_eq!(stored(store, untitled).await.incidents.len(), 1);
    assert_eq!(stored(store, delivery(&webhook)).await.incidents.len(), 1);
}
