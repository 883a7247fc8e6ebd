//! Refreshing published sets: a changed list is imported, waits for approval, or is noted as a fault.

use std::time::Duration;

use hookgate_domain::Networks;
use hookgate_domain::address_set::{
    AddressSet, AddressSetName, BASE_AGE, NetworkChanges, SetOrigin, VersionState,
};
use hookgate_people::{AuditAct, Permission};
use serde_json::{Value, json};

use super::{Acceptance, AddressSetError, RefreshOutcome, subject};
use crate::{ActorContext, Gate, Store, StoreError, VersionChange};

/// Default time between two readings of a published list.
pub const REFRESH_AFTER: Duration = Duration::from_hours(6);
/// Time until the next reading after one that failed.
const RETRY_AFTER: Duration = Duration::from_mins(15);
/// Maximum length of the text of a fault that is kept, in characters.
const MAX_FAULT: usize = 300;

/// The result of downloading a published list.
#[derive(Clone, Debug)]
pub enum DownloadedList {
    /// The list was downloaded.
    Document {
        /// The document.
        bytes: Vec<u8>,
        /// `ETag` of the document.
        etag: Option<String>,
    },
    /// The list has not changed.
    Unchanged,
    /// The download failed, for this reason.
    Failed(String),
}

impl<S: Store> Gate<S> {
    /// Imports a published list. New networks are active when this returns. If more than half of a set would be
    /// removed, or more than half as much added, in this step or since the base version, the new version waits for
    /// approval. A list that can't be read leaves the set as it is, and the fault is noted on the set.
    ///
    /// # Errors
    /// [`AddressSetError`]: also if the document is none, after that was noted.
    pub async fn address_set_refresh(
        &self,
        actor: &ActorContext,
        name: &AddressSetName,
        published: DownloadedList,
    ) -> Result<RefreshOutcome, AddressSetError> {
        actor.require(Permission::ManageWebhooks)?;
        let (mut set, known) = self.address_set(name).await?;
        let SetOrigin::Published { provider, filter, .. } = set.origin.clone() else {
            return Err(AddressSetError::NotFound);
        };
        let now = self.now();
        set.reading.tried_at = Some(now);
        let failed = match published {
            DownloadedList::Unchanged => {
                set.reading.read_at = Some(now);
                set.reading.fault = None;
                let set = self.write_set(set, VersionChange::None, None).await?;
                let changes = NetworkChanges::default();
                return Ok(RefreshOutcome { set, changes });
            }
            DownloadedList::Failed(fault) => (fault, None),
            DownloadedList::Document { bytes, etag } => {
                match self.address_list_read(provider, filter, bytes).await {
                    Ok(networks) => {
                        set.reading.read_at = Some(now);
                        set.reading.fault = None;
                        set.reading.etag = etag.map(Into::into);
                        let changes = self.changes_of(&mut set, &known, &networks).await?;
                        if self.was_decided(&set, &networks).await? {
                            let set = self.write_set(set, VersionChange::None, None).await?;
                            return Ok(RefreshOutcome { set, changes });
                        }
                        return self
                            .apply_networks(actor, set, networks, changes, Acceptance::UnlessLarge)
                            .await;
                    }
                    Err(error) => (error.to_string(), Some(error)),
                }
            }
        };
        set.reading.fault = Some(failed.0.chars().take(MAX_FAULT).collect::<String>().into());
        let set = self.write_set(set, VersionChange::None, None).await?;
        match failed.1 {
            Some(error) => Err(error.into()),
            None => Ok(RefreshOutcome {
                set,
                changes: NetworkChanges::default(),
            }),
        }
    }

    /// Approves or rejects a pending version.
    ///
    /// # Errors
    /// [`AddressSetError::NothingPending`] if it is not the one that waits, and others.
    pub async fn address_set_decide(
        &self,
        actor: &ActorContext,
        name: &AddressSetName,
        version: i64,
        approve: bool,
    ) -> Result<AddressSet, AddressSetError> {
        actor.require(Permission::ManageWebhooks)?;
        let (mut set, _) = self.address_set(name).await?;
        if set.pending != Some(version) {
            return Err(AddressSetError::NothingPending);
        }
        let now = self.now();
        let (act, change) = if approve {
            let networks = self.store.address_set_networks(name, version).await?;
            let networks = networks.ok_or(AddressSetError::NothingPending)?;
            (set.version, set.base, set.changed_at) = (version, version, now);
            set.networks = networks.as_slice().len() as u64;
            (AuditAct::AddressSetApprove, VersionChange::Approve(version))
        } else {
            (AuditAct::AddressSetReject, VersionChange::Reject(version))
        };
        set.pending = None;
        let facts = (Value::Null, json!({"version": version}));
        let audit = actor.note_change(act, subject(&set), now, facts);
        self.write_set(set, change, Some(audit)).await
    }

    /// The published sets that are due for another reading.
    ///
    /// # Errors
    /// [`StoreError`] if the store fails.
    pub async fn address_sets_due(&self, after: Duration) -> Result<Vec<AddressSet>, StoreError> {
        let now = self.now();
        let mut sets = self.store.address_sets().await?;
        sets.retain(|set| {
            let pause = if set.reading.fault.is_some() {
                RETRY_AFTER.min(after)
            } else {
                after
            };
            set.url().is_some() && set.reading.tried_at.is_none_or(|tried| now.since(tried) >= pause)
        });
        Ok(sets)
    }

    /// Claims a set that is due for this node, so that no other node reads it at the same time.
    ///
    /// # Errors
    /// [`AddressSetError::Changed`] if another node has claimed it.
    pub async fn address_set_claim(&self, mut set: AddressSet) -> Result<AddressSet, AddressSetError> {
        set.reading.tried_at = Some(self.now());
        self.write_set(set, VersionChange::None, None).await
    }

    /// Differences from the active version, measured against the base version too. The newest version that was ever
    /// active and was made at least [`BASE_AGE`] ago becomes the base first, if it is newer than the base.
    async fn changes_of(
        &self,
        set: &mut AddressSet,
        known: &Networks,
        networks: &Networks,
    ) -> Result<NetworkChanges, StoreError> {
        let changes = NetworkChanges::between(known, networks);
        if changes.is_empty() {
            return Ok(changes);
        }
        let old_enough = self.now().before(BASE_AGE);
        let versions = self.store.address_set_versions(&set.name).await?;
        let counted_then = versions.iter().find(|version| {
            let has_counted = matches!(version.state, VersionState::Active | VersionState::Replaced);
            has_counted && version.made_at <= old_enough
        });
        set.base = counted_then.map_or(set.base, |version| set.base.max(version.number));
        let base = self.store.address_set_networks(&set.name, set.base).await?;
        Ok(match base {
            Some(base) => changes.since(&base, networks),
            None => changes,
        })
    }

    /// `true` if the newest version has these networks and is pending or rejected: then nobody is asked about them
    /// again.
    async fn was_decided(&self, set: &AddressSet, networks: &Networks) -> Result<bool, StoreError> {
        let newest = self.newest_version(&set.name).await?;
        if newest == set.version {
            return Ok(false);
        }
        let held = self.store.address_set_networks(&set.name, newest).await?;
        Ok(held.is_some_and(|held| NetworkChanges::between(&held, networks).is_empty()))
    }
}
