//! The decision whether a delivery may pass. One pure function: all inputs are arguments, and the result has the
//! reason.

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use thiserror::Error;

use crate::allowlist::AllowlistMatch;
use crate::policy::AllowlistMode;
use crate::webhook::RetiredBecause;
use crate::{KnownUrl, RefusalCode, SenderFormat, Source, SourceFault, Timestamp, Webhook, WebhookState};

/// A request at a webhook's URL, before its body is read.
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
    /// The client's address, found behind trusted proxies.
    pub source: Source,
    /// The format in the URL.
    pub format: SenderFormat,
    /// Time of receipt.
    pub at: Timestamp,
}

/// Judges an attempt on a known URL. Checks the state first, then the format, the source and the rate.
///
/// In the mode *observe* every source passes. [`Admission::waived`] has the denial that the mode *enforce* would give.
///
/// `rate` is called last, and only if everything else passes, so that refused attempts do not use up the rate limit.
/// Its error is the time until the next attempt would pass.
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
/// A [`Denial`] with its refusal code and explanation.
pub fn judge(
    url: &KnownUrl,
    attempt: Attempt,
    rate: impl FnOnce() -> Result<(), Duration>,
) -> Result<Admission, Denial> {
    let webhook = active(url)?;
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

/// The webhook of a live URL. A revoked webhook is refused even if the store says that its URL is live.
fn active(url: &KnownUrl) -> Result<&Webhook, Denial> {
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
        // Any address may pass, so the address of a trusted proxy that names no client will do.
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

/// The attempt may pass. Has the rule that permits it.
///
/// ```
/// use hookgate_domain::Admission;
/// use hookgate_domain::allowlist::AllowlistMatch;
///
/// let admission = Admission { source: "192.0.2.9".parse()?, rule: AllowlistMatch::Any, waived: None };
/// assert_eq!(admission.to_string(), "192.0.2.9 is allowed: every address is");
/// # Ok::<(), std::net::AddrParseError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct Admission {
    /// The source address. IPv4-mapped IPv6 is the IPv4 address that it maps.
    pub source: IpAddr,
    /// The rule that permits the attempt.
    pub rule: AllowlistMatch,
    /// The denial that the allowlist mode *observe* prevented.
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

/// The attempt is refused. `Display` is the reason, as one sentence for the owner of the webhook, not for the sender.
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
    /// The URL was regenerated or revoked.
    #[error("the URL no longer works: {}", .because.as_str())]
    Retired {
        /// The reason.
        because: RetiredBecause,
        /// Time at which the URL was retired.
        at: Timestamp,
    },
    /// The format in the URL is not the webhook's.
    #[error("the webhook accepts the format {format}")]
    OtherFormat {
        /// The format of the webhook.
        format: SenderFormat,
    },
    /// The source address is in no entry of the allowlist.
    #[error("{address} is in no entry of the allowlist (entries: {entries})")]
    NotAllowed {
        /// The source address.
        address: IpAddr,
        /// Number of entries in the allowlist.
        entries: usize,
    },
    /// The client's address is unknown, because of a fault in the header of a trusted proxy.
    #[error("the client's address is not known: what the trusted proxy sends {fault}")]
    SourceUnknown {
        /// The fault.
        fault: SourceFault,
    },
    /// The webhook's rate limit is reached.
    #[error("the webhook's rate limit is reached")]
    TooFast {
        /// Time until the next attempt would pass.
        retry_after: Duration,
    },
}

impl Denial {
    /// The refusal code for the sender and the record.
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

    /// Returns `true` if no change of the webhook can lift the denial. A cached copy of the webhook may then answer
    /// without a read of the store.
    #[must_use]
    pub const fn is_final(&self) -> bool {
        matches!(self, Self::Retired { .. })
    }
}
