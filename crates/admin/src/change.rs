//! Changes of a webhook, parsed from JSON or from a form into the types of the domain.

use std::num::{NonZeroU16, NonZeroU32};

use hookgate_domain::policy::{AllowlistMode, Limits, Overload, PayloadLogging};
use hookgate_domain::rotation::RotationPolicy;
use hookgate_domain::{Allowlist, AllowlistError, Policy, WebhookName};
use hookgate_gate::PreviewDays;
use serde::{Deserialize, Deserializer};
use utoipa::ToSchema;

use hookgate_request::{ApiError, InvalidField};
use hookgate_wire::words;

/// Fields of a webhook that can be changed. An absent field keeps its value.
#[expect(clippy::option_option, reason = "null clears, absent keeps")]
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Fields {
    /// Name of the webhook: 1 to 100 characters.
    #[schema(value_type = Option<words::Name>)]
    pub(crate) name: Option<String>,
    /// Networks and address sets that may send; null permits every source. An entry is a network, or `@` and the name
    /// of an address set. An optional end date (`until` and a time) and an optional comment (after `#`) follow it.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<Vec<String>>, min_items = 1)]
    pub(crate) allowlist: Option<Option<Vec<String>>>,
    /// `enforce` refuses other sources; `observe` accepts their deliveries and marks them.
    #[schema(value_type = Option<words::AllowlistMode>)]
    pub(crate) allowlist_mode: Option<String>,
    /// Maximum size of a body in bytes, 1 to 1048576.
    #[schema(minimum = 1, maximum = 1_048_576)]
    pub(crate) max_body: Option<u32>,
    /// Maximum number of deliveries per minute; null is no limit.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<u32>, minimum = 1, maximum = 4_294_967_295_i64)]
    pub(crate) per_minute: Option<Option<NonZeroU32>>,
    /// HTTP status of deliveries above that limit: 429 or 503.
    #[schema(value_type = Option<words::Overload>)]
    pub(crate) overload: Option<u16>,
    /// `true` if the history keeps payloads.
    pub(crate) payload_logging: Option<bool>,
    /// Number of days after which a new URL is due; null is never.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<u16>, minimum = 1, maximum = 65_535)]
    pub(crate) rotation_days: Option<Option<NonZeroU16>>,
}

/// Distinguishes null (`Some(None)`) from an absent field (`None`).
#[expect(clippy::option_option, reason = "null clears, absent keeps")]
pub(crate) fn present<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

/// Parses the entries of an allowlist. Only null permits every source: an entry that would permit any is refused, so
/// that a word in a list never opens a webhook.
pub(crate) fn allowlist(entries: &[String]) -> Result<Allowlist, InvalidField> {
    let fault = |problem: String| InvalidField::new("allowlist", "form", problem);
    let allowlist: Allowlist = entries
        .join("\n")
        .parse()
        .map_err(|error: AllowlistError| fault(error.to_string()))?;
    if allowlist.entries().is_none() {
        return Err(fault("null allows every address; an entry can't".to_owned()));
    }
    Ok(allowlist)
}

/// Number of days that a preview covers; the default if `days` is absent.
pub(crate) fn preview_days(days: Option<u16>) -> Result<PreviewDays, ApiError> {
    days.map_or(Ok(PreviewDays::default()), PreviewDays::try_from)
        .map_err(|_| ApiError::field("days", "one_of", "7, 30"))
}

/// A change in the types of the domain.
#[expect(clippy::option_option, reason = "null clears, absent keeps")]
#[derive(Clone, Debug, Default)]
pub(crate) struct Change {
    pub(crate) name: Option<WebhookName>,
    allowlist: Option<Allowlist>,
    allowlist_mode: Option<AllowlistMode>,
    body_bytes: Option<u32>,
    per_minute: Option<Option<NonZeroU32>>,
    overload: Option<Overload>,
    payload_logging: Option<PayloadLogging>,
    rotation: Option<RotationPolicy>,
}

