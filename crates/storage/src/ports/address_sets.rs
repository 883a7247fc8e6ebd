//! The gate's port to address sets on a [`Database`].

use std::sync::Arc;

use hookgate_domain::address_set::{AddressSet, AddressSetName, SetVersion};
use hookgate_domain::{Networks, Timestamp, WebhookHandle};
use hookgate_gate::{AddressStore, MAX_ADDRESS_SETS, SoleSource, StoreError, VersionChange};
use hookgate_people::NewAudit;

use crate::Database;
use crate::address_sets::queries::{
    address_set_by_name, address_sets, networks_by_name, set_uses, set_versions, sole_source,
};
use crate::address_sets::statements::{address_set_delete, address_set_write};
use crate::connection::Connection;
use crate::people::actor::audited;
use crate::query_error::QueryError;
use crate::rows::{read_count, read_handle};

/// Name of the change in errors.
const WRITE: &str = "change an address set";

impl AddressStore for Database {
    async fn address_sets(&self) -> Result<Vec<AddressSet>, StoreError> {
        let work = |connection: &mut Connection| address_sets(connection, MAX_ADDRESS_SETS.into());
        self.read("list address sets", work).await
    }

    async fn address_set_by_name(&self, name: &AddressSetName) -> Result<Option<AddressSet>, StoreError> {
        let name = name.clone();
        let work = move |connection: &mut Connection| address_set_by_name(connection, name.as_str());
        self.read("look up an address set", work).await
    }

    async fn address_set_networks(
        &self,
        name: &AddressSetName,
        version: i64,
    ) -> Result<Option<Arc<Networks>>, StoreError> {
        let name = name.clone();
        let work = move |connection: &mut Connection| networks_by_name(connection, &name, version);
        let networks = self.read("read an address set", work).await?;
        Ok(networks.map(Arc::new))
    }

    async fn address_set_versions(&self, name: &AddressSetName) -> Result<Vec<SetVersion>, StoreError> {
        let name = name.clone();
        let work = move |connection: &mut Connection| set_versions(connection, name.as_str());
        self.read("list versions of an address set", work).await
    }

    async fn address_set_uses(
        &self,
        name: &AddressSetName,
        most: u16,
    ) -> Result<(u64, Vec<WebhookHandle>), StoreError> {
        let name = name.clone();
        let work = move |connection: &mut Connection| {
            let (count, handles) = set_uses(connection, name.as_str(), most.into())?;
            let handles = handles.iter().map(|handle| read_handle(handle));
            Ok((
                read_count("allowlist_sets", "count", count)?,
                handles.collect::<Result<_, _>>()?,
            ))
        };
        self.read("list the uses of an address set", work).await
    }

    async fn address_set_write(
        &self,
        set: AddressSet,
        change: VersionChange,
        audit: Option<NewAudit>,
    ) -> Result<(), StoreError> {
        let work = move |connection: &mut Connection| {
            Ok(address_set_write(connection, &set, &change)?.then_some(()))
        };
        let written = match audit {
            Some(audit) => self.audited(WRITE, audit, work).await?,
            None => self.change(WRITE, work).await?,
        };
        written.ok_or(StoreError::Conflict)
    }

    async fn address_set_remove(&self, set: AddressSet, audit: NewAudit) -> Result<bool, StoreError> {
        let work = move |connection: &mut Connection| -> Result<Option<bool>, QueryError> {
            let mut removed = None;
            audited(connection, &audit, |connection| {
                removed = address_set_delete(connection, &set)?;
                Ok((removed == Some(true)).then_some(()))
            })?;
            Ok(removed)
        };
        self.change("remove an address set", work)
            .await?
            .ok_or(StoreError::Conflict)
    }

    async fn sole_source(&self, since: Timestamp) -> Result<Option<SoleSource>, StoreError> {
        let work = move |connection: &mut Connection| sole_source(connection, since.as_micros());
        self.read("look where deliveries come from", work).await
    }
}
