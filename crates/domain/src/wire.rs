//! `serde` for the value types that embedders put into their own wire types. A [`WebhookId`](crate::WebhookId), any
//! other secret and their digests never get it: a value that can be serialized by accident ends in a log.

use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;

use serde::de::{Deserialize, Deserializer, Error, Visitor};
use serde::ser::{Serialize, Serializer};

use crate::{
    Allowlist, DeliveryId, IncidentNumber, IncidentStatus, RefusalCode, SenderFormat, Severity, Timestamp,
    WebhookHandle, WebhookIdHint, WebhookName,
};

/// Serializes each type as its `Display` writes it and reads back what its `FromStr` takes.
macro_rules! as_text {
    ($($type:ty),* $(,)?) => {$(
        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_str(Text(PhantomData))
            }
        }
    )*};
}

as_text!(
    Allowlist,
    DeliveryId,
    IncidentNumber,
    IncidentStatus,
    RefusalCode,
    SenderFormat,
    Severity,
    WebhookHandle,
    WebhookIdHint,
    WebhookName,
);

/// Microseconds since the epoch, as a number.
impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.as_micros().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        i64::deserialize(deserializer).map(Self::from_micros)
    }
}

/// Reads a text with the type's `FromStr`, whose error names the fault.
struct Text<T>(PhantomData<T>);

impl<T: FromStr<Err: fmt::Display>> Visitor<'_> for Text<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        text.parse().map_err(E::custom)
    }
}
