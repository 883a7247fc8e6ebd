//! Runs of deliveries in the timeline of an incident.

use std::sync::Arc;
use std::time::Duration;

use hookgate_domain::Severity;
use hookgate_domain::draft::DraftFields;
use hookgate_domain::incident::IncidentEvent;
use hookgate_gate::{AcceptedDelivery, IncidentAction, Store, Timeline, TimelineKind};

use super::timeline::{about, severity};
use super::{acted, stored, told, touched, with_webhook};
use crate::samples::{deduplicated, second};

/// A timeline counts the deliveries between events, with their times.
pub async fn a_timeline_counts_runs<S: Store>(store: &Arc<S>) {
    let webhook = with_webhook(store, 1).await;
    let number = told(store, about(&webhook, 0, severity("high"))).await;
    for at in [10, 20, 30] {
        told(store, about(&webhook, at, DraftFields::default())).await;
    }
    acted(store, number, IncidentAction::Acknowledge, second(40)).await;
    told(store, about(&webhook, 50, DraftFields::default())).await;
    told(store, about(&webhook, 60, severity("critical"))).await;
    told(store, about(&webhook, 70, DraftFields::default())).await;
    acted(store, number, IncidentAction::Resolve, second(100)).await;
    let late = AcceptedDelivery {
        received_at: second(940),
        ..deduplicated(&webhook, "disk", "resolved")
    };
    stored(store, late).await;
    let timeline = Timeline::read(&**store, number).await.unwrap().unwrap();
    let (from, to) = (Severity::Sev1, Severity::Sev0);
    let expected = [
        (0, None, TimelineKind::Opened),
        (10, Some(30), TimelineKind::Updated(3)),
        (40, None, TimelineKind::Event(IncidentEvent::Acknowledged)),
        (50, None, TimelineKind::Updated(1)),
        (
            60,
            None,
            TimelineKind::Event(IncidentEvent::Severity { from, to }),
        ),
        (70, None, TimelineKind::Updated(1)),
        (100, None, TimelineKind::Event(IncidentEvent::Resolved)),
        (940, None, TimelineKind::ResolvedLate(Duration::from_mins(14))),
    ];
    let expected = expected.map(|(at, until, kind)| (second(at), until.map(second), kind));
    let found: Vec<_> = timeline
        .entries
        .iter()
        .map(|entry| (entry.at, entry.until, entry.kind.clone()))
        .collect();
    assert_eq!(found, expected);
    assert_eq!(timeline.open_for(second(5_000)), Duration::from_secs(100));
    assert_eq!(timeline.acknowledged_after(), Some(Duration::from_secs(40)));
}

/// Each of many runs has the times of its own deliveries, and a run of one delivery has its ID.
pub async fn a_timeline_dates_many_runs<S: Store>(store: &Arc<S>) {
    const RUNS: i64 = 40;
    let webhook = with_webhook(store, 1).await;
    let opening = stored(store, about(&webhook, 0, DraftFields::default())).await;
    let number = touched(&opening).number;
    let other = with_webhook(store, 2).await;
    let mut expected = vec![(second(0), None, Some(opening.delivery))];
    for run in 1..=RUNS {
        let at = run * 100;
        let first = stored(store, about(&webhook, at, DraftFields::default())).await;
        // A delivery of another incident, between those of this one.
        told(store, about(&other, at + 1, DraftFields::default())).await;
        if run % 2 == 0 {
            told(store, about(&webhook, at + 10, DraftFields::default())).await;
            expected.push((second(at), Some(second(at + 10)), None));
        } else {
            expected.push((second(at), None, Some(first.delivery)));
        }
        if run < RUNS {
            let note = IncidentAction::Note(format!("{run}").parse().unwrap());
            acted(store, number, note, second(at + 20)).await;
            expected.push((second(at + 20), None, None));
        }
    }
    let timeline = Timeline::read(&**store, number).await.unwrap().unwrap();
    let found = timeline.entries.iter();
    let found: Vec<_> = found
        .map(|entry| (entry.at, entry.until, entry.delivery))
        .collect();
    assert_eq!(found, expected);
    assert_eq!(store.incident_runs(number, &[]).await.unwrap(), []);
}
