//! A webhook and the changes of its life. Its state is an enum and a transition consumes the webhook, so no caller
//! can go on with the old one; a revoked webhook has no way back. It knows digests, never a webhook ID's text.

mod format;
mod name;
mod state;
mod url;

use thiserror::Error;

use crate::{OrganizationId, Policy, RotationAge, Timestamp, WebhookHandle, WebhookId};

pub use format::{SenderFormat, UnknownSenderFormat};
pub use name::{MAX_NAME_CHARACTERS, WebhookName, WebhookNameError};
pub use state::{LiveUrl, WebhookState};
pub use url::{KnownUrl, RetiredBecause, RetiredUrl, UrlChange};

/// A named way in, owned by an organization.
///
/// ```
/// use hookgate_domain::{OrganizationId, SenderFormat, Timestamp, Webhook, WebhookHandle, WebhookId};
///
/// # let new_id = |seed| WebhookId::generate(|buffer| Ok::<(), std::convert::Infallible>(buffer.fill(seed)));
/// # let (first_id, second_id) = (new_id(7)?, new_id(8)?);
/// let now = Timestamp::from_micros(1_700_000_000_000_000);
/// let handle = WebhookHandle::new(now, [1; 10]);
/// let name = "disk alerts".parse()?;
/// let webhook = Webhook::new(handle, OrganizationId::FIRST, name, SenderFormat::Custom, &first_id, now);
///
/// let revoked = webhook.revoke(now)?;
/// assert_eq!(revoked.webhook.revision, 2);
/// assert!(revoked.webhook.regenerate(&second_id, now).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Webhook {
    /// Its public name.
    pub handle: WebhookHandle,
    /// Who owns it.
    pub organization: OrganizationId,
    /// What people call it.
    pub name: WebhookName,
    /// What its senders send; part of its URL.
    pub format: SenderFormat,
    /// Whether it has a living URL.
    pub state: WebhookState,
    /// What may pass and how much of it.
    pub policy: Policy,
    /// Counts changes, from 1; a commit is valid only for the revision that was judged.
    pub revision: i64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When its allowlist mode was changed last; `None` if it is the one it was created with. It is no part of the policy.
    pub mode_changed_at: Option<Timestamp>,
    /// A removed member who was shown the living URL or its signing secret: a reason to regenerate. It is advice and no
    /// part of the policy, so it raises no revision.
    pub leaver: Option<Leaver>,
}

/// A removed member who knows a URL that still lives.
///
/// ```
/// use hookgate_domain::{Leaver, Timestamp};
///
/// let leaver = Leaver { name: "mallory".to_owned(), since: Timestamp::from_micros(0) };
/// assert_eq!(leaver.clone(), leaver);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leaver {
    /// What the member was called.
    pub name: String,
    /// When the member was removed.
    pub since: Timestamp,
}

