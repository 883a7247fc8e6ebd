//! Entries of an allowlist: a network or an address set, with an optional end and comment.

use std::fmt;
use std::str::FromStr;

use ipnetwork::IpNetwork;
use thiserror::Error;

use crate::Timestamp;
use crate::address_set::AddressSetName;
use crate::invisible::has_hidden;
use crate::leaks::may_hold_secret;
use crate::networks::write_network;

/// Longest comment of an entry, in characters.
pub const MAX_COMMENT_CHARACTERS: usize = 100;

/// One entry of an allowlist.
///
/// ```
/// use hookgate_domain::allowlist::{AllowEntry, Allowed};
///
/// let entry = AllowEntry::of(Allowed::Network("192.0.2.0/24".parse()?));
/// assert_eq!(entry.to_string(), "192.0.2.0/24");
/// # Ok::<(), ipnetwork::IpNetworkError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct AllowEntry {
    /// The addresses that may pass.
    pub allowed: Allowed,
    /// Time at which the entry ends; `None` if it is permanent.
    pub until: Option<Timestamp>,
    /// A comment for people.
    pub comment: Option<EntryComment>,
}

impl AllowEntry {
    /// Makes a permanent entry without a comment.
    #[must_use]
    pub const fn of(allowed: Allowed) -> Self {
        Self {
            allowed,
            until: None,
            comment: None,
        }
    }

    /// Returns `true` if the entry has ended at this time.
    #[must_use]
    pub fn is_over(&self, now: Timestamp) -> bool {
        self.until.is_some_and(|until| until <= now)
    }
}

/// The addresses that an entry allows.
///
/// ```
/// use hookgate_domain::allowlist::Allowed;
///
/// assert_eq!(Allowed::Set("office".parse()?).to_string(), "@office");
/// # Ok::<(), hookgate_domain::address_set::AddressSetNameError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Allowed {
    /// The addresses of a network.
    Network(IpNetwork),
    /// The addresses of an address set, in its active version.
    Set(AddressSetName),
}

/// Writes the entry as a line of an allowlist's text form.
impl fmt::Display for AllowEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.allowed)?;
        if let Some(until) = self.until {
            write!(f, " until {until}")?;
        }
        if let Some(comment) = &self.comment {
            write!(f, " # {comment}")?;
        }
        Ok(())
    }
}

/// Writes a single address without its prefix length.
impl fmt::Display for Allowed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Network(network) => write_network(f, *network),
            Self::Set(name) => write!(f, "@{name}"),
        }
    }
}

/// The comment of an entry: 1 to 100 characters on one line, none of them invisible. It may not look like a secret of
/// Hookgate.
///
/// ```
/// use hookgate_domain::allowlist::EntryComment;
///
/// let comment: EntryComment = "the office in Bremen".parse()?;
/// assert_eq!(comment.as_str(), "the office in Bremen");
/// assert!("two\nlines".parse::<EntryComment>().is_err());
/// # Ok::<(), hookgate_domain::allowlist::EntryCommentError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct EntryComment(Box<str>);

impl EntryComment {
    /// The comment.
    #[must_use]
    pub const fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for EntryComment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for EntryComment {
    type Err = EntryCommentError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        let fits = !text.is_empty()
            && text.chars().count() <= MAX_COMMENT_CHARACTERS
            && !may_hold_secret(text.as_bytes())
            && !has_hidden(text);
        if fits {
            Ok(Self(text.into()))
        } else {
            Err(EntryCommentError)
        }
    }
}

/// The text can't be a comment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error(
    "a comment has 1 to {MAX_COMMENT_CHARACTERS} characters on one line, no invisible one, and no secret"
)]
pub struct EntryCommentError;
