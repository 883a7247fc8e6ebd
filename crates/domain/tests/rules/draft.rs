//! Drafts: limits are exact, in characters, and every fault is told with its field, rule and limit.

use hookgate_domain::{
    DraftFields, FieldError, FieldLimit, FieldRule, Incident, IncidentDraft, IncidentNumber, IncidentStatus,
    MAX_DEDUP_KEY, MAX_DESCRIPTION, MAX_METADATA_KEYS, MAX_SERVICE, MAX_SOURCE_URL, MAX_TITLE, MetadataValue,
    OrganizationId, Severity, UnknownWord, WebhookHandle,
};
use proptest::prelude::*;

use crate::support::{NOW, draft};

/// Sets a text field of a draft.
type Set = fn(&mut DraftFields, String);

const TEXTS: [(&str, usize, Set); 4] = [
    ("title", MAX_TITLE, |fields, text| fields.title = Some(text)),
    ("service", MAX_SERVICE, |fields, text| fields.service = Some(text)),
    ("dedup_key", MAX_DEDUP_KEY, set_dedup_key),
    ("description", MAX_DESCRIPTION, set_description),
];

fn titled() -> DraftFields {
    DraftFields {
        title: Some("Disk full".into()),
        ..DraftFields::default()
    }
}

fn with(set: Set, text: &str) -> Result<IncidentDraft, Vec<FieldError>> {
    let mut fields = titled();
    set(&mut fields, text.to_owned());
    IncidentDraft::check(fields)
}

fn set_dedup_key(fields: &mut DraftFields, text: String) {
    fields.dedup_key = Some(text);
}

fn set_description(fields: &mut DraftFields, text: String) {
    fields.description = Some(text);
}

fn set_url(fields: &mut DraftFields, text: String) {
    fields.source_url = Some(text);
}

/// The incident that the fields open: what is inside a draft is seen there.
fn opened(fields: DraftFields) -> Incident {
    let number = IncidentNumber::new(1).expect("one is a number");
    let webhook = WebhookHandle::new(NOW, [1; 10]);
    Incident::open(number, OrganizationId::FIRST, webhook, draft(fields), NOW).expect("it opens one")
}

#[test]
fn limits_are_exact_and_in_characters() {
    for (field, most, set) in TEXTS {
        let limit = Some(FieldLimit::Number(most));
        let error = FieldError {
            field,
            rule: FieldRule::MaxLength,
            limit,
        };
        for character in ["a", "é", "警", "🚒"] {
            assert!(with(set, &character.repeat(most)).is_ok(), "{field} {character}");
            assert_eq!(
                with(set, &character.repeat(most + 1)),
                Err(vec![error]),
                "{field} {character}"
            );
            // Space around it doesn't count.
            assert!(with(set, &format!(" {}\n", character.repeat(most))).is_ok());
        }
    }
}

#[test]
fn a_title_is_required() {
    let required = FieldError {
        field: "title",
        rule: FieldRule::Required,
        limit: None,
    };
    for title in [None, Some(""), Some(" \t\n"), Some("\u{3000}")] {
        let fields = DraftFields {
            title: title.map(Into::into),
            ..DraftFields::default()
        };
        assert_eq!(IncidentDraft::check(fields), Err(vec![required]), "{title:?}");
    }
    assert_eq!(required.to_string(), "title: required");
}

#[test]
fn all_faults_are_told_in_the_order_of_the_documentation() {
    let fields = DraftFields {
        title: None,
        description: Some("x".repeat(MAX_DESCRIPTION + 1)),
        severity: Some("SEV9".into()),
        status: Some("closed".into()),
        service: Some("x".repeat(MAX_SERVICE + 1)),
        source_url: Some("x".repeat(MAX_SOURCE_URL + 1)),
        dedup_key: Some("x".repeat(MAX_DEDUP_KEY + 1)),
        metadata: vec![("k".into(), MetadataValue::Null); MAX_METADATA_KEYS + 1],
    };
    let faults: Vec<_> = IncidentDraft::check(fields)
        .unwrap_err()
        .iter()
        .map(ToString::to_string)
        .collect();
    let expected = [
        "title: required",
        "description: max_length",
        "severity: one_of",
        "status: one_of",
        "service: max_length",
        "source_url: max_length",
        "source_url: http_url",
        "dedup_key: max_length",
        "metadata: max_items",
    ];
    assert_eq!(faults, expected);
}

