//! The page that shows a URL, once.

use askama::Template;
use hookgate_domain::WebhookHandle;

use super::screen;
use crate::assets;
use crate::shell::Shell;
use crate::snippets::{Snippet, SnippetOptions, snippets};
use crate::text::{SecretText, UserText};

/// Why there is a new URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Issue {
    /// The webhook was made.
    Created,
    /// It was regenerated.
    Regenerated,
}

/// The answer to `POST /webhooks/new` and `POST /webhooks/{handle}/regenerate`. It must not be kept by any cache.
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
    /// The URL.
    pub url: SecretText,
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

    fn snippets(&self) -> Vec<Snippet> {
        snippets(SnippetOptions {
            url: self.url.reveal(),
            ca_file: self.ca_file.as_deref(),
        })
    }
}
