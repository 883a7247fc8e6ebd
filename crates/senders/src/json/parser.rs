//! A recursive descent parser of one JSON value. Values that are not kept are checked too.

use std::borrow::Cow;

use super::problem::{JsonProblem, MAX_DEPTH};
use super::string::{Scanned, decode, scan};
use super::value::{Json, Role};

/// Number of keys up to which each pair is compared. More keys are sorted first, so that a wide object stays cheap.
const FEW_KEYS: usize = 16;
/// Initial capacity of the top-level object, in members. Most payloads have no more fields.
const USUAL_ENTRIES: usize = 8;

/// The part of a value that is kept.
#[derive(Clone, Copy)]
enum Keep {
    All,
    /// All of it. If it is an object, a repeated key is an error.
    Map,
    /// Members of an object that are fields; no item of an array.
    Fields(fn(&str) -> Role),
    Nothing,
}

impl Keep {
    /// The part of an array's items that is kept.
    const fn items(self) -> Self {
        match self {
            Self::All | Self::Map => Self::All,
            Self::Fields(_) | Self::Nothing => Self::Nothing,
        }
    }

    /// The part of a member's value that is kept.
    fn entry(self, key: &str) -> Self {
        match self {
            Self::All | Self::Map => Self::All,
            Self::Nothing => Self::Nothing,
            Self::Fields(role) => match role(key) {
                Role::Ignored => Self::Nothing,
                Role::Field => Self::All,
                Role::Map => Self::Map,
            },
        }
    }
}

/// A position in the text, with the defects that were tolerated before it.
pub(super) struct Parser<'a> {
    text: &'a str,
    at: usize,
    pub(super) has_lone_surrogate: bool,
    pub(super) has_duplicate_key: bool,
}

impl<'a> Parser<'a> {
    pub(super) const fn new(text: &'a str) -> Self {
        Self {
            text,
            at: 0,
            has_lone_surrogate: false,
            has_duplicate_key: false,
        }
    }

    /// Offset of the next byte, or of the byte at which parsing failed.
    pub(super) const fn at(&self) -> usize {
        self.at
    }

