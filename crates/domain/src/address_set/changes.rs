//! What a new version of a set changes, and whether somebody should look at it first.

use std::collections::HashSet;

use ipnetwork::IpNetwork;

use crate::{AddressCount, AllowlistWarning, Networks, network_warnings};

/// So many new addresses count at once, however small the list was: a few hosts more are no reason to wait. A /24 of IPv4, a
/// /48 of IPv6.
const SMALL_GROWTH: AddressCount = AddressCount {
    v4: 1 << 8,
    v6: 1 << 80,
};

/// What becomes of a set if other networks take the place of its own.
///
/// ```
/// use hookgate_domain::{NetworkChanges, Networks};
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
    /// What is new, in its new order.
    pub added: Vec<IpNetwork>,
    /// What goes, in its old order.
    pub removed: Vec<IpNetwork>,
    /// Whether more than half goes.
    shrinks: bool,
    /// Whether more than half as much comes as there was, with what it takes the place of.
    grows: bool,
    /// What about it deserves a second look.
    warnings: Vec<AllowlistWarning>,
}

impl NetworkChanges {
    /// What the change from one to the other adds and removes.
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

    /// The same change, which needs approval as well if all together would that changed since a version before.
    #[must_use]
    pub fn since(self, base: &Networks, then: &Networks) -> Self {
        let since = Self::between(base, then);
        Self {
            shrinks: self.shrinks || since.shrinks,
            grows: self.grows || since.grows,
            ..self
        }
    }

    /// Whether nothing changes.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty()
    }

    /// Whether somebody should look at it first: of a family, more than half of the addresses or networks would go, or more
    /// than half as many would come, or go and come together. A list that a provider broke looks like the first, and deliveries would be lost in
    /// silence; one that was taken over looks like the second, and strangers would pass.
    #[must_use]
    pub const fn needs_approval(&self) -> bool {
        self.shrinks || self.grows
    }

    /// Whether more than half would go.
    #[must_use]
    pub const fn is_shrinking(&self) -> bool {
        self.shrinks
    }

    /// What deserves a second look: about the new networks, and about all that there are then.
    #[must_use]
    pub fn warnings(&self) -> &[AllowlistWarning] {
        &self.warnings
    }
}

/// About each new network, and about all networks together.
fn warnings(added: &[IpNetwork], then: &Networks) -> Vec<AllowlistWarning> {
    let added: HashSet<_> = added.iter().copied().collect();
    let all = network_warnings(then.as_slice().iter().copied());
    all.filter(|warning| warning.network().is_none_or(|network| added.contains(&network)))
        .collect()
}

/// A network that went counts if others don't hold its addresses: two halves that became one are no loss, nor is one that was
/// cut in two.
fn shrinks(now: &Networks, then: &Networks, removed: &[IpNetwork]) -> bool {
    let lost = removed.iter().filter(|network| !then.covers(**network));
    let lost = lost.count();
    let families = now.addresses().by_family().into_iter();
    let gone = now.addresses_beyond(then).by_family();
    let by_addresses = families.zip(gone).any(|((_, had), (_, gone))| gone > had / 2);
    by_addresses || lost * 2 > now.as_slice().len()
}

/// What goes counts with what comes: a list of which half is replaced has changed as much as one that has doubled. The first
/// version of a set has nothing that it could be held against.
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