impl Webhook {
    /// A webhook that takes deliveries from now on: revision 1, the default policy.
    ///
    /// ```
    /// use hookgate_domain::{Policy, WebhookState};
    /// # use hookgate_domain::{OrganizationId, SenderFormat, Timestamp, Webhook, WebhookHandle, WebhookId};
    /// # let now = Timestamp::from_micros(1_700_000_000_000_000);
    /// # let new_id = |seed| WebhookId::generate(|buffer| Ok::<(), std::convert::Infallible>(buffer.fill(seed)));
    /// # let handle = WebhookHandle::new(now, [1; 10]);
    /// # let id = new_id(7)?;
    /// # let webhook =
    /// #     Webhook::new(handle, OrganizationId::FIRST, "demo".parse()?, SenderFormat::Custom, &id, now);
    ///
    /// let webhook = Webhook { policy: Policy { allowlist: "192.0.2.0/24".parse()?, ..webhook.policy }, ..webhook };
    /// assert_eq!((webhook.revision, webhook.state), (1, WebhookState::issued(&id, now)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn new(
        handle: WebhookHandle,
        organization: OrganizationId,
        name: WebhookName,
        format: SenderFormat,
        id: &WebhookId,
        now: Timestamp,
    ) -> Self {
        let (state, policy) = (WebhookState::issued(id, now), Policy::default());
        Self {
            handle,
            organization,
            name,
            format,
            state,
            policy,
            revision: 1,
            created_at: now,
            mode_changed_at: None,
            leaver: None,
        }
    }

    /// Gives the webhook a new URL. The old one is dead as soon as the change is stored.
    ///
    /// ```
    /// use hookgate_domain::{RetiredBecause, WebhookError};
    /// # use hookgate_domain::{OrganizationId, SenderFormat, Timestamp, Webhook, WebhookHandle, WebhookId};
    /// # let now = Timestamp::from_micros(1_700_000_000_000_000);
    /// # let new_id = |seed| WebhookId::generate(|buffer| Ok::<(), std::convert::Infallible>(buffer.fill(seed)));
    /// # let handle = WebhookHandle::new(now, [1; 10]);
    /// # let id = new_id(7)?;
    /// # let webhook =
    /// #     Webhook::new(handle, OrganizationId::FIRST, "demo".parse()?, SenderFormat::Custom, &id, now);
    ///
    /// assert_eq!(webhook.clone().regenerate(&id, now), Err(WebhookError::SameUrl));
    /// let change = webhook.regenerate(&new_id(8)?, now)?;
    /// assert_eq!((change.retired.digest, change.retired.because), (id.digest(), RetiredBecause::Regenerated));
    /// assert_ne!(change.webhook.live_url()?.digest, id.digest());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`WebhookError::Revoked`]: a revoked webhook never lives again. [`WebhookError::SameUrl`] if `id` is the one it
    /// has: the tombstone would stand on a living URL.
    pub fn regenerate(self, id: &WebhookId, now: Timestamp) -> Result<UrlChange, WebhookError> {
        let retired = self.retired(RetiredBecause::Regenerated, now)?;
        if retired.digest == id.digest() {
            return Err(WebhookError::SameUrl);
        }
        Ok(UrlChange {
            webhook: self.changed(|webhook| {
                webhook.state = WebhookState::issued(id, now);
                webhook.leaver = None;
            }),
            retired,
        })
    }

    /// Kills the webhook for good.
    ///
    /// ```
    /// use hookgate_domain::WebhookError;
    /// # use hookgate_domain::{OrganizationId, SenderFormat, Timestamp, Webhook, WebhookHandle, WebhookId};
    /// # let now = Timestamp::from_micros(1_700_000_000_000_000);
    /// # let new_id = |seed| WebhookId::generate(|buffer| Ok::<(), std::convert::Infallible>(buffer.fill(seed)));
    /// # let handle = WebhookHandle::new(now, [1; 10]);
    /// # let id = new_id(7)?;
    /// # let webhook =
    /// #     Webhook::new(handle, OrganizationId::FIRST, "demo".parse()?, SenderFormat::Custom, &id, now);
    ///
    /// let change = webhook.revoke(now)?;
    /// assert_eq!(change.retired.digest, id.digest());
    /// assert_eq!(change.webhook.revoke(now), Err(WebhookError::Revoked { at: now }));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`WebhookError::Revoked`] if it is dead already.
    pub fn revoke(self, now: Timestamp) -> Result<UrlChange, WebhookError> {
        let retired = self.retired(RetiredBecause::Revoked, now)?;
        let state = WebhookState::Revoked {
            hint: retired.hint,
            at: now,
        };
        Ok(UrlChange {
            webhook: self.changed(|webhook| webhook.state = state),
            retired,
        })
    }

    /// The webhook with another name and policy. Its URL stays.
    ///
    /// ```
    /// use hookgate_domain::Policy;
    /// # use hookgate_domain::{OrganizationId, SenderFormat, Timestamp, Webhook, WebhookHandle, WebhookId};
    /// # let now = Timestamp::from_micros(1_700_000_000_000_000);
    /// # let new_id = |seed| WebhookId::generate(|buffer| Ok::<(), std::convert::Infallible>(buffer.fill(seed)));
    /// # let handle = WebhookHandle::new(now, [1; 10]);
    /// # let id = new_id(7)?;
    /// # let webhook =
    /// #     Webhook::new(handle, OrganizationId::FIRST, "demo".parse()?, SenderFormat::Custom, &id, now);
    ///
    /// let tightened = Policy { allowlist: "192.0.2.0/24".parse()?, ..Policy::default() };
    /// let edited = webhook.edit("disk alerts".parse()?, tightened)?;
    /// assert_eq!((edited.name.as_str(), edited.revision), ("disk alerts", 2));
    /// assert_eq!(edited.live_url()?.digest, id.digest());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`WebhookError::Revoked`]: nothing of a revoked webhook changes any more.
    pub fn edit(self, name: WebhookName, policy: Policy) -> Result<Self, WebhookError> {
        self.live_url()?;
        Ok(self.changed(|webhook| (webhook.name, webhook.policy) = (name, policy)))
    }

    /// The webhook with the mark that its URL travelled in the clear. The first such time is kept.
    ///
    /// It is a change and counts as one, so look at [`LiveUrl::exposed_at`] first: a sender that never stops using
    /// plain HTTP should not cause a write each time.
    ///
    /// ```
    /// use hookgate_domain::RotationAge;
    /// # use hookgate_domain::{OrganizationId, SenderFormat, Timestamp, Webhook, WebhookHandle, WebhookId};
    /// # let now = Timestamp::from_micros(1_700_000_000_000_000);
    /// # let new_id = |seed| WebhookId::generate(|buffer| Ok::<(), std::convert::Infallible>(buffer.fill(seed)));
    /// # let handle = WebhookHandle::new(now, [1; 10]);
    /// # let id = new_id(7)?;
    /// # let webhook =
    /// #     Webhook::new(handle, OrganizationId::FIRST, "demo".parse()?, SenderFormat::Custom, &id, now);
    ///
    /// let exposed = webhook.expose(now)?;
    /// assert_eq!(exposed.rotation_age(now), RotationAge::Exposed { since: now });
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`WebhookError::Revoked`]: a dead URL can't be exposed.
    pub fn expose(self, now: Timestamp) -> Result<Self, WebhookError> {
        let url = *self.live_url()?;
        let url = LiveUrl {
            exposed_at: url.exposed_at.or(Some(now)),
            ..url
        };
        Ok(self.changed(|webhook| webhook.state = WebhookState::Active(url)))
    }

    /// Its living URL.
    ///
    /// ```
    /// # use hookgate_domain::{OrganizationId, SenderFormat, Timestamp, Webhook, WebhookHandle, WebhookId};
    /// # let now = Timestamp::from_micros(1_700_000_000_000_000);
    /// # let new_id = |seed| WebhookId::generate(|buffer| Ok::<(), std::convert::Infallible>(buffer.fill(seed)));
    /// # let handle = WebhookHandle::new(now, [1; 10]);
    /// # let id = new_id(7)?;
    /// # let webhook =
    /// #     Webhook::new(handle, OrganizationId::FIRST, "demo".parse()?, SenderFormat::Custom, &id, now);
    /// assert_eq!(webhook.live_url()?.digest, id.digest());
    /// assert!(webhook.revoke(now)?.webhook.live_url().is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`WebhookError::Revoked`] if it has none any more.
    pub const fn live_url(&self) -> Result<&LiveUrl, WebhookError> {
        match &self.state {
            WebhookState::Active(url) => Ok(url),
            WebhookState::Revoked { at, .. } => Err(WebhookError::Revoked { at: *at }),
        }
    }

    /// Since when its allowlist mode is what it is.
    ///
    /// ```
    /// # use hookgate_domain::{OrganizationId, SenderFormat, Timestamp, Webhook, WebhookHandle, WebhookId};
    /// # let now = Timestamp::from_micros(1_700_000_000_000_000);
    /// # let new_id = |seed| WebhookId::generate(|buffer| Ok::<(), std::convert::Infallible>(buffer.fill(seed)));
    /// # let handle = WebhookHandle::new(now, [1; 10]);
    /// # let id = new_id(7)?;
    /// # let webhook =
    /// #     Webhook::new(handle, OrganizationId::FIRST, "demo".parse()?, SenderFormat::Custom, &id, now);
    /// assert_eq!(webhook.mode_since(), webhook.created_at);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn mode_since(&self) -> Timestamp {
        self.mode_changed_at.unwrap_or(self.created_at)
    }

    /// How old its URL is, measured by its rotation policy.
    ///
    /// ```
    /// use hookgate_domain::RotationAge;
    /// # use hookgate_domain::{OrganizationId, SenderFormat, Timestamp, Webhook, WebhookHandle, WebhookId};
    /// # let now = Timestamp::from_micros(1_700_000_000_000_000);
    /// # let new_id = |seed| WebhookId::generate(|buffer| Ok::<(), std::convert::Infallible>(buffer.fill(seed)));
    /// # let handle = WebhookHandle::new(now, [1; 10]);
    /// # let id = new_id(7)?;
    /// # let webhook =
    /// #     Webhook::new(handle, OrganizationId::FIRST, "demo".parse()?, SenderFormat::Custom, &id, now);
    /// assert_eq!(webhook.rotation_age(now), RotationAge::Fresh { days_left: 90 });
    /// assert_eq!(webhook.revoke(now)?.webhook.rotation_age(now), RotationAge::NotTracked);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn rotation_age(&self, now: Timestamp) -> RotationAge {
        match &self.state {
            WebhookState::Active(url) => {
                let age = self.policy.rotation.age(url.issued_at, url.exposed_at, now);
                match (&self.leaver, age) {
                    (_, RotationAge::Exposed { .. }) | (None, _) => age,
                    (Some(leaver), _) => RotationAge::KnownToLeaver { since: leaver.since },
                }
            }
            WebhookState::Revoked { .. } => RotationAge::NotTracked,
        }
    }

    fn retired(&self, because: RetiredBecause, at: Timestamp) -> Result<RetiredUrl, WebhookError> {
        let LiveUrl { digest, hint, .. } = *self.live_url()?;
        Ok(RetiredUrl {
            digest,
            hint,
            webhook: self.handle,
            because,
            at,
        })
    }

    fn changed(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self.revision += 1;
        self
    }
}

/// Why a change of a webhook is refused.
///
/// ```
/// use hookgate_domain::{Timestamp, WebhookError};
///
/// let error = WebhookError::Revoked { at: Timestamp::from_micros(0) };
/// assert_eq!(error.to_string(), "the webhook is revoked, and revoked is final; create a new one");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum WebhookError {
    /// Revoked is final.
    #[error("the webhook is revoked, and revoked is final; create a new one")]
    Revoked {
        /// Since when.
        at: Timestamp,
    },
    /// The new webhook ID is the one the webhook has: the source of randomness repeats itself.
    #[error("the new webhook ID is the one in use; check the source of randomness")]
    SameUrl,
}
