//! Payloads and metadata of senders as JSON. Numbers are not rounded, and keys keep their order.

use std::fmt;

use hookgate_domain::draft::MetadataValue;
use hookgate_gate::{JsonLayout, is_double, lay_out, written_bytes};
use serde::Serialize;
use serde_json::value::RawValue;

/// The body of a delivery, as JSON or as text.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub enum Payload {
    /// JSON as the sender wrote it, in one line.
    Json(Box<RawValue>),
    /// A body that is not JSON.
    Text(String),
}

impl Payload {
    /// The payload of these bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        let json = lay_out(bytes, JsonLayout::Compact).and_then(|text| RawValue::from_string(text).ok());
        json.map_or_else(
            || Self::Text(String::from_utf8_lossy(bytes).into_owned()),
            Self::Json,
        )
    }

    /// Most bytes of the payload in an answer, with invisible characters escaped.
    #[must_use]
    pub fn encoded_bytes(&self) -> usize {
        written_bytes(match self {
            Self::Json(json) => json.get(),
            Self::Text(text) => text,
        })
    }
}

impl fmt::Display for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Json(json) => json.get(),
            Self::Text(text) => text,
        })
    }
}

/// A value of an incident's metadata.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub enum PlainValue {
    /// JSON `null`.
    Null,
    /// A Boolean.
    Bool(bool),
    /// A whole number.
    Integer(i64),
    /// Any other number, as the sender wrote it.
    Number(Box<RawValue>),
    /// A text, or a number that no double holds.
    Text(String),
}

impl From<MetadataValue<'_>> for PlainValue {
    fn from(value: MetadataValue<'_>) -> Self {
        match value {
            MetadataValue::Null => Self::Null,
            MetadataValue::Bool(value) => Self::Bool(value),
            MetadataValue::Integer(value) => Self::Integer(value),
            MetadataValue::Number(number) => {
                let text = number.as_str().to_owned();
                let fits = is_double(&text);
                let raw = fits.then(|| RawValue::from_string(text.clone()).ok()).flatten();
                raw.map_or(Self::Text(text), Self::Number)
            }
            MetadataValue::Text(value) => Self::Text(value.into_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(bytes: &[u8]) -> String {
        serde_json::to_string(&Payload::of(bytes)).unwrap()
    }

    #[test]
    fn payloads_are_shown_as_what_they_are() {
        assert_eq!(written(br#" { "b": 1, "a": [1.10] }"#), r#"{"b":1,"a":[1.10]}"#);
        assert_eq!(written(b"\xffnot json"), "\"\u{fffd}not json\"");
        assert_eq!(Payload::of(b"not json").to_string(), "not json");
    }

    #[test]
    fn no_number_is_rounded() {
        let text = r#"{"a":12345678901234567890123,"b":1.10,"c":-0,"d":0.1000000000000000055}"#;
        assert_eq!(written(text.as_bytes()), text);
        assert_eq!(
            written(br#"{"a":1e400}"#),
            r#"{"a":"1e400"}"#,
            "every reader takes it"
        );
        for number in ["12345678901234567890", "1.10", "2.50E+3", "-0"] {
            let value = MetadataValue::number(number).unwrap();
            assert_eq!(serde_json::to_string(&PlainValue::from(value)).unwrap(), number);
        }
        let huge = MetadataValue::number("1e400").unwrap();
        assert_eq!(
            serde_json::to_string(&PlainValue::from(huge)).unwrap(),
            "\"1e400\""
        );
    }
}
