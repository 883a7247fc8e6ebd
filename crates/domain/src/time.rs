//! Points in time. The rules get them as arguments and never read a clock.

use std::fmt;
use std::str::FromStr;
use std::time::{Duration, SystemTime};

use thiserror::Error;

/// Microseconds since 1970-01-01T00:00:00Z, leap seconds not counted.
///
/// ```
/// use std::time::Duration;
/// use hookgate_domain::Timestamp;
///
/// let noon = Timestamp::from_micros(43_200_000_000);
/// let later = noon.after(Duration::from_secs(60));
/// assert_eq!(later.since(noon), Duration::from_secs(60));
/// assert_eq!(noon.since(later), Duration::ZERO);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The point this many microseconds after the epoch; negative numbers are before it.
    #[must_use]
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// Microseconds since the epoch.
    #[must_use]
    pub const fn as_micros(self) -> i64 {
        self.0
    }

    /// The point `span` later; the last representable one if that is too far. Fractions of a microsecond are cut off.
    #[must_use]
    pub fn after(self, span: Duration) -> Self {
        Self(
            self.0
                .saturating_add(i64::try_from(span.as_micros()).unwrap_or(i64::MAX)),
        )
    }

    /// The point `span` earlier; the first representable one if that is too far. Fractions of a microsecond are cut
    /// off.
    ///
    /// ```
    /// use std::time::Duration;
    /// use hookgate_domain::Timestamp;
    ///
    /// assert_eq!(Timestamp::from_micros(1_000).before(Duration::from_millis(2)).as_micros(), -1_000);
    /// assert_eq!(Timestamp::from_micros(-9).before(Duration::MAX).as_micros(), i64::MIN);
    /// ```
    #[must_use]
    pub fn before(self, span: Duration) -> Self {
        Self(
            self.0
                .saturating_sub(i64::try_from(span.as_micros()).unwrap_or(i64::MAX)),
        )
    }

    /// The time from `earlier` to this point; zero if it is not later. Spans over 292,000 years count as that long.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

/// Fractions of a microsecond are cut off.
///
/// ```
/// use std::time::{Duration, SystemTime};
/// use hookgate_domain::Timestamp;
///
/// let time = SystemTime::UNIX_EPOCH + Duration::from_nanos(1_999);
/// assert_eq!(Timestamp::try_from(time), Ok(Timestamp::from_micros(1)));
/// ```
impl TryFrom<SystemTime> for Timestamp {
    type Error = TimeOutOfRange;

    fn try_from(time: SystemTime) -> Result<Self, TimeOutOfRange> {
        let micros = match time.duration_since(SystemTime::UNIX_EPOCH) {
            Ok(since) => i64::try_from(since.as_micros()),
            // Rounded down too, so that the order of times stays.
            Err(before) => i64::try_from(before.duration().as_nanos().div_ceil(1_000)).map(|micros| -micros),
        };
        micros.map(Self).map_err(|_| TimeOutOfRange)
    }
}

/// ```
/// use hookgate_domain::Timestamp;
///
/// let time: jiff::Timestamp = "2026-12-01T18:00:00Z".parse()?;
/// assert_eq!(jiff::Timestamp::try_from(Timestamp::from(time))?, time);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[cfg(feature = "jiff")]
impl From<jiff::Timestamp> for Timestamp {
    fn from(time: jiff::Timestamp) -> Self {
        Self(time.as_microsecond())
    }
}

#[cfg(feature = "jiff")]
impl TryFrom<Timestamp> for jiff::Timestamp {
    type Error = TimeOutOfRange;

    fn try_from(time: Timestamp) -> Result<Self, TimeOutOfRange> {
        Self::from_microsecond(time.0).map_err(|_| TimeOutOfRange)
    }
}

/// RFC 3339, in UTC. Years beyond 9999 are shown as the last moment of 9999.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nearest = if self.0.is_negative() {
            jiff::Timestamp::MIN
        } else {
            jiff::Timestamp::MAX
        };
        write!(
            f,
            "{}",
            jiff::Timestamp::from_microsecond(self.0).unwrap_or(nearest)
        )
    }
}

/// RFC 3339, or a date, which stands for its beginning in UTC.
///
/// ```
/// use hookgate_domain::Timestamp;
///
/// let time: Timestamp = "1970-01-02".parse()?;
/// assert_eq!(time.to_string(), "1970-01-02T00:00:00Z");
/// assert_eq!("1970-01-02T01:00:00+01:00".parse(), Ok(time));
/// assert!("1970-01-02T01:00:00".parse::<Timestamp>().is_err(), "no zone: two readings");
/// # Ok::<(), hookgate_domain::time::TimestampError>(())
/// ```
impl FromStr for Timestamp {
    type Err = TimestampError;

    fn from_str(text: &str) -> Result<Self, TimestampError> {
        // A zone in brackets (RFC 9557) may contradict the offset before it.
        if text.contains('[') {
            return Err(TimestampError);
        }
        match text.parse::<jiff::Timestamp>() {
            Ok(time) => Ok(Self(time.as_microsecond())),
            Err(_) => start_of(date(text)?),
        }
    }
}

impl Timestamp {
    /// Parses the end of a span of time: as [`from_str`](Self::from_str), but a date includes its day, so it stands for
    /// the beginning of the next day. `until 2026-12-31` ends with the year.
    ///
    /// ```
    /// use hookgate_domain::Timestamp;
    ///
    /// assert_eq!(Timestamp::parse_end("2026-12-31"), "2027-01-01T00:00:00Z".parse());
    /// assert_eq!(Timestamp::parse_end("2026-12-31T18:00:00Z"), "2026-12-31T18:00:00Z".parse());
    /// ```
    ///
    /// # Errors
    /// [`TimestampError`].
    pub fn parse_end(text: &str) -> Result<Self, TimestampError> {
        match date(text) {
            Ok(date) => start_of(date.tomorrow().map_err(|_| TimestampError)?),
            Err(_) => text.parse(),
        }
    }
}

/// Parses a date as `2026-12-01`. Other forms of a date are refused: `20261201` could be a number of seconds.
fn date(text: &str) -> Result<jiff::civil::Date, TimestampError> {
    if text.len() != DATE_BYTES || text.bytes().filter(|byte| *byte == b'-').count() != 2 {
        return Err(TimestampError);
    }
    text.parse().map_err(|_| TimestampError)
}

fn start_of(date: jiff::civil::Date) -> Result<Timestamp, TimestampError> {
    let midnight = date.to_datetime(jiff::civil::Time::midnight());
    let time = jiff::tz::Offset::UTC.to_timestamp(midnight);
    time.map(|time| Timestamp(time.as_microsecond()))
        .map_err(|_| TimestampError)
}

/// Bytes of a date, such as `2026-12-01`.
const DATE_BYTES: usize = 10;

/// The text is no time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("not a date or a time by RFC 3339, such as 2026-12-01 or 2026-12-01T18:00:00Z")]
pub struct TimestampError;

/// The time is too far from now for the other type.
///
/// ```
/// use hookgate_domain::time::TimeOutOfRange;
///
/// assert_eq!(TimeOutOfRange.to_string(), "time out of range");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("time out of range")]
pub struct TimeOutOfRange;
