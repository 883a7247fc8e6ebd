//! The words that senders use for severity and status.

use hookgate_domain::draft::{DraftFields, Note, NoteCode, UnknownWord};
use hookgate_domain::{IncidentStatus, Severity};

use crate::support::{draft, opened, titled};

#[test]
fn words_are_read_in_any_case_and_written_in_one() {
    let severities = [
        (
            Severity::Sev0,
            "SEV0",
            "critical fatal emergency disaster page P1 P0",
        ),
        (Severity::Sev1, "SEV1", "high error major severe P2"),
        (Severity::Sev2, "SEV2", "medium warning warn moderate average P3"),
        (Severity::Sev3, "SEV3", "low minor notice P4"),
        (Severity::Sev4, "SEV4", "info informational debug ok none P5"),
    ];
    for (severity, code, words) in severities {
        for word in words.split(' ').chain([code]) {
            for text in [
                word,
                &word.to_lowercase(),
                &word.to_uppercase(),
                &format!(" {word}\n"),
            ] {
                assert_eq!(text.parse(), Ok(severity), "{text}");
            }
        }
        assert_eq!(severity.to_string(), code);
    }
    let statuses = [
        (
            IncidentStatus::Open,
            "open",
            "new firing alerting triggered trigger active problem down critical",
        ),
        (
            IncidentStatus::Acknowledged,
            "acknowledged",
            "acked ack investigating in_progress In-Progress",
        ),
        (
            IncidentStatus::Resolved,
            "resolved",
            "ok closed recovered up normal inactive cleared",
        ),
    ];
    for (status, word, words) in statuses {
        for text in words.split(' ').chain([word]) {
            assert_eq!(text.to_uppercase().parse(), Ok(status), "{text}");
        }
        assert_eq!(status.to_string(), word);
    }
    for text in ["sev 1", "Sev-1", "SEV_1"] {
        assert_eq!(text.parse(), Ok(Severity::Sev1), "{text}");
    }
    for text in [
        "",
        " ",
        "-",
        "sev",
        "sev6",
        "\u{17F}ev1",
        "op\u{435}n",
        "informationalinformational",
    ] {
        assert_eq!(text.parse::<Severity>(), Err(UnknownWord), "{text}");
        assert_eq!(text.parse::<IncidentStatus>(), Err(UnknownWord), "{text}");
    }
}

/// A number is the worst in one tool and the least in another: it is accepted, with a note.
#[test]
fn words_of_two_readings_are_noted() {
    for word in ["0", "1", "5", "none", "None"] {
        let fields = DraftFields {
            severity: Some(word.into()),
            ..titled()
        };
        assert_eq!(
            draft(fields).notes(),
            [Note::word("severity", NoteCode::AmbiguousWord, word)]
        );
    }
    for word in ["P1", "sev1", "critical"] {
        let fields = DraftFields {
            severity: Some(word.into()),
            ..titled()
        };
        assert_eq!(draft(fields).notes(), []);
    }
}

/// No word is twice in its table: the second meaning would never be found.
#[test]
fn every_word_is_there_once() {
    let mut words: Vec<_> = Severity::WORDS.iter().map(|(word, _)| word).collect();
    let mut others: Vec<_> = IncidentStatus::WORDS.iter().map(|(word, _)| word).collect();
    for words in [&mut words, &mut others] {
        let count = words.len();
        words.sort_unstable();
        words.dedup();
        assert_eq!(words.len(), count);
    }
}

#[test]
fn an_absent_word_is_the_default_and_space_around_one_is_cut() {
    for word in [None, Some(""), Some("  ")] {
        let incident = opened(DraftFields {
            severity: word.map(Into::into),
            status: word.map(Into::into),
            ..titled()
        });
        assert_eq!(
            (incident.severity, incident.status),
            (Severity::Sev2, IncidentStatus::Open)
        );
    }
    let incident = opened(DraftFields {
        severity: Some(" High ".into()),
        status: Some("NEW\n".into()),
        ..titled()
    });
    assert_eq!(
        (incident.severity, incident.status),
        (Severity::Sev1, IncidentStatus::Open)
    );
}
