//! The changes that an entry of the audit trail keeps. An entry is small: of a long list it has only the difference.

use std::collections::HashSet;

use hookgate_domain::allowlist::AllowEntry;
use hookgate_domain::{Allowlist, Policy, Webhook};
use serde_json::{Map, Value, json};

/// Maximum bytes of both sides of a change together: more than a note of 2,000 characters takes in any script.
pub const MAX_CHANGE_BYTES: usize = 16 * 1024;
/// Bytes from which on an entry has only the difference of an allowlist.
const WHOLE_LIST_BYTES: usize = 1024;
/// Maximum number of listed entries of a difference; all are counted.
const MAX_LISTED: usize = 100;
/// Maximum bytes of the listed entries: two such lists leave room for the other settings.
const MAX_LISTED_BYTES: usize = 4 * 1024;
/// Characters that remain of a value that was too long.
const CUT_CHARACTERS: usize = 200;

/// All settings of a webhook.
pub(crate) fn webhook_settings(webhook: &Webhook) -> Value {
    let allowlist = &webhook.policy.allowlist;
    let listed = if is_short(allowlist) {
        allowlist.to_string().into()
    } else {
        difference(allowlist, None, "added")
    };
    settings(webhook, &listed)
}

/// The settings that an edit changed, before and after. Of a signing secret it only says that the secret changed.
pub(crate) fn webhook_changes(before: &Webhook, after: &Webhook) -> (Value, Value) {
    let (old, new) = allowlist_changes(&before.policy.allowlist, &after.policy.allowlist);
    let mut changes = changed(&settings(before, &old), &settings(after, &new));
    let secrets = [before, after].map(|webhook| &webhook.policy.signing_secret);
    if secrets[0] != secrets[1] && secrets[0].is_some() && secrets[1].is_some() {
        changes.1["signing_secret"] = json!("changed");
    }
    changes
}

/// The fields of two objects that differ.
pub(crate) fn changed(before: &Value, after: &Value) -> (Value, Value) {
    let differing = |this: &Value, other: &Value| -> Map<String, Value> {
        let fields = this.as_object().into_iter().flatten();
        fields
            .filter(|(name, value)| other.get(name) != Some(value))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect()
    };
    (differing(before, after).into(), differing(after, before).into())
}

/// Both sides of a change as an entry keeps them, at most [`MAX_CHANGE_BYTES`] together: the longest values are cut.
/// `null` and an object without fields stand for nothing.
pub(crate) fn kept_texts((mut before, mut after): (Value, Value)) -> (Option<String>, Option<String>) {
    loop {
        let texts =
            [&before, &after].map(|side| (!side.is_null() && *side != json!({})).then(|| side.to_string()));
        let bytes: usize = texts.iter().flatten().map(String::len).sum();
        if bytes <= MAX_CHANGE_BYTES || !cut_longest(&mut before, &mut after) {
            let [before, after] = texts;
            return (before, after);
        }
    }
}

/// Cuts the longest value of both sides. Returns `false` if no value is long enough to cut.
fn cut_longest(before: &mut Value, after: &mut Value) -> bool {
    let values = [before, after].into_iter().flat_map(|side| match side {
        Value::Object(fields) => fields.values_mut().collect(),
        other => vec![other],
    });
    let sized = values.map(|value| (value.to_string().len(), value));
    let Some((_, longest)) = sized.max_by_key(|(bytes, _)| *bytes) else {
        return false;
    };
    let text = longest
        .as_str()
        .map_or_else(|| longest.to_string(), str::to_owned);
    let Some((end, _)) = text.char_indices().nth(CUT_CHARACTERS + 1) else {
        return false;
    };
    *longest = format!("{}…", &text[..end]).into();
    true
}

fn settings(webhook: &Webhook, allowlist: &Value) -> Value {
    let Policy {
        allowlist: _,
        allowlist_mode,
        limits,
        payload_logging,
        signing_secret,
        rotation,
    } = &webhook.policy;
    let postpones = limits.overload() == hookgate_domain::policy::Overload::Postpone;
    json!({
        "name": webhook.name.as_str(),
        "allowlist": allowlist,
        "allowlist_mode": allowlist_mode.as_str(),
        "max_body": limits.body_bytes(),
        "per_minute": limits.per_minute().map(std::num::NonZero::get),
        "overload": if postpones { 503 } else { 429 },
        "payload_logging": *payload_logging == hookgate_domain::policy::PayloadLogging::On,
        "signed": signing_secret.is_some(),
        "rotation_days": rotation.days.map(std::num::NonZero::get),
    })
}