impl Change {
    /// Parses the fields. An error has all invalid fields.
    pub(crate) fn read(fields: Fields) -> Result<Self, ApiError> {
        let mut faults = Vec::new();
        let mut change = Self {
            per_minute: fields.per_minute,
            rotation: fields.rotation_days.map(|days| RotationPolicy { days }),
            ..Self::default()
        };
        change.name = fields.name.and_then(|name| {
            let parsed = name.parse::<WebhookName>();
            parsed
                .map_err(|error| faults.push(InvalidField::new("name", "form", error.to_string())))
                .ok()
        });
        change.allowlist = match fields.allowlist {
            None => None,
            Some(None) => Some(Allowlist::any()),
            Some(Some(entries)) => allowlist(&entries).map_err(|fault| faults.push(fault)).ok(),
        };
        change.allowlist_mode = fields.allowlist_mode.and_then(|mode| {
            let parsed = mode.parse::<AllowlistMode>();
            parsed
                .map_err(|_| faults.push(InvalidField::new("allowlist_mode", "one_of", "enforce, observe")))
                .ok()
        });
        change.body_bytes = fields.max_body;
        if let Some(bytes) = fields.max_body
            && let Err(error) = Limits::new(bytes, None, Overload::Refuse)
        {
            faults.push(InvalidField::new("max_body", "range", error.to_string()));
        }
        change.overload = match fields.overload {
            None => None,
            Some(429) => Some(Overload::Refuse),
            Some(503) => Some(Overload::Postpone),
            Some(_) => {
                faults.push(InvalidField::new("overload", "one_of", "429, 503"));
                None
            }
        };
        change.payload_logging = fields.payload_logging.map(|on| {
            if on {
                PayloadLogging::On
            } else {
                PayloadLogging::Off
            }
        });
        if faults.is_empty() {
            Ok(change)
        } else {
            Err(ApiError::fields(faults))
        }
    }

    /// Applies the change. A field that it doesn't set keeps its value.
    ///
    /// # Errors
    /// The limits that the change leads to are invalid.
    pub(crate) fn apply(&self, name: &mut WebhookName, policy: &mut Policy) -> Result<(), ApiError> {
        if let Some(new) = &self.name {
            name.clone_from(new);
        }
        if let Some(allowlist) = &self.allowlist {
            policy.allowlist.clone_from(allowlist);
        }
        if let Some(mode) = self.allowlist_mode {
            policy.allowlist_mode = mode;
        }
        let limits = policy.limits;
        policy.limits = Limits::new(
            self.body_bytes.unwrap_or(limits.body_bytes()),
            self.per_minute.unwrap_or(limits.per_minute()),
            self.overload.unwrap_or(limits.overload()),
        )
        .map_err(|error| ApiError::field("max_body", "range", error.to_string()))?;
        if let Some(logging) = self.payload_logging {
            policy.payload_logging = logging;
        }
        if let Some(rotation) = self.rotation {
            policy.rotation = rotation;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<Change, ApiError> {
        Change::read(serde_json::from_str(json).expect("fields"))
    }

    #[test]
    fn absent_stays_and_null_clears() {
        let (mut name, mut policy) = ("disk".parse().expect("a name"), Policy::default());
        let set = read(
            r#"{"allowlist":["192.0.2.0/24","::1"],"per_minute":60,"rotation_days":7,"payload_logging":false,"overload":503}"#,
        );
        let mut apply = |change: Result<Change, ApiError>, policy: &mut Policy| {
            let applied = change.expect("a change").apply(&mut name, policy);
            applied.expect("valid limits");
            name.clone()
        };
        apply(set, &mut policy);
        assert_eq!(policy.allowlist.entries().map(<[_]>::len), Some(2));
        assert_eq!(policy.limits.per_minute(), NonZeroU32::new(60));
        let before = policy.clone();
        apply(read("{}"), &mut policy);
        assert_eq!(policy, before);
        let clear = read(r#"{"name":"cpu","allowlist":null,"per_minute":null,"rotation_days":null}"#);
        let name = apply(clear, &mut policy);
        assert_eq!((name.as_str(), policy.allowlist.entries()), ("cpu", None));
        assert_eq!((policy.limits.per_minute(), policy.rotation.days), (None, None));
    }

    #[test]
    fn every_fault_is_told() {
        let fault = read(r#"{"name":"","allowlist":["192.0.2.1/24"],"max_body":0,"overload":500}"#)
            .expect_err("faults");
        let fields: Vec<_> = fault.field_faults().iter().map(|fault| &fault.field).collect();
        assert_eq!(fields, ["name", "allowlist", "max_body", "overload"]);
    }
}
