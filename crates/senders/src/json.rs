//! JSON read strictly: no duplicate keys, a bounded depth. What two readers could understand differently is refused.

use std::borrow::Cow;
use std::cell::Cell;
use std::fmt;

use serde::Deserializer;
use serde::de::{DeserializeSeed, MapAccess, SeqAccess, Visitor};
use thiserror::Error;

/// Deepest nesting: alerting payloads stay below ten, and every level costs stack.
pub const MAX_DEPTH: usize = 64;
/// Up to here, keys are compared pairwise; above, they are sorted first, so that a wide object stays cheap.
const FEW_KEYS: usize = 16;
/// What some tools put before JSON to mark UTF-8 (RFC 8259, section 8.1 lets readers ignore it).
const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// What is set aside at once for the object that a text is: most have no more fields that are wanted.
const USUAL_ENTRIES: usize = 8;

/// A JSON text as a tree. It borrows what stands in the text as it is meant.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Json<'a> {
    Null,
    Bool(bool),
    Integer(i64),
    Float(f64),
    Text(Cow<'a, str>),
    Array(Vec<Json<'a>>),
    Object(Vec<(Cow<'a, str>, Json<'a>)>),
}

/// The text behind its byte order mark, if it has one.
pub(crate) fn unmarked(text: &[u8]) -> &[u8] {
    text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text)
}

/// Reads the whole text as one JSON value. Of an object only the wanted fields are kept: the others are checked as strictly,
/// and what they hold takes no memory.
pub(crate) fn parse(text: &[u8], is_wanted: fn(&str) -> bool) -> Result<Json<'_>, JsonFault> {
    let text = unmarked(text);
    let problem = Cell::new(JsonProblem::Syntax);
    // Once for the whole text is cheaper than for each string in it.
    let text = std::str::from_utf8(text).map_err(|error| no_utf8(text, error.valid_up_to()))?;
    let mut reader = serde_json::Deserializer::from_str(text);
    let value = Level {
        left: MAX_DEPTH,
        keep: Keep::Fields(is_wanted),
        problem: &problem,
    };
    value
        .deserialize(&mut reader)
        .and_then(|json| reader.end().map(|()| json))
        .map_err(|error| JsonFault {
            problem: problem.get(),
            line: error.line(),
            column: error.column(),
        })
}

/// The fault of a text that is no UTF-8 from this byte on.
fn no_utf8(text: &[u8], at: usize) -> JsonFault {
    let mut lines = text[..at].split(|byte| *byte == b'\n');
    let last = lines.next_back().unwrap_or_default();
    JsonFault {
        problem: JsonProblem::Syntax,
        line: lines.count() + 1,
        column: last.len() + 1,
    }
}

/// Where and why a text is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("{} at line {line}, column {column}", .problem.as_str())]
pub struct JsonFault {
    /// What is wrong.
    pub problem: JsonProblem,
    /// The line, from 1.
    pub line: usize,
    /// The column, from 1; 0 at the end of a line.
    pub column: usize,
}

/// What is wrong with a JSON text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JsonProblem {
    /// It breaks the grammar (RFC 8259), or a number is out of range.
    Syntax,
    /// It is nested over [`MAX_DEPTH`] levels.
    TooDeep,
    /// An object has the same key twice.
    DuplicateKey,
}

impl JsonProblem {
    /// The problem as answers name it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Syntax => "syntax",
            Self::TooDeep => "too_deep",
            Self::DuplicateKey => "duplicate_key",
        }
    }
}

/// What is kept of a value.
#[derive(Clone, Copy)]
enum Keep {
    All,
    /// Of an object these fields; of an array nothing.
    Fields(fn(&str) -> bool),
    Nothing,
}

impl Keep {
    /// What is kept of an array's items.
    const fn items(self) -> Self {
        match self {
            Self::All => Self::All,
            Self::Fields(_) | Self::Nothing => Self::Nothing,
        }
    }

    /// What is kept of the value behind this key.
    fn field(self, key: &str) -> Self {
        match self {
            Self::Fields(is_wanted) if is_wanted(key) => Self::All,
            Self::Fields(_) | Self::Nothing => Self::Nothing,
            Self::All => Self::All,
        }
    }
}

/// Reads one value, with so many levels left below it.
#[derive(Clone, Copy)]
struct Level<'a> {
    left: usize,
    keep: Keep,
    problem: &'a Cell<JsonProblem>,
}

impl<'a> Level<'a> {
    fn below<E: serde::de::Error>(self) -> Result<Level<'a>, E> {
        match self.left.checked_sub(1) {
            Some(left) => Ok(Level { left, ..self }),
            None => Err(self.refuse(JsonProblem::TooDeep)),
        }
    }

    fn refuse<E: serde::de::Error>(self, problem: JsonProblem) -> E {
        self.problem.set(problem);
        E::custom(problem.as_str())
    }
}

