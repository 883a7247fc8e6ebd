//! JSON that is safe to print on a terminal: invisible characters and terminal control characters are escaped.

use std::borrow::Cow;

use hookgate_domain::invisible::is_invisible;
use serde::Serialize;

/// Serializes `thing` as JSON of visible characters: inside strings, control characters and other invisible ones are
/// written as `\u…` (RFC 8259, section 7). A parser gets the same text.
///
/// # Errors
/// `thing` can't be serialized as JSON.
///
/// ```
/// let text = hookgate_transport::json_text(&["a\u{9b}\u{202e}\u{e0041}é"])?;
/// assert_eq!(text, r#"["a\u009b\u202e\udb40\udc41é"]"#);
/// # Ok::<(), serde_json::Error>(())
/// ```
pub fn json_text(thing: &(impl Serialize + ?Sized)) -> serde_json::Result<String> {
    let text = serde_json::to_string(thing)?;
    Ok(match escaped(&text) {
        Cow::Borrowed(_) => text,
        Cow::Owned(escaped) => escaped,
    })
}

/// Escapes the invisible characters of `json`. Outside strings it has none but space.
fn escaped(json: &str) -> Cow<'_, str> {
    // The serializer has escaped the control characters of ASCII, but not DEL.
    let is_hidden = |c: char| c >= '\u{7F}' && is_invisible(c);
    if json.bytes().all(|byte| byte < 0x7F) || !json.contains(is_hidden) {
        return Cow::Borrowed(json);
    }
    let mut escaped = String::with_capacity(json.len() + 64);
    for c in json.chars() {
        if is_hidden(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                escaped.push_str("\\u");
                for shift in [12, 8, 4, 0] {
                    escaped.extend(char::from_digit(u32::from(*unit >> shift & 15), 16));
                }
            }
        } else {
            escaped.push(c);
        }
    }
    Cow::Owned(escaped)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_is_the_same_json_without_anything_invisible(texts in prop::collection::vec(any::<String>(), 0..5), seed: char) {
            let value = serde_json::json!({"texts": texts, "one": format!("\u{9B}{seed}\u{7F}")});
            let text = json_text(&value).expect("JSON");
            prop_assert!(!text.contains(is_invisible));
            prop_assert_eq!(serde_json::from_str::<serde_json::Value>(&text).expect("JSON"), value);
        }
    }
}
