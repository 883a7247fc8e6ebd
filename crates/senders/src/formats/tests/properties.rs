//! Properties of all formats: no body makes a panic, a repetition changes nothing, and a broken body is refused.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use serde_json::{Value, json};

use super::bodies::{Sample, options, samples};
use super::*;

/// A sample of any format, and the format.
fn any_sample() -> impl Strategy<Value = (SenderFormat, usize)> {
    let all: Vec<_> = formats()
        .flat_map(|format| (0..samples(format).len()).map(move |index| (format, index)))
        .collect();
    prop::sample::select(all)
}

/// Values that senders don't send.
fn odd_value() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        Just(json!([])),
        Just(json!({})),
        Just(json!([[{}], null, "x", {"status": []}])),
        Just(json!(true)),
        Just(json!(-1.5e300)),
        Just(json!(u64::MAX)),
        Just(json!("")),
        Just(json!("\u{0}\u{202E}\u{FFFD}")),
        Just(json!("x".repeat(6_000))),
        Just(json!("é".repeat(600))),
        ".{0,20}".prop_map(|text| json!(text)),
    ]
}

/// The names and the short texts in the samples of a format: what decides how a body is read.
fn vocabulary(format: SenderFormat) -> Vec<String> {
    fn collect(value: &Value, words: &mut BTreeSet<String>) {
        match value {
            Value::Array(items) => items.iter().for_each(|item| collect(item, words)),
            Value::Object(map) => {
                words.extend(map.keys().cloned());
                map.values().for_each(|item| collect(item, words));
            }
            Value::String(text) if text.len() < 20 => drop(words.insert(text.clone())),
            _ => {}
        }
    }
    let mut words = BTreeSet::new();
    for sample in samples(format) {
        collect(
            &serde_json::from_slice(&sample.body).unwrap_or_default(),
            &mut words,
        );
    }
    words.into_iter().collect()
}

/// Any JSON of a format's own words, and the format.
fn any_tree() -> impl Strategy<Value = (SenderFormat, Value)> {
    let formats: Vec<_> = formats().map(|format| (format, vocabulary(format))).collect();
    prop::sample::select(formats).prop_flat_map(|(format, words)| {
        let word = prop::sample::select(words);
        let leaf = prop_oneof![
            3 => word.clone().prop_map(|word| json!(word)),
            1 => odd_value(),
            1 => (0_u8..4).prop_map(|number| json!(number)),
        ];
        let tree = leaf.prop_recursive(5, 60, 8, move |inner| {
            prop_oneof![
                1 => prop::collection::vec(inner.clone(), 0..4).prop_map(|items| json!(items)),
                3 => prop::collection::btree_map(word.clone(), inner, 0..8).prop_map(|map| json!(map)),
            ]
        });
        (Just(format), tree)
    })
}

/// Number of values in a tree.
fn count(value: &Value) -> usize {
    1 + match value {
        Value::Array(items) => items.iter().map(count).sum(),
        Value::Object(map) => map.values().map(count).sum(),
        _ => 0,
    }
}

/// Replaces the value with this number, in the order of the text.
fn replace(value: &mut Value, number: &mut usize, with: &Value) {
    if *number == 0 {
        value.clone_from(with);
    }
    *number = number.wrapping_sub(1);
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| replace(item, number, with)),
        Value::Object(map) => map.values_mut().for_each(|item| replace(item, number, with)),
        _ => {}
    }
}

/// The incidents by their keys, after the message: `true` while unresolved. Incidents without a key are left out.
fn apply(incidents: &mut BTreeMap<String, bool>, message: &Message) {
    for change in &message.changes {
        let Some(key) = change.draft.dedup_key() else {
            continue;
        };
        match change.action {
            ChangeAction::Open => {
                incidents.insert(key.to_owned(), true);
            }
            ChangeAction::Resolve => {
                incidents
                    .entry(key.to_owned())
                    .and_modify(|is_open| *is_open = false);
            }
            ChangeAction::Update | ChangeAction::Acknowledge => {}
        }
    }
}

/// Reads a changed body with all options. Only panics and broken bounds fail.
fn survives(sample: &Sample, format: SenderFormat, body: &[u8]) {
    let _ = recognise(&sample.payload(body));
    for (_, options) in options() {
        let read = read_message(format, &sample.payload(body), &options);
        let again = read_message(format, &sample.payload(body), &options);
        assert_eq!(read, again, "{format} {}", sample.name);
        let Ok(message) = read else { continue };
        assert!(message.changes.len() <= crate::MAX_CHANGES);
        for change in &message.changes {
            let opens = change.action == ChangeAction::Open;
            assert!(
                !opens || change.draft.title().is_some(),
                "{format} {}",
                sample.name
            );
            assert_eq!(change.draft.resolves(), change.action == ChangeAction::Resolve);
            assert!(
                opens || change.draft.dedup_key().is_some(),
                "{format} {}: nothing to find",
                sample.name
            );
        }
    }
}

#[test]
fn a_repetition_changes_nothing() {
    for format in formats() {
        for sample in samples(format) {
            let Ok(message) = sample.read_as(format, &FormatOptions::default()) else {
                continue;
            };
            let mut incidents = BTreeMap::new();
            apply(&mut incidents, &message);
            let once = incidents.clone();
            apply(&mut incidents, &message);
            assert_eq!(incidents, once, "{format} {}", sample.name);
        }
    }
}

