//! The metadata of an incident as a JSON object, in the order in which the sender wrote it.

use std::fmt;

use diesel::result::{Error, QueryResult};
use hookgate_domain::draft::{MAX_METADATA_KEYS, MetadataValue};
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde::ser::{Error as _, Serialize, Serializer};
use serde_json::value::RawValue;

/// The text for the column; `None` if there is no metadata, as for most incidents.
pub(crate) fn metadata_text(metadata: &[(String, MetadataValue)]) -> QueryResult<Option<String>> {
    if metadata.is_empty() {
        return Ok(None);
    }
    serde_json::to_string(&Written(metadata))
        .map(Some)
        .map_err(|error| Error::SerializationError(error.into()))
}

/// The metadata from the text of the column.
pub(crate) fn read_metadata(text: Option<&str>) -> Result<Vec<(String, MetadataValue)>, serde_json::Error> {
    text.map_or(Ok(Vec::new()), |text| {
        serde_json::from_str::<Read>(text).map(|read| read.0)
    })
}

struct Written<'a>(&'a [(String, MetadataValue)]);

impl Serialize for Written<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(key, value)| (key, Value(value))))
    }
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

/// A value for JSON. A number is written with the text that the sender used.
struct Value<'a>(&'a MetadataValue);

impl Serialize for Value<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            MetadataValue::Null => serializer.serialize_unit(),
            MetadataValue::Bool(value) => serializer.serialize_bool(*value),
            MetadataValue::Integer(value) => serializer.serialize_i64(*value),
            MetadataValue::Number(number) => serde_json::from_str::<&RawValue>(number.as_str())
                .map_err(S::Error::custom)?
                .serialize(serializer),
            MetadataValue::Text(value) => serializer.serialize_str(value),
        }
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
        assert_eq!(read_metadata(stored.as_deref()).unwrap(), metadata);
        assert_eq!(metadata_text(&[]).unwrap(), None);
        assert_eq!(read_metadata(None).unwrap(), Vec::new());
    }
}
