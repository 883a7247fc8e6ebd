//! The metadata of an incident as a JSON object, in the order in which the sender wrote it.

use std::borrow::Cow;
use std::fmt;

use diesel::result::{Error, QueryResult};
use hookgate_domain::{MAX_METADATA_KEYS, MetadataValue};
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde::{Serialize, Serializer};

/// The text that is stored; `None` for an empty one, which is what most incidents have.
pub(crate) fn metadata_text(metadata: &[(String, MetadataValue)]) -> QueryResult<Option<String>> {
    if metadata.is_empty() {
        return Ok(None);
    }
    serde_json::to_string(&Written(metadata))
        .map(Some)
        .map_err(|error| Error::SerializationError(error.into()))
}

/// The metadata that was stored.
pub(crate) fn read_metadata(text: Option<&str>) -> Result<Vec<(String, MetadataValue)>, serde_json::Error> {
    text.map_or(Ok(Vec::new()), |text| {
        serde_json::from_str::<Read>(text).map(|read| read.0)
    })
}

struct Written<'a>(&'a [(String, MetadataValue)]);

impl Serialize for Written<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(key, value)| (key, Value::from(value))))
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
        while let Some((key, value)) = map.next_entry::<String, Value<'_>>()? {
            entries.push((key, value.into()));
        }
        Ok(Read(entries))
    }
}

#[derive(serde::Serialize, serde::Deserialize)]
#[serde(untagged)]
enum Value<'a> {
    Null,
    Bool(bool),
    Integer(i64),
    Float(f64),
    Text(Cow<'a, str>),
}

impl<'a> From<&'a MetadataValue> for Value<'a> {
    fn from(value: &'a MetadataValue) -> Self {
        match value {
            MetadataValue::Null => Self::Null,
            MetadataValue::Bool(value) => Self::Bool(*value),
            MetadataValue::Integer(value) => Self::Integer(*value),
            MetadataValue::Float(value) => Self::Float(*value),
            MetadataValue::Text(value) => Self::Text(Cow::Borrowed(value)),
        }
    }
}

impl From<Value<'_>> for MetadataValue {
    fn from(value: Value<'_>) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(value) => Self::Bool(value),
            Value::Integer(value) => Self::Integer(value),
            Value::Float(value) => Self::Float(value),
            Value::Text(value) => Self::Text(value.into_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_comes_back_in_order_and_of_its_kind() {
        let text = |key: &str, value: &str| (key.to_owned(), MetadataValue::Text(value.to_owned()));
        let metadata = vec![
            text("zone", "eu \"1\""),
            ("a".to_owned(), MetadataValue::Integer(-3)),
            ("whole".to_owned(), MetadataValue::Float(2.0)),
            ("big".to_owned(), MetadataValue::Float(1e300)),
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
