//! The text form of an allowlist: its parser, its errors and its `Display`.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use super::{AllowEntry, Allowed, Allowlist, EntryComment, MAX_SETS, MAX_TEMPORARY};
use crate::Timestamp;
use crate::address_set::AddressSetNameError;
use crate::leaks::before_secret;
use crate::networks::{EntryError, MAX_NETWORKS, misread_pair, parse_entry};
use crate::time::TimestampError;

/// Characters of a wrong entry that an error quotes: more than the longest entry has, few enough for an error text.
const QUOTED_CHARACTERS: usize = 64;

/// The text of the list that permits every address.
const ANY: &str = "any";
/// The keyword before the time at which the entries of a line end.
const UNTIL: &str = "until";

impl FromStr for Allowlist {
    type Err = AllowlistError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text, Origin::Written)
    }
}

/// The origin of a text. It decides which rules apply.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Origin {
    /// The text is new: ambiguous forms are refused.
    Written,
    /// The text was accepted before, maybe by an older version of Hookgate with fewer rules, so newer rules do not apply.
    Stored,
}

impl Allowlist {
    /// Reads a stored list from its [`Display`](fmt::Display) form. Rules against ambiguous texts do not apply, so that an
    /// upgrade which adds such a rule never makes a stored list unreadable. For texts that people write, use `parse`.
    ///
    /// ```
    /// use hookgate_domain::Allowlist;
    ///
    /// let accepted_before = "192.0.2.1 # office, 192.0.2.2";
    /// assert!(accepted_before.parse::<Allowlist>().is_err());
    /// assert_eq!(Allowlist::from_stored(accepted_before)?.to_string(), accepted_before);
    /// # Ok::<(), hookgate_domain::AllowlistError>(())
    /// ```
    ///
    /// # Errors
    /// [`AllowlistError`] if the text was not valid under earlier rules either.
    pub fn from_stored(text: &str) -> Result<Self, AllowlistError> {
        Self::parse(text, Origin::Stored)
    }

    fn parse(text: &str, origin: Origin) -> Result<Self, AllowlistError> {
        if text.trim_matches(separates) == ANY {
            return Ok(Self::any());
        }
        let mut entries = Vec::new();
        for line in text.lines() {
            parse_line(line, origin, &mut entries)?;
        }
        if origin == Origin::Written {
            check_ends(&entries)?;
        }
        Self::of_entries(entries)
    }
}

/// Parses a line: its entries, and the end and the comment that apply to all of them.
fn parse_line(line: &str, origin: Origin, entries: &mut Vec<AllowEntry>) -> Result<(), AllowlistError> {
    let (line, comment) = match line.split_once('#') {
        Some((line, comment)) => (line, Some(comment)),
        None => (line, None),
    };
    let first = entries.len();
    let until = parse_entries(line, origin, entries)?;
    if entries.len() == first {
        // A line with only a comment belongs to no entry and is dropped.
        return Ok(());
    }
    let comment = comment.map(str::trim).filter(|comment| !comment.is_empty());
    let comment = comment.map(|comment| parse_comment(comment, origin, first + 1));
    let comment = comment.transpose()?;
    for entry in &mut entries[first..] {
        entry.until = until;
        entry.comment.clone_from(&comment);
    }
    Ok(())
}

/// Parses the entries of a line without its comment. Returns their end.
fn parse_entries(
    line: &str,
    origin: Origin,
    entries: &mut Vec<AllowEntry>,
) -> Result<Option<Timestamp>, AllowlistError> {
    let first = entries.len();
    let words = |(part, text): (usize, _)| str::split_ascii_whitespace(text).map(move |word| (part, word));
    let mut words = line.split(',').enumerate().flat_map(words).peekable();
    while let Some((part, word)) = words.next() {
        if word == UNTIL && entries.len() > first {
            let time = words.next().map(|(_, word)| word);
            return parse_until(time, words.next().is_some()).map(Some);
        }
        if entries.len() >= MAX_NETWORKS {
            return Err(AllowlistError::TooLong);
        }
        let position = entries.len() + 1;
        let next = words
            .peek()
            .filter(|(of, _)| *of == part && origin == Origin::Written);
        if let Some((_, next)) = next
            && let Some(source) = misread_pair(word, next)
        {
            let entry = quoted(&format!("{word} {next}"));
            return Err(AllowlistError::Entry {
                position,
                entry,
                source,
            });
        }
        entries.push(AllowEntry::of(parse_allowed(word, origin, position)?));
    }
    Ok(None)
}

/// Parses a comment. Refuses one with an entry behind a comma: that entry was meant as a part of the list.
fn parse_comment(comment: &str, origin: Origin, position: usize) -> Result<EntryComment, AllowlistError> {
    if origin == Origin::Written {
        let mut parts = comment.split(',').skip(1).map(str::trim);
        if let Some(entry) = parts.find(|part| parse_entry(part).is_ok()) {
            let entry = quoted(entry);
            return Err(AllowlistError::EntryInComment { position, entry });
        }
    }
    comment.parse().map_err(|_| AllowlistError::Comment { position })
}

/// Refuses a repeated entry with another end: the text does not say which end applies.
fn check_ends(entries: &[AllowEntry]) -> Result<(), AllowlistError> {
    let mut ends = std::collections::HashMap::new();
    for entry in entries {
        if *ends.entry(&entry.allowed).or_insert(entry.until) != entry.until {
            let entry = entry.allowed.to_string();
            return Err(AllowlistError::TwoEnds { entry });
        }
    }
    Ok(())
}

