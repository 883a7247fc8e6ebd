//! Changes of an audit entry in words: turns the small JSON objects of the trail into lines for people. The console, the
//! export and the command line show these lines. The module depends on no gate and no screen.

use std::fmt;

use serde_json::{Map, Number, Value};

use crate::when;

/// One thing that an act changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditChange {
    /// Name of the field, as the console calls it.
    pub what: String,
    /// Value before the act; `None` if there was none.
    pub before: Option<String>,
    /// Value after the act; `None` if there is none.
    pub after: Option<String>,
}

/// `allowlist: 10.0.0.0/8 → 10.1.0.0/16`.
impl fmt::Display for AuditChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.what)?;
        match (&self.before, &self.after) {
            (Some(before), Some(after)) => write!(f, "{before} → {after}"),
            (Some(before), None) => write!(f, "{before} → –"),
            (None, Some(after)) => f.write_str(after),
            (None, None) => f.write_str("–"),
        }
    }
}

/// Compares the two JSON objects of an entry: one change per field, sorted by name. A text that is not an object is one change.
///
/// ```
/// use hookgate_pages::audit_changes;
///
/// let changes = audit_changes(Some(r#"{"role":"viewer"}"#), Some(r#"{"role":"admin"}"#));
/// assert_eq!(changes[0].to_string(), "role: viewer → admin");
/// ```
#[must_use]
pub fn audit_changes(before: Option<&str>, after: Option<&str>) -> Vec<AuditChange> {
    let (before, after) = (object(before), object(after));
    let mut names: Vec<&str> = before.keys().chain(after.keys()).map(String::as_str).collect();
    names.sort_unstable();
    names.dedup();
    let value = |of: &Map<String, Value>, name: &str| of.get(name).map(|value| words(name, value));
    names
        .into_iter()
        .map(|name| AuditChange {
            what: label(name),
            before: value(&before, name),
            after: value(&after, name),
        })
        .collect()
}

/// Parses a JSON object. A text that is not an object becomes the single field `value`.
fn object(text: Option<&str>) -> Map<String, Value> {
    let Some(text) = text else {
        return Map::new();
    };
    match serde_json::from_str(text) {
        Ok(Value::Object(object)) => object,
        _ => Map::from_iter([("value".to_owned(), Value::String(text.to_owned()))]),
    }
}

/// The console's name of a field. Other fields keep their own name, with spaces for underscores.
fn label(name: &str) -> String {
    match name {
        "max_body" => "payload limit",
        "per_minute" => "deliveries per minute",
        "overload" => "response above the limit",
        "signed" => "signature required",
        "rotation_days" => "rotation reminder",
        "expires_in_days" => "expires",
        "hint" => "URL",
        _ => return name.replace('_', " "),
    }
    .to_owned()
}

/// A number of days of the audit trail.
fn in_days(number: &Number) -> String {
    number
        .as_u64()
        .map_or_else(|| number.to_string(), |days| when::count(days, "day"))
}

fn words(name: &str, value: &Value) -> String {
    match (name, value) {
        ("max_body", Value::Number(number)) => {
            number.as_u64().map_or_else(|| number.to_string(), when::bytes)
        }
        ("rotation_days", Value::Number(days)) => format!("after {}", in_days(days)),
        ("expires_in_days", Value::Number(days)) => format!("in {}", in_days(days)),
        ("rotation_days" | "expires_in_days", Value::Null) => "never".to_owned(),
        ("per_minute", Value::Null) => "no limit".to_owned(),
        ("hint", Value::String(hint)) => format!("{hint}…"),
        ("payload_logging", Value::Bool(is_on)) => if *is_on { "on" } else { "off" }.to_owned(),
        (_, Value::Bool(is_so)) => if *is_so { "yes" } else { "no" }.to_owned(),
        (_, Value::Null) => "none".to_owned(),
        (_, Value::String(text)) => text.clone(),
        (_, Value::Array(values)) => {
            let values = values.iter().map(|value| words("", value));
            values.collect::<Vec<_>>().join(", ")
        }
        (_, Value::Object(list)) => list_words(list).unwrap_or_else(|| value.to_string()),
        (_, other) => other.to_string(),
    }
}

