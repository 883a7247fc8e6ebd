//! Address sets: creating and changing them.

mod lists;
mod published;
mod resolve;

use std::sync::Arc;

use hookgate_domain::address_set::{AddressSet, AddressSetName, NetworkChanges, SetFilterError, SetOrigin};
use hookgate_domain::{Networks, Timestamp};
use hookgate_people::{AuditAct, AuditSubject, NewAudit, Permission};
use hookgate_senders::AddressListError;
use serde_json::{Value, json};
use thiserror::Error;

use crate::people::audit_changes::changed;
use crate::{ActorContext, Forbidden, Gate, MAX_ADDRESS_SETS, NewVersion, Store, StoreError, VersionChange};

pub(crate) use lists::ListReader;
pub use published::{DownloadedList, REFRESH_AFTER};

/// Attempts at a change when others change the same set.
const MAX_ATTEMPTS: usize = 5;

/// Errors of changing an address set.
#[derive(Debug, Error)]
pub enum AddressSetError {
    /// There is no such set.
    #[error("no such address set")]
    NotFound,
    /// The actor's role does not have the permission.
    #[error(transparent)]
    Forbidden(#[from] Forbidden),
    /// Another set has this name.
    #[error("this name is already in use")]
    Exists,
    /// The maximum number of sets exists already.
    #[error("there are already {MAX_ADDRESS_SETS} address sets, the maximum")]
    TooMany,
    /// Allowlists name the set: this many.
    #[error("it is used by allowlists ({0}): remove it from them first")]
    InUse(u64),
    /// The networks of the set come from a published list.
    #[error("its networks come from a published list: refresh or import it")]
    Published,
    /// The set has no pending version, or another one by now.
    #[error("no such version needs approval")]
    NothingPending,
    /// The set would have no networks, and an allowlist that names it would refuse everybody.
    #[error("an address set needs at least one network")]
    Empty,
    /// The filter is not one of its provider's.
    #[error(transparent)]
    Filter(#[from] SetFilterError),
    /// The document is not what the provider publishes.
    #[error(transparent)]
    Document(#[from] AddressListError),
    /// Another actor changed the set meanwhile.
    #[error("changed by someone else in the meantime")]
    Changed,
    /// The store failed.
    #[error(transparent)]
    Store(StoreError),
}

impl From<StoreError> for AddressSetError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Conflict => Self::Changed,
            error => Self::Store(error),
        }
    }
}

/// The result of giving a set other networks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefreshOutcome {
    /// The set after the change.
    pub set: AddressSet,
    /// Differences of the networks, applied or pending.
    pub changes: NetworkChanges,
}

impl<S: Store> Gate<S> {
    /// Creates an own set, or one with the networks of a published document.
    ///
    /// # Errors
    /// [`AddressSetError`]; nothing is stored then.
    pub async fn address_set_create(
        &self,
        actor: &ActorContext,
        name: AddressSetName,
        origin: SetOrigin,
        networks: Networks,
        etag: Option<String>,
    ) -> Result<AddressSet, AddressSetError> {
        actor.require(Permission::ManageWebhooks)?;
        if networks.as_slice().is_empty() {
            return Err(AddressSetError::Empty);
        }
        if let SetOrigin::Published { provider, filter, .. } = &origin {
            filter.check(*provider)?;
        }
        let known = self.store.address_sets().await?;
        if known.iter().any(|set| set.name == name) {
            return Err(AddressSetError::Exists);
        }
        if known.len() >= usize::from(MAX_ADDRESS_SETS) {
            return Err(AddressSetError::TooMany);
        }
        let now = self.now();
        let mut set = AddressSet::new(name, origin, networks.as_slice().len() as u64, now);
        set.reading.etag = etag.map(Into::into);
        let changes = NetworkChanges::between(&Networks::default(), &networks);
        let facts = (Value::Null, settings(&set));
        let audit = actor.note_change(AuditAct::AddressSetCreate, subject(&set), now, facts);
        let version = new_version(actor, networks, changes, now);
        self.store
            .address_set_write(set.clone(), VersionChange::Add(version), Some(audit))
            .await?;
        Ok(set)
    }

    /// Gives an own set other networks. They are active when this returns.
    ///
    /// # Errors
    /// [`AddressSetError`]; nothing is stored then.
    pub async fn address_set_edit(
        &self,
        actor: &ActorContext,
        name: &AddressSetName,
        revision: Option<i64>,
        networks: Networks,
    ) -> Result<RefreshOutcome, AddressSetError> {
        actor.require(Permission::ManageWebhooks)?;
        if networks.as_slice().is_empty() {
            return Err(AddressSetError::Empty);
        }
        for _ in 0..MAX_ATTEMPTS {
            let (set, known) = self.address_set(name).await?;
            if revision.is_some_and(|revision| revision != set.revision) {
                return Err(AddressSetError::Changed);
            }
            if set.origin != SetOrigin::Own {
                return Err(AddressSetError::Published);
            }
            let changes = NetworkChanges::between(&known, &networks);
            match self
                .apply_networks(actor, set, networks.clone(), changes, Acceptance::AtOnce)
                .await
            {
                Err(AddressSetError::Changed) => {}
                done => return done,
            }
        }
        Err(AddressSetError::Changed)
    }

