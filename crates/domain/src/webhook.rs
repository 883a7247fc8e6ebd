//! A webhook and its transitions. The state is an enum and a transition consumes the webhook, so that no caller can go
//! on with the old one; revoked is final. A webhook holds digests, never the text of a webhook ID.

mod format;
mod name;
mod state;
mod url;

use thiserror::Error;

use crate::rotation::RotationAge;
use crate::{OrganizationId, Policy, Timestamp, WebhookHandle, WebhookId};

pub use format::{SenderFormat, UnknownSenderFormat};
pub use name::{MAX_NAME_CHARACTERS, WebhookName, WebhookNameError};
pub use state::{LiveUrl, WebhookState};
pub use url::{KnownUrl, RetiredBecause, RetiredUrl, UrlChange};

/// A named entry point for senders, owned by an organization.
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
    /// The public name.
    pub handle: WebhookHandle,
    /// The organization that owns it.
    pub organization: OrganizationId,
    /// The display name.
    pub name: WebhookName,
    /// The format of its senders' payloads; part of its URL.
    pub format: SenderFormat,
    /// Active with a URL, or revoked.
    pub state: WebhookState,
    /// The policy: allowlist, limits, signature, payload logging and rotation.
    pub policy: Policy,
    /// Number of changes, from 1. A commit is valid only for the revision by which the delivery was judged.
    pub revision: i64,
    /// Time of creation.
    pub created_at: Timestamp,
    /// Time of the last change of the allowlist mode; `None` if there was none. It is not part of the policy.
    pub mode_changed_at: Option<Timestamp>,
    /// A removed member who was shown the active URL or its signing secret: a reason to regenerate. It is advice and
    /// not part of the policy, so it raises no revision.
    pub leaver: Option<Leaver>,
}

/// A removed member who knows a URL that still works.
///
/// ```
/// use hookgate_domain::Timestamp;
/// use hookgate_domain::webhook::Leaver;
///
/// let leaver = Leaver { name: "mallory".to_owned(), since: Timestamp::from_micros(0) };
/// assert_eq!(leaver.clone(), leaver);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leaver {
    /// The member's name.
    pub name: String,
    /// Time of the member's removal.
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

    /// Gives the webhook a new URL. The old one stops working as soon as the change is stored.
    ///
    /// ```
    /// use hookgate_domain::WebhookError;
    /// use hookgate_domain::webhook::RetiredBecause;
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
    /// [`WebhookError::Revoked`]: revoked is final. [`WebhookError::SameUrl`] if `id` is the present one: a tombstone
    /// would then end the active URL.
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

    /// Revokes the webhook permanently.
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
    /// [`WebhookError::Revoked`] if it is revoked.
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

    /// Changes name and policy. The URL stays.
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
    /// [`WebhookError::Revoked`]: a revoked webhook can't be changed.
    pub fn edit(self, name: WebhookName, policy: Policy) -> Result<Self, WebhookError> {
        self.live_url()?;
        Ok(self.changed(|webhook| (webhook.name, webhook.policy) = (name, policy)))
    }

    /// Marks the URL as exposed: it was sent over plain HTTP. The time of the first call is kept.
    ///
    /// Each call raises the revision, so look at [`LiveUrl::exposed_at`] first: a sender that never stops using plain
    /// HTTP should not cause a write each time.
    ///
    /// ```
    /// use hookgate_domain::rotation::RotationAge;
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
    /// [`WebhookError::Revoked`]: a URL that does not work can't be exposed.
    pub fn expose(self, now: Timestamp) -> Result<Self, WebhookError> {
        let url = *self.live_url()?;
        let url = LiveUrl {
            exposed_at: url.exposed_at.or(Some(now)),
            ..url
        };
        Ok(self.changed(|webhook| webhook.state = WebhookState::Active(url)))
    }

    /// The active URL.
    ///
    /// # Errors
    /// [`WebhookError::Revoked`] if there is none.
    pub const fn live_url(&self) -> Result<&LiveUrl, WebhookError> {
        match &self.state {
            WebhookState::Active(url) => Ok(url),
            WebhookState::Revoked { at, .. } => Err(WebhookError::Revoked { at: *at }),
        }
    }

    /// The time since which the allowlist has its present mode.
    #[must_use]
    pub fn mode_since(&self) -> Timestamp {
        self.mode_changed_at.unwrap_or(self.created_at)
    }

    /// The age of its URL, measured by its rotation policy.
    ///
    /// ```
    /// use hookgate_domain::rotation::RotationAge;
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

/// Refusals of a change of a webhook.
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
        /// Time of the revocation.
        at: Timestamp,
    },
    /// The new webhook ID is the present one: the source of randomness repeats itself.
    #[error("the new webhook ID is the one in use; check the source of randomness")]
    SameUrl,
}
