//! The public names of things. They give no access and are safe in logs, in URLs of the console and in metrics.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use crate::Timestamp;
use crate::base32::{name_text, read_base32, uuid_v7, write_name};

/// The public name of a webhook: `hk_` and a UUIDv7 (RFC 9562) in 26 characters of base 32. It gives no access.
///
/// ```
/// use hookgate_domain::{Timestamp, WebhookHandle};
///
/// let handle = WebhookHandle::new(Timestamp::from_micros(1_700_000_000_000_000), [0xAB; 10]);
/// let text = handle.to_string();
/// assert!(text.starts_with("hk_") && text.len() == 29);
/// assert_eq!(text.parse(), Ok(handle));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct WebhookHandle(u128);

impl WebhookHandle {
    const PREFIX: &str = "hk_";

    /// A handle from the time of creation and ten random bytes: 48 bits of milliseconds and 74 random bits (RFC 9562,
    /// section 5.7). A time before 1970 counts as 1970.
    ///
    /// ```
    /// use std::time::Duration;
    /// use hookgate_domain::{Timestamp, WebhookHandle};
    ///
    /// let now = Timestamp::from_micros(1_700_000_000_000_000);
    /// let earlier = WebhookHandle::new(now, [0xFF; 10]);
    /// let later = WebhookHandle::new(now.after(Duration::from_millis(1)), [0; 10]);
    /// assert!(earlier < later && earlier.to_string() < later.to_string());
    /// ```
    #[must_use]
    pub fn new(created_at: Timestamp, random: [u8; 10]) -> Self {
        Self(uuid_v7(created_at, random))
    }
}

impl fmt::Display for WebhookHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_name::<29>(f, Self::PREFIX, self.0)
    }
}

impl FromStr for WebhookHandle {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = text.strip_prefix(Self::PREFIX).ok_or(NameError::Handle)?;
        read_base32::<26>(digits).map(Self).ok_or(NameError::Handle)
    }
}

/// The name of a delivery: `dlv_` and its number in 13 characters of base 32.
///
/// Numbers rise in the order in which deliveries were committed, whatever the clocks said, so that they serve as
/// cursors too.
///
/// ```
/// use hookgate_domain::DeliveryId;
///
/// let id = DeliveryId::from_number(42).ok_or("not positive")?;
/// assert_eq!(id.to_string(), "dlv_000000000001a");
/// assert_eq!("dlv_000000000001a".parse::<DeliveryId>()?.number(), 42);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DeliveryId(i64);

impl DeliveryId {
    /// Length of the text.
    pub const LENGTH: usize = 17;
    const PREFIX: &str = "dlv_";

    /// The delivery with this number; `None` below 1.
    #[must_use]
    pub const fn from_number(number: i64) -> Option<Self> {
        if number > 0 { Some(Self(number)) } else { None }
    }

    /// The number, 1 or more.
    #[must_use]
    pub const fn number(self) -> i64 {
        self.0
    }

    /// The text, in ASCII.
    #[must_use]
    pub fn text(self) -> [u8; Self::LENGTH] {
        name_text(Self::PREFIX, self.0.unsigned_abs().into())
    }
}

impl fmt::Display for DeliveryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_name::<{ Self::LENGTH }>(f, Self::PREFIX, self.0.unsigned_abs().into())
    }
}

impl FromStr for DeliveryId {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = text.strip_prefix(Self::PREFIX).ok_or(NameError::Delivery)?;
        let number = read_base32::<13>(digits).ok_or(NameError::Delivery)?;
        i64::try_from(number)
            .ok()
            .and_then(Self::from_number)
            .ok_or(NameError::Delivery)
    }
}

/// The number of an incident, written `INC-42`.
///
/// ```
/// use hookgate_domain::IncidentNumber;
///
/// let number: IncidentNumber = "INC-42".parse()?;
/// assert_eq!((number.get(), number.to_string().as_str()), (42, "INC-42"));
/// assert!("INC-042".parse::<IncidentNumber>().is_err());
/// # Ok::<(), hookgate_domain::names::NameError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct IncidentNumber(i64);

impl IncidentNumber {
    const PREFIX: &str = "INC-";

    /// The incident with this number; `None` below 1.
    #[must_use]
    pub const fn new(number: i64) -> Option<Self> {
        if number > 0 { Some(Self(number)) } else { None }
    }

    /// The number, 1 or more.
    #[must_use]
    pub const fn get(self) -> i64 {
        self.0
    }
}

impl fmt::Display for IncidentNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if f.width().is_none() && f.precision().is_none() {
            return write!(f, "{}{}", Self::PREFIX, self.0);
        }
        f.pad(&format!("{}{}", Self::PREFIX, self.0))
    }
}

impl FromStr for IncidentNumber {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = text.strip_prefix(Self::PREFIX).ok_or(NameError::Incident)?;
        let plain = digits.bytes().all(|byte| byte.is_ascii_digit()) && !digits.starts_with('0');
        let number = digits.parse().ok().filter(|_| plain);
        number.and_then(Self::new).ok_or(NameError::Incident)
    }
}

/// The owner of webhooks, members and incidents. A fresh installation has one, number 1.
///
/// ```
/// use hookgate_domain::OrganizationId;
///
/// assert_eq!(OrganizationId::FIRST.get(), 1);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct OrganizationId(i64);

impl OrganizationId {
    /// The organization that a fresh installation has.
    pub const FIRST: Self = Self(1);

    /// The organization with this number; `None` below 1.
    #[must_use]
    pub const fn new(number: i64) -> Option<Self> {
        if number > 0 { Some(Self(number)) } else { None }
    }

    /// The number, 1 or more.
    #[must_use]
    pub const fn get(self) -> i64 {
        self.0
    }
}

/// The text is not a public name of the kind that was asked for.
///
/// ```
/// use hookgate_domain::{DeliveryId, IncidentNumber};
/// use hookgate_domain::names::NameError;
///
/// assert_eq!("dlv_42".parse::<DeliveryId>(), Err(NameError::Delivery));
/// assert_eq!("INC-0".parse::<IncidentNumber>(), Err(NameError::Incident));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum NameError {
    /// No webhook handle.
    #[error("not a webhook handle (hk_ and 26 characters)")]
    Handle,
    /// No delivery ID.
    #[error("not a delivery ID (dlv_ and 13 characters)")]
    Delivery,
    /// No incident number.
    #[error("not an incident (INC- and a number)")]
    Incident,
    /// No request ID.
    #[error("not a request ID (req_ and 26 characters)")]
    Request,
}
