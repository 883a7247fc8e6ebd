//! Address sets: making and changing them, taking up what is published, and what that would mean for deliveries.

use std::sync::Arc;
use std::time::Duration;

use hookgate_domain::{
    AddressSet, AddressSetName, AuditAct, AuditSubject, NetworkChanges, Networks, Permission, SetFilterError,
    SetOrigin, Timestamp, is_private,
};
use hookgate_senders::{AddressListError, read_address_list};
use serde_json::{Value, json};
use thiserror::Error;

use crate::address_store::{LoneSource, MAX_ADDRESS_SETS, NewVersion, VersionChange};
use crate::sources::{Preview, PreviewDays};
use crate::{Acting, Forbidden, Gate, Store, StoreError};

/// How often a change is tried when others change the same set.
const MOST_TRIES: usize = 5;
/// How long a published list is used before it is read again, if nothing else is set.
pub const REFRESH_AFTER: Duration = Duration::from_hours(6);
/// The same after it could not be read.
const RETRY_AFTER: Duration = Duration::from_mins(15);
/// Webhooks that a preview of a set looks at.
const PREVIEWED: u16 = 100;
/// Longest text of a fault that is kept.
const MAX_FAULT: usize = 300;
/// How far back it is looked whether everything comes from one address.
const LONE_SOURCE_SPAN: Duration = Duration::from_hours(1);
/// Fewer deliveries than this say nothing about what stands in front.
const LONE_SOURCE_DELIVERIES: u64 = 2;

