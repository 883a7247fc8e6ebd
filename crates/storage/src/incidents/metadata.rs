//! The metadata of an incident as a JSON object, in the order in which the sender wrote it.

use std::fmt;

use diesel::result::{Error, QueryResult};
use hookgate_domain::draft::{MAX_METADATA_KEYS, MetadataValue};
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// The text for the column; `None` if there is no metadata, as for most incidents. Written without a serializer, because
/// it is written for every delivery: a number has the text that the sender used, and few texts have anything to escape.
pub(crate) fn metadata_text(metadata: &[(String, MetadataValue)]) -> QueryResult<Option<String>> {
    if metadata.is_empty() {
        return Ok(None);
    }
    let mut json = String::with_capacity(metadata.iter().map(room).sum());
    let mut before = "{";
    for (key, value) in metadata {
        json.push_str(before);
        push_text(&mut json, key)?;
        json.push(':');
        match value {
            MetadataValue::Null => json.push_str("null"),
            MetadataValue::Bool(value) => json.push_str(if *value { "true" } else { "false" }),
            MetadataValue::Integer(value) => json.push_str(&value.to_string()),
            MetadataValue::Number(number) => json.push_str(number.as_str()),
            MetadataValue::Text(value) => push_text(&mut json, value)?,
        }
        before = ",";
    }
    json.push('}');
    Ok(Some(json))
}

/// Bytes for an entry with its punctuation, if nothing needs to be escaped.
fn room((key, value): &(String, MetadataValue)) -> usize {
    let value = match value {
        MetadataValue::Null | MetadataValue::Bool(_) => 5,
        MetadataValue::Integer(_) => 20,
        MetadataValue::Number(number) => number.as_str().len(),
        MetadataValue::Text(value) => value.len() + 2,
    };
    key.len() + value + 5
}

/// Bytes that JSON escapes, in a table: a look into it is less work than three comparisons.
static IS_ESCAPED: [bool; 256] = {
    let mut table = [false; 256];
    let mut control = 0;
    while control < b' ' {
        table[control as usize] = true;
        control += 1;
    }
    table[b'"' as usize] = true;
    table[b'\\' as usize] = true;
    table
};

/// Writes a text as JSON.
fn push_text(json: &mut String, text: &str) -> QueryResult<()> {
    if text.bytes().any(|byte| IS_ESCAPED[usize::from(byte)]) {
        let escaped = serde_json::to_string(text).map_err(|error| Error::SerializationError(error.into()))?;
        json.push_str(&escaped);
    } else {
        json.push('"');
        json.push_str(text);
        json.push('"');
    }
    Ok(())
}

/// The metadata from the text of the column.
pub(crate) fn read_metadata(text: Option<&str>) -> Result<Vec<(String, MetadataValue)>, serde_json::Error> {
    text.map_or(Ok(Vec::new()), |text| {
        serde_json::from_str::<Read>(text).map(|read| read.0)
    })
}

struct Read(Vec<(String, MetadataValue)>);

impl<'de> Deserialize<'de> for Read {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(InOrder)
    }
}

struct InOrder;

impl<'de> Visitor<'de> for InOrder {
    type Value = Read;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of plain values")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Read, M::Error> {
        let mut entries = Vec::with_capacity(MAX_METADATA_KEYS);
        while let Some((key, value)) = map.next_entry::<String, &RawValue>()? {
            entries.push((key, read_value(value.get()).map_err(serde::de::Error::custom)?));
        }
        Ok(Read(entries))
    }
}

fn read_value(text: &str) -> Result<MetadataValue, serde_json::Error> {
    if let Some(number) = MetadataValue::number(text) {
        return Ok(number);
    }
    Ok(match text {
        "null" => MetadataValue::Null,
        "true" => MetadataValue::Bool(true),
        "false" => MetadataValue::Bool(false),
        _ => MetadataValue::Text(serde_json::from_str(text)?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_comes_back_in_order_and_of_its_kind() {
        let text = |key: &str, value: &str| (key.to_owned(), MetadataValue::Text(value.to_owned()));
        let number = |key: &str, text| (key.to_owned(), MetadataValue::number(text).unwrap());
        let metadata = vec![
            text("zone", "eu \"1\""),
            ("a".to_owned(), MetadataValue::Integer(-3)),
            number("whole", "2.0"),
            number("price", "1.10"),
            number("long", "12345678901234567890"),
            number("big", "1e400"),
            number("zero", "-0"),
            ("none".to_owned(), MetadataValue::Null),
            ("yes".to_owned(), MetadataValue::Bool(true)),
            text("digits", "7"),
        ];
        let stored = metadata_text(&metadata).unwrap();
        assert_eq!(
            stored.as_deref(),
            Some(
                r#"{"zone":"eu \"1\"","a":-3,"whole":2.0,"price":1.10,"long":12345678901234567890,"big":1e400,"zero":-0,"none":null,"yes":true,"digits":"7"}"#
            )
        );
        assert_eq!(read_metadata(stored.as_deref()).unwrap(), metadata);
        assert_eq!(metadata_text(&[]).unwrap(), None);
        assert_eq!(read_metadata(None).unwrap(), Vec::new());
    }
    /// A serializer writes the same text, whatever there is to escape.
    #[test]
    fn texts_are_escaped_as_by_a_serializer() {
        for byte in 0..=0xff_u32 {
            let text = format!("a{}b", char::from_u32(byte).unwrap());
            let expected = serde_json::json!({ &text: &text }).to_string();
            let metadata = [(text.clone(), MetadataValue::Text(text))];
            assert_eq!(metadata_text(&metadata).unwrap(), Some(expected));
        }
    }
}
