//! Address sets: named lists of networks that allowlists share, and their versions.

mod changes;
mod provider;

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use thiserror::Error;

use crate::Timestamp;
use crate::keywords::keywords;
use crate::leaks::may_hold_secret;
pub use changes::NetworkChanges;
pub use provider::{Provider, SetFilter, SetFilterError, UnknownProvider};

/// Age of the version that is the base of an address set, unless a member wrote or approved a newer one: see
/// [`AddressSet::base`].
pub const BASE_AGE: Duration = Duration::from_hours(30 * 24);

/// Time without a successful read after which a published set is stale.
pub const STALE_AFTER: Duration = Duration::from_hours(72);

/// Longest name of an address set, in characters.
pub const MAX_SET_NAME_CHARACTERS: usize = 50;

/// The name of an address set: 1 to 50 lower-case letters, digits, `-`, `_` and `.`, beginning with a letter. It may not look
/// like a secret of Hookgate.
///
/// ```
/// use hookgate_domain::address_set::AddressSetName;
///
/// let name: AddressSetName = "github-hooks".parse()?;
/// assert_eq!(name.as_str(), "github-hooks");
/// assert!("GitHub hooks".parse::<AddressSetName>().is_err());
/// # Ok::<(), hookgate_domain::address_set::AddressSetNameError>(())
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

/// An address set, without its networks: each version has its own.
///
/// ```
/// use hookgate_domain::Timestamp;
/// use hookgate_domain::address_set::{AddressSet, SetOrigin};
///
/// let set = AddressSet::new("office".parse()?, SetOrigin::Own, 3, Timestamp::from_micros(0));
/// assert_eq!((set.version, set.networks, set.pending), (1, 3, None));
/// # Ok::<(), hookgate_domain::address_set::AddressSetNameError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddressSet {
    /// The name by which allowlists use the set.
    pub name: AddressSetName,
    /// The origin of the networks.
    pub origin: SetOrigin,
    /// Number of the active version.
    pub version: i64,
    /// Number of networks in the active version.
    pub networks: u64,
    /// Time since which the active version is active.
    pub changed_at: Timestamp,
    /// Number of the pending version, if a version waits for approval.
    pub pending: Option<i64>,
    /// Number of the base: new versions are compared with it and with the active version. It is the version that a member
    /// last wrote or approved, or, if that is newer, the newest used one that was made at least 30 days ago ([`BASE_AGE`]).
    /// So a list that changes in small steps needs approval too, once it has changed much.
    pub base: i64,
    /// Status of reading the published list.
    pub reading: Reading,
    /// Number that grows with each change.
    pub revision: i64,
}

impl AddressSet {
    /// Makes a set whose first version has this number of networks.
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

    /// URL of the published list, if the set is read from one.
    #[must_use]
    pub fn url(&self) -> Option<&str> {
        match &self.origin {
            SetOrigin::Own => None,
            SetOrigin::Published { url, .. } => url.as_deref(),
        }
    }

    /// Returns `true` if the published list was not read for [`STALE_AFTER`]: it may be out of date, so that deliveries are
    /// lost.
    #[must_use]
    pub fn is_stale(&self, now: Timestamp) -> bool {
        let read_at = self.reading.read_at;
        self.url().is_some() && read_at.is_none_or(|read_at| now.since(read_at) > STALE_AFTER)
    }
}

/// The origin of an address set's networks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SetOrigin {
    /// Members edit the networks.
    Own,
    /// A provider publishes the networks.
    Published {
        /// The provider, which decides the format of the list.
        provider: Provider,
        /// The part of the list that is used.
        filter: SetFilter,
        /// URL of the list; `None` if it came from a file and is not read again.
        url: Option<Box<str>>,
    },
}

/// Status of reading a published list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// Time of the last successful read.
    pub read_at: Option<Timestamp>,
    /// Time of the last attempt.
    pub tried_at: Option<Timestamp>,
    /// The error of the last attempt, if it failed.
    pub fault: Option<Box<str>>,
    /// `ETag` of the document that was read.
    pub etag: Option<Box<str>>,
}

/// One version of an address set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetVersion {
    /// Number of the version, counted from 1.
    pub number: i64,
    /// State of the version.
    pub state: VersionState,
    /// Time of creation.
    pub made_at: Timestamp,
    /// The actor that made the version, as the audit trail names it.
    pub made_by: Box<str>,
    /// Number of networks.
    pub networks: u64,
    /// Number of networks that the active version of that time did not have.
    pub added: u64,
    /// Number of networks that only the active version of that time had.
    pub removed: u64,
}

/// The state of a version.
///
/// ```
/// use hookgate_domain::address_set::VersionState;
///
/// assert_eq!("pending".parse(), Ok(VersionState::Pending));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum VersionState {
    /// The version is in use.
    Active,
    /// The version waits for approval.
    Pending,
    /// The version was in use before.
    Replaced,
    /// The version was pending and was never in use.
    Rejected,
}

keywords! {
    VersionState {
        Active = "active",
        Pending = "pending",
        Replaced = "replaced",
        Rejected = "rejected",
    }
    /// The text is no state of a version.
    UnknownVersionState = "must be active, pending, replaced or rejected"
}