#[test]
fn a_link_is_http_and_harmless() {
    for url in [
        "https://graphs.example.org/d/1?from=now-1h&to=now#panel",
        "http://localhost:3000",
        "HTTPS://EXAMPLE.ORG",
        "https://[2001:db8::1]:8443/",
        "https://bücher.example/ä",
        "https://e",
    ] {
        assert!(with(set_url, url).is_ok(), "{url}");
    }
    let fault = FieldError {
        field: "source_url",
        rule: FieldRule::HttpUrl,
        limit: Some(FieldLimit::Text("http:// or https://")),
    };
    for url in [
        "javascript:alert(1)",
        "data:text/html,x",
        "ftp://example.org",
        "//example.org",
        "example.org",
        "https:",
        "https://",
        "https:///path",
        "https:// example.org",
        "https://example.org/a b",
        "https://example.org/\"onclick=",
        "https://example.org/<script>",
        "https://example.org\\@evil.example",
        "https://example.org/\nx",
        "https://example.org/\u{1B}[0m",
        "https://example.org/\u{202E}gro.elpmaxe",
        "https://example.org/\u{A0}x",
        "httpſ://example.org",
        "é",
    ] {
        assert_eq!(with(set_url, url), Err(vec![fault]), "{url}");
    }
    let start = "https://e/";
    assert!(
        with(
            set_url,
            &(start.to_owned() + &"é".repeat(MAX_SOURCE_URL - start.len()))
        )
        .is_ok()
    );
    assert!(
        with(
            set_url,
            &(start.to_owned() + &"é".repeat(MAX_SOURCE_URL - start.len() + 1))
        )
        .is_err()
    );
}

#[test]
fn metadata_has_ten_entries_at_most_and_no_nul() {
    let entries = |count| DraftFields {
        metadata: (0..count)
            .map(|number| (format!("k{number}"), MetadataValue::Bool(true)))
            .collect(),
        ..titled()
    };
    assert!(IncidentDraft::check(entries(MAX_METADATA_KEYS)).is_ok());
    let limit = Some(FieldLimit::Number(MAX_METADATA_KEYS));
    let error = FieldError {
        field: "metadata",
        rule: FieldRule::MaxItems,
        limit,
    };
    assert_eq!(
        IncidentDraft::check(entries(MAX_METADATA_KEYS + 1)),
        Err(vec![error])
    );

    let metadata = vec![
        ("a\0b".into(), MetadataValue::Text("c\0".into())),
        ("f".into(), MetadataValue::Float(0.5)),
    ];
    let incident = opened(DraftFields { metadata, ..titled() });
    let clean = [
        ("a\u{FFFD}b".into(), MetadataValue::Text("c\u{FFFD}".into())),
        ("f".into(), MetadataValue::Float(0.5)),
    ];
    assert_eq!(incident.metadata, clean);
}

#[test]
fn keys_of_metadata_are_distinct_after_they_are_tidied() {
    let metadata = |keys: [&str; 3]| DraftFields {
        metadata: keys.map(|key| (key.into(), MetadataValue::Null)).into(),
        ..titled()
    };
    for (first, second) in [("a", "a"), ("a\0", "a\u{fffd}")] {
        let limit = Some(FieldLimit::Text("flat object, each key once"));
        let error = FieldError {
            field: "metadata",
            rule: FieldRule::Type,
            limit,
        };
        assert_eq!(
            IncidentDraft::check(metadata([first, "b", second])),
            Err(vec![error])
        );
    }
    assert!(IncidentDraft::check(metadata(["a\0", "a", "A"])).is_ok());
}

#[test]
fn texts_lose_surrounding_space_and_nul() {
    let fields = DraftFields {
        title: Some(" Disk\0full ".into()),
        description: Some("\n two\nlines \n".into()),
        service: Some("  ".into()),
        dedup_key: Some("k ".into()),
        ..DraftFields::default()
    };
    let incident = opened(fields);
    assert_eq!(incident.title, "Disk\u{FFFD}full");
    assert_eq!(incident.description.as_deref(), Some("two\nlines"));
    assert_eq!(
        (incident.service, incident.dedup_key.as_deref()),
        (None, Some("k"))
    );
}