/// Why an address set could not be changed.
#[derive(Debug, Error)]
pub enum AddressSetError {
    /// There is no such set.
    #[error("no such address set")]
    NotFound,
    /// The actor's role does not include it.
    #[error(transparent)]
    Forbidden(#[from] Forbidden),
    /// Another set has this name.
    #[error("an address set of this name exists")]
    Exists,
    /// There are as many as may be.
    #[error("there are {MAX_ADDRESS_SETS} address sets already")]
    TooMany,
    /// An allowlist names it.
    #[error("{0} allowlists name it: take it out of them first")]
    InUse(u64),
    /// Its networks are published by somebody else.
    #[error("its networks are published by somebody else: refresh or import it")]
    Published,
    /// Nothing waits for approval, or not this any more.
    #[error("no such version waits for approval")]
    NothingPending,
    /// It has no networks, and an allowlist that names it would refuse everybody.
    #[error("an address set needs at least one network")]
    Empty,
    /// The filter is not one of its provider's.
    #[error(transparent)]
    Filter(#[from] SetFilterError),
    /// The document is not what the provider publishes.
    #[error(transparent)]
    Document(#[from] AddressListError),
    /// Somebody else changed it meanwhile.
    #[error("changed by somebody else meanwhile")]
    Changed,
    /// The store could not do it.
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

/// What taking up other networks did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    /// The set as it is now.
    pub set: AddressSet,
    /// What changed, or would.
    pub changes: NetworkChanges,
}

/// What another version of a set would mean for one webhook.
#[derive(Clone, Debug)]
pub struct SetPreview {
    /// The webhook.
    pub webhook: hookgate_domain::Webhook,
    /// Who would stop passing.
    pub preview: Preview,
}

impl<S: Store> Gate<S> {
    /// Makes a set of one's own, or one of a published document.
    ///
    /// # Errors
    /// [`AddressSetError`]; nothing is stored then.
    pub async fn address_set_create(
        &self,
        acting: &Acting,
        name: AddressSetName,
        origin: SetOrigin,
        networks: Networks,
        etag: Option<String>,
    ) -> Result<AddressSet, AddressSetError> {
        acting.require(Permission::ManageWebhooks)?;
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
        let audit = acting.note_change(
            AuditAct::AddressSetCreate,
            subject(&set),
            now,
            (Value::Null, settings(&set)),
        );
        let version = new_version(acting, networks, changes, now);
        self.store
            .address_set_write(set.clone(), VersionChange::Add(version), Some(audit))
            .await?;
        Ok(set)
    }

    /// Gives a set of one's own other networks. They count when this returns.
    ///
    /// # Errors
    /// [`AddressSetError`]; nothing is stored then.
    pub async fn address_set_edit(
        &self,
        acting: &Acting,
        name: &AddressSetName,
        revision: Option<i64>,
        networks: Networks,
    ) -> Result<Taken, AddressSetError> {
        acting.require(Permission::ManageWebhooks)?;
        if networks.as_slice().is_empty() {
            return Err(AddressSetError::Empty);
        }
        for _ in 0..MOST_TRIES {
            let (set, known) = self.address_set(name).await?;
            if revision.is_some_and(|revision| revision != set.revision) {
                return Err(AddressSetError::Changed);
            }
            if set.origin != SetOrigin::Own {
                return Err(AddressSetError::Published);
            }
            let changes = NetworkChanges::between(&known, &networks);
            match self
                .take_up(acting, set, networks.clone(), changes, Acceptance::AtOnce)
                .await
            {
                Err(AddressSetError::Changed) => {}
                done => return done,
            }
        }
        Err(AddressSetError::Changed)
    }

    /// Takes up what was published. What is new counts when this returns; if more than half of a set would go, it waits
    /// until somebody approves it. What can't be read leaves the set as it is, and is noted beside it.
    ///
    /// # Errors
    /// [`AddressSetError`]: also if the document is none, after that was noted.
    pub async fn address_set_refresh(
        &self,
        acting: &Acting,
        name: &AddressSetName,
        published: Published,
    ) -> Result<Taken, AddressSetError> {
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
                return Ok(Taken { set, changes });
            }
            Published::Failed(fault) => (fault, None),
            Published::Document { bytes, etag } => match read_address_list(provider, &filter, &bytes) {
                Ok(networks) => {
                    set.reading.read_at = Some(now);
                    set.reading.fault = None;
                    set.reading.etag = etag.map(Into::into);
                    let changes = NetworkChanges::between(&known, &networks);
                    if self.was_decided(&set, &networks).await? {
                        let set = self.write_reading(set).await?;
                        return Ok(Taken { set, changes });
                    }
                    return self
                        .take_up(acting, set, networks, changes, Acceptance::UnlessItShrinks)
                        .await;
                }
                Err(error) => (error.to_string(), Some(error)),
            },
        };
        set.reading.fault = Some(failed.0.chars().take(MAX_FAULT).collect::<String>().into());
        let set = self.write_reading(set).await?;
        match failed.1 {
            Some(error) => Err(error.into()),
            None => Ok(Taken {
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
        acting: &Acting,
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
            (set.version, set.changed_at) = (version, now);
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

    /// Removes a set that no allowlist names.
    ///
    /// # Errors
    /// [`AddressSetError::InUse`], and others; it stays then.
    pub async fn address_set_remove(
        &self,
        acting: &Acting,
        name: &AddressSetName,
    ) -> Result<(), AddressSetError> {
        acting.require(Permission::ManageWebhooks)?;
        let (set, _) = self.address_set(name).await?;
        let audit = acting.note(AuditAct::AddressSetRemove, subject(&set), self.now());
        if self.store.address_set_remove(set, audit).await? {
            return Ok(());
        }
        Err(AddressSetError::InUse(
            self.store.address_set_uses(name, 1).await?.0,
        ))
    }

    /// A set with the networks that count.
    ///
    /// # Errors
    /// [`AddressSetError::NotFound`] or [`AddressSetError::Store`].
    pub async fn address_set(
        &self,
        name: &AddressSetName,
    ) -> Result<(AddressSet, Arc<Networks>), AddressSetError> {
        for _ in 0..MOST_TRIES {
            let set = self.store.address_set_by_name(name).await?;
            let set = set.ok_or(AddressSetError::NotFound)?;
            // A version that went meanwhile was replaced by another one.
            if let Some(networks) = self.store.address_set_networks(name, set.version).await? {
                return Ok((set, networks));
            }
        }
        Err(AddressSetError::Changed)
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

    /// What other networks of a set would mean for the senders of the webhooks whose allowlists name it: as many as are
    /// looked at, and how many there are.
    ///
    /// # Errors
    /// [`AddressSetError::NotFound`] or [`AddressSetError::Store`].
    pub async fn address_set_preview(
        &self,
        name: &AddressSetName,
        networks: &Networks,
        days: PreviewDays,
    ) -> Result<(u64, Vec<SetPreview>), AddressSetError> {
        let (all, webhooks) = self.store.address_set_uses(name, PREVIEWED).await?;
        let (now, proposed) = (self.now(), Arc::new(networks.clone()));
        let since = now.before(Duration::from_hours(24) * u32::from(days.days()));
        let mut previews = Vec::new();
        for handle in webhooks {
            let Some(webhook) = self.store.webhook_by_handle(handle).await? else {
                continue;
            };
            let totals = self.store.accepted_sources(handle, since).await?;
            let allowlist = &webhook.policy.allowlist;
            let other = allowlist.with_set(name, &proposed);
            previews.push(SetPreview {
                preview: Preview::of(&totals, allowlist, &other, now),
                webhook,
            });
        }
        previews.sort_by_key(|one| std::cmp::Reverse(one.preview.would_stop.deliveries));
        Ok((all, previews))
    }

    /// The one private address that everything of the last hour came from, if it did: a proxy that is not trusted yet,
    /// probably.
    ///
    /// # Errors
    /// [`StoreError`] if the store can't tell.
    pub async fn proxy_suspect(&self) -> Result<Option<LoneSource>, StoreError> {
        let found = self
            .store
            .lone_source(self.now().before(LONE_SOURCE_SPAN))
            .await?;
        Ok(found.filter(|lone| is_private(lone.address) && lone.deliveries >= LONE_SOURCE_DELIVERIES))
    }

    async fn take_up(
        &self,
        acting: &Acting,
        mut set: AddressSet,
        networks: Networks,
        changes: NetworkChanges,
        acceptance: Acceptance,
    ) -> Result<Taken, AddressSetError> {
        if changes.is_empty() {
            let set = self.write_reading(set).await?;
            return Ok(Taken { set, changes });
        }
        if networks.as_slice().is_empty() {
            return Err(AddressSetError::Empty);
        }
        let now = self.now();
        let number = set.version.max(set.pending.unwrap_or_default());
        let number = self.newest_version(&set.name).await?.max(number) + 1;
        let before = settings(&set);
        if acceptance == Acceptance::UnlessItShrinks && changes.needs_approval() {
            set.pending = Some(number);
        } else {
            (set.version, set.changed_at, set.pending) = (number, now, None);
            set.networks = networks.as_slice().len() as u64;
        }
        set.revision += 1;
        let audit = acting.note_change(
            AuditAct::AddressSetEdit,
            subject(&set),
            now,
            crate::audit::changed(&before, &settings(&set)),
        );
        let version = new_version(acting, networks, changes.clone(), now);
        self.store
            .address_set_write(set.clone(), VersionChange::Add(version), Some(audit))
            .await?;
        Ok(Taken { set, changes })
    }

    /// Whether somebody was asked about just these networks, and has said no or nothing yet: then nobody is asked again.
    async fn was_decided(&self, set: &AddressSet, networks: &Networks) -> Result<bool, StoreError> {
        let newest = self.newest_version(&set.name).await?;
        if newest == set.version {
            return Ok(false);
        }
        let held = self.store.address_set_networks(&set.name, newest).await?;
        Ok(held.is_some_and(|held| NetworkChanges::between(&held, networks).is_empty()))
    }

    async fn newest_version(&self, name: &AddressSetName) -> Result<i64, StoreError> {
        let versions = self.store.address_set_versions(name).await?;
        Ok(versions.first().map_or(0, |newest| newest.number))
    }

    async fn write_reading(&self, mut set: AddressSet) -> Result<AddressSet, AddressSetError> {
        set.revision += 1;
        self.store
            .address_set_write(set.clone(), VersionChange::None, None)
            .await?;
        Ok(set)
    }
}

/// When other networks count.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Acceptance {
    AtOnce,
    UnlessItShrinks,
}

fn new_version(acting: &Acting, networks: Networks, changes: NetworkChanges, now: Timestamp) -> NewVersion {
    NewVersion {
        networks: Arc::new(networks),
        changes,
        made_at: now,
        made_by: acting.actor.name().into(),
    }
}

fn subject(set: &AddressSet) -> AuditSubject {
    AuditSubject::new(format!("@{}", set.name), set.name.as_str())
}

/// What the audit trail has of a set.
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
