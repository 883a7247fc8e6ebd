//! Drafts: limits are exact, in characters. A value that breaks a rule is repaired or left out, and noted.

use hookgate_domain::draft::{
    DraftFields, FieldError, FieldRule, MAX_DEDUP_KEY, MAX_DESCRIPTION, MAX_METADATA_KEYS, MAX_SERVICE,
    MAX_SOURCE_URL, MAX_TITLE, Metadata, MetadataValue, Note, NoteCode,
};
use hookgate_domain::{Incident, IncidentDraft, IncidentStatus, Severity};
use proptest::prelude::*;

use crate::support::{draft, opened, titled};

/// Sets a text field of a draft.
type Set = fn(&mut DraftFields<'_>, String);

const TEXTS: [(&str, usize, Set); 4] = [
    ("title", MAX_TITLE, |fields, text| {
        fields.title = Some(text.into());
    }),
    ("service", MAX_SERVICE, |fields, text| {
        fields.service = Some(text.into());
    }),
    ("dedup_key", MAX_DEDUP_KEY, set_dedup_key),
    ("description", MAX_DESCRIPTION, set_description),
];

fn with(set: Set, text: &str) -> IncidentDraft {
    let mut fields = titled();
    set(&mut fields, text.to_owned());
    draft(fields)
}

/// The notes, and the incident that the fields open.
fn taken(set: Set, text: &str) -> (Vec<Note>, Incident) {
    let mut fields = titled();
    set(&mut fields, text.to_owned());
    (draft(fields.clone()).notes().to_vec(), opened(fields))
}

fn set_dedup_key(fields: &mut DraftFields, text: String) {
    fields.dedup_key = Some(text.into());
}

fn set_description(fields: &mut DraftFields, text: String) {
    fields.description = Some(text.into());
}

fn set_url(fields: &mut DraftFields, text: String) {
    fields.source_url = Some(text.into());
}

/// The value of a field of an incident.
fn field(incident: &Incident, name: &str) -> String {
    let value = match name {
        "title" => Some(&incident.title),
        "service" => incident.service.as_ref(),
        "dedup_key" => incident.dedup_key.as_ref(),
        "description" => incident.description.as_ref(),
        other => panic!("{other}"),
    };
    value.cloned().unwrap_or_default()
}

#[test]
fn limits_are_exact_and_in_characters() {
    for (name, most, set) in TEXTS {
        for character in ["a", "é", "警", "🚒"] {
            let whole = character.repeat(most);
            let (notes, incident) = taken(set, &whole);
            assert_eq!((notes, field(&incident, name)), (vec![], whole.clone()));
            // Space around the text is not counted.
            assert!(with(set, &format!(" {whole}\n")).notes().is_empty());
            let (notes, incident) = taken(set, &character.repeat(most + 1));
            assert_eq!(
                notes,
                [Note::limit(name, NoteCode::Cut, most)],
                "{name} {character}"
            );
            let short = field(&incident, name);
            assert_eq!(short.chars().count(), most, "{name} {character}");
            if name != "dedup_key" {
                assert_eq!(short, character.repeat(most - 1) + "…");
            }
        }
    }
}

#[test]
fn a_key_that_is_cut_is_still_a_key_of_its_own() {
    let key = |end: &str| {
        let text = "k".repeat(MAX_DEDUP_KEY) + end;
        with(set_dedup_key, &text).dedup_key().map(str::to_owned)
    };
    assert_eq!(key("a"), key("a"), "a retry finds its incident");
    assert_ne!(key("a"), key("b"));
    assert_ne!(key("a"), key(""));
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
fn everything_but_the_title_is_repaired_and_noted_in_the_order_of_the_documentation() {
    let fields = DraftFields {
        title: Some("t".repeat(MAX_TITLE + 1).into()),
        description: Some("x".repeat(MAX_DESCRIPTION + 1).into()),
        severity: Some("SEV9".into()),
        status: Some("maybe".into()),
        service: Some("x".repeat(MAX_SERVICE + 1).into()),
        source_url: Some("x".repeat(MAX_SOURCE_URL + 1).into()),
        dedup_key: Some("x".repeat(MAX_DEDUP_KEY + 1).into()),
        metadata: vec![("k".into(), MetadataValue::Null); MAX_METADATA_KEYS + 1],
        notes: vec![Note::new("payload", NoteCode::DuplicateKey)],
    };
    let draft = IncidentDraft::check(fields.clone()).unwrap();
    let notes: Vec<_> = draft
        .notes()
        .iter()
        .map(|note| format!("{} {}", note.field, note.code))
        .collect();
    let expected = [
        "payload duplicate_key",
        "title cut",
        "description cut",
        "severity unknown_word",
        "status unknown_word",
        "service cut",
        "source_url not_a_link",
        "dedup_key cut",
        "metadata too_many",
        "metadata duplicate_key",
    ];
    assert_eq!(notes, expected);
    let incident = opened(fields);
    assert_eq!(
        (incident.severity, incident.status),
        (Severity::Sev2, IncidentStatus::Open)
    );
    assert_eq!((incident.source_url, incident.metadata.len()), (None, 1));
}

/// A note quotes a sender's word only if it is short enough to be a word, and so too short for a secret.
#[test]
fn notes_hold_no_long_texts() {
    let secret = "wh_00000000000000000000000000000000000000";
    for (text, detail) in [("catastrophic", Some("catastrophic")), (secret, None)] {
        let fields = DraftFields {
            severity: Some(text.into()),
            ..titled()
        };
        let draft = draft(fields);
        assert_eq!(draft.notes()[0].detail.as_deref(), detail);
        assert!(!draft.notes()[0].sentence().contains(secret));
    }
}

#[test]
fn a_note_has_a_sentence_for_every_code() {
    for code in NoteCode::ALL {
        for note in [
            Note::new("title", *code),
            Note::new("payload", *code),
            Note::limit("dedup_key", *code, 255),
            Note::word("severity", *code, "5"),
        ] {
            let sentence = note.sentence();
            let begins = |start| sentence.starts_with(start);
            assert!(["The ", "An unused part "].into_iter().any(begins), "{sentence}");
            assert!(sentence.ends_with('.'), "{sentence}");
        }
    }
    let ambiguous = Note::word("severity", NoteCode::AmbiguousWord, "5").sentence();
    assert!(
        ambiguous.starts_with("The severity “5” was read as SEV4."),
        "{ambiguous}"
    );
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
        assert!(with(set_url, url).notes().is_empty(), "{url}");
    }
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
        "https://exam ple.org/",
        "https://example.org\"/",
        "https://example.org\\@evil.example",
        "https://example.org/\nx",
        "https://example.org/\u{1B}[0m",
        "https://example.org/\u{202E}gro.elpmaxe",
        "httpſ://example.org",
        "é",
    ] {
        let (notes, incident) = taken(set_url, url);
        assert_eq!(notes, [Note::new("source_url", NoteCode::NotALink)], "{url}");
        assert_eq!(incident.source_url, None, "{url}");
    }
    let start = "https://e/";
    let longest = start.to_owned() + &"é".repeat(MAX_SOURCE_URL - start.len());
    assert_eq!(taken(set_url, &longest).1.source_url, Some(longest.clone()));
    let too_long = Note::limit("source_url", NoteCode::TooLong, MAX_SOURCE_URL);
    let (notes, incident) = taken(set_url, &(longest + "é"));
    assert_eq!((notes, incident.source_url), (vec![too_long.clone()], None));
    // The text gets longer by percent-encoding.
    let spaces = start.to_owned() + &" x".repeat(1_000);
    assert_eq!(taken(set_url, &spaces).0, [too_long]);
}

