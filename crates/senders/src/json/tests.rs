//! The parser against the grammar, compared with `serde_json`.

use proptest::prelude::*;
use serde_json::value::RawValue;

use super::parser::Keep;
use super::*;

mod document;

/// Parses a text and keeps all of it.
fn parse(text: &[u8]) -> Result<Json<'_>, JsonFault> {
    let whole = check(text);
    let text = without_mark(text);
    let mut parser = Parser::new(str::from_utf8(text).unwrap_or_default());
    let value = parser.value(MAX_DEPTH, Keep::Map);
    match (whole, value) {
        (Ok(_), Ok(json)) => Ok(json),
        (Ok(_), Err(problem)) => Err(JsonFault::at(text, parser.at, problem)),
        (Err(fault), _) => Err(fault),
    }
}

/// The fields of an object, of which `m` is a map, `f` and `g` are fields, and the others are ignored.
fn fields(text: &str) -> Result<(Reading, Vec<(u8, Json<'_>)>), JsonFault> {
    let role = |key: &str| match key {
        "m" => Role::Map(0),
        "f" => Role::Field(1),
        "g" => Role::Field(31),
        _ => Role::Ignored,
    };
    let mut fields = Vec::new();
    let reading = super::parse(text.as_bytes(), role, |field: u8, value| {
        fields.push((field, value));
    })?;
    Ok((reading, fields))
}

fn problem(text: &str) -> Option<JsonProblem> {
    parse(text.as_bytes()).err().map(|fault| fault.problem)
}

/// Returns `true` if `serde_json` accepts the text. As `RawValue`, it checks the grammar only.
fn is_of_grammar(text: &[u8]) -> bool {
    serde_json::from_slice::<&RawValue>(text).is_ok()
}

#[test]
fn the_depth_is_bounded_at_64() {
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    assert_eq!(problem(&nested(64)), None);
    assert_eq!(problem(&nested(65)), Some(JsonProblem::TooDeep));
    assert_eq!(problem(&"[".repeat(1_000_000)), Some(JsonProblem::TooDeep));
    assert_eq!(problem(&"{\"a\":".repeat(65)), Some(JsonProblem::TooDeep));
}

#[test]
fn duplicate_keys_are_found_however_written() {
    assert_eq!(problem(r#"{"a":1,"a":1}"#), Some(JsonProblem::DuplicateKey));
    assert_eq!(problem(r#"{"a":1,"\u0061":2}"#), Some(JsonProblem::DuplicateKey));
    let read = |text| fields(text).map(|(reading, _)| reading);
    for text in [
        r#"{"f":1,"x":1,"f":2}"#,
        r#"{"g":1,"f":1,"g":2}"#,
        r#"{"m":{"a":1,"b":2,"a":3}}"#,
    ] {
        assert_eq!(
            read(text).map_err(|fault| fault.problem),
            Err(JsonProblem::DuplicateKey),
            "{text}"
        );
    }
    for text in [
        r#"{"x":1,"y":1,"x":2}"#,
        r#"{"x":{"y":[{"a":1,"b":2,"a":3}]}}"#,
        r#"{"f":{"a":1,"a":3}}"#,
        r#"{"m":{"a":{"b":1,"b":2}}}"#,
    ] {
        assert!(
            read(text).is_ok_and(|reading| reading.has_duplicate_key),
            "{text}"
        );
    }
    assert!(read(r#"{"f":1,"x":{"f":1},"m":{"f":1}}"#).is_ok_and(|reading| !reading.has_duplicate_key));
    let fault = read("{\"f\":1,\n \"f\":2}").unwrap_err();
    assert_eq!((fault.line, fault.column), (2, 2), "where it is there again");
}

#[test]
fn duplicates_of_a_wide_object_are_found() {
    let read = |text: &str| check(text.as_bytes()).unwrap().has_duplicate_key;
    let mut wide: Vec<String> = (0..10_000).map(|n| format!("\"k{n}\":{n}")).collect();
    assert!(!read(&format!("{{{}}}", wide.join(","))));
    wide.push("\"k4711\":0".into());
    assert!(read(&format!("{{{}}}", wide.join(","))));
}

#[test]
fn what_is_not_wanted_is_checked_and_not_kept() {
    let read = |text| fields(text).map(|(_, fields)| fields);
    let kept = vec![(1, Json::Array(vec![Json::Number("1")])), (31, Json::Null)];
    assert_eq!(read(r#"{"b":{"f":[2]},"f":[1],"c":["x\n"],"g":null}"#), Ok(kept));
    for text in [r#"{"b":01}"#, r#"{"b":"\x"}"#, r#"{"b":["a" "b"]}"#] {
        assert_eq!(
            read(text).map_err(|fault| fault.problem),
            Err(JsonProblem::Syntax),
            "{text}"
        );
    }
    let deep = format!("{{\"b\":{}}}", "[".repeat(65));
    assert_eq!(
        read(&deep).map_err(|fault| fault.problem),
        Err(JsonProblem::TooDeep)
    );
}

#[test]
fn empty_objects_take_no_memory_of_their_own() {
    let Ok(Json::Object(fields)) = parse(br#"{"a":[{},{"b":{}}]}"#) else {
        panic!("an object");
    };
    let (_, Json::Array(items)) = &fields[0] else {
        panic!("an array");
    };
    let Json::Object(empty) = &items[0] else {
        panic!("an object");
    };
    assert_eq!(empty.capacity(), 0);
}

#[test]
fn broken_texts_are_refused_for_what_they_are() {
    use JsonProblem::{Empty, NotUtf8, Syntax, Truncated};
    for (text, expected) in [
        ("", Empty),
        (" \n", Empty),
        ("{", Truncated),
        ("{\"a\"", Truncated),
        ("{\"a\":", Truncated),
        ("{\"a\":1,", Truncated),
        ("[1", Truncated),
        ("\"a", Truncated),
        ("\"a\\", Truncated),
        ("\"\\u00", Truncated),
        ("nul", Truncated),
        ("-", Truncated),
        ("1e", Truncated),
        ("{}x", Syntax),
        ("{'a':1}", Syntax),
        ("[1,]", Syntax),
        ("{\"a\":1,}", Syntax),
        ("nulL", Syntax),
        ("01", Syntax),
        ("1.", Truncated),
        ("[1.]", Syntax),
        ("NaN", Syntax),
        ("\"a\nb\"", Syntax),
        ("\"\\x\"", Syntax),
        ("\"\\u00zz\"", Syntax),
        ("\u{feff}\u{feff}{}", Syntax),
        ("{\0\"\0", NotUtf8),
    ] {
        assert_eq!(problem(text), Some(expected), "{text:?}");
        assert!(!is_of_grammar(text.as_bytes()), "{text:?}");
    }
    let fault = parse(b"{\"a\":\n \"\xff\"}").unwrap_err();
    assert_eq!((fault.problem, fault.line, fault.column), (NotUtf8, 2, 3));
    let cut = parse("{\"a\":\"é".as_bytes().strip_suffix(b"\xA9").unwrap()).unwrap_err();
    assert_eq!(cut.problem, Truncated);
    assert_eq!(parse(b"\xEF\xBB\xBF{}"), Ok(Json::Object(Vec::new())));
}

#[test]
fn the_whole_grammar_is_read() {
    for text in [
        "1e400",
        "-0",
        "0.0e-5",
        r#""\ud800""#,
        r#""\udc00\ud800x""#,
        "[\t{ } ,\r\n[ ] ]",
    ] {
        assert_eq!(problem(text), None, "{text}");
    }
    assert_eq!(
        parse(br#""a\"\\\/\b\f\n\r\t\u00e9\ud83d\ude92""#),
        Ok(Json::Text("a\"\\/\u{8}\u{C}\n\r\té🚒".into()))
    );
    assert_eq!(
        parse(b"12345678901234567890"),
        Ok(Json::Number("12345678901234567890"))
    );
}

#[test]
fn a_text_is_laid_out_and_nothing_of_it_is_rounded() {
    let text = "\u{FEFF} {\"b\" : [1.10, 12345678901234567890 ,1e400],\n\"a\":{ },\"b\":\"x \\ud83d\\n {,}\", \"c\":[ ]}";
    let compact = r#"{"b":[1.10,12345678901234567890,"1e400"],"a":{},"b":"x \ufffd\n {,}","c":[]}"#;
    let compact = compact.replace(r"\ufffd", "\u{FFFD}");
    assert_eq!(lay_out(text.as_bytes(), JsonLayout::Compact), Some(compact));
    let indented = "{\n  \"b\": [\n    1.10,\n    12345678901234567890,\n    1e400\n  ],\n  \"a\": {},\n  \
                    \"b\": \"x \\ud83d\\n {,}\",\n  \"c\": []\n}";
    assert_eq!(
        lay_out(text.as_bytes(), JsonLayout::Indented).as_deref(),
        Some(indented)
    );
    for text in [&b"{"[..], b"", b"\xFF", b"{}x"] {
        assert_eq!(lay_out(text, JsonLayout::Compact), None);
    }
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = parse(&bytes);
    }

    #[test]
    fn what_is_of_the_grammar_is_read_and_nothing_else(text in r#"[\[\]{}:,"\\ua0-9.e+tn -]{0,40}"#) {
        let read = check(text.as_bytes());
        prop_assert_eq!(read.is_ok(), is_of_grammar(text.as_bytes()), "{:?}", read);
    }

    #[test]
    fn a_text_is_laid_out_as_the_same_value(text in r#"\{"a":(\[[0-9]{1,3}(,[0-9]{1,3}){0,3}\]|"[a-z \\n]{0,5}"|\{"b": null ,"c":true\})\}"#) {
        if let Ok(value) = serde_json::from_str::<serde_json::Value>(&text) {
            for layout in [JsonLayout::Compact, JsonLayout::Indented] {
                let laid_out = lay_out(text.as_bytes(), layout).expect("JSON");
                prop_assert_eq!(&serde_json::from_str::<serde_json::Value>(&laid_out).expect("JSON"), &value);
            }
        }
    }
}
