//! Payloads of senders: what passes is within the limits and says what its text says; what doesn't is refused for a reason.

use hookgate_domain::{
    DraftFields, FieldError, Incident, IncidentDraft, IncidentNumber, IncidentStatus, MAX_DEDUP_KEY,
    MAX_DESCRIPTION, MAX_METADATA_KEYS, MAX_SERVICE, MAX_SOURCE_URL, MAX_TITLE, MetadataValue,
    OrganizationId, SenderFormat, Timestamp, WebhookHandle,
};
use hookgate_senders::{JsonProblem, PayloadError, read_payload};
use serde_json::Value;

const FORMATS: [SenderFormat; 1] = [SenderFormat::Custom];
/// What fields at fault are called.
const FIELDS: [&str; 10] = [
    "payload",
    "title",
    "description",
    "severity",
    "status",
    "service",
    "service_id",
    "source_url",
    "dedup_key",
    "metadata",
];

/// A payload in every format: the first byte says whether it calls itself JSON.
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
        let lenient = serde_json::from_slice::<Value>(text);
        match read {
            Ok(draft) => passed(format, &draft, &lenient.expect("a lenient reader reads it too")),
            Err(PayloadError::OtherKind) => assert!(declared % 2 == 0 && lenient.is_err()),
            Err(PayloadError::Json(fault)) => {
                assert!(fault.problem != JsonProblem::Syntax || lenient.is_err());
                let lines = payload.split(|byte| *byte == b'\n').count();
                assert!(fault.line <= lines && fault.column <= payload.len(), "{fault}");
            }
            Err(PayloadError::Fields(faults)) => {
                assert!(lenient.is_ok());
                named_once(&faults);
            }
        }
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

fn passed(format: SenderFormat, draft: &IncidentDraft, written: &Value) {
    let incident = opened(draft.clone());
    within_limits(&incident);
    let SenderFormat::Custom = format;
    match draft.title() {
        Some(_) => {
            let title = written["title"].as_str().expect("a title is a text");
            assert_eq!(incident.title, title.replace('\0', "\u{FFFD}").trim());
        }
        None => assert_eq!(incident.status, IncidentStatus::Resolved),
    }
    // What it says, written anew, says the same. (How a fraction is written is the writer's choice.)
    let is_exact = |(_, value): &(String, MetadataValue)| !matches!(value, MetadataValue::Float(_));
    if incident.metadata.iter().all(is_exact) {
        let anew = rewritten(&incident);
        let again = read_payload(format, anew.as_bytes(), true).map(opened);
        assert_eq!(again, Ok(incident), "{anew}");
    }
}

/// The incident that a draft opens or resolves: the way to its fields.
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

/// The incident as a payload.
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
    let texts = texts.map(|(name, text)| (name, text.map_or(Value::Null, Value::from).to_string()));
    let metadata = incident
        .metadata
        .iter()
        .map(|(key, value)| (key.as_str(), json(value).to_string()));
    let metadata = ("metadata", object(metadata));
    object(texts.into_iter().chain([metadata]))
}

/// An object with its keys in this order.
fn object<'a>(entries: impl Iterator<Item = (&'a str, String)>) -> String {
    let entries: Vec<_> = entries
        .map(|(key, value)| format!("{}:{value}", Value::from(key)))
        .collect();
    format!("{{{}}}", entries.join(","))
}

fn json(value: &MetadataValue) -> Value {
    match value {
        MetadataValue::Null => Value::Null,
        MetadataValue::Bool(value) => Value::from(*value),
        MetadataValue::Integer(value) => Value::from(*value),
        MetadataValue::Float(value) => Value::from(*value),
        MetadataValue::Text(text) => Value::from(text.as_str()),
    }
}