#[test]
fn a_link_with_characters_of_another_text_is_encoded() {
    for (url, encoded) in [
        (
            "http://prom/graph?g0.expr=up == 0",
            "http://prom/graph?g0.expr=up%20==%200",
        ),
        ("https://h/d?q=\"x\"", "https://h/d?q=%22x%22"),
        ("https://h/<script>", "https://h/%3Cscript%3E"),
        ("https://h/?path=C:\\x", "https://h/?path=C:%5Cx"),
        ("https://h/\u{A0}x", "https://h/%C2%A0x"),
        ("https://h#a b", "https://h#a%20b"),
    ] {
        let (notes, incident) = taken(set_url, url);
        assert_eq!(
            notes,
            [Note::new("source_url", NoteCode::PercentEncoded)],
            "{url}"
        );
        assert_eq!(incident.source_url.as_deref(), Some(encoded));
        assert!(with(set_url, encoded).notes().is_empty(), "{encoded}");
    }
    for url in [
        "https://h/a|b`c{d}",
        "https://bücher.example/ä?ö#ü",
        "https://h/%zz%20",
    ] {
        let (notes, incident) = taken(set_url, url);
        assert_eq!((notes, incident.source_url.as_deref()), (vec![], Some(url)));
    }
}

#[test]
fn metadata_has_ten_entries_at_most_and_no_nul() {
    let entries = |count| DraftFields {
        metadata: (0..count)
            .map(|number| (format!("k{number}").into(), MetadataValue::Bool(true)))
            .collect(),
        ..titled()
    };
    assert!(draft(entries(MAX_METADATA_KEYS)).notes().is_empty());
    let too_many = Note::limit("metadata", NoteCode::TooMany, MAX_METADATA_KEYS);
    assert_eq!(draft(entries(MAX_METADATA_KEYS + 5)).notes(), [too_many]);
    assert_eq!(
        opened(entries(MAX_METADATA_KEYS + 5)).metadata,
        Metadata::new(&entries(MAX_METADATA_KEYS).metadata)
    );

    let metadata = vec![
        ("a\0b".into(), MetadataValue::Text("c\0".into())),
        ("f".into(), MetadataValue::number("0.50").unwrap()),
    ];
    let fields = DraftFields { metadata, ..titled() };
    assert_eq!(
        draft(fields.clone()).notes(),
        [Note::new("metadata", NoteCode::ReplacedCharacters)]
    );
    let incident = opened(fields);
    let clean = [
        ("a\u{FFFD}b".into(), MetadataValue::Text("c\u{FFFD}".into())),
        ("f".into(), MetadataValue::number("0.50").unwrap()),
    ];
    assert_eq!(incident.metadata, Metadata::new(&clean));
}

