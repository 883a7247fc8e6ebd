//! Errors of a payload: from the details that the sender received, with the values in the payload.

use hookgate_domain::text::without_mark;
use hookgate_pages::{PayloadFault, UserText};
use serde_json::Value;

/// Maximum number of characters that are shown of an invalid value.
const SHOWN: usize = 100;

/// Parses the errors in `details`.
pub(super) fn read(details: &Value, payload: Option<&[u8]>) -> Vec<PayloadFault> {
    let word = |details: &Value, name: &str| details[name].as_str().map(str::to_owned);
    if let Value::Array(fields) = details {
        let sent = payload.and_then(|bytes| serde_json::from_slice(without_mark(bytes)).ok());
        return fields
            .iter()
            .filter_map(|fault| {
                let field = word(fault, "field")?;
                Some(PayloadFault::Field {
                    rule: word(fault, "rule")?,
                    limit: text(&fault["limit"]),
                    value: sent
                        .as_ref()
                        .and_then(|sent: &Value| text(&sent[&field]))
                        .map(shown),
                    field,
                })
            })
            .collect();
    }
    let number = |name: &str| details[name].as_u64();
    let json = word(details, "problem").map(|problem| PayloadFault::Json {
        problem,
        line: number("line").unwrap_or(0),
        column: number("column").unwrap_or(0),
    });
    let rate = number("per_minute").map(PayloadFault::PerMinute);
    let failures = (details["limit"] == "failures_of_source").then_some(PayloadFault::FailuresOfSource);
    let bytes = number("limit").map(PayloadFault::Bytes);
    json.or(rate).or(failures).or(bytes).into_iter().collect()
}

/// A string or a number as text.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn shown(text: String) -> UserText {
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]).into(),
        None => text.into(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn details_become_sentences() {
        let sentences = |details: &Value, payload: &str| -> Vec<String> {
            let faults = read(details, Some(payload.as_bytes()));
            faults
                .iter()
                .map(|fault| fault.sentence().raw().to_owned())
                .collect()
        };
        let fields = json!([
            {"field": "title", "rule": "required", "limit": null},
            {"field": "severity", "rule": "one_of", "limit": "SEV0, SEV1"},
            {"field": "status", "rule": "type", "limit": "string"},
            {"field": "service", "rule": "max_length", "limit": 100},
        ]);
        assert_eq!(
            sentences(&fields, r#"{"severity":"purple","status":[1]}"#),
            [
                "title is missing or empty.",
                "severity is “purple”; accepted are SEV0, SEV1.",
                "status must be a string.",
                "service is longer than 100 characters.",
            ]
        );
        assert_eq!(
            sentences(&json!({"problem": "duplicate_key", "line": 2, "column": 7}), ""),
            ["A key is duplicated, at line 2, column 7."]
        );
        assert_eq!(
            sentences(&json!({"limit": "webhook", "per_minute": 60}), ""),
            ["The limit is 60 deliveries per minute."]
        );
        assert_eq!(
            sentences(&json!({"limit": 262_144, "unit": "bytes"}), ""),
            ["The limit is 256 KiB."]
        );
        let failures = sentences(&json!({"limit": "failures_of_source"}), "");
        assert!(
            failures[0].starts_with("Too many deliveries from this source"),
            "{failures:?}"
        );
        assert_eq!(
            sentences(&json!({"limit": "unknown_urls_of_source"}), ""),
            [""; 0]
        );
    }
}