    /// Removes a set that no allowlist names.
    ///
    /// # Errors
    /// [`AddressSetError::InUse`], and others; it stays then.
    pub async fn address_set_remove(
        &self,
        actor: &ActorContext,
        name: &AddressSetName,
    ) -> Result<(), AddressSetError> {
        actor.require(Permission::ManageWebhooks)?;
        let (set, _) = self.address_set(name).await?;
        let audit = actor.note(AuditAct::AddressSetRemove, subject(&set), self.now());
        if self.store.address_set_remove(set, audit).await? {
            return Ok(());
        }
        Err(AddressSetError::InUse(
            self.store.address_set_uses(name, 1).await?.0,
        ))
    }

    /// A set with the networks of its active version.
    ///
    /// # Errors
    /// [`AddressSetError::NotFound`] or [`AddressSetError::Store`].
    pub async fn address_set(
        &self,
        name: &AddressSetName,
    ) -> Result<(AddressSet, Arc<Networks>), AddressSetError> {
        for _ in 0..MAX_ATTEMPTS {
            let set = self.store.address_set_by_name(name).await?;
            let set = set.ok_or(AddressSetError::NotFound)?;
            // Not found: the version was replaced and removed meanwhile, so the set is read again.
            if let Some(networks) = self.store.address_set_networks(name, set.version).await? {
                return Ok((set, networks));
            }
        }
        Err(AddressSetError::Changed)
    }

    async fn apply_networks(
        &self,
        actor: &ActorContext,
        mut set: AddressSet,
        networks: Networks,
        changes: NetworkChanges,
        acceptance: Acceptance,
    ) -> Result<RefreshOutcome, AddressSetError> {
        if changes.is_empty() {
            // A pending version is rejected, because it is not published any more.
            let rejected = set
                .pending
                .take()
                .map_or(VersionChange::None, VersionChange::Reject);
            let set = self.write_set(set, rejected, None).await?;
            return Ok(RefreshOutcome { set, changes });
        }
        if networks.as_slice().is_empty() {
            return Err(AddressSetError::Empty);
        }
        let now = self.now();
        let newest = self.newest_version(&set.name).await?;
        let number = newest.max(set.version).max(set.pending.unwrap_or(0)) + 1;
        let before = settings(&set);
        if acceptance == Acceptance::UnlessLarge && changes.needs_approval() {
            set.pending = Some(number);
        } else {
            (set.version, set.changed_at, set.pending) = (number, now, None);
            set.networks = networks.as_slice().len() as u64;
            if acceptance == Acceptance::AtOnce {
                set.base = number;
            }
        }
        let facts = changed(&before, &settings(&set));
        let audit = actor.note_change(AuditAct::AddressSetEdit, subject(&set), now, facts);
        let version = VersionChange::Add(new_version(actor, networks, changes.clone(), now));
        let set = self.write_set(set, version, Some(audit)).await?;
        Ok(RefreshOutcome { set, changes })
    }

    async fn newest_version(&self, name: &AddressSetName) -> Result<i64, StoreError> {
        let versions = self.store.address_set_versions(name).await?;
        Ok(versions.first().map_or(0, |newest| newest.number))
    }

    /// Stores the next revision of a set.
    async fn write_set(
        &self,
        mut set: AddressSet,
        change: VersionChange,
        audit: Option<NewAudit>,
    ) -> Result<AddressSet, AddressSetError> {
        set.revision += 1;
        self.store.address_set_write(set.clone(), change, audit).await?;
        Ok(set)
    }
}

/// The time from which other networks are active.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Acceptance {
    AtOnce,
    /// At once, unless the change takes away or adds more than half: then it waits for approval.
    UnlessLarge,
}

fn new_version(
    actor: &ActorContext,
    networks: Networks,
    changes: NetworkChanges,
    now: Timestamp,
) -> NewVersion {
    NewVersion {
        networks: Arc::new(networks),
        changes,
        made_at: now,
        made_by: actor.identity.name().into(),
    }
}

fn subject(set: &AddressSet) -> AuditSubject {
    AuditSubject::new(format!("@{}", set.name), set.name.as_str())
}

/// The settings of a set as the audit trail keeps them.
fn settings(set: &AddressSet) -> Value {
    let origin = match &set.origin {
        SetOrigin::Own => json!("own"),
        SetOrigin::Published {
            provider,
            filter,
            url,
        } => {
            json!({"provider": provider.as_str(), "filter": filter.to_string(), "url": url})
        }
    };
    json!({"origin": origin, "version": set.version, "networks": set.networks, "pending": set.pending})
}
