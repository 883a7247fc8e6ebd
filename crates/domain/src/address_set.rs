//! Named sets of addresses, shared by allowlists: what they are called, and what a new version of one changes.

mod changes;
mod provider;

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use thiserror::Error;

use crate::{Timestamp, may_hold_secret};
pub use changes::NetworkChanges;
pub use provider::{Provider, SetFilter, SetFilterError, UnknownProvider};

/// How old a version is that new ones are held against, unless somebody let a newer one count.
pub const BASE_AGE: Duration = Duration::from_hours(30 * 24);

/// How long a published list may go without being read before it counts as stale.
pub const STALE_AFTER: Duration = Duration::from_hours(72);

/// Longest name of an address set, in characters.
pub const MAX_SET_NAME_CHARACTERS: usize = 50;

/// The name of an address set: lower-case letters, digits, `-`, `_` and `.`, beginning with a letter.
///
/// ```
/// use hookgate_domain::AddressSetName;
///
/// let name: AddressSetName = "github-hooks".parse()?;
/// assert_eq!(name.as_str(), "github-hooks");
/// assert!("GitHub hooks".parse::<AddressSetName>().is_err());
/// # Ok::<(), hookgate_domain::AddressSetNameError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AddressSetName(std::sync::Arc<str>);

impl AddressSetName {
    /// The name, without the `@` that stands before it in an allowlist.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AddressSetName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl FromStr for AddressSetName {
    type Err = AddressSetNameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_' | '.');
        let sound = text.len() <= MAX_SET_NAME_CHARACTERS
            && text.starts_with(|first: char| first.is_ascii_lowercase())
            && text.chars().all(fits)
            && !may_hold_secret(text.as_bytes());
        if sound {
            Ok(Self(text.into()))
        } else {
            Err(AddressSetNameError)
        }
    }
}

/// The text is no name of an address set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error(
    "the name of an address set has 1 to {MAX_SET_NAME_CHARACTERS} lower-case letters, digits, -, _ and ., and begins with a letter"
)]
pub struct AddressSetNameError;

/// A named set of addresses: all that is known of it but its networks, which have versions.
///
/// ```
/// use hookgate_domain::{AddressSet, SetOrigin, Timestamp};
///
/// let set = AddressSet::new("office".parse()?, SetOrigin::Own, 3, Timestamp::from_micros(0));
/// assert_eq!((set.version, set.networks, set.pending), (1, 3, None));
/// # Ok::<(), hookgate_domain::AddressSetNameError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddressSet {
    /// What allowlists call it.
    pub name: AddressSetName,
    /// Where its networks come from.
    pub origin: SetOrigin,
    /// The number of the version that counts.
    pub version: i64,
    /// How many networks that has.
    pub networks: u64,
    /// Since when it counts.
    pub changed_at: Timestamp,
    /// A version that waits until somebody approves it.
    pub pending: Option<i64>,
    /// The version that new ones are held against beside the present one: what somebody last let count, or what counted a
    /// month ago ([`BASE_AGE`]) if that is newer. So a list that changes little by little waits, too, once it has changed much.
    pub base: i64,
    /// How reading the published list went.
    pub reading: Reading,
    /// Rises with every change.
    pub revision: i64,
}

impl AddressSet {
    /// A new set with so many networks in its first version.
    #[must_use]
    pub fn new(name: AddressSetName, origin: SetOrigin, networks: u64, now: Timestamp) -> Self {
        let read_at = matches!(origin, SetOrigin::Published { .. }).then_some(now);
        Self {
            name,
            origin,
            version: 1,
            networks,
            changed_at: now,
            pending: None,
            base: 1,
            reading: Reading {
                read_at,
                tried_at: read_at,
                ..Reading::default()
            },
            revision: 1,
        }
    }

    /// Where its list is published, if it is read from there.
    #[must_use]
    pub fn url(&self) -> Option<&str> {
        match &self.origin {
            SetOrigin::Own => None,
            SetOrigin::Published { url, .. } => url.as_deref(),
        }
    }

    /// Whether a published list was not read for too long: it may be out of date, and deliveries be lost.
    #[must_use]
    pub fn is_stale(&self, now: Timestamp) -> bool {
        let read_at = self.reading.read_at;
        self.url().is_some() && read_at.is_none_or(|read_at| now.since(read_at) > STALE_AFTER)
    }
}

/// Where the networks of a set come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SetOrigin {
    /// People write them.
    Own,
    /// Somebody publishes them.
    Published {
        /// Who, and so in which form.
        provider: Provider,
        /// Which part of them.
        filter: SetFilter,
        /// Where; `None` if it came from a file and is not read again.
        url: Option<Box<str>>,
    },
}

/// How reading a published list went.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// When it was read last.
    pub read_at: Option<Timestamp>,
    /// When it was tried last.
    pub tried_at: Option<Timestamp>,
    /// What went wrong then, if something did.
    pub fault: Option<Box<str>>,
    /// What the publisher's server calls the version that was read.
    pub etag: Option<Box<str>>,
}

/// One version of a set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetVersion {
    /// Its number.
    pub number: i64,
    /// What became of it.
    pub state: VersionState,
    /// When it was made.
    pub made_at: Timestamp,
    /// By whom: a name of the audit trail.
    pub made_by: Box<str>,
    /// How many networks it has.
    pub networks: u64,
    /// How many were new.
    pub added: u64,
    /// How many went.
    pub removed: u64,
}

/// What became of a version.
///
/// ```
/// use hookgate_domain::VersionState;
///
/// assert_eq!("pending".parse(), Ok(VersionState::Pending));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum VersionState {
    /// It counts.
    Active,
    /// It waits until somebody approves it.
    Pending,
    /// It counted before.
    Replaced,
    /// It waited, and never counted.
    Rejected,
}

impl VersionState {
    const ALL: [Self; 4] = [Self::Active, Self::Pending, Self::Replaced, Self::Rejected];

    /// Its word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Pending => "pending",
            Self::Replaced => "replaced",
            Self::Rejected => "rejected",
        }
    }
}

impl FromStr for VersionState {
    type Err = UnknownVersionState;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|state| state.as_str() == text)
            .ok_or(UnknownVersionState)
    }
}

/// The text is no state of a version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("must be active, pending, replaced or rejected")]
pub struct UnknownVersionState;
