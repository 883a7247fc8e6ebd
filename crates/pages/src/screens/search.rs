//! The results of a search.

use askama::Template;
use hookgate_domain::WebhookHandle;

use super::incidents::IncidentRow;
use super::screen;
use crate::assets;
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
    /// Whether there may be more.
    pub incomplete: bool,
}

screen!(SearchResults, "search");

/// A webhook among the results.
#[derive(Clone, Debug)]
pub struct SearchedWebhook {
    /// Its public name.
    pub handle: WebhookHandle,
    /// The name that people gave it.
    pub name: UserText,
    /// The beginning of its URL's ID.
    pub hint: String,
    /// Whether it is revoked.
    pub revoked: bool,
}