/// The incidents after these samples of a format, in this order.
fn after(format: SenderFormat, names: &[&str]) -> BTreeMap<String, bool> {
    let mut incidents = BTreeMap::new();
    for name in names {
        let sample = samples(format).iter().find(|sample| sample.name == *name);
        let message = sample.unwrap().read_as(format, &FormatOptions::default());
        apply(&mut incidents, &message.unwrap());
    }
    incidents
}

#[test]
fn the_end_of_a_problem_resolves_it() {
    for (format, begins, ends) in [
        (
            SenderFormat::SplunkOnCall,
            "alertmanager-firing.http",
            "alertmanager-resolved.http",
        ),
        (
            SenderFormat::SplunkOnCall,
            "warning.json",
            "recovery-key-alone.json",
        ),
        (SenderFormat::SplunkOnCall, "kuma-down.json", "kuma-up.json"),
        (SenderFormat::Squadcast, "trigger.json", "resolve.json"),
        (SenderFormat::Squadcast, "kuma-down.json", "kuma-up.json"),
        (SenderFormat::Alerta, "open.http", "correlated-up.json"),
        (
            SenderFormat::Alerta,
            "repeated-worse.json",
            "passed-on-closed.json",
        ),
        (
            SenderFormat::Alerta,
            "netdata-warning.http",
            "netdata-cleared.http",
        ),
        (SenderFormat::Alerta, "kuma-down.json", "kuma-up.json"),
        (SenderFormat::Teams, "netdata-critical.json", "netdata-clear.json"),
        (SenderFormat::Teams, "kuma-down.json", "kuma-up.json"),
        (SenderFormat::Teams, "kuma-1-down.json", "kuma-1-up.json"),
        (SenderFormat::GoAlertGeneric, "kuma-down.json", "kuma-up.json"),
        (SenderFormat::PagerDuty, "kuma-down.json", "kuma-up.json"),
        (SenderFormat::UptimeKuma, "down.json", "up.json"),
    ] {
        let is_open = |names: &[&str]| after(format, names).into_values().collect::<Vec<_>>();
        assert_eq!(is_open(&[begins, begins]), [true], "{format} {begins}");
        assert_eq!(
            is_open(&[begins, begins, ends, ends]),
            [false],
            "{format} {begins}"
        );
        assert!(is_open(&[ends]).is_empty(), "{format} {ends}");
    }
}

#[test]
fn warnings_of_one_certificate_are_one_incident() {
    let names = [
        "certificate-1.21.json",
        "certificate.json",
        "certificate-later.json",
    ];
    assert_eq!(after(SenderFormat::UptimeKuma, &names).len(), 1);
    let others = ["certificate.json", "certificate-other.json", "domain.json"];
    assert_eq!(after(SenderFormat::UptimeKuma, &others).len(), 3);
}

#[test]
fn a_truncated_body_is_refused() {
    for format in formats() {
        for sample in samples(format)
            .iter()
            .filter(|sample| sample.body.starts_with(b"{"))
        {
            for end in 0..sample.body.len() {
                let read = read_message(
                    format,
                    &sample.payload(&sample.body[..end]),
                    &FormatOptions::default(),
                );
                // An empty body is a request of some formats, such as Opsgenie's.
                assert!(read.is_err() || end == 0, "{format} {} {end}", sample.name);
            }
        }
    }
}

#[test]
fn more_alerts_than_the_bound_are_refused_or_one_change() {
    let alerts = |count: usize| {
        let alerts: Vec<_> = (0..count)
            .map(|n| json!({"fingerprint": n, "labels": {"alertname": "x"}}))
            .collect();
        json!({"status": "firing", "groupKey": "{}", "alerts": alerts}).to_string()
    };
    let headers = [("content-type", "application/json")];
    let read = |count: usize| {
        let body = alerts(count);
        let message = read_message(
            SenderFormat::Alertmanager,
            &Payload::new(body.as_bytes(), &headers, MAX_BYTES),
            &FormatOptions::default(),
        );
        message.map(|message| message.changes.len())
    };
    assert_eq!(read(crate::MAX_CHANGES), Ok(crate::MAX_CHANGES));
    let limit = crate::MAX_CHANGES;
    assert_eq!(read(limit + 1), Err(PayloadError::TooManyAlerts { limit }));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn no_value_in_a_body_makes_a_panic((format, index) in any_sample(), at in any::<prop::sample::Index>(), with in odd_value()) {
        let sample = &samples(format)[index];
        if let Ok(mut value) = serde_json::from_slice::<Value>(&sample.body) {
            let mut number = at.index(count(&value));
            replace(&mut value, &mut number, &with);
            survives(sample, format, value.to_string().as_bytes());
        }
    }

    #[test]
    fn no_bytes_in_a_body_make_a_panic((format, index) in any_sample(), at in any::<prop::sample::Index>(), with in prop::collection::vec(any::<u8>(), 0..6)) {
        let sample = &samples(format)[index];
        let mut body = sample.body.clone();
        let start = at.index(body.len() + 1);
        let end = body.len().min(start + with.len());
        body.splice(start..end, with);
        survives(sample, format, &body);
    }

    #[test]
    fn no_json_of_its_own_words_makes_a_panic((format, tree) in any_tree(), (_, index) in any_sample()) {
        // The head of a sample, so that formats whose events are named there read them.
        let samples = samples(format);
        survives(&samples[index % samples.len()], format, tree.to_string().as_bytes());
    }

    #[test]
    fn a_body_of_another_format_makes_no_panic((format, index) in any_sample(), (other, _) in any_sample()) {
        survives(&samples(format)[index], other, &samples(format)[index].body);
    }
}
