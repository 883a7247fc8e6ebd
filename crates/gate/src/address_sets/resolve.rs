//! Address sets in allowlists: their networks, and names without a set.

use std::collections::HashMap;

use hookgate_domain::Allowlist;
use hookgate_domain::address_set::AddressSetName;

use crate::{Gate, Store, StoreError};

impl<S: Store> Gate<S> {
    /// An allowlist with the current networks of its sets. A set that does not exist permits no address.
    ///
    /// # Errors
    /// [`StoreError`] if the store fails.
    pub async fn resolved(&self, allowlist: &Allowlist) -> Result<Allowlist, StoreError> {
        let mut held = HashMap::new();
        for name in allowlist.sets() {
            let Some(set) = self.store.address_set_by_name(name).await? else {
                continue;
            };
            let networks = self.store.address_set_networks(name, set.version).await?;
            held.extend(networks.map(|networks| (name.clone(), networks)));
        }
        Ok(allowlist.resolve(|name| held.get(name).cloned()))
    }

    /// The first set that an allowlist names and that does not exist.
    ///
    /// # Errors
    /// [`StoreError`] if the store fails.
    pub async fn missing_set(&self, allowlist: &Allowlist) -> Result<Option<AddressSetName>, StoreError> {
        for name in allowlist.sets() {
            if self.store.address_set_by_name(name).await?.is_none() {
                return Ok(Some(name.clone()));
            }
        }
        Ok(None)
    }
}
