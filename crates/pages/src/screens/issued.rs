//! The page that shows a URL, once.

use askama::Template;
use hookgate_domain::WebhookHandle;

use super::screen;
use crate::assets;
use crate::shell::Shell;
use crate::snippets::{Snippet, SnippetOptions, snippets};
use crate::text::{SecretText, UserText};

/// Stands in the snippets for a URL that can't be shown any more.
const PLACEHOLDER: &str = "YOUR-WEBHOOK-URL";

/// Why there is a new URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Issue {
    /// The webhook was made.
    Created,
    /// It was regenerated.
    Regenerated,
}

/// `/webhooks/{handle}/url`, where a new webhook and a regenerated one lead to. It must not be kept by any cache.
#[derive(Clone, Debug, Template)]
#[template(path = "issued.html")]
pub struct Issued {
    /// The frame.
    pub shell: Shell,
    /// Which webhook.
    pub handle: WebhookHandle,
    /// What it is called.
    pub name: UserText,
    /// Why there is a new URL.
    pub issue: Issue,
    /// The URL; none once it was shown.
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
