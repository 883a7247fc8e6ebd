//! The results of a search.

use askama::Template;
use hookgate_domain::WebhookHandle;

use super::incidents::IncidentRow;
use crate::assets;
use crate::render::screen;
use crate::shell::Shell;
use crate::text::UserText;
use crate::when;

/// `/search`: webhooks and incidents that match a text.
#[derive(Clone, Debug, Template)]
#[template(path = "search.html")]
pub struct SearchResults {
    /// The frame.
    pub shell: Shell,
    /// The text that was searched for. Never one that holds a webhook ID.
    pub text: UserText,
    /// Webhooks by name or hint.
    pub webhooks: Vec<SearchedWebhook>,
    /// Incidents by title, newest first.
    pub incidents: Vec<IncidentRow>,
    /// `true` if there may be more results.
    pub incomplete: bool,
}

screen!(SearchResults, "search");

/// A webhook among the results.
#[derive(Clone, Debug)]
pub struct SearchedWebhook {
    /// Its public name.
    pub handle: WebhookHandle,
    /// Name of the webhook.
    pub name: UserText,
    /// The hint of its URL.
    pub hint: String,
    /// `true` if the webhook is revoked.
    pub revoked: bool,
}
