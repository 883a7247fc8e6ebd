//! The policy of a webhook: everything that its owner may change without changing its URL.

use std::fmt;
use std::num::NonZeroU32;

use thiserror::Error;

use crate::Allowlist;
use crate::keywords::keywords;
use crate::rotation::RotationPolicy;

/// Largest body a webhook may be set to take, in bytes: a bound on memory per request.
pub const MAX_BODY_BYTES: u32 = 1024 * 1024;
/// Body limit of a new webhook, in bytes: far above what alerting tools send.
pub const DEFAULT_BODY_BYTES: u32 = 256 * 1024;

/// The policy of a webhook. The default lets every address pass and records payloads.
///
/// ```
/// use hookgate_domain::Policy;
/// use hookgate_domain::policy::PayloadLogging;
///
/// let policy = Policy { allowlist: "192.0.2.0/24".parse()?, ..Policy::default() };
/// assert_eq!(policy.payload_logging, PayloadLogging::On);
/// assert_eq!(policy.limits.body_bytes(), 256 * 1024);
/// # Ok::<(), hookgate_domain::AllowlistError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// The networks and address sets that may send.
    pub allowlist: Allowlist,
    /// Enforce or observe: whether deliveries from other addresses are refused.
    pub allowlist_mode: AllowlistMode,
    /// Limits of size and rate.
    pub limits: Limits,
    /// On or off: whether the history keeps payloads.
    pub payload_logging: PayloadLogging,
    /// The sealed secret of the signatures that deliveries must have; `None` if they need none.
    pub signing_secret: Option<SealedSecret>,
    /// Time after which the URL should be regenerated.
    pub rotation: RotationPolicy,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            allowlist: Allowlist::any(),
            allowlist_mode: AllowlistMode::Enforce,
            limits: Limits::default(),
            payload_logging: PayloadLogging::On,
            signing_secret: None,
            rotation: RotationPolicy::default(),
        }
    }
}

/// Limits of a webhook.
///
/// ```
/// use std::num::NonZeroU32;
/// use hookgate_domain::policy::{Limits, Overload};
///
/// let limits = Limits::new(1024, NonZeroU32::new(60), Overload::Postpone)?;
/// assert_eq!(limits.body_bytes(), 1024);
/// assert!(Limits::new(0, None, Overload::Refuse).is_err());
/// # Ok::<(), hookgate_domain::policy::LimitsError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    body_bytes: u32,
    per_minute: Option<NonZeroU32>,
    overload: Overload,
}

impl Limits {
    /// Limits of a body in bytes and of deliveries a minute (`None`: no limit), and the answer above the latter.
    ///
    /// ```
    /// use hookgate_domain::policy::{Limits, LimitsError, Overload};
    ///
    /// assert_eq!(Limits::new(0, None, Overload::Refuse), Err(LimitsError));
    /// ```
    ///
    /// # Errors
    /// [`LimitsError`] if the body limit is 0 or above [`MAX_BODY_BYTES`].
    pub const fn new(
        body_bytes: u32,
        per_minute: Option<NonZeroU32>,
        overload: Overload,
    ) -> Result<Self, LimitsError> {
        if body_bytes == 0 || body_bytes > MAX_BODY_BYTES {
            return Err(LimitsError);
        }
        Ok(Self {
            body_bytes,
            per_minute,
            overload,
        })
    }

    /// Largest body, in bytes.
    #[must_use]
    pub const fn body_bytes(&self) -> u32 {
        self.body_bytes
    }

    /// Most deliveries a minute; `None` if there is no limit, so that an alert storm loses nothing.
    #[must_use]
    pub const fn per_minute(&self) -> Option<NonZeroU32> {
        self.per_minute
    }

    /// The answer to a delivery above the rate limit.
    #[must_use]
    pub const fn overload(&self) -> Overload {
        self.overload
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes: DEFAULT_BODY_BYTES,
            per_minute: None,
            overload: Overload::Refuse,
        }
    }
}

/// The body limit is out of bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the body limit must be 1 to {MAX_BODY_BYTES} bytes")]
pub struct LimitsError;

/// Answers to a delivery above the rate limit.
///
/// ```
/// use hookgate_domain::policy::{Limits, Overload};
///
/// assert_eq!(Limits::default().overload(), Overload::Refuse);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Overload {
    /// Refused (429): the sender slows down.
    Refuse,
    /// Unavailable for a while (503), for senders that retry after no other status.
    Postpone,
}

/// Treatment of deliveries from addresses that are not in the allowlist.
///
/// ```
/// use hookgate_domain::Policy;
/// use hookgate_domain::policy::AllowlistMode;
///
/// assert_eq!(Policy::default().allowlist_mode, AllowlistMode::Enforce);
/// assert_eq!("observe".parse(), Ok(AllowlistMode::Observe));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AllowlistMode {
    /// They are refused.
    Enforce,
    /// They pass, and are marked: a test with real deliveries.
    Observe,
}

keywords! {
    AllowlistMode {
        Enforce = "enforce",
        Observe = "observe",
    }
    /// The text is no mode of an allowlist.
    UnknownAllowlistMode = "must be enforce or observe"
}

/// Storage of payloads in the history.
///
/// ```
/// use hookgate_domain::Policy;
/// use hookgate_domain::policy::PayloadLogging;
///
/// let quiet = Policy { payload_logging: PayloadLogging::Off, ..Policy::default() };
/// assert_ne!(quiet, Policy::default());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PayloadLogging {
    /// Payloads are stored.
    On,
    /// Payloads are dropped once the incident was made from them.
    Off,
}

/// A signing secret as it is stored: encrypted with the installation's sealing key, which the store never gets.
///
/// ```
/// let sealed = hookgate_domain::policy::SealedSecret::from_bytes([1, 2, 3]);
/// assert_eq!(sealed.as_bytes(), [1, 2, 3]);
/// assert_eq!(format!("{sealed:?}"), "SealedSecret(…)");
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct SealedSecret(Box<[u8]>);

impl SealedSecret {
    /// Sealed bytes, from a store or fresh from the seal.
    #[must_use]
    pub fn from_bytes(sealed: impl Into<Box<[u8]>>) -> Self {
        Self(sealed.into())
    }

    /// The sealed bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for SealedSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealedSecret(…)")
    }
}
