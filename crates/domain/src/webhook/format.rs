//! Sender formats by name. Parsing a format's payload is the crate `senders`' task.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// The sender format of a webhook. The name is part of its URL: `/webhooks/{format}/{WEBHOOK_ID}`.
///
/// ```
/// use hookgate_domain::SenderFormat;
///
/// assert_eq!("custom".parse(), Ok(SenderFormat::Custom));
/// assert_eq!(SenderFormat::Custom.to_string(), "custom");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SenderFormat {
    /// Hookgate's own JSON: title, severity, status and so on.
    Custom,
}

impl SenderFormat {
    /// The name in URLs and on the command line.
    ///
    /// ```
    /// assert_eq!(hookgate_domain::SenderFormat::Custom.as_str(), "custom");
    /// ```
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Custom => "custom",
        }
    }
}

impl fmt::Display for SenderFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for SenderFormat {
    type Err = UnknownSenderFormat;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == Self::Custom.as_str() {
            Ok(Self::Custom)
        } else {
            Err(UnknownSenderFormat)
        }
    }
}

/// No sender format has this name.
///
/// ```
/// use hookgate_domain::SenderFormat;
/// use hookgate_domain::webhook::UnknownSenderFormat;
///
/// assert_eq!("Custom".parse::<SenderFormat>(), Err(UnknownSenderFormat));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("not a sender format; known: custom")]
pub struct UnknownSenderFormat;
