//! Request IDs. A sender quotes one; it finds the line in the log and the record in the history. They are unique, but
//! neither secret nor a proof of anything.

use std::fmt;
use std::str::FromStr;

use crate::Timestamp;
use crate::base32::{name_text, read_base32, write_name};
use crate::names::NameError;

/// Bits of the time in milliseconds, of the process, and of the count.
const TIME_BITS: u32 = 48;
const PROCESS_BITS: u32 = 48;
const COUNT_BITS: u32 = 32;

/// The name of one request: `req_` and 26 characters of base 32, which begin with the time, so that a record is found near
/// that time without an index.
///
/// ```
/// use hookgate_domain::{RequestId, Timestamp};
///
/// let at = Timestamp::from_micros(1_700_000_000_000_000);
/// let id = RequestId::new(at, 0xABCD, 7);
/// assert_eq!(id.to_string(), "req_01hf7yat000000005bsm000007");
/// assert_eq!(id.to_string().parse(), Ok(id));
/// assert_eq!(id.at(), at);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RequestId(u128);

impl RequestId {
    /// Length of the text.
    pub const LENGTH: usize = 30;
    const PREFIX: &str = "req_";

    /// The ID of a request: time, process (its lowest 48 bits) and the request's number in the process. A time before
    /// 1970 counts as 1970.
    ///
    /// ```
    /// use hookgate_domain::{RequestId, Timestamp};
    ///
    /// let id = |count| RequestId::new(Timestamp::from_micros(1_000), 1, count);
    /// assert_ne!(id(1), id(2));
    /// ```
    #[must_use]
    pub fn new(at: Timestamp, process: u64, count: u32) -> Self {
        let millis = u128::from(at.as_micros().max(0).unsigned_abs() / 1_000) & ((1 << TIME_BITS) - 1);
        let process = u128::from(process) & ((1 << PROCESS_BITS) - 1);
        Self(millis << (PROCESS_BITS + COUNT_BITS) | process << COUNT_BITS | u128::from(count))
    }

    /// Time of the request, exact to a millisecond.
    #[must_use]
    pub fn at(self) -> Timestamp {
        let millis = i64::try_from(self.0 >> (PROCESS_BITS + COUNT_BITS)).unwrap_or(i64::MAX);
        Timestamp::from_micros(millis.saturating_mul(1_000))
    }

    /// The text, in ASCII.
    #[must_use]
    pub fn text(self) -> [u8; Self::LENGTH] {
        name_text(Self::PREFIX, self.0)
    }

    /// An ID read back from a store.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(u128::from_be_bytes(bytes))
    }

    /// The 16 bytes to store.
    #[must_use]
    pub const fn to_bytes(self) -> [u8; 16] {
        self.0.to_be_bytes()
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_name::<{ Self::LENGTH }>(f, Self::PREFIX, self.0)
    }
}

impl fmt::Debug for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for RequestId {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = text.strip_prefix(Self::PREFIX).ok_or(NameError::Request)?;
        read_base32::<26>(digits).map(Self).ok_or(NameError::Request)
    }
}
