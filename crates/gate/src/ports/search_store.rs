//! The port to the rows that a search compares. A search reads many rows, so each has only the columns it needs.

use hookgate_domain::{IncidentNumber, WebhookHandle, WebhookIdHint, WebhookName};

use crate::{PageSize, StoreFuture};

/// Reads names and titles for a search.
pub trait SearchStore: Send + Sync + 'static {
    /// The names of webhooks, including revoked ones, in the order of their handles, behind `after`.
    fn webhook_labels(
        &self,
        after: Option<WebhookHandle>,
        size: PageSize,
    ) -> impl StoreFuture<Vec<WebhookLabel>>;

    /// The titles of incidents, newest first, with numbers below `before`.
    fn incident_titles(
        &self,
        before: Option<IncidentNumber>,
        size: PageSize,
    ) -> impl StoreFuture<Vec<IncidentTitle>>;
}

/// The name of a webhook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookLabel {
    /// Handle of the webhook.
    pub handle: WebhookHandle,
    /// Name of the webhook.
    pub name: WebhookName,
    /// The first characters of the secret in its URL.
    pub hint: WebhookIdHint,
    /// `true` if it is revoked.
    pub is_revoked: bool,
}

/// The title of an incident.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IncidentTitle {
    /// Number of the incident.
    pub number: IncidentNumber,
    /// Title of the incident.
    pub title: String,
}
