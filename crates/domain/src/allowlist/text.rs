//! An allowlist as people write it, and what they are told when it is wrong.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use super::{AllowEntry, Allowed, Allowlist, EntryComment, MAX_SETS, MAX_TEMPORARY};
use crate::networks::{EntryError, MAX_NETWORKS, parse_entry};
use crate::webhook_id::holds_webhook_id;
use crate::{AddressSetNameError, Timestamp, TimestampError};

/// How much of a wrong entry an error repeats, in characters: more than the longest entry, less than a flood.
const QUOTED_CHARACTERS: usize = 64;

/// The word before the time at which the entries of a line end.
const UNTIL: &str = "until";

impl FromStr for Allowlist {
    type Err = AllowlistError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.trim_matches(separates) == "any" {
            return Ok(Self::any());
        }
        let mut entries = Vec::new();
        for line in text.lines() {
            parse_line(line, &mut entries)?;
        }
        Self::of_entries(entries)
    }
}

/// The entries of one line, with the end and the comment that stand behind them.
fn parse_line(line: &str, entries: &mut Vec<AllowEntry>) -> Result<(), AllowlistError> {
    let (line, comment) = match line.split_once('#') {
        Some((line, comment)) => (line, Some(comment)),
        None => (line, None),
    };
    let mut words = line.split(separates).filter(|word| !word.is_empty());
    let first = entries.len();
    let mut until = None;
    while let Some(word) = words.next() {
        if word == UNTIL && entries.len() > first {
            until = Some(parse_until(words.next(), words.next())?);
            break;
        }
        if entries.len() >= MAX_NETWORKS {
            return Err(AllowlistError::TooLong);
        }
        entries.push(AllowEntry::of(parse_allowed(word, entries.len() + 1)?));
    }
    if entries.len() == first {
        // A line with nothing but a comment is a remark to the reader; it belongs to no entry.
        return Ok(());
    }
    let comment = comment.map(str::trim).filter(|comment| !comment.is_empty());
    let comment = comment.map(str::parse::<EntryComment>).transpose();
    let comment = comment.map_err(|_| AllowlistError::Comment { position: first + 1 })?;
    for entry in &mut entries[first..] {
        entry.until = until;
        entry.comment.clone_from(&comment);
    }
    Ok(())
}

fn parse_allowed(word: &str, position: usize) -> Result<Allowed, AllowlistError> {
    if let Some(name) = word.strip_prefix('@') {
        let name = name.parse().map_err(|source| AllowlistError::Set {
            position,
            entry: quoted(word),
            source,
        })?;
        return Ok(Allowed::Set(name));
    }
    parse_entry(word)
        .map(Allowed::Network)
        .map_err(|source| AllowlistError::Entry {
            position,
            entry: quoted(word),
            source,
        })
}

fn parse_until(time: Option<&str>, behind: Option<&str>) -> Result<Timestamp, AllowlistError> {
    let time = time.unwrap_or_default();
    let wrong = |source| AllowlistError::Until {
        until: quoted(time),
        source,
    };
    if behind.is_some() {
        return Err(wrong(TimestampError));
    }
    time.parse().map_err(wrong)
}

impl fmt::Display for Allowlist {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(entries) = self.entries() else {
            return f.write_str("any");
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

/// Why a text is no allowlist.
///
/// ```
/// use hookgate_domain::{Allowlist, AllowlistError, EntryError};
///
/// let expected = AllowlistError::Entry { position: 2, entry: "10.0.0.0/08".into(), source: EntryError::Prefix };
/// assert_eq!("192.0.2.7, 10.0.0.0/08".parse::<Allowlist>(), Err(expected));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum AllowlistError {
    /// No entry at all. A list that permits everything is written `any`.
    #[error("the allowlist is empty; write `any` to permit every address")]
    Empty,
    /// More than [`MAX_NETWORKS`] entries.
    #[error("the allowlist has more than {MAX_NETWORKS} entries")]
    TooLong,
    /// More than [`MAX_TEMPORARY`] entries that end.
    #[error("the allowlist has more than {MAX_TEMPORARY} entries with an end")]
    TooManyTemporary,
    /// More than [`MAX_SETS`] sets.
    #[error("the allowlist names more than {MAX_SETS} address sets")]
    TooManySets,
    /// One entry is wrong.
    #[error("entry {position} of the allowlist, `{entry}`: {source}")]
    Entry {
        /// Which entry, counted from 1.
        position: usize,
        /// The entry, with control characters escaped and cut after 64 characters, or where a webhook ID may begin.
        entry: String,
        /// What is wrong with it.
        source: EntryError,
    },
    /// An entry that begins with `@` names no set.
    #[error("entry {position} of the allowlist, `{entry}`: {source}")]
    Set {
        /// Which entry, counted from 1.
        position: usize,
        /// The entry, as above.
        entry: String,
        /// What is wrong with it.
        source: AddressSetNameError,
    },
    /// What stands behind `until` is no time, or more than one.
    #[error("`until {until}` in the allowlist: {source}")]
    Until {
        /// What stands there, as above.
        until: String,
        /// What is wrong with it.
        source: TimestampError,
    },
    /// A comment is too long, or can't be shown.
    #[error(
        "the comment of entry {position} of the allowlist: {}",
        crate::EntryCommentError
    )]
    Comment {
        /// Which entry, counted from 1.
        position: usize,
    },
}

/// Entries stand between these. Space outside ASCII doesn't separate: it is easily overlooked.
const fn separates(c: char) -> bool {
    c == ',' || c.is_ascii_whitespace()
}

/// The entry fit for a message: no control characters, no flood, and no webhook ID pasted into the wrong field.
fn quoted(entry: &str) -> String {
    let open = if holds_webhook_id(entry.as_bytes()) {
        ""
    } else {
        entry
    };
    let open = open.split_once("wh_").map_or(open, |(open, _)| open);
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
