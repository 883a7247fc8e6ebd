//! The decision: may this attempt pass? One pure function; everything it needs is an argument, and what it answers
//! says why.

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use thiserror::Error;

use crate::{
    AllowlistMatch, AllowlistMode, KnownUrl, RefusalCode, RetiredBecause, SenderFormat, Source, SourceFault,
    Timestamp, Webhook, WebhookState,
};

/// What is known of a request before its body is read.
///
/// ```
/// use std::net::IpAddr;
/// use hookgate_domain::{Attempt, SenderFormat, Source, Timestamp};
///
/// let source: IpAddr = "192.0.2.9".parse()?;
/// let at = Timestamp::from_micros(0);
/// let attempt = Attempt { source: source.into(), format: SenderFormat::Custom, at };
/// assert_eq!(attempt.source.known(), Ok(source));
/// # Ok::<(), std::net::AddrParseError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// The client's address: the peer's, or what trusted proxies say of it.
    pub source: Source,
    /// The format in its URL.
    pub format: SenderFormat,
    /// When it came.
    pub at: Timestamp,
}

/// Judges an attempt on a known URL: state first, then the format, then the source, then the rate.
///
/// A webhook that only observes lets every source pass, and the admission says which would have been refused.
///
/// `rate` is asked last, and only for attempts that pass the rest, so refused ones don't use up the limit; it answers
/// how long to wait if the limit is reached.
///
/// ```
/// use std::net::IpAddr;
/// use std::time::Duration;
/// use hookgate_domain::{Attempt, Denial, KnownUrl, RefusalCode, SenderFormat, judge};
/// # use hookgate_domain::{OrganizationId, Policy, Timestamp, Webhook, WebhookHandle, WebhookId};
/// # let now = Timestamp::from_micros(0);
/// # let id = WebhookId::generate(|buffer| Ok::<(), std::convert::Infallible>(buffer.fill(7)))?;
/// # let handle = WebhookHandle::new(now, [1; 10]);
/// # let webhook = Webhook::new(handle, OrganizationId::FIRST, "demo".parse()?, SenderFormat::Custom, &id, now);
/// // Any webhook, with the allowlist 192.0.2.0/24.
/// let policy = Policy { allowlist: "192.0.2.0/24".parse()?, ..Policy::default() };
/// let webhook = Webhook { policy, ..webhook };
/// let url = KnownUrl::Live(webhook);
/// let from = |source: IpAddr| Attempt { source: source.into(), format: SenderFormat::Custom, at: now };
///
/// let admission = judge(&url, from("192.0.2.9".parse()?), || Ok(()))?;
/// assert_eq!(admission.to_string(), "192.0.2.9 is in 192.0.2.0/24 of the allowlist");
///
/// let denial = judge(&url, from("203.0.113.9".parse()?), || Ok(())).unwrap_err();
/// assert_eq!(denial.code(), RefusalCode::IpNotAllowed);
/// assert_eq!(denial.to_string(), "203.0.113.9 is in no entry of the allowlist (entries: 1)");
///
/// let denial = judge(&url, from("192.0.2.9".parse()?), || Err(Duration::from_secs(1))).unwrap_err();
/// assert_eq!(denial, Denial::TooFast { retry_after: Duration::from_secs(1) });
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// A [`Denial`]: the refusal code and its explanation.
pub fn judge(
    url: &KnownUrl,
    attempt: Attempt,
    rate: impl FnOnce() -> Result<(), Duration>,
) -> Result<Admission, Denial> {
    let webhook = living(url)?;
    if webhook.format != attempt.format {
        return Err(Denial::OtherFormat {
            format: webhook.format,
        });
    }
    let admission = match (check_source(webhook, attempt), webhook.policy.allowlist_mode) {
        (Err(denial), AllowlistMode::Observe) => Admission {
            source: attempt.source.address(),
            rule: AllowlistMatch::None,
            waived: Some(denial),
        },
        (checked, _) => checked?,
    };
    rate().map_err(|retry_after| Denial::TooFast { retry_after })?;
    Ok(admission)
}

/// The webhook behind a living URL. A revoked webhook has none, even if a store calls its URL live.
fn living(url: &KnownUrl) -> Result<&Webhook, Denial> {
    match url {
        KnownUrl::Retired(retired) => Err(Denial::Retired {
            because: retired.because,
            at: retired.at,
        }),
        KnownUrl::Live(webhook) => match webhook.state {
            WebhookState::Active(_) => Ok(webhook),
            WebhookState::Revoked { at, .. } => Err(Denial::Retired {
                because: RetiredBecause::Revoked,
                at,
            }),
        },
    }
}

