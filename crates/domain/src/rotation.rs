//! The age of a URL. It should be regenerated after a number of days, and at once if it was exposed or a member who saw
//! it was removed. This is advice, never a lock: an old URL works until a member regenerates it.

use std::num::NonZeroU16;
use std::time::Duration;

use crate::Timestamp;

/// The unit of a rotation policy.
const DAY: Duration = Duration::from_hours(24);
/// Default of the days after which a URL is due.
const DEFAULT_DAYS: NonZeroU16 = NonZeroU16::MIN.saturating_add(89);

/// The rotation policy of a webhook: the age at which its URL is due for a new one. `None` is no limit.
///
/// ```
/// use hookgate_domain::Timestamp;
/// use hookgate_domain::rotation::{RotationAge, RotationPolicy};
///
/// let day = |days: i64| Timestamp::from_micros(days * 86_400_000_000);
/// let policy = RotationPolicy::default();
/// assert_eq!(policy.age(day(0), None, day(80)), RotationAge::Fresh { days_left: 10 });
/// assert_eq!(policy.age(day(0), None, day(95)), RotationAge::Due { days_over: 5 });
/// assert_eq!(policy.age(day(0), Some(day(1)), day(2)), RotationAge::Exposed { since: day(1) });
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RotationPolicy {
    /// Days from its creation until a URL is due.
    pub days: Option<NonZeroU16>,
}

impl RotationPolicy {
    /// The age of a URL at `now`. Days are 24 hours; a clock that was set back counts as no time.
    ///
    /// ```
    /// use std::num::NonZeroU16;
    /// use hookgate_domain::Timestamp;
    /// use hookgate_domain::rotation::{RotationAge, RotationPolicy};
    ///
    /// let (issued, hour) = (Timestamp::from_micros(0), std::time::Duration::from_secs(3_600));
    /// let weekly = RotationPolicy { days: NonZeroU16::new(7) };
    /// assert_eq!(weekly.age(issued, None, issued.after(hour)), RotationAge::Fresh { days_left: 7 });
    /// assert_eq!(weekly.age(issued, None, issued.after(hour * 24 * 7)), RotationAge::Due { days_over: 0 });
    /// ```
    #[must_use]
    pub fn age(self, issued_at: Timestamp, exposed_at: Option<Timestamp>, now: Timestamp) -> RotationAge {
        if let Some(since) = exposed_at {
            return RotationAge::Exposed { since };
        }
        let Some(days) = self.days else {
            return RotationAge::NotTracked;
        };
        let age = now.since(issued_at).as_secs() / DAY.as_secs();
        match u64::from(days.get()).checked_sub(age) {
            Some(days_left) if days_left > 0 => RotationAge::Fresh { days_left },
            _ => RotationAge::Due {
                days_over: age - u64::from(days.get()),
            },
        }
    }
}

impl Default for RotationPolicy {
    fn default() -> Self {
        Self {
            days: Some(DEFAULT_DAYS),
        }
    }
}

/// The age of a URL, measured by its rotation policy.
///
/// ```
/// use hookgate_domain::Timestamp;
/// use hookgate_domain::rotation::{RotationAge, RotationPolicy};
///
/// let (never, epoch) = (RotationPolicy { days: None }, Timestamp::from_micros(0));
/// assert_eq!(never.age(epoch, None, Timestamp::from_micros(i64::MAX)), RotationAge::NotTracked);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RotationAge {
    /// No policy, or no active URL.
    NotTracked,
    /// Not due yet.
    Fresh {
        /// Whole days until it is due.
        days_left: u64,
    },
    /// Due.
    Due {
        /// Whole days since it was due.
        days_over: u64,
    },
    /// The URL was shown to a member who has been removed: it should be regenerated now, at any age.
    KnownToLeaver {
        /// Time of the member's removal.
        since: Timestamp,
    },
    /// The URL was sent over plain HTTP and should be regenerated now, at any age.
    Exposed {
        /// Time of the first such request.
        since: Timestamp,
    },
}
