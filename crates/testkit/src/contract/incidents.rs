//! Incidents: the effects of deliveries and of people.

use std::sync::Arc;

use hookgate_domain::draft::{DraftFields, Metadata, MetadataValue};
use hookgate_domain::{Incident, IncidentNumber, IncidentStatus, OrganizationId, Severity};
use hookgate_gate::{
    AcceptedDelivery, Answer, Effect, IncidentAction, IncidentCount, IncidentFilter, PageSize, Store, Touched,
};

use super::{acted, incident, incidents, record, stored, told, touched, with_webhook};
use crate::samples::{START, deduplicated, delivery, draft, keyed, second};

/// An incident comes back with all fields of its delivery.
pub async fn an_incident_holds_what_the_delivery_said<S: Store>(store: &Arc<S>) {
    let webhook = with_webhook(store, 1).await;
    let metadata = vec![
        ("zone".into(), MetadataValue::Text("eu \"1\"".into())),
        ("count".into(), MetadataValue::Integer(-3)),
        ("load".into(), MetadataValue::number("2.0").unwrap()),
        ("price".into(), MetadataValue::number("1.10").unwrap()),
        (
            "serial".into(),
            MetadataValue::number("12345678901234567890").unwrap(),
        ),
        ("huge".into(), MetadataValue::number("1e400").unwrap()),
        ("none".into(), MetadataValue::Null),
        ("a".into(), MetadataValue::Bool(true)),
    ];
    let fields = DraftFields {
        title: Some("Disk full on Ærø".into()),
        description: Some("99 %".into()),
        severity: Some("SEV1".into()),
        service: Some("db".into()),
        source_url: Some("https://grafana.example.org/d/1".into()),
        dedup_key: Some("disk".into()),
        metadata: metadata.clone(),
        ..DraftFields::default()
    };
    let accepted = stored(
        store,
        AcceptedDelivery {
            changes: vec![draft(fields).unwrap().into()],
            ..delivery(&webhook)
        },
    )
    .await;
    let expected = Incident {
        number: touched(&accepted).number,
        organization: OrganizationId::FIRST,
        webhook: webhook.handle,
        title: "Disk full on Ærø".into(),
        description: Some("99 %".into()),
        severity: Severity::Sev1,
        status: IncidentStatus::Open,
        service: Some("db".into()),
        source_url: Some("https://grafana.example.org/d/1".into()),
        dedup_key: Some("disk".into()),
        metadata: Metadata::new(&metadata),
        occurrences: 1,
        opened_at: START,
        updated_at: START,
        acknowledged_at: None,
        resolved_at: None,
        cleared_at: None,
        changes: 0,
    };
    assert_eq!(incident(store, expected.number).await, expected);
    assert_eq!(incidents(store, IncidentFilter::default()).await, [expected]);
    let unknown = IncidentNumber::new(i64::MAX).unwrap();
    assert_eq!(store.incident_by_number(unknown).await.unwrap(), None);
}

/// A delivery with the dedup key of an open or acknowledged incident updates it.
pub async fn a_dedup_key_updates_the_incident<S: Store>(store: &Arc<S>) {
    let webhook = with_webhook(store, 1).await;
    let opened = told(store, deduplicated(&webhook, "disk", "open")).await;
    acted(store, opened, IncidentAction::Acknowledge, second(1)).await;
    let again = AcceptedDelivery {
        received_at: second(2),
        ..deduplicated(&webhook, "disk", "open")
    };
    let updated = stored(store, again).await;
    assert_eq!(
        (updated.effect, touched(&updated)),
        (
            Effect::Updated,
            Touched {
                number: opened,
                status: IncidentStatus::Acknowledged
            }
        )
    );
    let now = incident(store, opened).await;
    assert_eq!(
        (now.occurrences, now.status, now.updated_at),
        (2, IncidentStatus::Acknowledged, second(2))
    );
    let record = record(store, updated.delivery).await.summary;
    assert_eq!((record.answer, record.incident), (Answer::Updated, Some(opened)));

    let other = stored(store, deduplicated(&webhook, "Disk", "open")).await;
    assert_eq!(other.effect, Effect::Opened, "keys are told apart to the letter");
    assert_eq!(
        stored(store, delivery(&webhook)).await.effect,
        Effect::Opened,
        "no key is no key in common"
    );
}

/// The same dedup key at two webhooks is two incidents.
pub async fn a_dedup_key_belongs_to_its_webhook<S: Store>(store: &Arc<S>) {
    let (one, two) = (with_webhook(store, 1).await, with_webhook(store, 2).await);
    let first = told(store, deduplicated(&one, "disk", "open")).await;
    let second = stored(store, deduplicated(&two, "disk", "open")).await;
    assert_eq!(second.effect, Effect::Opened);
    assert_ne!(first, touched(&second).number);
}