fn check_source(webhook: &Webhook, attempt: Attempt) -> Result<Admission, Denial> {
    let allowlist = &webhook.policy.allowlist;
    let source = if allowlist.entries().is_some() {
        attempt.source.known()
    } else {
        // Where every address may pass, a proxy may speak for itself.
        attempt.source.known_or_proxy()
    };
    let source = source.map_err(|fault| Denial::SourceUnknown { fault })?;
    match allowlist.find(source, attempt.at) {
        AllowlistMatch::None => Err(Denial::NotAllowed {
            address: source,
            entries: allowlist.entries().map_or(0, <[_]>::len),
        }),
        rule => Ok(Admission {
            source,
            rule,
            waived: None,
        }),
    }
}

/// The attempt may pass, and by which rule.
///
/// ```
/// use hookgate_domain::{Admission, AllowlistMatch};
///
/// let admission = Admission { source: "192.0.2.9".parse()?, rule: AllowlistMatch::Any, waived: None };
/// assert_eq!(admission.to_string(), "192.0.2.9 is allowed: every address is");
/// # Ok::<(), std::net::AddrParseError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct Admission {
    /// The address that was judged: IPv4-mapped IPv6 is the IPv4 address it maps.
    pub source: IpAddr,
    /// The rule that lets it pass.
    pub rule: AllowlistMatch,
    /// Why it would not pass if the webhook did more than observe.
    pub waived: Option<Denial>,
}

impl fmt::Display for Admission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(denial) = self.waived {
            return write!(f, "{denial}; accepted because the webhook only observes");
        }
        match &self.rule {
            AllowlistMatch::Network(network) => write!(f, "{} is in {network} of the allowlist", self.source),
            AllowlistMatch::Set { set, network } => {
                write!(f, "{} is in {network} of the address set {set}", self.source)
            }
            AllowlistMatch::Any | AllowlistMatch::None => {
                write!(f, "{} is allowed: every address is", self.source)
            }
        }
    }
}

/// The attempt may not pass, and why. `Display` is one sentence for the owner of the webhook, not for the sender.
///
/// ```
/// use hookgate_domain::{Denial, SenderFormat};
///
/// let denial = Denial::OtherFormat { format: SenderFormat::Custom };
/// assert_eq!(denial.to_string(), "the webhook accepts the format custom");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[must_use]
pub enum Denial {
    /// The URL is dead.
    #[error("the URL no longer works: {}", .because.as_str())]
    Retired {
        /// Why it is.
        because: RetiredBecause,
        /// Since when.
        at: Timestamp,
    },
    /// The URL names another sender format than the webhook has.
    #[error("the webhook accepts the format {format}")]
    OtherFormat {
        /// The format of the webhook.
        format: SenderFormat,
    },
    /// The source address is in no entry of the allowlist.
    #[error("{address} is in no entry of the allowlist (entries: {entries})")]
    NotAllowed {
        /// The address that was judged.
        address: IpAddr,
        /// How many entries the list has.
        entries: usize,
    },
    /// A trusted proxy does not say who called it.
    #[error("the client's address is not known: what the trusted proxy sends {fault}")]
    SourceUnknown {
        /// Why it is not.
        fault: SourceFault,
    },
    /// More deliveries a minute than the webhook takes.
    #[error("the webhook's rate limit is reached")]
    TooFast {
        /// When the next one would pass.
        retry_after: Duration,
    },
}

impl Denial {
    /// The code that the sender and the record get.
    ///
    /// ```
    /// use hookgate_domain::{Denial, RefusalCode, SenderFormat};
    ///
    /// // The sender of another format learns as little as one that guesses.
    /// let denial = Denial::OtherFormat { format: SenderFormat::Custom };
    /// assert_eq!(denial.code(), RefusalCode::WebhookNotFound);
    /// ```
    #[must_use]
    pub const fn code(&self) -> RefusalCode {
        match self {
            Self::Retired { .. } => RefusalCode::WebhookRevoked,
            Self::OtherFormat { .. } => RefusalCode::WebhookNotFound,
            Self::NotAllowed { .. } => RefusalCode::IpNotAllowed,
            Self::SourceUnknown { .. } => RefusalCode::SourceUnknown,
            Self::TooFast { .. } => RefusalCode::RateLimited,
        }
    }

    /// Whether it stays true whatever the owner does: a copy of the webhook may then answer without asking the store.
    ///
    /// ```
    /// use hookgate_domain::{Denial, RetiredBecause, Timestamp};
    ///
    /// let retired = Denial::Retired { because: RetiredBecause::Revoked, at: Timestamp::from_micros(0) };
    /// assert!(retired.is_final());
    /// assert!(!Denial::TooFast { retry_after: std::time::Duration::from_secs(1) }.is_final());
    /// ```
    #[must_use]
    pub const fn is_final(&self) -> bool {
        matches!(self, Self::Retired { .. })
    }
}