impl<'de> DeserializeSeed<'de> for Level<'_> {
    type Value = Json<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Json<'de>, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Level<'_> {
    type Value = Json<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Json<'de>, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Json<'de>, E> {
        Ok(Json::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Json<'de>, E> {
        Ok(Json::Integer(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Json<'de>, E> {
        #[expect(
            clippy::cast_precision_loss,
            reason = "a number past 2^63 is kept as the nearest float"
        )]
        Ok(i64::try_from(value).map_or(Json::Float(value as f64), Json::Integer))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Json<'de>, E> {
        Ok(Json::Float(value))
    }

    fn visit_borrowed_str<E>(self, value: &'de str) -> Result<Json<'de>, E> {
        Ok(Json::Text(Cow::Borrowed(value)))
    }

    fn visit_str<E>(self, value: &str) -> Result<Json<'de>, E> {
        Ok(Json::Text(Cow::Owned(value.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Json<'de>, A::Error> {
        let keep = self.keep.items();
        let below = Level {
            keep,
            ..self.below()?
        };
        let mut array = Vec::new();
        while let Some(item) = items.next_element_seed(below)? {
            if matches!(keep, Keep::All) {
                array.push(item);
            }
        }
        Ok(Json::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Json<'de>, A::Error> {
        let below = self.below()?;
        // Only once for a text: an object in it may be tiny, and there may be a great many.
        let (mut object, mut others) = match self.keep {
            Keep::Fields(_) => (Vec::with_capacity(USUAL_ENTRIES), Vec::new()),
            Keep::All | Keep::Nothing => (Vec::new(), Vec::new()),
        };
        while let Some(Key(key)) = entries.next_key()? {
            let keep = self.keep.field(&key);
            let value = entries.next_value_seed(Level { keep, ..below })?;
            if matches!(keep, Keep::Nothing) {
                others.push(key);
            } else {
                object.push((key, value));
            }
        }
        if has_duplicate(&object, &others) {
            Err(self.refuse(JsonProblem::DuplicateKey))
        } else {
            Ok(Json::Object(object))
        }
    }
}

/// The key of an entry, borrowed where it can be, which `Cow`'s own reading never does.
#[derive(serde::Deserialize)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

fn has_duplicate(object: &[(Cow<'_, str>, Json<'_>)], others: &[Cow<'_, str>]) -> bool {
    let keys = || object.iter().map(|(key, _)| key).chain(others).map(|key| &**key);
    if object.len() + others.len() <= FEW_KEYS {
        return keys()
            .enumerate()
            .any(|(at, key)| keys().take(at).any(|before| before == key));
    }
    let mut keys: Vec<&str> = keys().collect();
    keys.sort_unstable();
    keys.windows(2).any(|pair| pair[0] == pair[1])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(text: &[u8]) -> Result<Json<'_>, JsonFault> {
        super::parse(text, |_| true)
    }

    fn problem(text: &str) -> Option<JsonProblem> {
        parse(text.as_bytes()).err().map(|fault| fault.problem)
    }

    #[test]
    fn the_depth_is_bounded_at_64() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert_eq!(problem(&nested(64)), None);
        assert_eq!(problem(&nested(65)), Some(JsonProblem::TooDeep));
        assert_eq!(problem(&"[".repeat(1_000_000)), Some(JsonProblem::TooDeep));
    }

    #[test]
    fn duplicate_keys_are_found_however_written() {
        assert_eq!(problem(r#"{"a":1,"a":1}"#), Some(JsonProblem::DuplicateKey));
        assert_eq!(problem(r#"{"a":1,"\u0061":2}"#), Some(JsonProblem::DuplicateKey));
        assert_eq!(
            problem(r#"{"x":{"y":[{"a":1,"b":2,"a":3}]}}"#),
            Some(JsonProblem::DuplicateKey)
        );
        let mut wide: Vec<String> = (0..10_000).map(|n| format!("\"k{n}\":{n}")).collect();
        assert_eq!(problem(&format!("{{{}}}", wide.join(","))), None);
        wide.push("\"k4711\":0".into());
        assert_eq!(
            problem(&format!("{{{}}}", wide.join(","))),
            Some(JsonProblem::DuplicateKey)
        );
    }

    #[test]
    fn what_is_not_wanted_is_checked_and_not_kept() {
        let read = |text: &'static str| super::parse(text.as_bytes(), |key| key == "a");
        let kept = Json::Object(vec![("a".into(), Json::Array(vec![Json::Integer(1)]))]);
        assert_eq!(read(r#"{"b":{"a":[2]},"a":[1],"c":["x\n"]}"#), Ok(kept));
        for text in [
            r#"{"b":1,"b":2}"#,
            r#"{"b":{"c":1,"c":2}}"#,
            r#"{"a":{"c":1,"c":2}}"#,
            r#"{"a":1,"b":2,"a":3}"#,
        ] {
            let problem = read(text).map_err(|fault| fault.problem);
            assert_eq!(problem, Err(JsonProblem::DuplicateKey), "{text}");
        }
        let deep: &'static str = Box::leak(format!("{{\"b\":{}}}", "[".repeat(65)).into_boxed_str());
        assert_eq!(
            read(deep).map_err(|fault| fault.problem),
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
    fn broken_texts_are_refused() {
        for text in [
            "",
            " ",
            "{",
            "{}x",
            "{'a':1}",
            "[1,]",
            "1e400",
            r#""\ud800""#,
            "nul",
            "01",
            "\u{feff}\u{feff}{}",
        ] {
            assert_eq!(problem(text), Some(JsonProblem::Syntax), "{text:?}");
        }
        let fault = parse(b"{\"a\":\n \"\xff\"}").unwrap_err();
        assert_eq!(
            (fault.problem, fault.line, fault.column),
            (JsonProblem::Syntax, 2, 3)
        );
        assert_eq!(parse(b"\xEF\xBB\xBF{}"), Ok(Json::Object(Vec::new())));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = parse(&bytes);
        }

        #[test]
        fn what_serde_json_reads_is_read_or_a_duplicate(text in r#"[\[\]{}:,"ab0-9. ]{0,40}"#) {
            let lenient = serde_json::from_str::<serde_json::Value>(&text).is_ok();
            match parse(text.as_bytes()) {
                Ok(_) => prop_assert!(lenient),
                Err(fault) => prop_assert!(!lenient || fault.problem == JsonProblem::DuplicateKey),
            }
        }
    }
}
