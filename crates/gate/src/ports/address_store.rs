//! The port to the storage of address sets.
//!
//! A set has versions, one of which is active. The content of a version never changes, so it may be cached without
//! limit, and an allowlist changes only when the active version does. [`AddressStore::address_set_write`] therefore
//! raises the revision of every webhook whose allowlist names the set, in the same transaction: once it has answered,
//! no delivery is committed under the old version.

use std::sync::Arc;

use hookgate_domain::address_set::{AddressSet, AddressSetName, NetworkChanges, SetVersion};
use hookgate_domain::{Networks, Timestamp, WebhookHandle};
use hookgate_people::NewAudit;

use crate::StoreFuture;

/// Versions of a set that are kept; older ones are removed.
pub const KEPT_VERSIONS: u16 = 20;

/// Maximum number of address sets: a page shows them all.
pub const MAX_ADDRESS_SETS: u16 = 200;

/// Keeps address sets.
pub trait AddressStore: Send + Sync + 'static {
    /// All sets, by name; at most [`MAX_ADDRESS_SETS`].
    fn address_sets(&self) -> impl StoreFuture<Vec<AddressSet>>;

    /// The set with this name.
    fn address_set_by_name(&self, name: &AddressSetName) -> impl StoreFuture<Option<AddressSet>>;

    /// The networks of a version of a set.
    fn address_set_networks(
        &self,
        name: &AddressSetName,
        version: i64,
    ) -> impl StoreFuture<Option<Arc<Networks>>>;

    /// The versions of a set that are kept, newest first.
    fn address_set_versions(&self, name: &AddressSetName) -> impl StoreFuture<Vec<SetVersion>>;

    /// The webhooks whose allowlists name the set, in the order of their handles: their number, and the first `most` of
    /// them.
    fn address_set_uses(
        &self,
        name: &AddressSetName,
        most: u16,
    ) -> impl StoreFuture<(u64, Vec<WebhookHandle>)>;

    /// Stores a set with revision 1 as a new one, or any other over the one with the revision before. The change of its
    /// versions and the entry of the audit trail are stored with it.
    ///
    /// # Errors
    /// [`StoreError::Conflict`](crate::StoreError::Conflict) if it has another revision by now, or a new one's name is
    /// taken.
    fn address_set_write(
        &self,
        set: AddressSet,
        change: VersionChange,
        audit: Option<NewAudit>,
    ) -> impl StoreFuture<()>;

    /// Removes the set that has this revision, with its versions. Returns `false` and removes nothing if an allowlist
    /// names the set.
    ///
    /// # Errors
    /// [`StoreError::Conflict`](crate::StoreError::Conflict) if it has another revision by now.
    fn address_set_remove(&self, set: AddressSet, audit: NewAudit) -> impl StoreFuture<bool>;

    /// The one source of the deliveries since `since`, among the newest 1,000 records, and the number of these
    /// deliveries; `None` if there are several sources, or no deliveries.
    fn sole_source(&self, since: Timestamp) -> impl StoreFuture<Option<SoleSource>>;
}

/// The one source of all deliveries in question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SoleSource {
    /// Address of the source.
    pub address: std::net::IpAddr,
    /// Number of deliveries from it.
    pub deliveries: u64,
}

/// The change of versions that goes with writing a set.
#[derive(Clone, Debug)]
pub enum VersionChange {
    /// No change.
    None,
    /// A new version. Its number is the `pending` one of the set, or else the active one.
    Add(NewVersion),
    /// The pending version becomes active.
    Approve(i64),
    /// The pending version is rejected.
    Reject(i64),
}

/// A new version of a set.
#[derive(Clone, Debug)]
pub struct NewVersion {
    /// Content of the version.
    pub networks: Arc<Networks>,
    /// Difference from the active version.
    pub changes: NetworkChanges,
    /// Time of creation.
    pub made_at: Timestamp,
    /// Name of the actor that made it.
    pub made_by: Box<str>,
}
