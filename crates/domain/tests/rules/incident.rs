//! Incidents: deliveries only move the status forward, every delivery is counted, and people can reopen for a day.

use std::time::Duration;

use hookgate_domain::draft::{DraftFields, MetadataValue};
use hookgate_domain::incident::{
    IncidentError, IncidentEvent, IncidentNote, MAX_LISTED_CHANGES, REOPEN_WINDOW,
};
use hookgate_domain::{
    Incident, IncidentDraft, IncidentNumber, IncidentStatus, OrganizationId, Severity, WebhookHandle,
};
use proptest::prelude::*;

use crate::support::{NOW, draft};

fn open(fields: DraftFields) -> Option<Incident> {
    let number = IncidentNumber::new(1).expect("one is a number");
    Incident::open(
        number,
        OrganizationId::FIRST,
        WebhookHandle::new(NOW, [1; 10]),
        draft(fields),
        NOW,
    )
}

fn opened(fields: DraftFields) -> Incident {
    open(fields).expect("it opens one")
}

fn saying(status: &str) -> DraftFields<'_> {
    DraftFields {
        status: Some(status.into()),
        ..DraftFields::default()
    }
}

const fn rank(status: IncidentStatus) -> u8 {
    match status {
        IncidentStatus::Open => 0,
        IncidentStatus::Acknowledged => 1,
        IncidentStatus::Resolved => 2,
    }
}

/// The event of a change of status.
const fn listed(from: u8, to: u8) -> Option<IncidentEvent> {
    match (from, to) {
        (0, 1) => Some(IncidentEvent::Acknowledged),
        (0 | 1, 2) => Some(IncidentEvent::Resolved),
        _ => None,
    }
}

proptest! {
    /// A store may write what a draft opens without a copy of its texts.
    #[test]
    fn an_opening_has_the_fields_of_the_incident(
        texts in prop::collection::vec(prop::option::of("[a-z]{1,8}"), 4),
        status in prop::sample::select(vec!["open", "acknowledged", "resolved"]),
        severity in prop::option::of(prop::sample::select(vec!["SEV0", "SEV4"])),
    ) {
        let fields = DraftFields {
            title: Some("t".into()),
            description: texts[0].as_deref().map(Into::into),
            service: texts[1].as_deref().map(Into::into),
            source_url: texts[2].as_ref().map(|path| format!("https://example.org/{path}").into()),
            dedup_key: texts[3].as_deref().map(Into::into),
            severity: severity.map(Into::into),
            status: Some(status.into()),
            metadata: vec![("host".into(), MetadataValue::Text("db1".into()))],
            ..DraftFields::default()
        };
        let sent = draft(fields.clone());
        let (opening, incident) = (sent.opening(), open(fields));
        prop_assert_eq!(opening.is_some(), incident.is_some());
        if let (Some(opening), Some(incident)) = (opening, incident) {
            prop_assert_eq!(opening.title, &incident.title);
            prop_assert_eq!(opening.description, incident.description.as_deref());
            prop_assert_eq!(opening.severity, incident.severity);
            prop_assert_eq!(opening.status, incident.status);
            prop_assert_eq!(opening.service, incident.service.as_deref());
            prop_assert_eq!(opening.source_url, incident.source_url.as_deref());
            prop_assert_eq!(opening.dedup_key, incident.dedup_key.as_deref());
            prop_assert_eq!(opening.metadata, &incident.metadata);
            prop_assert_eq!(opening.acknowledged_at(NOW), incident.acknowledged_at);
        }
    }

    /// Steps 0 to 2 are deliveries with that status, 3 to 5 people: acknowledge, resolve, reopen.
    #[test]
    fn deliveries_move_the_status_forward_and_people_may_reopen(
        first in 0..2_usize,
        steps in prop::collection::vec((0..6_usize, 0..90_000_u64), 0..30),
    ) {
        let words = ["open", "acknowledged", "resolved"];
        let mut incident = opened(saying(words[first]));
        prop_assert_eq!(usize::from(rank(incident.status)), first);
        let (mut told, mut now) = (1, NOW);
        for (step, seconds) in steps {
            now = now.after(Duration::from_secs(seconds));
            let before = incident.clone();
            let stands = rank(before.status);
            let acted = match step {
                0..3 => {
                    told += 1;
                    let (after, events) = incident.absorb(draft(saying(words[step])), now);
                    let to = u8::try_from(step)?.max(stands);
                    prop_assert_eq!(rank(after.status), to);
                    let late = stands == 2 && step == 2 && before.cleared_at.is_none();
                    let expected = if late { Some(IncidentEvent::ResolvedLate) } else { listed(stands, to) };
                    prop_assert_eq!(events, expected.into_iter().collect::<Vec<_>>());
                    Ok(after)
                }
                3 => incident.acknowledge(now),
                4 => incident.resolve(now),
                _ => incident.reopen(now),
            };
            let is_recent = before.resolved_at.is_some_and(|at| now.since(at) <= REOPEN_WINDOW);
            let is_refused = match step {
                3 => stands > 0,
                4 => stands > 1,
                5 => !is_recent,
                _ => false,
            };
            prop_assert_eq!(acted.is_err(), is_refused);
            incident = acted.unwrap_or(before.clone());
            if !is_refused {
                prop_assert_eq!(incident.updated_at, now);
            }
            prop_assert!(step == 5 || rank(incident.status) >= stands);
            prop_assert_eq!(incident.resolved_at.is_some(), incident.status == IncidentStatus::Resolved);
            prop_assert!(incident.cleared_at.is_none() || incident.resolved_at.is_some());
            prop_assert!(incident.status != IncidentStatus::Acknowledged || incident.acknowledged_at.is_some());
            prop_assert_eq!(incident.occurrences, told);
            prop_assert_eq!((incident.number, incident.opened_at), (before.number, NOW));
        }
    }
}

