//! The life of a webhook: create, edit, regenerate, revoke. Each ends in one conditional write. A writer that loses a
//! race reads the webhook again and repeats, so two administrators never undo each other unseen.

use hookgate_domain::address_set::AddressSetName;
use hookgate_domain::policy::SealedSecret;
use hookgate_domain::{
    OrganizationId, Policy, RetiredUrl, SenderFormat, Webhook, WebhookError, WebhookHandle, WebhookId,
    WebhookName, WebhookState,
};
use hookgate_people::{AuditAct, Permission};
use hookgate_senders::SigningSecret;
use serde_json::{Value, json};
use thiserror::Error;

use crate::people::audit::webhook_subject;
use crate::people::audit_changes::{webhook_changes, webhook_settings};
use crate::{ActorContext, EntropyError, Forbidden, Gate, SealError, SealPurpose, Store, StoreError};

/// Attempts at a change when others change the same webhook.
const MAX_ATTEMPTS: usize = 5;

/// The settings of a new webhook.
#[derive(Clone, Debug)]
pub struct NewWebhook {
    /// Name for people.
    pub name: WebhookName,
    /// Format of its senders.
    pub format: SenderFormat,
    /// Policy of the webhook.
    pub policy: Policy,
    /// `true` if its deliveries must be signed.
    pub signed: bool,
}

/// A webhook with the secrets that were just made for it. They can't be read again.
pub struct Issued {
    /// The webhook.
    pub webhook: Webhook,
    /// The webhook ID, which is the secret in the URL.
    pub id: WebhookId,
    /// The signing secret, if one was made now.
    pub signing_secret: Option<SigningSecret>,
}

