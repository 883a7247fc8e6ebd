//! A document against the parser of `custom`, and against `serde_json`.

use proptest::prelude::*;
use serde_json::json;

use super::super::{Document, JsonFault, JsonProblem, Value};

fn document(text: &str) -> Document<'_> {
    Document::parse(text.as_bytes()).unwrap()
}

/// The document read value by value, and built anew.
fn rebuilt(value: Value<'_>) -> serde_json::Value {
    if value.is_array() {
        value.items().map(rebuilt).collect()
    } else if value.is_object() {
        let entries = value
            .entries()
            .map(|(key, value)| (key.into_owned(), rebuilt(value)));
        serde_json::Value::Object(entries.collect())
    } else if let Some(text) = value.string() {
        json!(text)
    } else {
        value
            .text()
            .map_or(json!(null), |text| serde_json::from_str(&text).unwrap())
    }
}

/// The error of the parser that keeps nothing.
fn fault(text: &str) -> Option<JsonFault> {
    super::super::check(text.as_bytes()).err()
}

#[test]
fn values_are_found_by_name() {
    let document = document(
        r#" {"a":{"b":[1,{"c":" x "},[]],"":{}},"n":null,"t":true,"e":-1.50e+3,"u":"\u00e9\n","k\u0065y":"v","b":"  "} "#,
    );
    let root = document.root();
    assert!(root.is_object() && root.get("a").get("b").is_array());
    let items: Vec<_> = root.get("a").get("b").items().collect();
    assert_eq!(items.len(), 3);
    assert_eq!(items[1].get("c").text().as_deref(), Some("x"));
    assert_eq!(items[1].get("c").string().as_deref(), Some(" x "));
    assert_eq!(items[0].text().as_deref(), Some("1"));
    assert_eq!(root.get("e").text().as_deref(), Some("-1.50e+3"));
    assert_eq!(root.get("t").text().as_deref(), Some("true"));
    assert_eq!(root.get("u").string().as_deref(), Some("é\n"));
    assert_eq!(root.get("key").text().as_deref(), Some("v"));
    assert_eq!(root.get("b").text(), None);
    for missing in [
        root.get("n"),
        root.get("x"),
        root.get("x").get("y"),
        root.get("t").get("x"),
    ] {
        assert!(missing.is_null() && missing.text().is_none());
        assert_eq!((missing.items().count(), missing.entries().count()), (0, 0));
    }
    assert_eq!(root.entries().count(), 7);
    let expected = json!({"b": [1, {"c": " x "}, []], "": {}});
    assert_eq!(rebuilt(root.get("a")), expected);
}

#[test]
fn of_members_with_the_same_key_the_first_counts() {
    let text = r#"{"a":1,"\u0061":2,"b":{"c":1}}"#;
    assert!(document(text).has_duplicate_key);
    assert_eq!(document(text).root().get("a").text().as_deref(), Some("1"));
    let wide: Vec<_> = (0..40).map(|key| format!("\"k{key}\":{{\"x\":0}},")).collect();
    let wide = wide.concat();
    assert!(!document(&format!("{{{wide}\"k\":0}}")).has_duplicate_key);
    assert!(document(&format!("[{{{wide}\"k7\":0}}]")).has_duplicate_key);
}

#[test]
fn halves_of_surrogate_pairs_are_noted() {
    assert!(document(r#"["\ud83d x"]"#).has_lone_surrogate);
    assert!(!document(r#"["\ud83d\udd25 \\ud83d"]"#).has_lone_surrogate);
    let document = document(r#"["\ud83d"]"#);
    assert_eq!(
        document.root().items().next().unwrap().text().as_deref(),
        Some("\u{FFFD}")
    );
}

#[test]
fn the_depth_is_bounded() {
    let deep = "[".repeat(100_000);
    let fault = Document::parse(deep.as_bytes()).unwrap_err();
    assert_eq!((fault.problem, fault.column), (JsonProblem::TooDeep, 65));
}

fn any_json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(|value| json!(value)),
        any::<i64>().prop_map(|value| json!(value)),
        ".{0,9}".prop_map(|value| json!(value)),
    ];
    leaf.prop_recursive(6, 60, 8, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..8).prop_map(|items| json!(items)),
            prop::collection::btree_map("[a-c\\\\\"é]{0,3}", inner, 0..24).prop_map(|map| json!(map)),
        ]
    })
}

proptest! {
    #[test]
    fn a_document_holds_what_the_text_says(value in any_json(), pretty in any::<bool>()) {
        let text = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) }.unwrap();
        let document = document(&text);
        prop_assert_eq!(rebuilt(document.root()), value);
        prop_assert!(!document.has_duplicate_key && !document.has_lone_surrogate);
    }

    #[test]
    fn both_parsers_refuse_the_same_texts_at_the_same_place(text in r#"[\[\]{}:,"\\ua0-9.e+tn -]{0,40}"#) {
        prop_assert_eq!(Document::parse(text.as_bytes()).err(), fault(&text));
    }

    #[test]
    fn a_broken_text_is_refused_at_the_same_place(value in any_json(), at in any::<prop::sample::Index>(), with in ".{0,2}") {
        let text = serde_json::to_string(&value).unwrap();
        let border = (0..=at.index(text.len() + 1)).rev().find(|end| text.is_char_boundary(*end)).unwrap();
        let broken = format!("{}{with}{}", &text[..border], text[border..].chars().skip(1).collect::<String>());
        prop_assert_eq!(Document::parse(broken.as_bytes()).err(), fault(&broken));
    }
}