#[test]
fn an_all_clear_opens_nothing() {
    assert_eq!(open(saying("resolved")), None);
}

/// A sender's late or repeated `resolved` is one event of the timeline, and changes nothing else.
#[test]
fn a_late_resolve_joins_and_changes_nothing_but_the_count() {
    let resolved = opened(saying("open")).resolve(NOW).unwrap();
    let late = NOW.after(Duration::from_mins(14));
    let news = || {
        draft(DraftFields {
            title: Some("Another title".into()),
            severity: Some("critical".into()),
            ..saying("resolved")
        })
    };
    let (told, events) = resolved.clone().absorb(news(), late);
    assert_eq!(events, [IncidentEvent::ResolvedLate]);
    let expected = Incident {
        occurrences: 2,
        updated_at: late,
        cleared_at: Some(late),
        ..resolved.clone()
    };
    assert_eq!(told, expected);
    assert_eq!(told.absorb(news(), late).1, []);

    let (by_sender, _) = opened(saying("open")).absorb(draft(saying("resolved")), NOW);
    assert_eq!(by_sender.absorb(news(), late).1, [], "it is known already");
}

#[test]
fn a_resolve_without_words_keeps_those_of_before() {
    let first = opened(DraftFields {
        description: Some("on db1".into()),
        severity: Some("high".into()),
        ..saying("open")
    });
    let silent = IncidentDraft::check(saying("resolved")).expect("no title is needed");
    let (resolved, events) = first.clone().absorb(silent, NOW);
    assert_eq!(events, [IncidentEvent::Resolved]);
    let expected = Incident {
        status: IncidentStatus::Resolved,
        occurrences: 2,
        resolved_at: Some(NOW),
        cleared_at: Some(NOW),
        ..first
    };
    assert_eq!(resolved, expected);
}

/// A title with a measured value changes each time: the list of changes is bounded, the count is not.
#[test]
fn changes_are_listed_up_to_a_bound_and_counted_beyond() {
    let (mut incident, mut listed) = (opened(saying("open")), 0);
    for percent in 0..250_i64 {
        let title = Some(format!("Disk {percent} % full").into());
        let (after, events) = incident.absorb(
            draft(DraftFields {
                title,
                ..saying("open")
            }),
            NOW,
        );
        (incident, listed) = (after, listed + events.len());
    }
    assert_eq!(i64::try_from(listed), Ok(MAX_LISTED_CHANGES));
    assert_eq!(
        (incident.changes, incident.title.as_str()),
        (250, "Disk 249 % full")
    );
    let (_, events) = incident.absorb(draft(saying("resolved")), NOW);
    assert_eq!(
        events,
        [IncidentEvent::Resolved],
        "a change of status is always listed"
    );
}

