//! The state of a webhook, and the stored part of its URL: digest and hint, never the ID itself.

use crate::{Timestamp, WebhookId, WebhookIdDigest, WebhookIdHint};

/// The state of a webhook: active with a URL, or revoked. Revoked is final.
///
/// ```
/// use hookgate_domain::WebhookState;
/// # use hookgate_domain::{OrganizationId, SenderFormat, Timestamp, Webhook, WebhookHandle, WebhookId};
/// # let now = Timestamp::from_micros(1_700_000_000_000_000);
/// # let new_id = |seed| WebhookId::generate(|buffer| Ok::<(), std::convert::Infallible>(buffer.fill(seed)));
/// # let handle = WebhookHandle::new(now, [1; 10]);
/// # let id = new_id(7)?;
/// # let webhook =
/// #     Webhook::new(handle, OrganizationId::FIRST, "demo".parse()?, SenderFormat::Custom, &id, now);
///
/// assert_eq!(webhook.state, WebhookState::issued(&id, now));
/// assert_eq!(webhook.revoke(now)?.webhook.state, WebhookState::Revoked { hint: id.hint(), at: now });
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WebhookState {
    /// It accepts deliveries at this URL.
    Active(LiveUrl),
    /// It was revoked; every delivery is refused.
    Revoked {
        /// Hint of the last URL.
        hint: WebhookIdHint,
        /// Time of the revocation.
        at: Timestamp,
    },
}

impl WebhookState {
    /// Active, with a URL issued now.
    #[must_use]
    pub fn issued(id: &WebhookId, now: Timestamp) -> Self {
        Self::Active(LiveUrl {
            digest: id.digest(),
            hint: id.hint(),
            issued_at: now,
            exposed_at: None,
        })
    }

    /// Hint of the active or last URL.
    #[must_use]
    pub const fn hint(&self) -> WebhookIdHint {
        match self {
            Self::Active(url) => url.hint,
            Self::Revoked { hint, .. } => *hint,
        }
    }
}

/// The stored part of an active URL.
///
/// ```
/// # use hookgate_domain::{OrganizationId, SenderFormat, Timestamp, Webhook, WebhookHandle, WebhookId};
/// # let now = Timestamp::from_micros(1_700_000_000_000_000);
/// # let new_id = |seed| WebhookId::generate(|buffer| Ok::<(), std::convert::Infallible>(buffer.fill(seed)));
/// # let handle = WebhookHandle::new(now, [1; 10]);
/// # let id = new_id(7)?;
/// # let webhook =
/// #     Webhook::new(handle, OrganizationId::FIRST, "demo".parse()?, SenderFormat::Custom, &id, now);
/// let url = webhook.live_url()?;
/// assert_eq!((url.digest, url.hint, url.issued_at, url.exposed_at), (id.digest(), id.hint(), now, None));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LiveUrl {
    /// Digest of the webhook ID in it.
    pub digest: WebhookIdDigest,
    /// The first characters of that ID.
    pub hint: WebhookIdHint,
    /// Time at which the URL was issued.
    pub issued_at: Timestamp,
    /// Time of the first request over plain HTTP, if there was any: a reason to regenerate.
    pub exposed_at: Option<Timestamp>,
}