/// A delivery may resolve an incident; the next delivery with the same key opens a new one.
pub async fn a_resolved_incident_stays_resolved<S: Store>(store: &Arc<S>) {
    let webhook = with_webhook(store, 1).await;
    let first = told(store, deduplicated(&webhook, "disk", "open")).await;
    let resolved = stored(store, deduplicated(&webhook, "disk", "resolved")).await;
    assert_eq!(resolved.effect, Effect::Updated);
    let ended = |number| Touched {
        number,
        status: IncidentStatus::Resolved,
    };
    assert_eq!(touched(&resolved), ended(first));
    let again = stored(store, deduplicated(&webhook, "disk", "open")).await;
    let Touched { number, status } = touched(&again);
    assert_eq!((again.effect, status), (Effect::Opened, IncidentStatus::Open));
    assert_ne!(number, first);
    let before = incident(store, first).await;
    assert_eq!(before.status, IncidentStatus::Resolved);
    assert_eq!(before.resolved_at, Some(START));

    acted(store, number, IncidentAction::Resolve, second(9)).await;
    let third = stored(store, deduplicated(&webhook, "disk", "open")).await;
    assert_eq!(third.effect, Effect::Opened, "people resolve too");
}

/// A `resolved` without an incident has a record and opens nothing. A retry of it gets the same answer.
pub async fn an_all_clear_is_on_record<S: Store>(store: &Arc<S>) {
    let webhook = with_webhook(store, 1).await;
    let other = with_webhook(store, 2).await;
    told(store, deduplicated(&other, "disk", "open")).await;
    let clear = AcceptedDelivery {
        idempotency: keyed(&webhook, "a", b"1").idempotency,
        ..deduplicated(&webhook, "disk", "resolved")
    };
    let keyless = AcceptedDelivery {
        changes: vec![
            draft(DraftFields {
                status: Some("resolved".into()),
                ..DraftFields::default()
            })
            .unwrap()
            .into(),
        ],
        ..delivery(&webhook)
    };
    for sent in [clear.clone(), keyless] {
        let accepted = stored(store, sent).await;
        assert_eq!(
            (accepted.effect, &accepted.incidents[..]),
            (Effect::Unmatched, &[][..])
        );
        let summary = record(store, accepted.delivery).await.summary;
        assert_eq!((summary.answer, summary.incident), (Answer::Unmatched, None));
    }
    let again = stored(store, clear).await;
    assert_eq!((again.effect, &again.incidents[..]), (Effect::Replayed, &[][..]));
    let all = incidents(store, IncidentFilter::default()).await;
    assert_eq!(all.len(), 1, "that of the other webhook");
}

/// A `resolved` without an unresolved incident belongs to the newest resolved one of its key.
pub async fn a_late_resolve_joins_its_incident<S: Store>(store: &Arc<S>) {
    let webhook = with_webhook(store, 1).await;
    let mut last = None;
    for at in [1, 2] {
        let number = told(store, deduplicated(&webhook, "disk", "open")).await;
        acted(store, number, IncidentAction::Resolve, second(at)).await;
        last = Some(number);
    }
    let number = last.unwrap();
    let late = AcceptedDelivery {
        received_at: second(900),
        ..deduplicated(&webhook, "disk", "resolved")
    };
    let joined = stored(store, late).await;
    assert_eq!(joined.effect, Effect::Updated);
    assert_eq!(touched(&joined).number, number);
    let summary = record(store, joined.delivery).await.summary;
    assert_eq!(
        (summary.answer, summary.incident),
        (Answer::Updated, Some(number))
    );
    let now = incident(store, number).await;
    assert_eq!((now.status, now.occurrences), (IncidentStatus::Resolved, 2));
    assert_eq!(
        (now.resolved_at, now.cleared_at),
        (Some(second(2)), Some(second(900)))
    );
}

/// Concurrent deliveries with one dedup key update one incident, and each is counted.
pub async fn many_updates_at_once_are_all_counted<S: Store>(store: &Arc<S>) {
    let webhook = with_webhook(store, 1).await;
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..60 {
        let (store, sent) = (Arc::clone(store), deduplicated(&webhook, "disk", "open"));
        tasks.spawn(async move { stored(&store, sent).await });
    }
    let answers = tasks.join_all().await;
    assert_eq!(
        answers
            .iter()
            .filter(|answer| answer.effect == Effect::Opened)
            .count(),
        1
    );
    let incidents = incidents(store, IncidentFilter::default()).await;
    assert_eq!(
        incidents
            .iter()
            .map(|incident| incident.occurrences)
            .collect::<Vec<_>>(),
        [60]
    );
}

