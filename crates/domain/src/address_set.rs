//! Named sets of addresses, shared by allowlists: what they are called, and what a new version of one changes.

use std::collections::HashSet;
use std::fmt;
use std::str::FromStr;

use ipnetwork::IpNetwork;
use thiserror::Error;

use crate::Networks;

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
            && !text.contains("wh_");
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

/// What becomes of a set if other networks take the place of its own.
///
/// ```
/// use hookgate_domain::{NetworkChanges, Networks};
///
/// let now = Networks::of(["10.0.0.0/8".parse()?, "192.0.2.0/24".parse()?, "198.51.100.0/24".parse()?])?;
/// let then = Networks::of(["10.0.0.0/8".parse()?])?;
/// let changes = NetworkChanges::between(&now, &then);
/// assert_eq!((changes.added.len(), changes.removed.len()), (0, 2));
/// assert!(changes.needs_approval(), "over half of it would go");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NetworkChanges {
    /// What is new, in its new order.
    pub added: Vec<IpNetwork>,
    /// What goes, in its old order.
    pub removed: Vec<IpNetwork>,
    before: usize,
}

impl NetworkChanges {
    /// What the change from one to the other adds and removes.
    #[must_use]
    pub fn between(now: &Networks, then: &Networks) -> Self {
        let only_in_first = |first: &Networks, second: &Networks| {
            let second: HashSet<_> = second.as_slice().iter().collect();
            let first = first.as_slice().iter();
            first
                .filter(|network| !second.contains(network))
                .copied()
                .collect()
        };
        Self {
            added: only_in_first(then, now),
            removed: only_in_first(now, then),
            before: now.as_slice().len(),
        }
    }

    /// Whether nothing changes.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty()
    }

    /// Whether somebody should look at it first: more than half of the networks would go. A list that a provider broke
    /// looks like that, and deliveries would be lost in silence.
    #[must_use]
    pub const fn needs_approval(&self) -> bool {
        self.removed.len() * 2 > self.before
    }
}
