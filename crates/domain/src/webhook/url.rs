//! The URLs of a webhook, active and retired. A retired URL leaves a tombstone that is kept for ever: its sender learns
//! that it is retired, and nobody can bring it back.

use super::Webhook;
use crate::{Timestamp, WebhookHandle, WebhookIdDigest, WebhookIdHint};

/// A webhook after a change of its URL, with the tombstone of the URL before. Both are stored together or not at all.
///
/// ```
/// use hookgate_domain::UrlChange;
/// # use hookgate_domain::{OrganizationId, SenderFormat, Timestamp, Webhook, WebhookHandle, WebhookId};
/// # let now = Timestamp::from_micros(1_700_000_000_000_000);
/// # let new_id = |seed| WebhookId::generate(|buffer| Ok::<(), std::convert::Infallible>(buffer.fill(seed)));
/// # let handle = WebhookHandle::new(now, [1; 10]);
/// # let id = new_id(7)?;
/// # let webhook =
/// #     Webhook::new(handle, OrganizationId::FIRST, "demo".parse()?, SenderFormat::Custom, &id, now);
///
/// let UrlChange { webhook, retired } = webhook.regenerate(&new_id(8)?, now)?;
/// assert_eq!((webhook.revision, retired.webhook), (2, webhook.handle));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct UrlChange {
    /// The webhook as it is now.
    pub webhook: Webhook,
    /// The tombstone of the old URL.
    pub retired: RetiredUrl,
}

/// The tombstone of a URL: enough to answer `WEBHOOK_REVOKED` for ever, and to name the webhook.
///
/// ```
/// use hookgate_domain::RetiredUrl;
/// use hookgate_domain::webhook::RetiredBecause;
/// # use hookgate_domain::{OrganizationId, SenderFormat, Timestamp, Webhook, WebhookHandle, WebhookId};
/// # let now = Timestamp::from_micros(1_700_000_000_000_000);
/// # let new_id = |seed| WebhookId::generate(|buffer| Ok::<(), std::convert::Infallible>(buffer.fill(seed)));
/// # let handle = WebhookHandle::new(now, [1; 10]);
/// # let id = new_id(7)?;
/// # let webhook =
/// #     Webhook::new(handle, OrganizationId::FIRST, "demo".parse()?, SenderFormat::Custom, &id, now);
///
/// let retired = webhook.revoke(now)?.retired;
/// let expected = RetiredUrl {
///     digest: id.digest(),
///     hint: id.hint(),
///     webhook: handle,
///     because: RetiredBecause::Revoked,
///     at: now,
/// };
/// assert_eq!(retired, expected);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetiredUrl {
    /// Digest of the retired webhook ID.
    pub digest: WebhookIdDigest,
    /// The first characters of that ID.
    pub hint: WebhookIdHint,
    /// The webhook that had it.
    pub webhook: WebhookHandle,
    /// The reason.
    pub because: RetiredBecause,
    /// Time of the change.
    pub at: Timestamp,
}

/// Reasons for which a URL was retired.
///
/// ```
/// use hookgate_domain::webhook::RetiredBecause;
///
/// assert_eq!(RetiredBecause::Regenerated.as_str(), "regenerated");
/// assert_eq!(RetiredBecause::Revoked.as_str(), "revoked");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RetiredBecause {
    /// The webhook got a new URL.
    Regenerated,
    /// The webhook was revoked.
    Revoked,
}

impl RetiredBecause {
    /// `regenerated` or `revoked`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Regenerated => "regenerated",
            Self::Revoked => "revoked",
        }
    }
}

/// A URL that was once issued: the store's result of looking up a digest.
///
/// ```
/// use hookgate_domain::KnownUrl;
/// # use hookgate_domain::{OrganizationId, SenderFormat, Timestamp, Webhook, WebhookHandle, WebhookId};
/// # let now = Timestamp::from_micros(1_700_000_000_000_000);
/// # let new_id = |seed| WebhookId::generate(|buffer| Ok::<(), std::convert::Infallible>(buffer.fill(seed)));
/// # let handle = WebhookHandle::new(now, [1; 10]);
/// # let id = new_id(7)?;
/// # let webhook =
/// #     Webhook::new(handle, OrganizationId::FIRST, "demo".parse()?, SenderFormat::Custom, &id, now);
///
/// let change = webhook.regenerate(&new_id(8)?, now)?;
/// let (new, old) = (KnownUrl::Live(change.webhook), KnownUrl::Retired(change.retired));
/// assert_eq!((new.webhook(), old.webhook()), (handle, handle));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KnownUrl {
    /// The active URL of this webhook.
    Live(Webhook),
    /// A URL that is retired permanently.
    Retired(RetiredUrl),
}

impl KnownUrl {
    /// The webhook that has or had the URL.
    #[must_use]
    pub const fn webhook(&self) -> WebhookHandle {
        match self {
            Self::Live(webhook) => webhook.handle,
            Self::Retired(retired) => retired.webhook,
        }
    }
}
