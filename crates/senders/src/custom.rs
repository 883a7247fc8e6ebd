//! Hookgate's own payload: a flat JSON object with a title. Unknown fields are left alone.

use hookgate_domain::{DraftFields, FieldError, FieldLimit, FieldRule, IncidentDraft, MetadataValue};

use crate::json::Json;

/// The fields that mean something.
const FIELDS: [&str; 9] = [
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

/// Whether this field of a payload means something.
pub(crate) fn is_field(name: &str) -> bool {
    FIELDS.contains(&name)
}

/// The draft in a payload, or every field at fault.
pub(crate) fn draft(payload: Json<'_>) -> Result<IncidentDraft, Vec<FieldError>> {
    let Json::Object(entries) = payload else {
        return Err(vec![wrong_type("payload", "object")]);
    };
    let mut faults = Vec::new();
    let mut fields = DraftFields::default();
    let mut service_id = None;
    for (key, value) in entries {
        match &*key {
            "title" => fields.title = text("title", value, &mut faults),
            "description" => fields.description = text("description", value, &mut faults),
            "severity" => fields.severity = text("severity", value, &mut faults),
            "status" => fields.status = text("status", value, &mut faults),
            "service" => fields.service = text("service", value, &mut faults),
            "service_id" => service_id = text("service_id", value, &mut faults),
            "source_url" => fields.source_url = text("source_url", value, &mut faults),
            "dedup_key" => fields.dedup_key = text("dedup_key", value, &mut faults),
            "metadata" => fields.metadata = metadata(value, &mut faults),
            _ => {}
        }
    }
    fields.service = fields.service.or(service_id);
    match IncidentDraft::check(fields) {
        Ok(draft) if faults.is_empty() => Ok(draft),
        Ok(_) => Err(faults),
        Err(checked) => {
            let known: Vec<&str> = faults.iter().map(|fault| fault.field).collect();
            let more: Vec<_> = checked
                .into_iter()
                .filter(|fault| !known.contains(&fault.field))
                .collect();
            faults.extend(more);
            Err(faults)
        }
    }
}

fn text(field: &'static str, value: Json<'_>, faults: &mut Vec<FieldError>) -> Option<String> {
    match value {
        Json::Text(text) => Some(text.into_owned()),
        Json::Null => None,
        _ => {
            faults.push(wrong_type(field, "string"));
            None
        }
    }
}

fn metadata(value: Json<'_>, faults: &mut Vec<FieldError>) -> Vec<(String, MetadataValue)> {
    let entries = match value {
        Json::Object(entries) => entries,
        Json::Null => Vec::new(),
        _ => {
            faults.push(wrong_type("metadata", "flat object"));
            Vec::new()
        }
    };
    let flat: Option<Vec<_>> = entries
        .into_iter()
        .map(|(key, value)| Some((key.into_owned(), scalar(value)?)))
        .collect();
    flat.unwrap_or_else(|| {
        faults.push(wrong_type("metadata", "flat object"));
        Vec::new()
    })
}

fn scalar(value: Json<'_>) -> Option<MetadataValue> {
    match value {
        Json::Null => Some(MetadataValue::Null),
        Json::Bool(value) => Some(MetadataValue::Bool(value)),
        Json::Integer(value) => Some(MetadataValue::Integer(value)),
        Json::Float(value) => Some(MetadataValue::Float(value)),
        Json::Text(value) => Some(MetadataValue::Text(value.into_owned())),
        Json::Array(_) | Json::Object(_) => None,
    }
}

const fn wrong_type(field: &'static str, wanted: &'static str) -> FieldError {
    FieldError {
        field,
        rule: FieldRule::Type,
        limit: Some(FieldLimit::Text(wanted)),
    }
}

#[cfg(test)]
mod tests {
    use hookgate_domain::SenderFormat;

    use super::*;
    use crate::{PayloadError, read_payload};

    fn read(text: &str) -> Result<IncidentDraft, PayloadError> {
        read_payload(SenderFormat::Custom, text.as_bytes(), false)
    }

    fn faults(text: &str) -> Vec<(&'static str, FieldRule)> {
        match read(text) {
            Err(PayloadError::Fields(faults)) => {
                faults.iter().map(|fault| (fault.field, fault.rule)).collect()
            }
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
            (draft.title(), draft.dedup_key()),
            (Some("Disk full"), Some("disk:db1"))
        );
    }

    #[test]
    fn every_field_at_fault_is_named_once() {
        use FieldRule::{HttpUrl, MaxItems, OneOf, Required, Type};
        assert_eq!(faults("{}"), [("title", Required)]);
        assert_eq!(faults(r#"{"title":""}"#), [("title", Required)]);
        assert_eq!(
            faults(r#"{"title":7,"severity":"bad"}"#),
            [("title", Type), ("severity", OneOf)]
        );
        assert_eq!(
            faults(r#"{"title":"t","metadata":{"a":{}}}"#),
            [("metadata", Type)]
        );
        assert_eq!(
            faults(r#"{"title":"t","source_url":"javascript:alert(1)"}"#),
            [("source_url", HttpUrl)]
        );
        assert_eq!(faults("[]"), [("payload", Type)]);
        let many: Vec<String> = (0..11).map(|n| format!("\"k{n}\":1")).collect();
        let many = format!(r#"{{"title":"t","metadata":{{{}}}}}"#, many.join(","));
        assert_eq!(faults(&many), [("metadata", MaxItems)]);
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
    }
}