fn parse_allowed(word: &str, origin: Origin, position: usize) -> Result<Allowed, AllowlistError> {
    if let Some(name) = word.strip_prefix('@') {
        let name = name.parse().map_err(|source| AllowlistError::Set {
            position,
            entry: quoted(word),
            source,
        })?;
        return Ok(Allowed::Set(name));
    }
    match parse_entry(word) {
        Ok(network) => Ok(Allowed::Network(network)),
        Err(EntryError::Unspecified { address }) if origin == Origin::Stored => {
            Ok(Allowed::Network(address.into()))
        }
        Err(source) => Err(AllowlistError::Entry {
            position,
            entry: quoted(word),
            source,
        }),
    }
}

/// Parses the end of the entries on a line. A date includes its day, in UTC, as in everyday language.
fn parse_until(time: Option<&str>, more: bool) -> Result<Timestamp, AllowlistError> {
    let time = time.unwrap_or_default();
    let wrong = |source| AllowlistError::Until {
        until: quoted(time),
        source,
    };
    if more {
        return Err(wrong(TimestampError));
    }
    Timestamp::parse_end(time).map_err(wrong)
}

impl fmt::Display for Allowlist {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(entries) = self.entries() else {
            return f.write_str(ANY);
        };
        let plain = |entry: &AllowEntry| entry.until.is_none() && entry.comment.is_none();
        let separator = if entries.iter().all(plain) { ", " } else { "\n" };
        for (index, entry) in entries.iter().enumerate() {
            f.write_str(if index == 0 { "" } else { separator })?;
            write!(f, "{entry}")?;
        }
        Ok(())
    }
}

/// The error of reading or making an allowlist.
///
/// ```
/// use hookgate_domain::{Allowlist, AllowlistError};
/// use hookgate_domain::networks::EntryError;
///
/// let expected = AllowlistError::Entry { position: 2, entry: "10.0.0.0/08".into(), source: EntryError::Prefix };
/// assert_eq!("192.0.2.7, 10.0.0.0/08".parse::<Allowlist>(), Err(expected));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum AllowlistError {
    /// No entry at all. A list that permits everything is written `any`.
    #[error("the allowlist is empty; write `any` to allow every address")]
    Empty,
    /// More than [`MAX_NETWORKS`] entries.
    #[error("the allowlist has more than {MAX_NETWORKS} entries")]
    TooLong,
    /// More than [`MAX_TEMPORARY`] networks with an end date.
    #[error("the allowlist has more than {MAX_TEMPORARY} entries with an end")]
    TooManyTemporary,
    /// More than [`MAX_SETS`] address sets.
    #[error("the allowlist uses more than {MAX_SETS} address sets")]
    TooManySets,
    /// One entry is wrong.
    #[error("entry {position} of the allowlist, `{entry}`: {source}")]
    Entry {
        /// Position of the entry, counted from 1.
        position: usize,
        /// The entry, with control characters escaped. It is cut after 64 characters, or before a possible secret.
        entry: String,
        /// The cause.
        source: EntryError,
    },
    /// An entry that begins with `@` has no valid name of an address set.
    #[error("entry {position} of the allowlist, `{entry}`: {source}")]
    Set {
        /// Position of the entry, counted from 1.
        position: usize,
        /// The entry, cut and escaped in the same way.
        entry: String,
        /// The cause.
        source: AddressSetNameError,
    },
    /// The text behind `until` is not one valid time.
    #[error("`until {until}` in the allowlist: {source}")]
    Until {
        /// The first word behind `until`, cut and escaped like an entry.
        until: String,
        /// The cause.
        source: TimestampError,
    },
    /// An entry is repeated with different ends, or with an end and without one.
    #[error("the allowlist has {entry} twice, with different ends: keep one of them")]
    TwoEnds {
        /// The entry.
        entry: String,
    },
    /// A comment contains an entry behind a comma: `192.0.2.1 # office, 192.0.2.2`.
    #[error(
        "`{entry}` is in the comment of entry {position} of the allowlist and would be ignored: write it on a line of its own, or without the comma if it belongs to the comment"
    )]
    EntryInComment {
        /// Position of the entry with the comment, counted from 1.
        position: usize,
        /// The entry in the comment, cut and escaped like an entry.
        entry: String,
    },
    /// A comment is too long, has invisible characters, or may hold a secret.
    #[error(
        "the comment of entry {position} of the allowlist: {}",
        crate::allowlist::EntryCommentError
    )]
    Comment {
        /// Position of the entry, counted from 1.
        position: usize,
    },
}

/// Returns `true` for separators of entries. White space outside ASCII is no separator, because people overlook it.
const fn separates(c: char) -> bool {
    c == ',' || c.is_ascii_whitespace()
}

/// Makes an entry safe for an error text: control characters are escaped, a long entry is cut, and a possible secret, pasted
/// into the wrong field, is left out.
fn quoted(entry: &str) -> String {
    let open = before_secret(entry);
    let mut quoted: String = open
        .chars()
        .take(QUOTED_CHARACTERS)
        .flat_map(char::escape_debug)
        .collect();
    if open.len() < entry.len() || open.chars().nth(QUOTED_CHARACTERS).is_some() {
        quoted.push('…');
    }
    quoted
}
