//! Address sets, in the simplest way.

mod store;

use std::collections::BTreeMap;
use std::sync::Arc;

use hookgate_domain::Networks;
use hookgate_domain::address_set::{AddressSet, SetVersion, VersionState};
use hookgate_gate::{KEPT_VERSIONS, NewVersion};

/// A set and its versions, by number.
#[derive(Debug)]
pub(super) struct StoredSet {
    set: AddressSet,
    versions: BTreeMap<i64, (SetVersion, Arc<Networks>)>,
}

impl StoredSet {
    fn become_of(&mut self, from: VersionState, to: VersionState) {
        for (version, _) in self.versions.values_mut() {
            if version.state == from {
                version.state = to;
            }
        }
    }

    fn set_state(&mut self, number: i64, state: VersionState) {
        if let Some((version, _)) = self.versions.get_mut(&number) {
            version.state = state;
        }
    }

    fn add(&mut self, set: &AddressSet, new: NewVersion) {
        let (number, state) = match set.pending {
            Some(number) => (number, VersionState::Pending),
            None => (set.version, VersionState::Active),
        };
        let version = SetVersion {
            number,
            state,
            made_at: new.made_at,
            made_by: new.made_by,
            networks: new.networks.as_slice().len() as u64,
            added: new.changes.added.len() as u64,
            removed: new.changes.removed.len() as u64,
        };
        self.versions.insert(number, (version, new.networks));
    }

    fn prune(&mut self) {
        let old = |state| matches!(state, VersionState::Replaced | VersionState::Rejected);
        let numbers: Vec<_> = self
            .versions
            .values()
            .rev()
            .filter(|(version, _)| old(version.state) && version.number != self.set.base)
            .map(|(version, _)| version.number)
            .collect();
        for number in numbers.iter().skip(usize::from(KEPT_VERSIONS)) {
            self.versions.remove(number);
        }
    }
}