    /// Parses the whole text as one value. Anything behind it is a syntax error.
    pub(super) fn whole(&mut self, role: fn(&str) -> Role) -> Result<Json<'a>, JsonProblem> {
        if self.next_token().is_none() {
            return Err(JsonProblem::Empty);
        }
        let json = self.value(MAX_DEPTH, Keep::Fields(role))?;
        match self.next_token() {
            None => Ok(json),
            Some(_) => Err(JsonProblem::Syntax),
        }
    }

    fn value(&mut self, levels: usize, keep: Keep) -> Result<Json<'a>, JsonProblem> {
        match self.token()? {
            b'"' => {
                let scanned = self.string()?;
                Ok(match keep {
                    Keep::Nothing => Json::Null,
                    Keep::All | Keep::Map | Keep::Fields(_) => Json::Text(self.decoded(scanned)),
                })
            }
            b'{' => self.object(levels.checked_sub(1).ok_or(JsonProblem::TooDeep)?, keep),
            b'[' => self.array(levels.checked_sub(1).ok_or(JsonProblem::TooDeep)?, keep),
            b'-' | b'0'..=b'9' => self.number().map(Json::Number),
            b't' => self.word("true", Json::Bool(true)),
            b'f' => self.word("false", Json::Bool(false)),
            b'n' => self.word("null", Json::Null),
            _ => Err(JsonProblem::Syntax),
        }
    }

    fn array(&mut self, levels: usize, keep: Keep) -> Result<Json<'a>, JsonProblem> {
        self.at += 1;
        let mut array = Vec::new();
        if self.token()? == b']' {
            self.at += 1;
            return Ok(Json::Array(array));
        }
        let keep = keep.items();
        loop {
            let item = self.value(levels, keep)?;
            if matches!(keep, Keep::All) {
                array.push(item);
            }
            match self.token()? {
                b',' => self.at += 1,
                b']' => {
                    self.at += 1;
                    return Ok(Json::Array(array));
                }
                _ => return Err(JsonProblem::Syntax),
            }
        }
    }

    fn object(&mut self, levels: usize, keep: Keep) -> Result<Json<'a>, JsonProblem> {
        self.at += 1;
        // Reserved for the top-level object only: nested objects may be tiny and very many.
        let (mut object, mut others) = match keep {
            Keep::Fields(_) => (Vec::with_capacity(USUAL_ENTRIES), Vec::new()),
            Keep::All | Keep::Map | Keep::Nothing => (Vec::new(), Vec::new()),
        };
        if self.token()? == b'}' {
            self.at += 1;
            return Ok(Json::Object(object));
        }
        loop {
            if self.token()? != b'"' {
                return Err(JsonProblem::Syntax);
            }
            let start = self.at;
            let scanned = self.string()?;
            let key = self.decoded(scanned);
            if self.token()? != b':' {
                return Err(JsonProblem::Syntax);
            }
            self.at += 1;
            let kept = keep.entry(&key);
            // Fields are few, so a new one is compared with all others. Keys of other objects are compared at the end.
            if matches!((keep, kept), (Keep::Fields(_), Keep::All | Keep::Map))
                && object.iter().any(|(known, _)| *known == key)
            {
                self.at = start;
                return Err(JsonProblem::DuplicateKey);
            }
            let value = self.value(levels, kept)?;
            match kept {
                Keep::Nothing => others.push(key),
                Keep::All | Keep::Map | Keep::Fields(_) => object.push((key, value)),
            }
            match self.token()? {
                b',' => self.at += 1,
                b'}' => {
                    self.compare_keys(keep, &object, &others)?;
                    self.at += 1;
                    return Ok(Json::Object(object));
                }
                _ => return Err(JsonProblem::Syntax),
            }
        }
    }

    /// Looks for repeated keys. In a map they are an error, elsewhere they set [`Self::has_duplicate_key`]. Repeated fields
    /// were refused before, so of the top-level object only the ignored members (`others`) are compared.
    fn compare_keys(
        &mut self,
        keep: Keep,
        object: &[(Cow<'_, str>, Json<'_>)],
        others: &[Cow<'_, str>],
    ) -> Result<(), JsonProblem> {
        let has_duplicate = match keep {
            Keep::Fields(_) | Keep::Nothing => has_duplicate(others.len(), || others.iter()),
            Keep::All | Keep::Map => has_duplicate(object.len(), || object.iter().map(|(key, _)| key)),
        };
        if has_duplicate && matches!(keep, Keep::Map) {
            return Err(JsonProblem::DuplicateKey);
        }
        self.has_duplicate_key |= has_duplicate;
        Ok(())
    }

    /// Scans the string that begins at the next byte, a quotation mark.
    fn string(&mut self) -> Result<Scanned<'a>, JsonProblem> {
        let (scanned, length) = scan(&self.text[self.at + 1..]).map_err(|(problem, length)| {
            self.at += 1 + length;
            problem
        })?;
        self.at += 1 + length;
        Ok(scanned)
    }

    fn decoded(&mut self, scanned: Scanned<'a>) -> Cow<'a, str> {
        match scanned {
            Scanned::Plain(text) => Cow::Borrowed(text),
            Scanned::Escaped(raw) => {
                let (text, has_lone_surrogate) = decode(raw);
                self.has_lone_surrogate |= has_lone_surrogate;
                Cow::Owned(text)
            }
        }
    }

    /// Scans a number: `[ "-" ] int [ frac ] [ exp ]`.
    fn number(&mut self) -> Result<&'a str, JsonProblem> {
        let start = self.at;
        self.at += usize::from(self.peek() == Some(b'-'));
        if self.peek() == Some(b'0') {
            self.at += 1;
        } else {
            self.digits()?;
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            self.at += usize::from(matches!(self.peek(), Some(b'+' | b'-')));
            self.digits()?;
        }
        Ok(&self.text[start..self.at])
    }

    /// Scans one or more digits.
    fn digits(&mut self) -> Result<(), JsonProblem> {
        let rest = &self.text.as_bytes()[self.at..];
        let count = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.at += count;
        match (count, rest.is_empty()) {
            (0, true) => Err(JsonProblem::Truncated),
            (0, false) => Err(JsonProblem::Syntax),
            _ => Ok(()),
        }
    }

    fn word(&mut self, word: &str, value: Json<'a>) -> Result<Json<'a>, JsonProblem> {
        let rest = &self.text.as_bytes()[self.at..];
        if rest.starts_with(word.as_bytes()) {
            self.at += word.len();
            Ok(value)
        } else if word.as_bytes().starts_with(rest) {
            Err(JsonProblem::Truncated)
        } else {
            Err(JsonProblem::Syntax)
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// Skips white space and returns the next byte; `None` at the end of the text.
    fn next_token(&mut self) -> Option<u8> {
        while let Some(byte) = self.peek() {
            if !matches!(byte, b' ' | b'\n' | b'\r' | b'\t') {
                return Some(byte);
            }
            self.at += 1;
        }
        None
    }

    fn token(&mut self) -> Result<u8, JsonProblem> {
        self.next_token().ok_or(JsonProblem::Truncated)
    }
}

fn has_duplicate<'k, K: Iterator<Item = &'k Cow<'k, str>>>(count: usize, keys: impl Fn() -> K) -> bool {
    if count <= FEW_KEYS {
        return keys()
            .enumerate()
            .any(|(at, key)| keys().take(at).any(|before| before == key));
    }
    let mut keys: Vec<&str> = keys().map(|key| &**key).collect();
    keys.sort_unstable();
    keys.windows(2).any(|pair| pair[0] == pair[1])
}
