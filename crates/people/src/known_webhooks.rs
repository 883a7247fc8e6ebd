//! Webhooks whose secrets a member knows.

use hookgate_domain::webhook_id::WebhookIdHint;
use hookgate_domain::{WebhookHandle, WebhookName};

/// The webhooks whose secrets were shown to a member.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KnownWebhooks {
    /// The first of them.
    pub webhooks: Vec<KnownWebhook>,
    /// Number of all of them.
    pub count: u64,
    /// `true` if there are live URLs without a record of the members to whom they were shown: the member may know those
    /// too.
    pub others_unknown: bool,
}

/// A webhook of which a secret was shown to a member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownWebhook {
    /// Handle of the webhook.
    pub handle: WebhookHandle,
    /// Name of the webhook.
    pub name: WebhookName,
    /// Hint of the URL: the first characters of the webhook ID.
    pub hint: WebhookIdHint,
    /// `true` if the URL was shown.
    pub url: bool,
    /// `true` if the signing secret was shown.
    pub signing_secret: bool,
}
