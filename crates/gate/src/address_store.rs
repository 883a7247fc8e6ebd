//! The port to whatever keeps address sets.
//!
//! A set has versions, of which one counts; what a version holds never changes. So what was read of one may be remembered
//! for ever, and what an allowlist says changes only when the version does. [`AddressStore::address_set_write`] therefore
//! raises the revision of every webhook whose allowlist names the set, in the same transaction: no delivery is committed
//! under the old version once it has answered.

use std::sync::Arc;

use hookgate_domain::{
    AddressSet, AddressSetName, NetworkChanges, Networks, NewAudit, SetVersion, Timestamp, WebhookHandle,
};

use crate::StoreError;

/// Versions of a set that are kept; older ones go.
pub const KEPT_VERSIONS: u16 = 20;

/// Most address sets: a page shows them all.
pub const MAX_ADDRESS_SETS: u16 = 200;

/// Keeps address sets.
pub trait AddressStore: Send + Sync + 'static {
    /// All sets, by name; at most [`MAX_ADDRESS_SETS`].
    fn address_sets(&self) -> impl Future<Output = Result<Vec<AddressSet>, StoreError>> + Send;

    /// The set with this name.
    fn address_set_by_name(
        &self,
        name: &AddressSetName,
    ) -> impl Future<Output = Result<Option<AddressSet>, StoreError>> + Send;

    /// The networks of a version of a set.
    fn address_set_networks(
        &self,
        name: &AddressSetName,
        version: i64,
    ) -> impl Future<Output = Result<Option<Arc<Networks>>, StoreError>> + Send;

    /// The versions of a set that are kept, newest first.
    fn address_set_versions(
        &self,
        name: &AddressSetName,
    ) -> impl Future<Output = Result<Vec<SetVersion>, StoreError>> + Send;

    /// The webhooks whose allowlists name the set, in the order of their handles: how many, and the first of them.
    fn address_set_uses(
        &self,
        name: &AddressSetName,
        most: u16,
    ) -> impl Future<Output = Result<(u64, Vec<WebhookHandle>), StoreError>> + Send;

    /// Stores a set that has revision 1 as a new one, or any other over the one with the revision before. With it, what
    /// becomes of its versions, and the entry of the audit trail.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] if it has another revision by now, or a new one's name is taken.
    fn address_set_write(
        &self,
        set: AddressSet,
        change: VersionChange,
        audit: Option<NewAudit>,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Removes the set that has this revision, with its versions. No, if an allowlist names it.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] if it has another revision by now.
    fn address_set_remove(
        &self,
        set: AddressSet,
        audit: NewAudit,
    ) -> impl Future<Output = Result<bool, StoreError>> + Send;

    /// What the newest deliveries since then came from, at most 1,000 of them: how many there are, and their one source if
    /// it is one.
    fn lone_source(
        &self,
        since: Timestamp,
    ) -> impl Future<Output = Result<Option<SoleSource>, StoreError>> + Send;
}

/// The one source of all deliveries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SoleSource {
    /// Its address.
    pub address: std::net::IpAddr,
    /// How many deliveries came from there.
    pub deliveries: u64,
}

/// What becomes of the versions of a set that is written.
#[derive(Clone, Debug)]
pub enum VersionChange {
    /// Nothing.
    None,
    /// There is another one. Its number is that of the set, if it counts, or else the one that the set names as pending.
    Add(NewVersion),
    /// The pending one counts.
    Approve(i64),
    /// The pending one never will.
    Reject(i64),
}

/// Another version of a set.
#[derive(Clone, Debug)]
pub struct NewVersion {
    /// What it holds.
    pub networks: Arc<Networks>,
    /// How that differs from the one that counts.
    pub changes: NetworkChanges,
    /// When it was made.
    pub made_at: Timestamp,
    /// By whom.
    pub made_by: Box<str>,
}
