//! The filters and methods of Grafana `OnCall`'s templates that the engine lacks, and the bounds of those that would run past
//! its fuel.

use std::borrow::Cow;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use jiff::Timestamp;
use jiff::fmt::strtime::BrokenDownTime;
use jiff::fmt::temporal::Pieces;
use jiff::tz::Offset;
use minijinja::value::ValueKind;
use minijinja::{Environment, Error, ErrorKind, State, Value};
use minijinja_contrib::pycompat;
use regex_lite::{Captures, Regex, RegexBuilder};

use super::view::MAX_TEXT;

/// Methods of texts, lists and tables that templates may call. `format` is not among them: it would write a text of any width
/// before the engine counts it.
pub(super) const METHODS: [&str; 27] = [
    "get",
    "items",
    "keys",
    "values",
    "count",
    "capitalize",
    "endswith",
    "find",
    "isalnum",
    "isalpha",
    "isascii",
    "isdigit",
    "islower",
    "isnumeric",
    "isupper",
    "join",
    "lower",
    "lstrip",
    "replace",
    "rfind",
    "rstrip",
    "split",
    "splitlines",
    "startswith",
    "strip",
    "title",
    "upper",
];
/// Bytes of data that cost one fuel, as the engine counts.
const BYTES_PER_FUEL: usize = 64;
/// Fuel for compiling a regular expression.
const FUEL_TO_COMPILE: usize = 100;
/// Most bytes of a compiled regular expression, and about the number of its instructions if it has counted repetitions.
const REGEX_BYTES: usize = 32 * 1024;
const REGEX_INSTRUCTIONS: usize = 1_000;
/// Instructions of a regular expression that a character takes, at most, for one fuel.
const INSTRUCTIONS_PER_FUEL: usize = 16;

pub(super) fn add(environment: &mut Environment<'static>) {
    environment.set_unknown_method_callback(call_method);
    // It writes all variables.
    environment.remove_global("debug");
    environment.add_filter(
        "regex_search",
        |state: &State, text: Cow<'_, str>, pattern: &str| {
            Ok::<_, Error>(regex(state, &text, pattern)?.is_match(&text))
        },
    );
    environment.add_filter(
        "regex_match",
        |state: &State, text: Cow<'_, str>, pattern: &str| {
            let pattern = format!(r"\A(?:{pattern})");
            Ok::<_, Error>(regex(state, &text, &pattern)?.is_match(&text))
        },
    );
    environment.add_filter(
        "regex_replace",
        |state: &State, text: Cow<'_, str>, pattern: &str, with: &str| {
            regex_replace(state, &text, pattern, with)
        },
    );
    environment.add_filter("b64decode", |text: Cow<'_, str>| {
        let bytes = BASE64_STANDARD
            .decode(text.as_bytes())
            .map_err(|_| invalid("the text is not base64"))?;
        String::from_utf8(bytes).map_err(|_| invalid("the text in base64 is not UTF-8"))
    });
    environment.add_filter("tojson_pretty", |state: &mut State, value: Value| {
        state.apply_filter("tojson", &[value, Value::from(4)])
    });
    environment.add_filter("json_dumps", |state: &mut State, value: Value| {
        state.apply_filter("tojson", &[value])
    });
    environment.add_filter("iso8601_to_time", |text: Cow<'_, str>| {
        time(&text).map(|_| text.into_owned())
    });
    environment.add_filter("datetimeformat", |value: &Value, format: Option<&str>| {
        let time = match value.as_i64() {
            Some(seconds) => Timestamp::from_second(seconds)
                .map(BrokenDownTime::from)
                .map_err(|_| invalid("the time is out of range"))?,
            None => time(value.as_str().unwrap_or_default())?,
        };
        let text = time.to_string(format.unwrap_or("%H:%M / %d-%m-%Y"));
        text.map_err(|error| Error::new(ErrorKind::InvalidOperation, error.to_string()))
    });
}

