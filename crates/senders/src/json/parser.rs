//! A recursive descent parser of one JSON value. Values that are not kept are checked too. The grammar of arrays, objects,
//! strings and scalars is here alone; documents use it as well.

use std::borrow::Cow;

use super::problem::{JsonProblem, MAX_DEPTH};
use super::string::{Scanned, decode, plain_length, scan};
use super::value::{Json, Role};

/// Number of keys up to which each pair is compared. More keys are sorted first, so that a wide object stays cheap.
const FEW_KEYS: usize = 16;
/// Initial capacity of an object, in members: as many as a vector of them has when it grows first.
const USUAL_MEMBERS: usize = 4;

/// The part of a value that is kept.
#[derive(Clone, Copy)]
pub(super) enum Keep {
    All,
    /// All of it. If it is an object, a repeated key is an error.
    Map,
    Nothing,
}

impl Keep {
    /// The part that is kept of the values inside.
    const fn inner(self) -> Self {
        match self {
            Self::All | Self::Map => Self::All,
            Self::Nothing => Self::Nothing,
        }
    }
}

/// A position in the text, with the defects that were tolerated before it.
pub(super) struct Parser<'a> {
    pub(super) text: &'a str,
    /// Offset of the next byte, or of the byte at which parsing failed.
    pub(super) at: usize,
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

    /// Parses the whole text as one value; anything behind it is a syntax error. If it is an object, `field` gets its fields,
    /// in their order. Returns `true` if it is an object.
    pub(super) fn whole<F: Copy + Into<u8>>(
        &mut self,
        role: fn(&str) -> Role<F>,
        field: impl FnMut(F, Json<'a>),
    ) -> Result<bool, JsonProblem> {
        let first = self.first()?;
        let is_object = first == b'{';
        if is_object {
            self.fields(role, field)?;
        } else {
            self.value(MAX_DEPTH, Keep::Nothing)?;
        }
        self.end()?;
        Ok(is_object)
    }

    /// The first byte of the value of the whole text.
    pub(super) fn first(&mut self) -> Result<u8, JsonProblem> {
        self.next_token().ok_or(JsonProblem::Empty)
    }

    /// Checks that nothing but white space is left.
    pub(super) fn end(&mut self) -> Result<(), JsonProblem> {
        match self.next_token() {
            None => Ok(()),
            Some(_) => Err(JsonProblem::Syntax),
        }
    }

    /// Parses the top-level object. A repeated field is an error; a repeated key of other members sets
    /// [`Self::has_duplicate_key`].
    fn fields<F: Copy + Into<u8>>(
        &mut self,
        role: fn(&str) -> Role<F>,
        mut field: impl FnMut(F, Json<'a>),
    ) -> Result<(), JsonProblem> {
        let (mut seen, mut others) = (0_u32, Vec::new());
        self.members(|parser, start, key| {
            let (id, keep) = match role(&key) {
                Role::Ignored => {
                    others.push(key);
                    return parser.value(MAX_DEPTH - 1, Keep::Nothing).map(drop);
                }
                Role::Field(id) => (id, Keep::All),
                Role::Map(id) => (id, Keep::Map),
            };
            let bit = 1 << id.into();
            if seen & bit != 0 {
                parser.at = start;
                return Err(JsonProblem::DuplicateKey);
            }
            seen |= bit;
            field(id, parser.value(MAX_DEPTH - 1, keep)?);
            Ok(())
        })?;
        self.has_duplicate_key |= has_duplicate(others.len(), || others.iter());
        self.at += 1;
        Ok(())
    }

    pub(super) fn value(&mut self, levels: usize, keep: Keep) -> Result<Json<'a>, JsonProblem> {
        match self.token()? {
            b'"' => Ok(match keep {
                Keep::Nothing => {
                    self.scan()?;
                    Json::Null
                }
                Keep::All | Keep::Map => Json::Text(self.string()?),
            }),
            b'{' => self.object(levels.checked_sub(1).ok_or(JsonProblem::TooDeep)?, keep),
            b'[' => self.array(levels.checked_sub(1).ok_or(JsonProblem::TooDeep)?, keep.inner()),
            first => self.scalar(first),
        }
    }

    /// Parses a number, `true`, `false` or `null`, which begins with the next byte, `first`.
    #[inline]
    pub(super) fn scalar(&mut self, first: u8) -> Result<Json<'a>, JsonProblem> {
        match first {
            b'-' | b'0'..=b'9' => self.number().map(Json::Number),
            b't' => self.word("true", Json::Bool(true)),
            b'f' => self.word("false", Json::Bool(false)),
            b'n' => self.word("null", Json::Null),
            _ => Err(JsonProblem::Syntax),
        }
    }

    fn array(&mut self, levels: usize, keep: Keep) -> Result<Json<'a>, JsonProblem> {
        let mut array = Vec::new();
        self.items(|parser| {
            let item = parser.value(levels, keep)?;
            if matches!(keep, Keep::All) {
                array.push(item);
            }
            Ok(())
        })?;
        Ok(Json::Array(array))
    }

    /// Parses an array. `item` parses an item.
    pub(super) fn items(
        &mut self,
        mut item: impl FnMut(&mut Self) -> Result<(), JsonProblem>,
    ) -> Result<(), JsonProblem> {
        self.at += 1;
        if self.token()? == b']' {
            self.at += 1;
            return Ok(());
        }
        loop {
            item(self)?;
            match self.token()? {
                b',' => self.at += 1,
                b']' => {
                    self.at += 1;
                    return Ok(());
                }
                _ => return Err(JsonProblem::Syntax),
            }
        }
    }

    /// Parses an object. A repeated key is an error in a map, and elsewhere sets [`Self::has_duplicate_key`].
    fn object(&mut self, levels: usize, keep: Keep) -> Result<Json<'a>, JsonProblem> {
        let (mut object, mut others) = (Vec::new(), Vec::new());
        self.members(|parser, _, key| {
            let value = parser.value(levels, keep.inner())?;
            match keep {
                Keep::All | Keep::Map => {
                    // Cheaper than letting the vector grow. Empty objects may be very many, and take no memory.
                    if object.is_empty() {
                        object = Vec::with_capacity(USUAL_MEMBERS);
                    }
                    object.push((key, value));
                }
                Keep::Nothing => others.push(key),
            }
            Ok(())
        })?;
        let is_repeated = match keep {
            Keep::All | Keep::Map => has_duplicate(object.len(), || object.iter().map(|(key, _)| key)),
            Keep::Nothing => has_duplicate(others.len(), || others.iter()),
        };
        if is_repeated && matches!(keep, Keep::Map) {
            return Err(JsonProblem::DuplicateKey);
        }
        self.has_duplicate_key |= is_repeated;
        self.at += 1;
        Ok(Json::Object(object))
    }

    /// Parses an object up to its last brace. `member` gets the offset of each key and the key, and parses the value.
    pub(super) fn members(
        &mut self,
        mut member: impl FnMut(&mut Self, usize, Cow<'a, str>) -> Result<(), JsonProblem>,
    ) -> Result<(), JsonProblem> {
        self.at += 1;
        if self.token()? == b'}' {
            return Ok(());
        }
        loop {
            if self.token()? != b'"' {
                return Err(JsonProblem::Syntax);
            }
            let start = self.at;
            let key = self.string()?;
            if self.token()? != b':' {
                return Err(JsonProblem::Syntax);
            }
            self.at += 1;
            member(self, start, key)?;
            match self.token()? {
                b',' => self.at += 1,
                b'}' => return Ok(()),
                _ => return Err(JsonProblem::Syntax),
            }
        }
    }

    /// Scans the string that begins at the next byte, a quotation mark.
    fn scan(&mut self) -> Result<Scanned<'a>, JsonProblem> {
        let (scanned, length) = scan(&self.text[self.at + 1..]).map_err(|(problem, length)| {
            self.at += 1 + length;
            problem
        })?;
        self.at += 1 + length;
        Ok(scanned)
    }

    /// Scans and decodes the string that begins at the next byte.
    pub(super) fn string(&mut self) -> Result<Cow<'a, str>, JsonProblem> {
        let start = self.at + 1;
        let end = start + plain_length(&self.text.as_bytes()[start..]);
        // Nearly all strings have no escapes.
        if self.text.as_bytes().get(end) == Some(&b'"') {
            self.at = end + 1;
            return Ok(Cow::Borrowed(&self.text[start..end]));
        }
        self.escaped_string()
    }

    #[cold]
    fn escaped_string(&mut self) -> Result<Cow<'a, str>, JsonProblem> {
        Ok(match self.scan()? {
            Scanned::Plain(text) => Cow::Borrowed(text),
            Scanned::Escaped(raw) => {
                let (text, has_lone_surrogate) = decode(raw);
                self.has_lone_surrogate |= has_lone_surrogate;
                Cow::Owned(text)
            }
        })
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

    /// Skips white space and returns the next byte, which is not the first of the text.
    pub(super) fn token(&mut self) -> Result<u8, JsonProblem> {
        self.next_token().ok_or(JsonProblem::Truncated)
    }
}

/// Returns `true` if two of the `count` keys are equal.
pub(super) fn has_duplicate<'k, K: Iterator<Item = &'k Cow<'k, str>>>(
    count: usize,
    keys: impl Fn() -> K,
) -> bool {
    if count <= FEW_KEYS {
        return keys()
            .enumerate()
            .any(|(at, key)| keys().take(at).any(|before| before == key));
    }
    // Pointers to the keys: half the memory of the texts themselves.
    let mut keys: Vec<&Cow<'_, str>> = keys().collect();
    keys.sort_unstable();
    keys.windows(2).any(|pair| pair[0] == pair[1])
}
