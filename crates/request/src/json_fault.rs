//! Error texts for JSON bodies that can't be read. The parser's own text may quote a value, which may be a secret
//! that was put there by mistake, so no part of the body is repeated.

use hookgate_domain::leaks::may_hold_secret;
use serde_json::error::Category;

use crate::api_error::ApiError;

/// The parser's words in front of what it expected. The text after them comes from this program, the text before them
/// may quote the body.
const EXPECTED: &str = ", expected ";
/// Beginnings of the parser's texts that are followed by a field name of this program, and the problem that is
/// reported instead.
const FIELD_PROBLEMS: [(&str, &str); 2] = [
    ("missing field `", "is missing"),
    ("duplicate field `", "is given twice"),
];
/// Beginnings of the parser's texts about an unexpected value, and the words that are reported instead.
const VALUE_PROBLEMS: [(&str, &str); 5] = [
    ("unknown field", "an unknown field"),
    ("unknown variant", "an unknown value"),
    ("invalid type", "a value of another type"),
    ("invalid length", "a list of another length"),
    ("invalid value", "a value that is not allowed"),
];

/// The error for a body that is not JSON, or not of the expected shape.
pub(crate) fn json_fault(error: &serde_json::Error) -> ApiError {
    let place = format!("at line {} column {}", error.line(), error.column());
    match error.classify() {
        Category::Data => ApiError::field(
            "body",
            "form",
            format!("{} {place}", shape_problem(&error.to_string())),
        ),
        Category::Eof => ApiError::json(format!("the JSON is truncated, {place}")),
        Category::Io | Category::Syntax => ApiError::json(format!("not JSON {place}")),
    }
}

/// The problem with the shape, without any part of the body.
fn shape_problem(text: &str) -> String {
    for (begin, problem) in FIELD_PROBLEMS {
        let name = text.strip_prefix(begin).and_then(|rest| rest.split('`').next());
        if let Some(name) = name.filter(|name| !may_hold_secret(name.as_bytes())) {
            return format!("`{name}` {problem}");
        }
    }
    let Some((_, found)) = VALUE_PROBLEMS.iter().find(|(begin, _)| text.starts_with(begin)) else {
        return "a value that can't be read".to_owned();
    };
    // The last occurrence is the parser's: text of the body can only stand before it.
    let expected = text.rsplit_once(EXPECTED).map_or("", |(_, rest)| rest);
    let expected = expected
        .rsplit_once(" at line ")
        .map_or(expected, |(expected, _)| expected);
    if expected.is_empty() {
        (*found).to_owned()
    } else {
        format!("{found}: expected {expected}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api_error::InvalidField;

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only read from JSON")]
    struct Body {
        name: String,
        days: Option<u16>,
        role: Option<Word>,
    }

    #[derive(Debug, serde::Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Word {
        Admin,
        Viewer,
    }

    fn problem(text: &str) -> String {
        let error = serde_json::from_str::<Body>(text).expect_err("not this shape");
        let fault = json_fault(&error);
        let first = fault.field_faults().first();
        first.map_or_else(|| fault.sentence(), InvalidField::problem)
    }

    #[test]
    fn the_problem_is_told_and_the_value_is_not() {
        for (text, expected) in [
            ("{}", "`name` is missing at line 1 column 2"),
            (
                r#"{"name":"a","name":"b"}"#,
                "`name` is given twice at line 1 column 18",
            ),
            (
                r#"{"name":"a","nam":1}"#,
                "an unknown field: expected one of `name`, `days`, `role` at line 1 column 17",
            ),
            (
                r#"{"name":1}"#,
                "a value of another type: expected a string at line 1 column 9",
            ),
            (
                r#"{"name":"a","days":70000}"#,
                "a value that is not allowed: expected u16 at line 1 column 24",
            ),
            (
                "{",
                "Body is not valid JSON: the JSON is truncated, at line 1 column 1.",
            ),
            ("{'a':1}", "Body is not valid JSON: not JSON at line 1 column 2."),
        ] {
            assert_eq!(problem(text), expected, "{text}");
        }
    }

    #[test]
    fn no_part_of_the_body_is_repeated() {
        for text in [
            r#"{"name":"a","hgt_7777":1}"#,
            r#"{"name":"a","hgt_7777, expected hgt_7777 at line ":1}"#,
            r#"{"name":"a","days":"hgt_7777"}"#,
            r#"{"name":"a","days":"x, expected hgt_7777"}"#,
            r#"{"name":"a","role":"hgt_7777"}"#,
            r#"{"name":"a","role":{"hgt_7777":1}}"#,
            r#"{"name":["hgt_7777"]}"#,
            r#""hgt_7777""#,
            "hgt_7777",
            r#"{"name":"hgt_7777"#,
        ] {
            assert!(!problem(text).contains("hgt_"), "{}", problem(text));
        }
    }
}
