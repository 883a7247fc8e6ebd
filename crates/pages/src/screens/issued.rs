//! The page that shows a URL, once.

use askama::Template;
use hookgate_domain::WebhookHandle;

use crate::assets;
use crate::render::screen;
use crate::shell::Shell;
use crate::snippets::{Snippet, SnippetOptions, snippets};
use crate::text::{SecretText, UserText};

/// Placeholder in the snippets for a URL that can't be shown again.
const PLACEHOLDER: &str = "YOUR-WEBHOOK-URL";

/// The reason for a new URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Issue {
    /// The webhook was created.
    Created,
    /// The webhook was regenerated.
    Regenerated,
}

/// `/webhooks/{handle}/url`, the page after a webhook was created or regenerated. No cache may store it.
#[derive(Clone, Debug, Template)]
#[template(path = "issued.html")]
pub struct Issued {
    /// The frame.
    pub shell: Shell,
    /// The webhook.
    pub handle: WebhookHandle,
    /// Name of the webhook.
    pub name: UserText,
    /// The reason for the new URL.
    pub issue: Issue,
    /// The URL; `None` once it was shown.
    pub url: Option<SecretText>,
    /// The signing secret, if deliveries must be signed.
    pub signing_secret: Option<SecretText>,
    /// The file of a private CA that senders must trust.
    pub ca_file: Option<String>,
}

screen!(Issued, "webhooks");

impl Issued {
    fn is_new(&self) -> bool {
        self.issue == Issue::Created
    }

    fn title(&self) -> &'static str {
        match (&self.url, self.issue) {
            (None, _) => "already has its URL",
            (Some(_), Issue::Created) => "is ready",
            (Some(_), Issue::Regenerated) => "has a new URL",
        }
    }

    fn snippets(&self) -> Vec<Snippet> {
        snippets(SnippetOptions {
            url: self.url.as_ref().map_or(PLACEHOLDER, SecretText::reveal),
            ca_file: self.ca_file.as_deref(),
        })
    }
}