/// An incident that is opened, changed and resolved at once is stored as if its deliveries had come one by one.
pub async fn what_comes_at_once_is_stored_like_one_by_one<S: Store>(store: &Arc<S>) {
    let webhook = with_webhook(store, 1).await;
    for round in 0..20 {
        let key = format!("disk-{round}");
        let sent = |at: i64, severity: &str, status: &str| {
            let fields = DraftFields {
                title: Some("Disk full".into()),
                severity: Some(severity.to_owned().into()),
                status: Some(status.to_owned().into()),
                dedup_key: Some(key.clone().into()),
                ..DraftFields::default()
            };
            AcceptedDelivery {
                received_at: second(at),
                changes: vec![draft(fields).unwrap().into()],
                ..delivery(&webhook)
            }
        };
        // While the store writes the first delivery, the others wait and are written together.
        let (_, opened, _, _) = tokio::join!(
            stored(store, delivery(&webhook)),
            stored(store, sent(1, "high", "open")),
            stored(store, sent(2, "critical", "open")),
            stored(store, sent(3, "critical", "resolved")),
        );
        let now = incident(store, touched(&opened).number).await;
        assert_eq!(
            (now.status, now.severity, now.occurrences, now.changes),
            (IncidentStatus::Resolved, Severity::Sev0, 3, 1)
        );
        assert_eq!(
            (now.resolved_at, now.cleared_at),
            (Some(second(3)), Some(second(3)))
        );
    }
}

/// Pages of incidents go back by number, with one status or with any.
pub async fn pages_go_back_by_number<S: Store>(store: &Arc<S>) {
    let webhook = with_webhook(store, 1).await;
    let mut numbers = Vec::new();
    for status in ["open", "resolved", "open", "acknowledged", "open"] {
        let key = format!("{}", numbers.len());
        let number = told(store, deduplicated(&webhook, &key, "open")).await;
        match status {
            "acknowledged" => drop(acted(store, number, IncidentAction::Acknowledge, second(1)).await),
            "resolved" => drop(acted(store, number, IncidentAction::Resolve, second(1)).await),
            _ => {}
        }
        numbers.push(number);
    }
    let pages = async |status, size: u16| {
        let (mut seen, mut before) = (Vec::new(), None);
        loop {
            let filter = IncidentFilter {
                status,
                ..IncidentFilter::default()
            };
            let page = store
                .incident_page(filter, before, PageSize::new(size).unwrap())
                .await
                .unwrap();
            assert!((1..=size.into()).contains(&page.items.len()));
            before = page.next;
            seen.extend(page.items.into_iter().map(|incident| incident.number));
            if before.is_none() {
                return seen;
            }
        }
    };
    let newest_first = |indices: &[usize]| indices.iter().map(|index| numbers[*index]).collect::<Vec<_>>();
    assert_eq!(pages(None, 2).await, newest_first(&[4, 3, 2, 1, 0]));
    assert_eq!(
        pages(Some(IncidentStatus::Open), 2).await,
        newest_first(&[4, 2, 0])
    );
    // Full pages, and no page after the last of them.
    assert_eq!(pages(None, 5).await, newest_first(&[4, 3, 2, 1, 0]));
    assert_eq!(pages(None, 1).await, newest_first(&[4, 3, 2, 1, 0]));
    assert_eq!(
        pages(Some(IncidentStatus::Acknowledged), 9).await,
        newest_first(&[3])
    );
    assert_eq!(pages(Some(IncidentStatus::Resolved), 9).await, newest_first(&[1]));
}

/// Open and acknowledged incidents are counted by severity.
pub async fn what_is_not_resolved_is_counted<S: Store>(store: &Arc<S>) {
    let webhook = with_webhook(store, 1).await;
    assert_eq!(store.incident_counts().await.unwrap(), []);
    for (key, status) in ["open", "resolved", "open", "acknowledged"]
        .into_iter()
        .enumerate()
    {
        stored(store, deduplicated(&webhook, &key.to_string(), status)).await;
    }
    let severity = incidents(store, IncidentFilter::default()).await[0].severity;
    let mut counts = store.incident_counts().await.unwrap();
    counts.sort_by_key(|found| found.count);
    let of = |status, count| IncidentCount {
        status,
        severity,
        count,
    };
    assert_eq!(
        counts,
        [of(IncidentStatus::Acknowledged, 1), of(IncidentStatus::Open, 2)]
    );
}