#[test]
fn a_draft_tells_by_what_it_is_known() {
    let keyed = draft(DraftFields {
        dedup_key: Some("db1/disk".into()),
        ..titled()
    });
    assert_eq!(
        (keyed.title().unwrap_or_default(), keyed.dedup_key()),
        ("Disk full", Some("db1/disk"))
    );
    assert_eq!(draft(titled()).dedup_key(), None);
}

#[test]
fn only_what_is_resolved_needs_no_title() {
    let saying = |status: &str, title: Option<&str>| {
        IncidentDraft::check(DraftFields {
            title: title.map(Into::into),
            status: Some(status.into()),
            ..DraftFields::default()
        })
    };
    for title in [None, Some(""), Some(" ")] {
        let resolved = saying(" Resolved ", title).expect("no title is needed");
        assert_eq!(resolved.title(), None);
        for status in ["open", "acknowledged", ""] {
            let errors = saying(status, title).expect_err("a title is needed");
            assert_eq!((errors[0].field, errors[0].rule), ("title", FieldRule::Required));
        }
    }
    let titled = saying("resolved", Some(" Disk fine ")).expect("a title may be there");
    assert_eq!(titled.title(), Some("Disk fine"));
}

#[test]
fn words_are_read_in_any_case_and_written_in_one() {
    let severities = [
        (Severity::Sev0, "SEV0", "critical"),
        (Severity::Sev1, "SEV1", "high"),
        (Severity::Sev2, "SEV2", "medium"),
        (Severity::Sev3, "SEV3", "low"),
        (Severity::Sev4, "SEV4", "info"),
    ];
    for (severity, code, word) in severities {
        for text in [code, word, &code.to_lowercase(), &word.to_uppercase()] {
            assert_eq!(text.parse(), Ok(severity), "{text}");
        }
        assert_eq!(severity.to_string(), code);
    }
    let statuses = [
        (IncidentStatus::Open, "open", "new"),
        (IncidentStatus::Acknowledged, "acknowledged", "investigating"),
        (IncidentStatus::Resolved, "resolved", "resolved"),
    ];
    for (status, word, other) in statuses {
        for text in [word, other, &word.to_uppercase()] {
            assert_eq!(text.parse(), Ok(status), "{text}");
        }
        assert_eq!(status.to_string(), word);
    }
    for text in [
        "",
        " ",
        "sev",
        "sev5",
        "SEV 1",
        "\u{17F}ev1",
        "closed",
        "op\u{435}n",
    ] {
        assert_eq!(text.parse::<Severity>(), Err(UnknownWord), "{text}");
        assert_eq!(text.parse::<IncidentStatus>(), Err(UnknownWord), "{text}");
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

#[test]
fn rules_have_names_of_their_own() {
    use FieldRule::{HttpUrl, MaxItems, MaxLength, OneOf, Required, Type};
    let names = [Required, Type, MaxLength, OneOf, HttpUrl, MaxItems].map(FieldRule::as_str);
    assert_eq!(
        names,
        [
            "required",
            "type",
            "max_length",
            "one_of",
            "http_url",
            "max_items"
        ]
    );
}

proptest! {
    #[test]
    fn no_fields_panic_and_what_passes_is_within_the_limits(
        title in prop::option::of("\\PC{0,510}"),
        service in prop::option::of("(?s).{0,110}"),
        source_url in prop::option::of("(https?://)?\\PC{0,20}"),
        dedup_key in prop::option::of("(?s).{0,260}"),
    ) {
        let fields = DraftFields { title, service, source_url, dedup_key, ..DraftFields::default() };
        match IncidentDraft::check(fields) {
            Ok(draft) => {
                let title = draft.title().expect("only what is resolved may have none");
                prop_assert!((1..=MAX_TITLE).contains(&title.chars().count()));
                let key = draft.dedup_key().map(|key| key.chars().count());
                prop_assert!(key.is_none_or(|length| (1..=MAX_DEDUP_KEY).contains(&length)));
                prop_assert_eq!(title.trim(), title);
            }
            Err(errors) => prop_assert!(!errors.is_empty()),
        }
    }
}