#[test]
fn a_note_is_bounded_and_has_one_kind_of_line_end() {
    let note = |text: &str| text.parse::<IncidentNote>().map(|note| note.to_string());
    assert_eq!(note("\u{FEFF}a\r\nb\rc\n").as_deref(), Ok("a\nb\nc"));
    assert_eq!(note("a\0b").as_deref(), Ok("a\u{FFFD}b"));
    assert!(note("").is_err() && note("\u{FEFF} \n").is_err());
}

#[test]
fn people_are_told_why_not() {
    let acknowledged = opened(saying("open")).acknowledge(NOW).unwrap();
    assert_eq!(
        acknowledged.clone().acknowledge(NOW),
        Err(IncidentError::AlreadyAcknowledged)
    );
    let resolved = acknowledged.resolve(NOW).unwrap();
    assert_eq!(
        resolved.clone().acknowledge(NOW),
        Err(IncidentError::AlreadyResolved)
    );
    assert_eq!(resolved.resolve(NOW), Err(IncidentError::AlreadyResolved));
    assert_eq!(
        IncidentError::AlreadyAcknowledged.to_string(),
        "the incident is already acknowledged"
    );
    assert_eq!(
        opened(saying("open")).reopen(NOW),
        Err(IncidentError::NotResolved)
    );
}

#[test]
fn the_newest_words_count_and_silence_changes_nothing() {
    let full = DraftFields {
        title: Some("Disk 80 % full".into()),
        description: Some("on db1".into()),
        severity: Some("high".into()),
        status: None,
        service: Some("database".into()),
        source_url: Some("https://graphs.example.org/1".into()),
        dedup_key: Some("db1/disk".into()),
        metadata: vec![("used".into(), MetadataValue::Integer(80))],
        ..DraftFields::default()
    };
    let first = opened(full.clone());
    assert_eq!(
        (first.severity, first.service.as_deref()),
        (Severity::Sev1, Some("database"))
    );
    assert_eq!(first.dedup_key.as_deref(), Some("db1/disk"));

    let brief = DraftFields {
        title: Some("Disk 90 % full".into()),
        ..DraftFields::default()
    };
    let (second, events) = first.clone().absorb(draft(brief), NOW);
    let expected = Incident {
        title: "Disk 90 % full".into(),
        occurrences: 2,
        changes: 1,
        ..first.clone()
    };
    let retitled = IncidentEvent::Title {
        from: "Disk 80 % full".into(),
        to: "Disk 90 % full".into(),
    };
    assert_eq!(events, [retitled]);
    assert_eq!(second, expected);

    let news = DraftFields {
        description: Some("on db2".into()),
        severity: Some("critical".into()),
        service: Some("storage".into()),
        source_url: Some("https://graphs.example.org/2".into()),
        dedup_key: Some("another".into()),
        metadata: vec![("used".into(), MetadataValue::Integer(99))],
        ..full
    };
    let (third, _) = second.absorb(draft(news), NOW);
    assert_eq!(
        (third.severity, third.description.as_deref()),
        (Severity::Sev0, Some("on db2"))
    );
    assert_eq!(
        (third.service.as_deref(), third.source_url.as_deref()),
        (Some("storage"), Some("https://graphs.example.org/2"))
    );
    assert_eq!(third.metadata.json(), Some(r#"{"used":99}"#));
    // The dedup key of the incident never changes.
    assert_eq!(third.dedup_key.as_deref(), Some("db1/disk"));
}

#[test]
fn occurrences_stop_at_their_end() {
    let counted = Incident {
        occurrences: i64::MAX,
        ..opened(saying("open"))
    };
    assert_eq!(counted.absorb(draft(saying("open")), NOW).0.occurrences, i64::MAX);
}