/// A list of which only the difference was stored: `9,000 entries (added: 192.0.2.1/32 and 7 more)`. `None` if the object is
/// no such list.
fn list_words(list: &Map<String, Value>) -> Option<String> {
    let number = |name: &str| list.get(name).and_then(Value::as_u64);
    let entries = when::counted(number("entries")?, "entry");
    let difference = ["removed", "added"].into_iter().find_map(|name| {
        let listed = list.get(name)?.as_array()?;
        let count = number(&format!("{name}_count"))?;
        Some((name, listed, count)).filter(|_| count > 0)
    });
    let Some((name, listed, count)) = difference else {
        return Some(entries);
    };
    let texts: Vec<_> = listed.iter().map(|value| words("", value)).collect();
    let more = count.saturating_sub(texts.len() as u64);
    let rest = match (texts.is_empty(), more) {
        (_, 0) => String::new(),
        (true, more) => when::counted(more, "entry"),
        (false, more) => format!(" and {} more", when::grouped(more)),
    };
    let texts = texts.join(", ");
    Some(format!("{entries} ({name}: {texts}{rest})"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(before: Option<&str>, after: Option<&str>) -> Vec<String> {
        let changes = audit_changes(before, after);
        changes.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_change_is_told_in_words() {
        assert_eq!(
            lines(
                Some(
                    r#"{"allowlist":"10.0.0.0/8","max_body":262144,"payload_logging":true,"per_minute":null}"#
                ),
                Some(
                    r#"{"allowlist":"10.1.0.0/16","max_body":1048576,"payload_logging":false,"per_minute":60}"#
                ),
            ),
            [
                "allowlist: 10.0.0.0/8 → 10.1.0.0/16",
                "payload limit: 256 KiB → 1 MiB",
                "payload logging: on → off",
                "deliveries per minute: no limit → 60",
            ]
        );
        assert_eq!(
            lines(Some(r#"{"hint":"wh_4Cqc"}"#), Some(r#"{"hint":"wh_9XYZ"}"#)),
            ["URL: wh_4Cqc… → wh_9XYZ…"]
        );
    }

    #[test]
    fn what_came_and_what_went_has_one_side() {
        assert_eq!(
            lines(None, Some(r#"{"expires_in_days":null,"role":"viewer"}"#)),
            ["expires: never", "role: viewer"]
        );
        assert_eq!(lines(Some(r#"{"role":"admin"}"#), None), ["role: admin → –"]);
        assert!(lines(None, None).is_empty());
    }

    #[test]
    fn of_a_long_list_the_difference_is_told() {
        assert_eq!(
            lines(
                Some(r#"{"allowlist":{"entries":9000,"removed":["192.0.2.1/32 # old"],"removed_count":1}}"#),
                Some(
                    r#"{"allowlist":{"entries":10000,"added":["10.0.0.1/32","10.0.0.2/32"],"added_count":1001}}"#
                ),
            ),
            [
                "allowlist: 9,000 entries (removed: 192.0.2.1/32 # old) → 10,000 entries (added: 10.0.0.1/32, 10.0.0.2/32 and 999 \
                 more)"
            ]
        );
        assert_eq!(
            lines(
                Some(r#"{"allowlist":{"entries":9000,"removed":[],"removed_count":0}}"#),
                Some(r#"{"allowlist":"any"}"#)
            ),
            ["allowlist: 9,000 entries → any"]
        );
    }

    #[test]
    fn what_nobody_foresaw_is_shown_as_it_is() {
        assert_eq!(lines(None, Some("no json")), ["value: no json"]);
        assert_eq!(
            lines(None, Some(r#"{"new_thing":{"a":[1,true]},"list":["a",true]}"#)),
            ["list: a, yes", r#"new thing: {"a":[1,true]}"#]
        );
    }
}
