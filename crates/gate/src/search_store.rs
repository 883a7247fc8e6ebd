//! The port to what a search compares. A search looks at many rows, so each is no more than the columns it needs.

use hookgate_domain::{IncidentNumber, WebhookHandle, WebhookIdHint, WebhookName};

use crate::{PageSize, StoreError};

/// Gives what a search compares.
pub trait SearchStore: Send + Sync + 'static {
    /// The names of webhooks, revoked ones too, in the order of their handles, behind `after`.
    fn webhook_labels(
        &self,
        after: Option<WebhookHandle>,
        size: PageSize,
    ) -> impl Future<Output = Result<Vec<WebhookLabel>, StoreError>> + Send;

    /// The titles of incidents, newest first, with numbers below `before`.
    fn incident_titles(
        &self,
        before: Option<IncidentNumber>,
        size: PageSize,
    ) -> impl Future<Output = Result<Vec<IncidentTitle>, StoreError>> + Send;
}

/// What people call a webhook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookLabel {
    /// Which one.
    pub handle: WebhookHandle,
    /// Its name.
    pub name: WebhookName,
    /// The first characters of the secret in its URL.
    pub hint: WebhookIdHint,
    /// Whether it has no living URL any more.
    pub is_revoked: bool,
}

/// What people call an incident.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IncidentTitle {
    /// Which one.
    pub number: IncidentNumber,
    /// Its title.
    pub title: String,
}
