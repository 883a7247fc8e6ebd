//! The life of a webhook: create, edit, regenerate, revoke. Each ends in one conditional write; who lost a race reads
//! again and repeats, so two administrators never undo each other unseen.

use hookgate_domain::{
    OrganizationId, Policy, SenderFormat, Webhook, WebhookError, WebhookHandle, WebhookId, WebhookName,
    WebhookState,
};
use hookgate_senders::SigningSecret;
use thiserror::Error;

use crate::{EntropyError, Gate, SealError, Store, StoreError};

/// How often a change is tried when others change the same webhook.
const MOST_TRIES: usize = 5;

/// What a new webhook is to be.
#[derive(Clone, Debug)]
pub struct NewWebhook {
    /// What people call it.
    pub name: WebhookName,
    /// What its senders send.
    pub format: SenderFormat,
    /// What may pass.
    pub policy: Policy,
    /// Whether its deliveries must be signed.
    pub signed: bool,
}

/// A webhook with the secrets that were just made for it. They can't be had again.
pub struct Issued {
    /// The webhook.
    pub webhook: Webhook,
    /// The secret in its URL.
    pub id: WebhookId,
    /// The secret that its senders sign with, if it was made now.
    pub signing_secret: Option<SigningSecret>,
}

/// Why a webhook could not be changed.
#[derive(Debug, Error)]
pub enum ManageError {
    /// There is no such webhook.
    #[error("no such webhook")]
    NotFound,
    /// A rule of the webhook's life forbids it.
    #[error(transparent)]
    Refused(#[from] WebhookError),
    /// The store could not do it.
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
    /// [`ManageError::Store`], [`ManageError::Entropy`] or [`ManageError::Seal`]; nothing is stored then.
    pub async fn create(&self, new: NewWebhook) -> Result<Issued, ManageError> {
        let now = self.now();
        let mut random = [0; 10];
        self.ports.entropy.fill(&mut random)?;
        let handle = WebhookHandle::new(now, random);
        let id = self.new_id()?;
        let mut policy = new.policy;
        let signing_secret = if new.signed {
            Some(self.new_signing_secret(handle, &mut policy)?)
        } else {
            None
        };
        let webhook = Webhook {
            handle,
            organization: OrganizationId::FIRST,
            name: new.name,
            format: new.format,
            state: WebhookState::issued(&id, now),
            policy,
            revision: 1,
            created_at: now,
        };
        self.store.webhook_insert(webhook.clone()).await?;
        Ok(Issued {
            webhook,
            id,
            signing_secret,
        })
    }

    /// Changes the name and policy of a webhook by what `change` makes of it. `change` may be called several times.
    ///
    /// # Errors
    /// [`ManageError::NotFound`], [`ManageError::Refused`] for a revoked one, or [`ManageError::Store`].
    pub async fn edit(
        &self,
        handle: WebhookHandle,
        change: impl Fn(&mut WebhookName, &mut Policy),
    ) -> Result<Webhook, ManageError> {
        self.replace(handle, |webhook| {
            let (mut name, mut policy) = (webhook.name.clone(), webhook.policy.clone());
            change(&mut name, &mut policy);
            Ok((webhook.edit(name, policy)?, None))
        })
        .await
    }

    /// Makes the deliveries of a webhook carry signatures by a new secret. Signatures by an older one end at once.
    ///
    /// # Errors
    /// As [`Self::edit`], and [`ManageError::Entropy`] or [`ManageError::Seal`].
    pub async fn require_signature(
        &self,
        handle: WebhookHandle,
    ) -> Result<(Webhook, SigningSecret), ManageError> {
        let mut sealed = Policy::default();
        let secret = self.new_signing_secret(handle, &mut sealed)?;
        let webhook = self
            .edit(handle, |_, policy| {
                policy.signing_secret.clone_from(&sealed.signing_secret);
            })
            .await?;
        Ok((webhook, secret))
    }

    /// Gives a webhook a new URL. When this returns, no node accepts the old one.
    ///
    /// # Errors
    /// As [`Self::edit`], and [`ManageError::Entropy`].
    pub async fn regenerate(&self, handle: WebhookHandle) -> Result<Issued, ManageError> {
        let id = self.new_id()?;
        let webhook = self
            .replace(handle, |webhook| {
                let change = webhook.regenerate(&id, self.now())?;
                Ok((change.webhook, Some(change.retired)))
            })
            .await?;
        Ok(Issued {
            webhook,
            id,
            signing_secret: None,
        })
    }

    /// Kills a webhook for good. When this returns, no node accepts its URL.
    ///
    /// # Errors
    /// As [`Self::edit`].
    pub async fn revoke(&self, handle: WebhookHandle) -> Result<Webhook, ManageError> {
        self.replace(handle, |webhook| {
            let change = webhook.revoke(self.now())?;
            Ok((change.webhook, Some(change.retired)))
        })
        .await
    }

    /// Flags a webhook whose URL came over plain HTTP, once.
    pub(crate) async fn mark_exposed(&self, handle: WebhookHandle) -> Result<(), ManageError> {
        let webhook = self
            .store
            .webhook_by_handle(handle)
            .await?
            .ok_or(ManageError::NotFound)?;
        if webhook.live_url()?.exposed_at.is_some() {
            return Ok(());
        }
        self.replace(handle, |webhook| Ok((webhook.expose(self.now())?, None)))
            .await
            .map(drop)
    }

    async fn replace(
        &self,
        handle: WebhookHandle,
        change: impl Fn(Webhook) -> Result<(Webhook, Option<hookgate_domain::RetiredUrl>), WebhookError>,
    ) -> Result<Webhook, ManageError> {
        for _ in 0..MOST_TRIES {
            let current = self
                .store
                .webhook_by_handle(handle)
                .await?
                .ok_or(ManageError::NotFound)?;
            let (webhook, retired) = change(current)?;
            match self.store.webhook_replace(webhook.clone(), retired).await {
                Err(StoreError::Conflict) => {}
                Err(error) => return Err(error.into()),
                Ok(()) => return Ok(webhook),
            }
        }
        Err(StoreError::Conflict.into())
    }

    fn new_id(&self) -> Result<WebhookId, EntropyError> {
        WebhookId::generate(|buffer| self.ports.entropy.fill(buffer))
    }

    fn new_signing_secret(
        &self,
        handle: WebhookHandle,
        policy: &mut Policy,
    ) -> Result<SigningSecret, ManageError> {
        let secret = SigningSecret::generate(|buffer| self.ports.entropy.fill(buffer))?;
        policy.signing_secret = Some(self.ports.seal.seal(secret.as_bytes(), handle)?);
        Ok(secret)
    }
}
