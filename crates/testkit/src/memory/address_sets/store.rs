//! The port to address sets.

use std::collections::BTreeMap;
use std::sync::Arc;

use hookgate_domain::address_set::{AddressSet, AddressSetName, SetVersion, VersionState};
use hookgate_domain::{Networks, Timestamp, Webhook, WebhookHandle};
use hookgate_gate::{AddressStore, MAX_ADDRESS_SETS, SoleSource, StoreError, VersionChange};
use hookgate_people::NewAudit;

use super::StoredSet;
use crate::memory::state::{MemoryStore, State};

/// Deliveries that the search for a sole source looks at.
const LOOKED_AT: usize = 1_000;

impl State {
    /// The webhook with the networks of its allowlist's sets.
    pub(in super::super) fn resolved(&self, webhook: &Webhook) -> Webhook {
        let mut webhook = webhook.clone();
        webhook.policy.allowlist = webhook.policy.allowlist.resolve(|name| {
            let known = self.sets.get(name)?;
            let (_, networks) = known.versions.get(&known.set.version)?;
            Some(Arc::clone(networks))
        });
        webhook
    }

    /// `true` if all sets of the webhook's allowlist exist.
    pub(in super::super) fn has_sets_of(&self, webhook: &Webhook) -> bool {
        webhook
            .policy
            .allowlist
            .sets()
            .all(|name| self.sets.contains_key(name))
    }

    fn users<'a>(&'a self, name: &'a AddressSetName) -> impl Iterator<Item = WebhookHandle> + 'a {
        let uses = move |webhook: &&Webhook| {
            webhook.live_url().is_ok() && webhook.policy.allowlist.sets().any(|used| used == name)
        };
        self.webhooks.values().filter(uses).map(|webhook| webhook.handle)
    }

    fn write_set(&mut self, set: AddressSet, change: VersionChange) -> Result<(), StoreError> {
        let name = set.name.clone();
        let before = self.sets.get(&name).map_or(0, |known| known.set.revision);
        if set.revision != before + 1 {
            return Err(StoreError::Conflict);
        }
        let activates = match &change {
            VersionChange::Add(_) => set.pending.is_none(),
            VersionChange::Approve(_) => true,
            VersionChange::None | VersionChange::Reject(_) => false,
        };
        let known = self.sets.entry(name.clone()).or_insert_with(|| StoredSet {
            set: set.clone(),
            versions: BTreeMap::new(),
        });
        match change {
            VersionChange::None => {}
            VersionChange::Add(version) => {
                known.become_of(VersionState::Pending, VersionState::Rejected);
                if activates {
                    known.become_of(VersionState::Active, VersionState::Replaced);
                }
                known.add(&set, version);
            }
            VersionChange::Approve(number) => {
                known.become_of(VersionState::Active, VersionState::Replaced);
                known.set_state(number, VersionState::Active);
            }
            VersionChange::Reject(number) => known.set_state(number, VersionState::Rejected),
        }
        known.set = set;
        known.prune();
        if activates {
            let users: Vec<_> = self.users(&name).collect();
            for webhook in self.webhooks.values_mut() {
                webhook.revision += i64::from(users.contains(&webhook.handle));
            }
        }
        Ok(())
    }
}

impl AddressStore for MemoryStore {
    async fn address_sets(&self) -> Result<Vec<AddressSet>, StoreError> {
        let state = self.up()?;
        let sets = state.sets.values().map(|known| known.set.clone());
        Ok(sets.take(MAX_ADDRESS_SETS.into()).collect())
    }

    async fn address_set_by_name(&self, name: &AddressSetName) -> Result<Option<AddressSet>, StoreError> {
        Ok(self.up()?.sets.get(name).map(|known| known.set.clone()))
    }

    async fn address_set_networks(
        &self,
        name: &AddressSetName,
        version: i64,
    ) -> Result<Option<Arc<Networks>>, StoreError> {
        let state = self.up()?;
        let known = state
            .sets
            .get(name)
            .and_then(|known| known.versions.get(&version));
        Ok(known.map(|(_, networks)| Arc::clone(networks)))
    }

    async fn address_set_versions(&self, name: &AddressSetName) -> Result<Vec<SetVersion>, StoreError> {
        let state = self.up()?;
        let versions = state
            .sets
            .get(name)
            .into_iter()
            .flat_map(|known| known.versions.values().rev());
        Ok(versions.map(|(version, _)| version.clone()).collect())
    }

    async fn address_set_uses(
        &self,
        name: &AddressSetName,
        most: u16,
    ) -> Result<(u64, Vec<WebhookHandle>), StoreError> {
        let state = self.up()?;
        let users: Vec<_> = state.users(name).collect();
        Ok((users.len() as u64, users.into_iter().take(most.into()).collect()))
    }

    async fn address_set_write(
        &self,
        set: AddressSet,
        change: VersionChange,
        audit: Option<NewAudit>,
    ) -> Result<(), StoreError> {
        let mut state = self.up()?;
        if let Some(audit) = &audit {
            state.people.check(audit)?;
        }
        state.write_set(set, change)?;
        if let Some(audit) = audit {
            state.people.note(audit);
        }
        Ok(())
    }

    async fn address_set_remove(&self, set: AddressSet, audit: NewAudit) -> Result<bool, StoreError> {
        let mut state = self.up()?;
        state.people.check(&audit)?;
        let known = state.sets.get(&set.name);
        if known.is_none_or(|known| known.set.revision != set.revision) {
            return Err(StoreError::Conflict);
        }
        if state.users(&set.name).next().is_some() {
            return Ok(false);
        }
        state.sets.remove(&set.name);
        state.people.note(audit);
        Ok(true)
    }

    async fn sole_source(&self, since: Timestamp) -> Result<Option<SoleSource>, StoreError> {
        let state = self.up()?;
        let newest = state.deliveries.values().rev().take(LOOKED_AT);
        let recent: Vec<_> = newest
            .map(|record| &record.summary)
            .filter(|record| record.received_at >= since)
            .collect();
        let Some(first) = recent.first() else {
            return Ok(None);
        };
        let alone = recent.iter().all(|record| record.source == first.source);
        let all: i64 = recent.iter().map(|record| record.count).sum();
        Ok(alone.then_some(SoleSource {
            address: first.source,
            deliveries: u64::try_from(all).unwrap_or(0),
        }))
    }
}
