//! The name of a webhook. It is shown on terminals, in logs and in tables, so it must have no character that changes
//! the text around it, and it must never be a secret.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use crate::invisible::has_hidden;
use crate::leaks::may_hold_secret;

/// Longest name of a webhook, in characters: it has to fit a table row.
pub const MAX_NAME_CHARACTERS: usize = 100;

/// The display name of a webhook: 1 to 100 characters, none of them invisible.
///
/// A name that looks like a handle or may contain a secret is refused, so that a URL pasted into the wrong field is not
/// stored.
///
/// ```
/// use hookgate_domain::WebhookName;
///
/// let name: WebhookName = "  Grafana, Berlin ".parse()?;
/// assert_eq!(name.as_str(), "Grafana, Berlin");
/// assert!("https://hooks.example.org/webhooks/custom/wh_0".parse::<WebhookName>().is_err());
/// # Ok::<(), hookgate_domain::webhook::WebhookNameError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct WebhookName(Box<str>);

impl WebhookName {
    /// A name from a store. Rules for names have become stricter over time, and names from before stay valid: only the
    /// length is checked. `None` if it is wrong.
    #[must_use]
    pub fn from_stored(text: &str) -> Option<Self> {
        let is_sound = (1..=MAX_NAME_CHARACTERS).contains(&text.chars().count());
        is_sound.then(|| Self(text.into()))
    }

    /// The name, without surrounding space.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for WebhookName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl FromStr for WebhookName {
    type Err = WebhookNameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let name = text.trim();
        match name.chars().count() {
            0 => Err(WebhookNameError::Empty),
            length if length > MAX_NAME_CHARACTERS => Err(WebhookNameError::TooLong),
            _ if has_hidden(name) => Err(WebhookNameError::ControlCharacter),
            _ if may_hold_secret(name.as_bytes()) || name.starts_with("hk_") => {
                Err(WebhookNameError::LooksLikeSecret)
            }
            _ => Ok(Self(name.into())),
        }
    }
}

/// Errors of a name of a webhook. They never quote the text, which may be a secret in the wrong field.
///
/// ```
/// use hookgate_domain::WebhookName;
/// use hookgate_domain::webhook::WebhookNameError;
///
/// assert_eq!(" ".parse::<WebhookName>(), Err(WebhookNameError::Empty));
/// assert_eq!("two\nlines".parse::<WebhookName>(), Err(WebhookNameError::ControlCharacter));
/// assert_eq!("hk_mine".parse::<WebhookName>(), Err(WebhookNameError::LooksLikeSecret));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum WebhookNameError {
    /// Nothing but space.
    #[error("the name is empty")]
    Empty,
    /// Over [`MAX_NAME_CHARACTERS`].
    #[error("the name is longer than {MAX_NAME_CHARACTERS} characters")]
    TooLong,
    /// A line break, an escape, or another invisible character.
    #[error("the name contains a control character or an invisible one")]
    ControlCharacter,
    /// It may hold a secret, or be taken for a handle.
    #[error("the name looks like a webhook URL, another secret or a handle: choose another")]
    LooksLikeSecret,
}