/// Errors of changing a webhook.
#[derive(Debug, Error)]
pub enum ManageError {
    /// There is no such webhook.
    #[error("no such webhook")]
    NotFound,
    /// The actor's role does not have the permission.
    #[error(transparent)]
    Forbidden(#[from] Forbidden),
    /// The webhook has another revision than the one that was to be changed.
    #[error("changed by someone else in the meantime")]
    Changed,
    /// Its allowlist names a set that does not exist.
    #[error("there is no address set @{0}")]
    UnknownSet(AddressSetName),
    /// A rule of the life cycle of webhooks forbids it.
    #[error(transparent)]
    Refused(#[from] WebhookError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// No randomness for a new secret.
    #[error(transparent)]
    Entropy(#[from] EntropyError),
    /// The signing secret can't be sealed.
    #[error(transparent)]
    Seal(#[from] SealError),
}

impl<S: Store> Gate<S> {
    /// Creates a webhook and gives it its first URL.
    ///
    /// # Errors
    /// [`ManageError::Forbidden`], [`ManageError::UnknownSet`], [`ManageError::Store`], [`ManageError::Entropy`] or
    /// [`ManageError::Seal`]; nothing is stored then.
    pub async fn create(&self, actor: &ActorContext, new: NewWebhook) -> Result<Issued, ManageError> {
        actor.require(Permission::ManageWebhooks)?;
        let now = self.now();
        let handle = WebhookHandle::new(now, self.random()?);
        let id = self.new_id()?;
        let mut policy = new.policy;
        let mut signing_secret = None;
        if new.signed {
            let (secret, sealed) = self.new_signing_secret(handle)?;
            (signing_secret, policy.signing_secret) = (Some(secret), Some(sealed));
        }
        let webhook = Webhook {
            handle,
            organization: OrganizationId::FIRST,
            name: new.name,
            format: new.format,
            state: WebhookState::issued(&id, now),
            policy,
            revision: 1,
            created_at: now,
            mode_changed_at: None,
            leaver: None,
        };
        self.check_sets(&webhook.policy).await?;
        let changes = (Value::Null, webhook_settings(&webhook));
        let audit = actor.note_change(AuditAct::WebhookCreate, webhook_subject(&webhook), now, changes);
        self.store.webhook_insert(webhook.clone(), audit).await?;
        Ok(Issued {
            webhook,
            id,
            signing_secret,
        })
    }

    /// Changes the name and policy of a webhook by `change`, which may be called several times. With a `revision`, only
    /// while the webhook has it: an edit of an old page does not overwrite a newer change.
    ///
    /// # Errors
    /// The error of `change`, [`ManageError::NotFound`], [`ManageError::Forbidden`], [`ManageError::Changed`],
    /// [`ManageError::Refused`] for a revoked webhook, [`ManageError::UnknownSet`] or [`ManageError::Store`]; nothing is
    /// stored then.
    pub async fn edit<E: From<ManageError>>(
        &self,
        actor: &ActorContext,
        handle: WebhookHandle,
        revision: Option<i64>,
        change: impl Fn(&mut WebhookName, &mut Policy) -> Result<(), E>,
    ) -> Result<Webhook, E> {
        self.replace(actor, AuditAct::WebhookEdit, handle, |webhook| {
            if revision.is_some_and(|revision| revision != webhook.revision) {
                return Err(ManageError::Changed.into());
            }
            let (mut name, mut policy) = (webhook.name.clone(), webhook.policy.clone());
            change(&mut name, &mut policy)?;
            Ok((webhook.edit(name, policy).map_err(ManageError::from)?, None))
        })
        .await
    }

    /// As [`Self::edit`], and in the same change requires signatures by a new secret. Signatures by an older secret end
    /// at once.
    ///
    /// # Errors
    /// As [`Self::edit`], and [`ManageError::Entropy`] or [`ManageError::Seal`].
    pub async fn require_signature<E: From<ManageError>>(
        &self,
        actor: &ActorContext,
        handle: WebhookHandle,
        change: impl Fn(&mut WebhookName, &mut Policy) -> Result<(), E>,
    ) -> Result<(Webhook, SigningSecret), E> {
        let (secret, sealed) = self.new_signing_secret(handle)?;
        let webhook = self
            .edit(actor, handle, None, |name, policy| {
                change(name, policy)?;
                policy.signing_secret = Some(sealed.clone());
                Ok::<_, E>(())
            })
            .await?;
        Ok((webhook, secret))
    }

    /// Gives a webhook a new URL. When this returns, no node accepts the old one.
    ///
    /// # Errors
    /// As [`Self::edit`], and [`ManageError::Entropy`].
    pub async fn regenerate(
        &self,
        actor: &ActorContext,
        handle: WebhookHandle,
    ) -> Result<Issued, ManageError> {
        let id = self.new_id()?;
        let webhook = self
            .replace(actor, AuditAct::WebhookRegenerate, handle, |webhook| {
                let change = webhook.regenerate(&id, self.now())?;
                Ok::<_, ManageError>((change.webhook, Some(change.retired)))
            })
            .await?;
        Ok(Issued {
            webhook,
            id,
            signing_secret: None,
        })
    }

    /// Revokes a webhook permanently. When this returns, no node accepts its URL.
    ///
    /// # Errors
    /// As [`Self::edit`].
    pub async fn revoke(&self, actor: &ActorContext, handle: WebhookHandle) -> Result<Webhook, ManageError> {
        self.replace(actor, AuditAct::WebhookRevoke, handle, |webhook| {
            let change = webhook.revoke(self.now())?;
            Ok((change.webhook, Some(change.retired)))
        })
        .await
    }

    /// Flags a webhook as exposed, once: its URL was sent over plain HTTP.
    pub(crate) async fn mark_exposed(&self, handle: WebhookHandle) -> Result<(), ManageError> {
        if self.webhook(handle).await?.live_url()?.exposed_at.is_some() {
            return Ok(());
        }
        let expose = |webhook: Webhook| Ok::<_, ManageError>((webhook.expose(self.now())?, None));
        let system = ActorContext::system();
        self.replace(&system, AuditAct::WebhookExpose, handle, expose)
            .await
            .map(drop)
    }

    /// The webhook with this handle.
    pub(crate) async fn webhook(&self, handle: WebhookHandle) -> Result<Webhook, ManageError> {
        let found = self.store.webhook_by_handle(handle).await?;
        found.ok_or(ManageError::NotFound)
    }

    async fn replace<E: From<ManageError>>(
        &self,
        actor: &ActorContext,
        act: AuditAct,
        handle: WebhookHandle,
        change: impl Fn(Webhook) -> Result<(Webhook, Option<RetiredUrl>), E>,
    ) -> Result<Webhook, E> {
        actor
            .require(Permission::ManageWebhooks)
            .map_err(ManageError::from)?;
        for _ in 0..MAX_ATTEMPTS {
            let current = self.webhook(handle).await?;
            let (mut webhook, retired) = change(current.clone())?;
            if webhook.policy.allowlist_mode != current.policy.allowlist_mode {
                webhook.mode_changed_at = Some(self.now());
            }
            if webhook.policy.allowlist != current.policy.allowlist {
                self.check_sets(&webhook.policy).await?;
            }
            let changes = changes(act, &current, &webhook);
            let audit = actor.note_change(act, webhook_subject(&webhook), self.now(), changes);
            match self.store.webhook_replace(webhook.clone(), retired, audit).await {
                Err(StoreError::Conflict) => {}
                Err(error) => return Err(ManageError::from(error).into()),
                Ok(()) => return Ok(webhook),
            }
        }
        Err(ManageError::from(StoreError::Conflict).into())
    }

    /// Checks that the sets that an allowlist names exist. The store checks it again in its transaction.
    async fn check_sets(&self, policy: &Policy) -> Result<(), ManageError> {
        let missing = self.missing_set(&policy.allowlist).await?;
        missing.map_or(Ok(()), |name| Err(ManageError::UnknownSet(name)))
    }

    fn new_id(&self) -> Result<WebhookId, EntropyError> {
        WebhookId::generate(|buffer| self.ports.entropy.fill(buffer))
    }

    fn new_signing_secret(
        &self,
        handle: WebhookHandle,
    ) -> Result<(SigningSecret, SealedSecret), ManageError> {
        let secret = SigningSecret::generate(|buffer| self.ports.entropy.fill(buffer))?;
        let purpose = SealPurpose::Signing(handle);
        let sealed = self.ports.seal.seal(secret.as_bytes(), purpose)?;
        Ok((secret, sealed))
    }
}

/// The changed values of an act on a webhook: settings, or the URL, of which only the hint is shown.
fn changes(act: AuditAct, before: &Webhook, after: &Webhook) -> (Value, Value) {
    let hint = |webhook: &Webhook| json!({"hint": webhook.state.hint().to_string()});
    match act {
        AuditAct::WebhookEdit => webhook_changes(before, after),
        AuditAct::WebhookRegenerate => (hint(before), hint(after)),
        AuditAct::WebhookRevoke => (hint(before), Value::Null),
        _ => (Value::Null, Value::Null),
    }
}