#[test]
fn keys_of_metadata_are_distinct_after_they_are_tidied() {
    let metadata = |keys: [&'static str; 3]| DraftFields {
        metadata: keys.map(|key| (key.into(), MetadataValue::Null)).into(),
        ..titled()
    };
    for (first, second) in [("a", "a"), ("a\0", "a\u{fffd}")] {
        let fields = metadata([first, "b", second]);
        let draft = draft(fields.clone());
        assert_eq!(
            draft.notes().last(),
            Some(&Note::new("metadata", NoteCode::DuplicateKey))
        );
        assert_eq!(opened(fields).metadata.len(), 2, "the first stays");
    }
    let distinct = draft(metadata(["a\0", "a", "A"]));
    assert_eq!(
        distinct.notes(),
        [Note::new("metadata", NoteCode::ReplacedCharacters)]
    );
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
fn rules_have_names_of_their_own() {
    let names = [FieldRule::Required, FieldRule::Type].map(FieldRule::as_str);
    assert_eq!(names, ["required", "type"]);
}

proptest! {
    #[test]
    fn no_fields_panic_and_what_passes_is_within_the_limits(
        title in prop::option::of("\\PC{0,510}"),
        service in prop::option::of("(?s).{0,110}"),
        source_url in prop::option::of("(https?://)?\\PC{0,20}"),
        dedup_key in prop::option::of("(?s).{0,260}"),
    ) {
        let [title, service, source_url, dedup_key] = [title, service, source_url, dedup_key].map(|text| text.map(Into::into));
        let fields = DraftFields { title, service, source_url, dedup_key, ..DraftFields::default() };
        match IncidentDraft::check(fields) {
            Ok(draft) => {
                let title = draft.title().expect("only what is resolved may have none");
                prop_assert!((1..=MAX_TITLE).contains(&title.chars().count()));
                let key = draft.dedup_key().map(|key| key.chars().count());
                prop_assert!(key.is_none_or(|length| (1..=MAX_DEDUP_KEY).contains(&length)));
                prop_assert_eq!(title.trim(), title);
            }
            Err(errors) => prop_assert_eq!(errors, [FieldError::required("title")]),
        }
    }
}
