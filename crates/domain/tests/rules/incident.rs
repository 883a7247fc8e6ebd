//! Incidents: the status only moves forward, every delivery counts, resolved is final.

use std::time::Duration;

use hookgate_domain::{
    DraftFields, Incident, IncidentError, IncidentNumber, IncidentStatus, MetadataValue, OrganizationId,
    Severity, WebhookHandle,
};
use proptest::prelude::*;

use crate::support::{NOW, draft};

fn opened(fields: DraftFields) -> Incident {
    let number = IncidentNumber::new(1).expect("one is a number");
    Incident::open(
        number,
        OrganizationId::FIRST,
        WebhookHandle::new(NOW, [1; 10]),
        draft(fields),
        NOW,
    )
}

fn saying(status: &str) -> DraftFields {
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

proptest! {
    #[test]
    fn the_status_only_moves_forward(first in 0..3_usize, steps in prop::collection::vec(0..5_usize, 0..30)) {
        let words = ["open", "acknowledged", "resolved"];
        let mut incident = opened(saying(words[first]));
        prop_assert_eq!(usize::from(rank(incident.status)), first);
        let mut told = 1;
        for (seconds, step) in (1..).zip(steps) {
            let (before, now) = (incident.clone(), NOW.after(Duration::from_secs(seconds)));
            let acted = match step {
                0..3 => {
                    told += 1;
                    Ok(incident.absorb(draft(saying(words[step])), now))
                }
                3 => incident.acknowledge(now),
                _ => incident.resolve(now),
            };
            if let Ok(after) = &acted {
                prop_assert_eq!(after.updated_at, now);
                let to = [rank(before.status), u8::try_from(step)?].into_iter().max();
                prop_assert!(step > 2 || Some(rank(after.status)) == to);
            }
            // People may do what moves it forward, and nothing else.
            let stands = rank(before.status);
            prop_assert_eq!(acted.is_err(), step == 3 && stands > 0 || step == 4 && stands > 1);
            incident = acted.unwrap_or(before.clone());
            prop_assert!(rank(incident.status) >= rank(before.status));
            prop_assert_eq!(incident.occurrences, told);
            prop_assert_eq!((incident.number, incident.opened_at), (before.number, NOW));
        }
    }
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
        "the incident is acknowledged already"
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
    let second = first.clone().absorb(draft(brief), NOW);
    let expected = Incident {
        title: "Disk 90 % full".into(),
        occurrences: 2,
        ..first.clone()
    };
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
    let third = second.absorb(draft(news), NOW);
    assert_eq!(
        (third.severity, third.description.as_deref()),
        (Severity::Sev0, Some("on db2"))
    );
    assert_eq!(
        (third.service.as_deref(), third.source_url.as_deref()),
        (Some("storage"), Some("https://graphs.example.org/2"))
    );
    assert_eq!(third.metadata, [("used".into(), MetadataValue::Integer(99))]);
    // The key that led the delivery here is the incident's own.
    assert_eq!(third.dedup_key.as_deref(), Some("db1/disk"));
}

#[test]
fn occurrences_stop_at_their_end() {
    let counted = Incident {
        occurrences: i64::MAX,
        ..opened(saying("open"))
    };
    assert_eq!(counted.absorb(draft(saying("open")), NOW).occurrences, i64::MAX);
}
