//! The product's own payload: what is refused, and what is repaired and noted.

use hookgate_domain::draft::{FieldRule, Metadata};
use hookgate_domain::{Incident, IncidentNumber, OrganizationId, SenderFormat, Timestamp, WebhookHandle};
use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::{JsonProblem, PayloadError, read_payload};

fn read(text: &str) -> Result<IncidentDraft, PayloadError> {
    read_payload(SenderFormat::Custom, text.as_bytes(), false)
}

/// The incident that a payload opens.
fn incident(text: &str) -> Incident {
    let now = Timestamp::from_micros(0);
    let draft = read(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    let webhook = WebhookHandle::new(now, [0; 10]);
    let number = IncidentNumber::new(1).unwrap();
    Incident::open(number, OrganizationId::FIRST, webhook, draft, now).unwrap()
}

fn notes(text: &str) -> Vec<(String, NoteCode)> {
    let draft = read(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    let notes = draft.notes().iter();
    notes.map(|note| (note.field.to_string(), note.code)).collect()
}

fn one_note(text: &str, field: &str, code: NoteCode) {
    assert_eq!(notes(text), [(field.to_owned(), code)], "{text}");
}

fn faults(text: &str) -> Vec<(&'static str, FieldRule)> {
    match read(text) {
        Err(PayloadError::Fields(faults)) => faults.iter().map(|fault| (fault.field, fault.rule)).collect(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_full_payload_is_read() {
    let draft = read(
        r#"{"title":" Disk full ","description":"95 %","severity":"HIGH","status":"investigating",
            "service_id":"db","source_url":"https://example.org/a","dedup_key":"disk:db1",
            "metadata":{"host":"db1","free":0.05,"n":3,"ok":false,"x":null},"unknown":{"a":[1,2]}}"#,
    )
    .unwrap();
    assert_eq!(
        (draft.title(), draft.dedup_key(), draft.notes()),
        (Some("Disk full"), Some("disk:db1"), &[][..])
    );
}

#[test]
fn only_a_title_and_a_key_of_another_type_are_faults() {
    use FieldRule::{Required, Type};
    assert_eq!(faults("{}"), [("title", Required)]);
    assert_eq!(faults(r#"{"title":""}"#), [("title", Required)]);
    assert_eq!(
        faults(r#"{"title":null,"severity":"bad"}"#),
        [("title", Required)]
    );
    assert_eq!(faults(r#"{"title":["x"]}"#), [("title", Type)]);
    assert_eq!(
        faults(r#"{"title":{},"dedup_key":{}}"#),
        [("title", Type), ("dedup_key", Type)]
    );
    assert_eq!(faults(r#"{"title":"t","dedup_key":[1]}"#), [("dedup_key", Type)]);
    assert_eq!(faults("[]"), [("payload", Type)]);
    assert_eq!(faults("7"), [("payload", Type)]);
}

#[test]
fn numbers_are_taken_as_their_text() {
    let text = r#"{"title":42,"dedup_key":12345678901234567890,"service":1.10,"description":true}"#;
    let incident = incident(text);
    assert_eq!(incident.title, "42");
    assert_eq!(incident.dedup_key.as_deref(), Some("12345678901234567890"));
    assert_eq!(incident.service.as_deref(), Some("1.10"));
    assert_eq!(incident.description.as_deref(), Some("true"));
    assert!(notes(text).iter().all(|(_, code)| *code == NoteCode::ReadAsText));
}

#[test]
fn ornaments_of_another_type_are_written_or_left_out() {
    let text = r#"{"title":"t","description":["first","second",3,{"a":"\"\n"}]}"#;
    let written = "first\nsecond\n3\n{\"a\":\"\\\"\\u000a\"}";
    assert_eq!(incident(text).description.as_deref(), Some(written));
    one_note(text, "description", NoteCode::ReadAsText);
    for field in ["service", "service_id", "severity", "status", "source_url"] {
        for value in ["{}", "[]", r#"{"name":"db"}"#, r#"["SEV1"]"#] {
            one_note(
                &format!(r#"{{"title":"t","{field}":{value}}}"#),
                field,
                NoteCode::WrongType,
            );
        }
    }
    for value in ["[]", "7", "\"x\"", "true"] {
        one_note(
            &format!(r#"{{"title":"t","metadata":{value}}}"#),
            "metadata",
            NoteCode::WrongType,
        );
    }
    let nested = r#"{"title":"t","metadata":{"a":{"b":1},"c":1,"d":[]}}"#;
    one_note(nested, "metadata", NoteCode::Nested);
    assert_eq!(
        incident(nested).metadata,
        Metadata::new(&[("c".into(), MetadataValue::Integer(1))])
    );
}

#[test]
fn numbers_of_metadata_keep_their_text() {
    let written = "9223372036854775808,12345678901234567890,1.10,1e400,-0,2.50E+3,0.1,7";
    let text = format!(
        r#"{{"title":"t","metadata":{{{}}}}}"#,
        written
            .split(',')
            .enumerate()
            .map(|(index, number)| format!("\"k{index}\":{number}"))
            .collect::<Vec<_>>()
            .join(",")
    );
    let kept: Vec<String> = incident(&text)
        .metadata
        .iter()
        .map(|(_, value)| match value {
            MetadataValue::Integer(number) => number.to_string(),
            MetadataValue::Number(number) => number.to_string(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(kept.join(","), written);
    assert_eq!(notes(&text), []);
}

#[test]
fn halves_of_characters_become_a_sign_and_are_noted() {
    for (text, title) in [
        (r#"{"title":"Disk full \ud83d"}"#, "Disk full \u{FFFD}"),
        (r#"{"title":"\ude92 x"}"#, "\u{FFFD} x"),
        (r#"{"title":"\ud83dx\u0041"}"#, "\u{FFFD}xA"),
        (r#"{"title":"\ud83d\ud83d\ude92"}"#, "\u{FFFD}🚒"),
    ] {
        assert_eq!(incident(text).title, title);
        one_note(text, "payload", NoteCode::ReplacedCharacters);
    }
    assert_eq!(notes(r#"{"title":"\ud83d\ude92"}"#), []);
    assert_eq!(
        notes(r#"{"title":"x","note":"cut \ud83d"}"#),
        [],
        "nothing of it was used"
    );
}

#[test]
fn a_key_twice_is_refused_where_it_decides() {
    for text in [
        r#"{"title":"a","title":"b"}"#,
        r#"{"title":"a","t\u0069tle":"b"}"#,
        r#"{"title":"a","x":1,"dedup_key":"1","y":2,"dedup_key":"1"}"#,
        r#"{"title":"a","metadata":{"k":1,"k":1}}"#,
        r#"{"title":"a","metadata":{},"metadata":{}}"#,
    ] {
        match read(text) {
            Err(PayloadError::Json(fault)) => assert_eq!(fault.problem, JsonProblem::DuplicateKey, "{text}"),
            other => panic!("{text}: {other:?}"),
        }
    }
    for text in [
        r#"{"title":"a","x":1,"x":2}"#,
        r#"{"title":"a","x":{"y":[{"k":1,"k":2}]}}"#,
        r#"{"title":"a","x":{"title":1,"title":2}}"#,
    ] {
        one_note(text, "payload", NoteCode::DuplicateKey);
    }
    let nested = r#"{"title":"a","metadata":{"n":{"k":1,"k":2}}}"#;
    assert_eq!(notes(nested).len(), 2, "nested, and twice in there");
}

#[test]
fn what_is_not_json_is_told_from_broken_json() {
    let read = |text: &[u8], declared| read_payload(SenderFormat::Custom, text, declared).unwrap_err();
    assert_eq!(read(b"title=x", false), PayloadError::OtherKind);
    assert_eq!(read(b"<xml/>", false), PayloadError::OtherKind);
    assert!(matches!(read(b"title=x", true), PayloadError::Json(_)));
    assert!(matches!(read(b" {\"title\":", false), PayloadError::Json(_)));
    assert!(matches!(read(b"", false), PayloadError::Json(_)));
    let marked = b"\xEF\xBB\xBF{\"title\":";
    assert!(
        matches!(read(marked, false), PayloadError::Json(_)),
        "a mark is not a kind"
    );
    let wide = b"\xFF\xFE{\0\"\0t\0";
    assert!(matches!(read(wide, false), PayloadError::Json(fault) if fault.problem == JsonProblem::NotUtf8));
}

/// Any JSON value, a few levels deep.
fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "(?s).{0,40}".prop_map(Value::from),
        Just(Value::from("x".repeat(6_000))),
    ];
    leaf.prop_recursive(4, 24, 12, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..12).prop_map(Value::from),
            proptest::collection::hash_map("\\PC{0,12}", inner, 0..12)
                .prop_map(|entries| Value::Object(entries.into_iter().collect())),
        ]
    })
}

/// Texts of the grammar that a writer of JSON would not make.
fn raw() -> impl Strategy<Value = String> {
    prop_oneof![
        r"-?(0|[1-9][0-9]{0,30})(\.[0-9]{1,30})?([eE][+-]?[0-9]{1,5})?",
        r#""([ !#-\[\]-~é🚒]|\\["\\/bfnrt]|\\u[0-9a-fA-F]{4}){0,40}""#,
    ]
}

const ORNAMENTS: [&str; 8] = [
    "description",
    "severity",
    "status",
    "service",
    "service_id",
    "source_url",
    "metadata",
    "other",
];

const TEXTS: [&str; 9] = [
    "title",
    "description",
    "severity",
    "status",
    "service",
    "service_id",
    "source_url",
    "dedup_key",
    "other",
];

proptest! {
    #[test]
    fn no_value_of_an_ornament_loses_an_alert(
        field in proptest::sample::select(&ORNAMENTS[..]),
        value in prop_oneof![json().prop_map(|value| value.to_string()), raw()],
    ) {
        let text = format!(r#"{{"title":"t","{field}": {value} }}"#);
        let read = read(&text);
        prop_assert!(read.is_ok(), "{text}: {read:?}");
    }

    #[test]
    fn any_text_or_number_is_a_title_and_a_key(title in raw(), key in raw()) {
        match read(&format!(r#"{{"title":{title},"dedup_key":{key}}}"#)) {
            Ok(draft) => prop_assert!(draft.title().is_some_and(|title| (1..=500).contains(&title.chars().count()))),
            Err(PayloadError::Fields(faults)) => prop_assert_eq!(faults, [FieldError::required("title")]),
            Err(other) => prop_assert!(false, "{other}"),
        }
    }
    /// Another writer of JSON and the fields themselves are the oracle.
    #[test]
    fn the_draft_has_the_fields_of_the_payload(
        texts in proptest::collection::hash_map(proptest::sample::select(&TEXTS[..]), "(?s).{0,40}|[ -~]{0,300}", 0..9),
        metadata in proptest::collection::hash_map("\\PC{0,9}", "(?s).{0,20}", 0..13),
    ) {
        let metadata: Vec<_> = metadata.into_iter().collect();
        let map: Vec<_> = metadata.iter().map(|(key, value)| format!("{}: {}", Value::from(&**key), Value::from(&**value))).collect();
        let mut members: Vec<_> = texts.iter().map(|(name, text)| format!("\"{name}\" :{}", Value::from(&**text))).collect();
        members.push(format!("\"metadata\":{{{}}}", map.join(" ,")));
        let text = |name: &str| texts.get(name).map(|text| Cow::from(&**text));
        let fields = DraftFields {
            title: text("title"),
            description: text("description"),
            severity: text("severity"),
            status: text("status"),
            service: text("service").or_else(|| text("service_id")),
            source_url: text("source_url"),
            dedup_key: text("dedup_key"),
            metadata: metadata.into_iter().map(|(key, value)| (key.into(), MetadataValue::Text(value.into()))).collect(),
            notes: Vec::new(),
        };
        let expected = IncidentDraft::check(fields).map_err(PayloadError::Fields);
        prop_assert_eq!(read(&format!("{{{}}}", members.join(", "))), expected);
    }
}
