//! Sets of published lists: what was read is taken up, waits, or is noted as a fault.

use std::time::Duration;

use hookgate_domain::{
    AddressSet, AddressSetName, AuditAct, BASE_AGE, NetworkChanges, Networks, Permission, SetOrigin,
    VersionState,
};
use serde_json::{Value, json};

use super::{Acceptance, AddressSetError, RefreshOutcome, subject};
use crate::address_store::VersionChange;
use crate::{ActorContext, Gate, Store, StoreError};

/// How long a published list is used before it is read again, if nothing else is set.
pub const REFRESH_AFTER: Duration = Duration::from_hours(6);
/// The same after it could not be read.
const RETRY_AFTER: Duration = Duration::from_mins(15);
/// Longest text of a fault that is kept, in characters.
const MAX_FAULT: usize = 300;

/// A document that was read from where a list is published.
#[derive(Clone, Debug)]
pub enum Published {
    /// It is this one.
    Document {
        /// The document.
        bytes: Vec<u8>,
        /// What the server calls this version.
        etag: Option<String>,
    },
    /// It is what it was.
    Unchanged,
    /// It could not be read, for this reason.
    Failed(String),
}

impl<S: Store> Gate<S> {
    /// Takes up what was published. What is new counts when this returns; if more than half of a set would go, or more than half
    /// as much come, in this step or since its base, it waits until somebody approves it. What can't be read leaves the set as it is, and is noted beside it.
    ///
    /// # Errors
    /// [`AddressSetError`]: also if the document is none, after that was noted.
    pub async fn address_set_refresh(
        &self,
        acting: &ActorContext,
        name: &AddressSetName,
        published: Published,
    ) -> Result<RefreshOutcome, AddressSetError> {
        acting.require(Permission::ManageWebhooks)?;
        let (mut set, known) = self.address_set(name).await?;
        let SetOrigin::Published { provider, filter, .. } = set.origin.clone() else {
            return Err(AddressSetError::NotFound);
        };
        let now = self.now();
        set.reading.tried_at = Some(now);
        let failed = match published {
            Published::Unchanged => {
                set.reading.read_at = Some(now);
                set.reading.fault = None;
                let set = self.write_reading(set).await?;
                let changes = NetworkChanges::default();
                return Ok(RefreshOutcome { set, changes });
            }
            Published::Failed(fault) => (fault, None),
            Published::Document { bytes, etag } => match self.lists.read(provider, filter, bytes).await {
                Ok(networks) => {
                    set.reading.read_at = Some(now);
                    set.reading.fault = None;
                    set.reading.etag = etag.map(Into::into);
                    let changes = self.changes_of(&mut set, &known, &networks).await?;
                    if self.was_decided(&set, &networks).await? {
                        let set = self.write_reading(set).await?;
                        return Ok(RefreshOutcome { set, changes });
                    }
                    return self
                        .take_up(acting, set, networks, changes, Acceptance::UnlessItIsLarge)
                        .await;
                }
                Err(error) => (error.to_string(), Some(error)),
            },
        };
        set.reading.fault = Some(failed.0.chars().take(MAX_FAULT).collect::<String>().into());
        let set = self.write_reading(set).await?;
        match failed.1 {
            Some(error) => Err(error.into()),
            None => Ok(RefreshOutcome {
                set,
                changes: NetworkChanges::default(),
            }),
        }
    }

    /// Lets a version that waits count, or never.
    ///
    /// # Errors
    /// [`AddressSetError::NothingPending`] if it is not the one that waits, and others.
    pub async fn address_set_decide(
        &self,
        acting: &ActorContext,
        name: &AddressSetName,
        version: i64,
        approve: bool,
    ) -> Result<AddressSet, AddressSetError> {
        acting.require(Permission::ManageWebhooks)?;
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
        set.revision += 1;
        let facts = (Value::Null, json!({"version": version}));
        let audit = acting.note_change(act, subject(&set), now, facts);
        self.store
            .address_set_write(set.clone(), change, Some(audit))
            .await?;
        Ok(set)
    }

    /// The published sets that should be read again.
    ///
    /// # Errors
    /// [`StoreError`] if the store can't tell.
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

    /// Takes a set that is due for this node, so that no other one reads it at the same time.
    ///
    /// # Errors
    /// [`AddressSetError::Changed`] if another one has it.
    pub async fn address_set_claim(&self, mut set: AddressSet) -> Result<AddressSet, AddressSetError> {
        set.reading.tried_at = Some(self.now());
        self.write_reading(set).await
    }

    /// Whether somebody was asked about just these networks, and has said no or nothing yet: then nobody is asked again.
    /// What changes, held against the version that counts and the one before that is its base.
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

    async fn was_decided(&self, set: &AddressSet, networks: &Networks) -> Result<bool, StoreError> {
        let newest = self.newest_version(&set.name).await?;
        if newest == set.version {
            return Ok(false);
        }
        let held = self.store.address_set_networks(&set.name, newest).await?;
        Ok(held.is_some_and(|held| NetworkChanges::between(&held, networks).is_empty()))
    }
}
