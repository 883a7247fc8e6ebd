//! Sender formats by name. Parsing a format's payload is the crate `senders`' task.

use crate::keywords::keywords;

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

keywords! {
    SenderFormat {
        Custom = "custom",
    }
    /// No sender format has this name.
    ///
    /// ```
    /// use hookgate_domain::SenderFormat;
    /// use hookgate_domain::webhook::UnknownSenderFormat;
    ///
    /// assert_eq!("Custom".parse::<SenderFormat>(), Err(UnknownSenderFormat));
    /// ```
    UnknownSenderFormat = "not a sender format; known: custom"
}
