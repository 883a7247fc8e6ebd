//! An allowlist as people write it, and what they are told when it is wrong.

use std::fmt;
use std::str::FromStr;

use ipnetwork::IpNetwork;
use thiserror::Error;

use super::{Allowlist, EntryError, MAX_NETWORKS, parse_entry};

/// How much of a wrong entry an error repeats, in characters: more than the longest entry, less than a flood.
const QUOTED_CHARACTERS: usize = 64;

impl FromStr for Allowlist {
    type Err = AllowlistError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.trim_matches(separates) == "any" {
            return Ok(Self::any());
        }
        let mut networks = Vec::new();
        let entries = text.split(separates).filter(|entry| !entry.is_empty());
        for (index, entry) in entries.enumerate() {
            if index >= MAX_NETWORKS {
                return Err(AllowlistError::TooLong);
            }
            networks.push(parse_entry(entry).map_err(|source| AllowlistError::Entry {
                position: index + 1,
                entry: quoted(entry),
                source,
            })?);
        }
        Self::of(networks)
    }
}

impl fmt::Display for Allowlist {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(networks) = self.networks() else {
            return f.write_str("any");
        };
        for (index, network) in networks.iter().enumerate() {
            f.write_str(if index == 0 { "" } else { ", " })?;
            if network.prefix() == widest_prefix(network) {
                write!(f, "{}", network.ip())?;
            } else {
                write!(f, "{network}")?;
            }
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
}

const fn widest_prefix(network: &IpNetwork) -> u8 {
    match network {
        IpNetwork::V4(_) => 32,
        IpNetwork::V6(_) => 128,
    }
}

/// Entries stand between these. Space outside ASCII doesn't separate: it is easily overlooked.
const fn separates(c: char) -> bool {
    c == ',' || c.is_ascii_whitespace()
}

/// The entry fit for a message: no control characters, no flood, and no webhook ID pasted into the wrong field.
fn quoted(entry: &str) -> String {
    let open = entry.split_once("wh_").map_or(entry, |(open, _)| open);
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
