//! The difference between two versions of an address set, and the rule for which changes need approval.

use std::collections::HashSet;

use ipnetwork::IpNetwork;

use crate::Networks;
use crate::networks::AddressCount;
use crate::networks::{NetworkWarning, network_warnings};

/// New addresses of a family that never need approval, however small the list was: a /24 of IPv4, a /48 of IPv6. A few more
/// hosts are no reason to wait.
const SMALL_GROWTH: AddressCount = AddressCount {
    v4: 1 << 8,
    v6: 1 << 80,
};

/// The difference between the networks of a set and those that replace them.
///
/// ```
/// use hookgate_domain::Networks;
/// use hookgate_domain::address_set::NetworkChanges;
///
/// let now = Networks::of(["10.0.0.0/8".parse()?, "192.0.2.0/24".parse()?, "198.51.100.0/24".parse()?])?;
/// let then = Networks::of(["192.0.2.0/24".parse()?, "198.51.100.0/24".parse()?])?;
/// let changes = NetworkChanges::between(&now, &then);
/// assert_eq!((changes.added.len(), changes.removed.len()), (0, 1));
/// assert!(changes.needs_approval(), "nearly all of its addresses would go");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NetworkChanges {
    /// Networks that only the new list has, in its order.
    pub added: Vec<IpNetwork>,
    /// Networks that only the old list has, in its order.
    pub removed: Vec<IpNetwork>,
    /// `true` if more than half of the networks, or of a family's addresses, is removed.
    shrinks: bool,
    /// `true` if the new and the removed addresses of a family together exceed half of its old addresses, and the new ones
    /// exceed [`SMALL_GROWTH`].
    grows: bool,
    /// Warnings about the new networks.
    warnings: Vec<NetworkWarning>,
}

impl NetworkChanges {
    /// Compares the networks `now` of a set with those that would be used `then`.
    #[must_use]
    pub fn between(now: &Networks, then: &Networks) -> Self {
        let only_in_first = |first: &Networks, second: &Networks| -> Vec<IpNetwork> {
            let second: HashSet<_> = second.as_slice().iter().collect();
            let first = first.as_slice().iter();
            first
                .filter(|network| !second.contains(network))
                .copied()
                .collect()
        };
        let (added, removed) = (only_in_first(then, now), only_in_first(now, then));
        let warnings = warnings(&added, then);
        Self {
            shrinks: shrinks(now, then, &removed),
            grows: grows(now, then),
            added,
            removed,
            warnings,
        }
    }

    /// Adds the comparison of an older version, `base`, with `then`: the change needs approval if either comparison does.
    #[must_use]
    pub fn since(self, base: &Networks, then: &Networks) -> Self {
        let since = Self::between(base, then);
        Self {
            shrinks: self.shrinks || since.shrinks,
            grows: self.grows || since.grows,
            ..self
        }
    }

    /// Returns `true` if both lists have the same networks.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty()
    }

    /// Returns `true` if a member should approve the change first. It shrinks the set: more than half of the networks, or of
    /// a family's addresses, would go. Or it grows the set: a family would get more than a /24 (IPv4) or /48 (IPv6) of new
    /// addresses, and these and the removed ones together are more than half of what it had. A list that its provider broke
    /// shrinks, and deliveries would be lost silently; a list that an attacker took over grows, and strangers would pass.
    #[must_use]
    pub const fn needs_approval(&self) -> bool {
        self.shrinks || self.grows
    }

    /// Returns `true` if more than half of the networks, or of a family's addresses, would be removed.
    #[must_use]
    pub const fn is_shrinking(&self) -> bool {
        self.shrinks
    }

    /// Warnings about each added network, and about all networks of the new list together.
    #[must_use]
    pub fn warnings(&self) -> &[NetworkWarning] {
        &self.warnings
    }
}

/// Computes the warnings about each added network, and about all networks of the new list together.
fn warnings(added: &[IpNetwork], then: &Networks) -> Vec<NetworkWarning> {
    let added: HashSet<_> = added.iter().copied().collect();
    let all = network_warnings(then.as_slice().iter().copied());
    all.filter(|warning| warning.network().is_none_or(|network| added.contains(&network)))
        .collect()
}

/// Tests whether the set shrinks. A removed network counts only if the new networks do not cover its addresses: merging two
/// halves into one network loses nothing, nor does splitting a network in two.
fn shrinks(now: &Networks, then: &Networks, removed: &[IpNetwork]) -> bool {
    let lost = removed.iter().filter(|network| !then.covers(**network));
    let lost = lost.count();
    let families = now.addresses().by_family().into_iter();
    let gone = now.addresses_beyond(then).by_family();
    let by_addresses = families.zip(gone).any(|((_, had), (_, gone))| gone > had / 2);
    by_addresses || lost * 2 > now.as_slice().len()
}

/// Tests whether the set grows. Removed addresses count together with new ones, so that replacing networks needs approval
/// just as adding them does. The first version of a set never needs approval: there is nothing to compare it with.
fn grows(now: &Networks, then: &Networks) -> bool {
    let families = now.addresses().by_family().into_iter();
    let gone = now.addresses_beyond(then).by_family();
    let new = then.addresses_beyond(now).by_family();
    let mut changed = families.zip(gone).zip(new).zip(SMALL_GROWTH.by_family());
    !now.as_slice().is_empty()
        && changed.any(|((((_, had), (_, gone)), (_, new)), (_, small))| {
            new > small && new.saturating_add(gone) > had / 2
        })
}