fn invalid(text: &'static str) -> Error {
    Error::new(ErrorKind::InvalidOperation, text)
}

fn charge(state: &State, fuel: usize) -> Result<(), Error> {
    state.consume_fuel(fuel as u64)
}

/// Calls a method of Python. A text is paid for before it is read, and a joined text before it is written.
fn call_method(state: &mut State, value: &Value, method: &str, arguments: &[Value]) -> Result<Value, Error> {
    if !METHODS.contains(&method) {
        return Err(Error::from(ErrorKind::UnknownMethod));
    }
    match (value.kind(), method, arguments) {
        (ValueKind::String, "join", [list]) => state.apply_filter("join", &[list.clone(), value.clone()]),
        (ValueKind::Seq, "count", [wanted]) => {
            let equal = state.apply_filter("select", &[value.clone(), Value::from("eq"), wanted.clone()])?;
            let equal = state.apply_filter("list", &[equal])?;
            state.apply_filter("length", &[equal])
        }
        _ => {
            charge(state, value.as_str().map_or(0, str::len).div_ceil(BYTES_PER_FUEL))?;
            pycompat::unknown_method_callback(state, value, method, arguments)
        }
    }
}

/// Compiles a regular expression and pays for a search in the text, which takes time in proportion to both.
fn regex(state: &State, text: &str, pattern: &str) -> Result<Regex, Error> {
    charge(state, FUEL_TO_COMPILE + pattern.len() / INSTRUCTIONS_PER_FUEL)?;
    let regex = RegexBuilder::new(pattern)
        .size_limit(REGEX_BYTES)
        .build()
        .map_err(|error| Error::new(ErrorKind::InvalidOperation, error.to_string()))?;
    // A counted repetition is as long as what it repeats so many times.
    let instructions = if pattern.contains('{') {
        REGEX_INSTRUCTIONS
    } else {
        pattern.len()
    };
    charge(state, text.len() * instructions / INSTRUCTIONS_PER_FUEL)?;
    Ok(regex)
}

/// Replaces each match. The replacement has `\1` to `\9` for groups, as in Python.
fn regex_replace(state: &State, text: &str, pattern: &str, with: &str) -> Result<String, Error> {
    let regex = regex(state, text, pattern)?;
    let (mut replaced, mut end) = (String::new(), 0);
    for captures in regex.captures_iter(text) {
        let Some(found) = captures.get(0) else { continue };
        replaced.push_str(&text[end..found.start()]);
        expand(&captures, with, &mut replaced);
        end = found.end();
        if replaced.len() > MAX_TEXT {
            return Err(invalid("the text with its replacements is too long"));
        }
    }
    replaced.push_str(&text[end..]);
    Ok(replaced)
}

fn expand(captures: &Captures<'_>, with: &str, out: &mut String) {
    let mut rest = with;
    while let Some((before, escaped)) = rest.split_once('\\') {
        out.push_str(before);
        let mut letters = escaped.chars();
        match letters.next() {
            Some(digit @ '0'..='9') => {
                let group = digit as usize - '0' as usize;
                out.push_str(captures.get(group).map_or("", |group| group.as_str()));
            }
            Some('n') => out.push('\n'),
            Some(other) => out.push(other),
            None => out.push('\\'),
        }
        rest = letters.as_str();
    }
    out.push_str(rest);
}

/// Parses a date and time of ISO 8601 with its offset; without one it is UTC.
fn time(text: &str) -> Result<BrokenDownTime, Error> {
    let pieces =
        Pieces::parse(text.trim()).map_err(|_| invalid("the text is no date and time of ISO 8601"))?;
    let mut time = BrokenDownTime::from(pieces.date().to_datetime(pieces.time().unwrap_or_default()));
    time.set_offset(Some(pieces.to_numeric_offset().unwrap_or(Offset::UTC)));
    Ok(time)
}