/// The change of an allowlist: both lists if they are short, otherwise the removed and the added entries; equal values
/// if the lists are equal.
fn allowlist_changes(before: &Allowlist, after: &Allowlist) -> (Value, Value) {
    if before == after {
        return (Value::Null, Value::Null);
    }
    if is_short(before) && is_short(after) {
        return (before.to_string().into(), after.to_string().into());
    }
    (
        difference(before, Some(after), "removed"),
        difference(after, Some(before), "added"),
    )
}

fn is_short(list: &Allowlist) -> bool {
    list.entries()
        .is_none_or(|entries| entries.len() <= MAX_LISTED && list.to_string().len() <= WHOLE_LIST_BYTES)
}

/// The number of entries of a list and, under `name`, those entries that the other list does not have.
fn difference(list: &Allowlist, other: Option<&Allowlist>, name: &str) -> Value {
    let Some(entries) = list.entries() else {
        return list.to_string().into();
    };
    let others: HashSet<&AllowEntry> = other.and_then(Allowlist::entries).into_iter().flatten().collect();
    let differing = || entries.iter().filter(|entry| !others.contains(entry));
    let mut bytes = 0;
    let listed: Vec<String> = differing()
        .take(MAX_LISTED)
        .map(ToString::to_string)
        .take_while(|text| {
            bytes += text.len();
            bytes <= MAX_LISTED_BYTES
        })
        .collect();
    let count = differing().count();
    json!({"entries": entries.len(), name: listed, format!("{name}_count"): count})
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(networks: impl Iterator<Item = u32>) -> Allowlist {
        let entry = |number: u32| {
            format!(
                "10.{}.{}.{} # {}",
                number >> 16,
                number >> 8 & 255,
                number & 255,
                "é".repeat(90)
            )
        };
        let text: Vec<_> = networks.map(entry).collect();
        text.join("\n").parse().unwrap()
    }

    #[test]
    fn a_short_list_stands_as_it_is() {
        let [old, new] = ["10.0.0.0/8", "10.1.0.0/16"].map(|text| text.parse().unwrap());
        assert_eq!(
            allowlist_changes(&old, &new),
            ("10.0.0.0/8".into(), "10.1.0.0/16".into())
        );
        assert_eq!(allowlist_changes(&old, &Allowlist::any()).1, "any");
        assert_eq!(allowlist_changes(&old, &old), (Value::Null, Value::Null));
    }

    #[test]
    fn of_a_long_list_the_difference_is_kept() {
        let (old, new) = (list((0..9_000).map(|n| n * 2)), list((1..9_001).map(|n| n * 2)));
        let (before, after) = allowlist_changes(&old, &new);
        assert_eq!(before["entries"], 9_000);
        assert_eq!(before["removed_count"], 1);
        assert!(before["removed"][0].as_str().unwrap().starts_with("10.0.0.0"));
        assert_eq!(after["added"].as_array().unwrap().len(), 1);
        assert!(before.to_string().len() + after.to_string().len() < 1_000);
    }

    #[test]
    fn an_entry_is_small_whatever_was_changed() {
        let long = list((0..9_000).map(|n| n * 2));
        let other = list((10_000..19_000).map(|n| n * 2));
        let any = Allowlist::any();
        for (old, new) in [(&long, &other), (&long, &any), (&any, &long)] {
            let (before, after) = kept_texts(allowlist_changes(old, new));
            let bytes = [before, after].iter().flatten().map(String::len).sum::<usize>();
            assert!((100..MAX_CHANGE_BYTES).contains(&bytes), "{bytes}");
        }
        let (before, after) = kept_texts((
            json!({"url": "\"é".repeat(20_000), "version": 7}),
            json!({"list": vec!["x"; 20_000], "version": 8}),
        ));
        let (before, after) = (before.unwrap(), after.unwrap());
        assert!(before.len() + after.len() <= MAX_CHANGE_BYTES);
        assert!(
            before.contains("\"version\":7") && after.contains("…"),
            "{before} {after}"
        );
        assert_eq!(kept_texts((json!({}), Value::Null)), (None, None));
        let note = json!({"note": "\u{1}".repeat(2_000)});
        assert_eq!(kept_texts((json!({}), note.clone())).1, Some(note.to_string()));
    }
}
