//! Payloads of senders: an accepted one is within the limits and keeps its meaning, a refused one has a reason.

use std::borrow::Cow;

use hookgate_domain::draft::{
    DraftFields, FieldError, MAX_DEDUP_KEY, MAX_DESCRIPTION, MAX_METADATA_KEYS, MAX_SERVICE, MAX_SOURCE_URL,
    MAX_TITLE, MetadataValue,
};
use hookgate_domain::{
    Incident, IncidentDraft, IncidentNumber, OrganizationId, SenderFormat, Timestamp, WebhookHandle,
};
use hookgate_senders::{JsonLayout, JsonProblem, PayloadError, lay_out, read_payload};
use serde_json::Value;
use serde_json::value::RawValue;

/// Most notes of a draft. The number of notes for a field does not grow with its size.
const MOST_NOTES: usize = 24;
const FORMATS: [SenderFormat; 1] = [SenderFormat::Custom];
/// The fields that an error can name.
const FIELDS: [&str; 3] = ["payload", "title", "dedup_key"];

/// Reads a payload in every format. The first byte chooses whether it is declared as JSON.
pub fn payload(data: &[u8]) {
    let Some((declared, payload)) = data.split_first() else {
        return;
    };
    for format in FORMATS {
        let read = read_payload(format, payload, declared % 2 == 1);
        assert_eq!(
            read,
            read_payload(format, payload, declared % 2 == 1),
            "read twice"
        );
        let text = payload.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(payload);
        // `RawValue` checks the grammar only: it accepts halves of surrogate pairs, and numbers of any size.
        let is_json = serde_json::from_slice::<&RawValue>(text).is_ok();
        match read {
            Ok(draft) => {
                assert!(is_json, "another reader finds the grammar broken");
                passed(format, &draft);
            }
            Err(PayloadError::OtherKind) => assert!(declared % 2 == 0 && !is_json),
            Err(PayloadError::Json(fault)) => {
                let is_beyond_grammar =
                    matches!(fault.problem, JsonProblem::TooDeep | JsonProblem::DuplicateKey);
                assert!(is_beyond_grammar || !is_json, "{fault}");
                let lines = payload.split(|byte| *byte == b'\n').count();
                assert!(
                    fault.line <= lines && fault.column <= payload.len() + 1,
                    "{fault}"
                );
            }
            Err(PayloadError::Fields(faults)) => {
                assert!(is_json);
                named_once(&faults);
            }
            Err(other) => panic!("custom has no such error: {other}"),
        }
        laid_out(text, is_json);
    }
}

/// Checks that formatting a text gives JSON, and that formatting it again changes nothing.
fn laid_out(text: &[u8], is_json: bool) {
    for layout in [JsonLayout::Compact, JsonLayout::Indented] {
        let Some(text) = lay_out(text, layout) else {
            continue;
        };
        assert!(is_json);
        assert_eq!(lay_out(text.as_bytes(), layout).as_ref(), Some(&text));
        assert!(layout != JsonLayout::Compact || serde_json::from_str::<Value>(&text).is_ok());
    }
}

fn named_once(faults: &[FieldError]) {
    assert!(!faults.is_empty());
    for (index, fault) in faults.iter().enumerate() {
        assert!(FIELDS.contains(&fault.field), "{fault}");
        let is_new = |earlier: &FieldError| earlier.field != fault.field || earlier.rule != fault.rule;
        assert!(faults[..index].iter().all(is_new), "{fault} twice");
    }
}

fn passed(format: SenderFormat, draft: &IncidentDraft) {
    assert_eq!(format, SenderFormat::Custom);
    let notes = draft.notes();
    assert!(notes.len() <= MOST_NOTES, "{notes:?}");
    let incident = opened(draft.clone());
    within_limits(&incident);
    // The incident written as a payload gives the same incident, without notes.
    let anew = rewritten(&incident);
    let again = read_payload(format, anew.as_bytes(), true).expect("a payload");
    assert_eq!(again.notes(), [], "{anew}");
    assert_eq!(opened(again), incident, "{anew}");
}

/// The incident that a draft opens or resolves. Only an incident makes the fields of a draft readable.
fn opened(draft: IncidentDraft) -> Incident {
    let now = Timestamp::from_micros(0);
    let number = IncidentNumber::new(1).expect("not zero");
    let webhook = WebhookHandle::new(now, [0; 10]);
    let open = |draft| Incident::open(number, OrganizationId::FIRST, webhook, draft, now);
    open(draft.clone()).unwrap_or_else(|| {
        let fields = DraftFields {
            title: Some("before".into()),
            ..DraftFields::default()
        };
        let before = IncidentDraft::check(fields).ok().and_then(open);
        before.expect("a title opens an incident").absorb(draft, now).0
    })
}

fn within_limits(incident: &Incident) {
    let texts = [
        (Some(&incident.title), MAX_TITLE),
        (incident.description.as_ref(), MAX_DESCRIPTION),
        (incident.service.as_ref(), MAX_SERVICE),
        (incident.source_url.as_ref(), MAX_SOURCE_URL),
        (incident.dedup_key.as_ref(), MAX_DEDUP_KEY),
    ];
    for (text, most) in texts {
        let Some(text) = text else {
            continue;
        };
        assert!((1..=most).contains(&text.chars().count()), "{text}");
        assert!(text.trim() == text && !text.contains('\0'), "{text}");
    }
    if let Some(url) = &incident.source_url {
        let url = url.to_ascii_lowercase();
        assert!(url.starts_with("http://") || url.starts_with("https://"), "{url}");
        assert!(
            !url.contains(|c: char| c.is_whitespace() || c.is_control() || c == '"'),
            "{url}"
        );
    }
    assert!(incident.metadata.len() <= MAX_METADATA_KEYS);
    for (key, value) in &incident.metadata {
        assert!(!key.contains('\0'));
        assert!(!matches!(value, MetadataValue::Text(text) if text.contains('\0')));
    }
}

/// Writes an incident as a payload.
fn rewritten(incident: &Incident) -> String {
    let texts = [
        ("title", Some(incident.title.as_str())),
        ("description", incident.description.as_deref()),
        ("severity", Some(incident.severity.as_str())),
        ("status", Some(incident.status.as_str())),
        ("service", incident.service.as_deref()),
        ("source_url", incident.source_url.as_deref()),
        ("dedup_key", incident.dedup_key.as_deref()),
    ];
    let texts = texts.map(|(name, text)| (name.into(), text.map_or(Value::Null, Value::from).to_string()));
    let metadata = incident.metadata.iter().map(|(key, value)| (key, json(&value)));
    let metadata = ("metadata".into(), object(metadata));
    object(texts.into_iter().chain([metadata]))
}

/// Writes a JSON object with its keys in this order.
fn object<'a>(entries: impl Iterator<Item = (Cow<'a, str>, String)>) -> String {
    let entries: Vec<_> = entries
        .map(|(key, value)| format!("{}:{value}", Value::from(&*key)))
        .collect();
    format!("{{{}}}", entries.join(","))
}

fn json(value: &MetadataValue<'_>) -> String {
    match value {
        MetadataValue::Null => Value::Null.to_string(),
        MetadataValue::Bool(value) => value.to_string(),
        MetadataValue::Integer(value) => value.to_string(),
        MetadataValue::Number(number) => number.to_string(),
        MetadataValue::Text(text) => Value::from(&**text).to_string(),
    }
}
