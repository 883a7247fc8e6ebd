//! The `serde` feature: values are serialized as their text, and secrets can't be serialized.

use std::fmt;

use hookgate_domain::{
    Allowlist, DeliveryId, IncidentNumber, IncidentStatus, RefusalCode, SenderFormat, Severity, Timestamp,
    WebhookHandle, WebhookId, WebhookIdDigest, WebhookIdHint, WebhookName,
};
use serde::de::value::{Error, I64Deserializer, StrDeserializer, U64Deserializer};
use serde::de::{DeserializeOwned, IntoDeserializer};
use serde::{Deserialize, Serialize};

use crate::support::NOW;

/// The serialized form of a value: serde's own serializer for a formatter takes one primitive and nothing else.
struct Written<'a, T>(&'a T);

impl<T: Serialize> fmt::Display for Written<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.serialize(f)
    }
}

fn read<T: DeserializeOwned>(text: &str) -> Result<T, Error> {
    let text: StrDeserializer<'_, Error> = text.into_deserializer();
    T::deserialize(text)
}

fn goes_out_and_comes_in<T>(value: &T, text: &str)
where
    T: Serialize + DeserializeOwned + PartialEq + fmt::Debug,
{
    assert_eq!(Written(value).to_string(), text);
    assert_eq!(&read::<T>(text).expect(text), value);
}

#[test]
fn values_go_out_and_come_in_as_their_text() {
    let list = "192.0.2.7, 2001:db8::/32";
    goes_out_and_comes_in::<Allowlist>(&list.parse().unwrap(), list);
    goes_out_and_comes_in(&Allowlist::any(), "any");
    goes_out_and_comes_in(&DeliveryId::from_number(42).unwrap(), "dlv_000000000001a");
    goes_out_and_comes_in(&IncidentNumber::new(42).unwrap(), "INC-42");
    goes_out_and_comes_in(&IncidentStatus::Acknowledged, "acknowledged");
    goes_out_and_comes_in(&SenderFormat::Custom, "custom");
    goes_out_and_comes_in(&Severity::Sev0, "SEV0");
    goes_out_and_comes_in::<WebhookIdHint>(&"wh_3kQz".parse().unwrap(), "wh_3kQz");
    goes_out_and_comes_in::<WebhookName>(&"Grafana, Berlin".parse().unwrap(), "Grafana, Berlin");
    let handle = WebhookHandle::new(NOW, [1; 10]);
    goes_out_and_comes_in(&handle, &handle.to_string());
    for code in RefusalCode::ALL {
        goes_out_and_comes_in(code, code.as_str());
    }
}

#[test]
fn a_time_is_a_number_of_microseconds() {
    assert_eq!(Written(&Timestamp::from_micros(-5)).to_string(), "-5");
    let number: I64Deserializer<Error> = (-5_i64).into_deserializer();
    assert_eq!(Timestamp::deserialize(number), Ok(Timestamp::from_micros(-5)));
    assert!(read::<Timestamp>("-5").is_err());
}

#[test]
fn what_comes_in_is_checked() {
    let error = read::<Allowlist>("192.0.2.7 10.0.0.0/08").unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("entry 2 of the allowlist, `10.0.0.0/08`"),
        "{error}"
    );
    assert_eq!(
        read::<Severity>("bad").unwrap_err().to_string(),
        "not one of the known words"
    );
    assert!(read::<RefusalCode>("webhook_revoked").is_err());
    assert!(read::<IncidentNumber>("42").is_err());
    let number: U64Deserializer<Error> = 42_u64.into_deserializer();
    let error = IncidentNumber::deserialize(number).unwrap_err();
    assert_eq!(error.to_string(), "invalid type: integer `42`, expected a text");
}

/// `Probe::<T>::VERDICT` compiles only if exactly one of the two traits below applies to `T`: the first one applies to
/// every type, the second one to serializable types.
trait Never<Marker> {
    const VERDICT: () = ();
}

struct Serializable;

impl<T> Never<()> for T {}
impl<T: Serialize> Never<Serializable> for T {}

#[test]
fn secrets_and_digests_cannot_be_serialized() {
    const { <WebhookId as Never<_>>::VERDICT }
    const { <WebhookIdDigest as Never<_>>::VERDICT }
}
