//! Usage: numbers of deliveries over time, for charts and tables, and the spikes among their buckets. Pure; the counts
//! come from the store.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use hookgate_domain::{RefusalCode, Timestamp, WebhookHandle};
use thiserror::Error;

use crate::Answer;

/// Number of deliveries up to which a bucket is never a spike: otherwise a webhook that is rarely used would have
/// nothing else.
pub const SPIKE_FLOOR: u64 = 10;
/// Factor above the usual number from which a bucket is a spike.
const SPIKE_FACTOR: u64 = 3;
/// Hours that the list of webhooks shows.
const LIST_HOURS: usize = 24;
const MINUTE: Duration = Duration::from_mins(1);
const HOUR: Duration = Duration::from_hours(1);

/// A range of usage, with its buckets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UsageRange {
    /// 60 minutes.
    Hour,
    /// 96 quarters of an hour.
    Day,
    /// 84 times 2 hours, which are 7 days.
    Week,
    /// 90 times 8 hours, which are 30 days.
    Month,
}

impl UsageRange {
    /// Every range, shortest first.
    pub const ALL: [Self; 4] = [Self::Hour, Self::Day, Self::Week, Self::Month];

    /// Number of buckets.
    #[must_use]
    pub const fn buckets(self) -> usize {
        match self {
            Self::Hour => 60,
            Self::Day => 96,
            Self::Week => 84,
            Self::Month => 90,
        }
    }

    /// Width of a bucket. Buckets begin at whole multiples of it since the epoch.
    #[must_use]
    pub const fn width(self) -> Duration {
        match self {
            Self::Hour => MINUTE,
            Self::Day => Duration::from_mins(15),
            Self::Week => Duration::from_hours(2),
            Self::Month => Duration::from_hours(8),
        }
    }

    /// Start of the first bucket, if `now` is in the last one.
    #[must_use]
    pub fn start(self, now: Timestamp) -> Timestamp {
        start(now, self.width(), self.buckets())
    }

    /// `true` if counts by the hour are fine enough; otherwise the range needs counts by the minute.
    #[must_use]
    pub fn is_coarse(self) -> bool {
        self.width() >= HOUR
    }

    /// `1h`, `24h`, `7d` or `30d`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hour => "1h",
            Self::Day => "24h",
            Self::Week => "7d",
            Self::Month => "30d",
        }
    }
}

impl fmt::Display for UsageRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for UsageRange {
    type Err = UnknownUsageRange;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|range| range.as_str() == text)
            .ok_or(UnknownUsageRange)
    }
}

/// The text is not a range.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("not a range: 1h, 24h, 7d or 30d")]
pub struct UnknownUsageRange;

/// Deliveries over time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Usage {
    /// All buckets of the range, oldest first, including empty ones.
    pub buckets: Vec<UsageBucket>,
    /// The sums of all buckets.
    pub totals: UsageTotals,
}

/// The deliveries of one bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsageBucket {
    /// Start of the bucket.
    pub at: Timestamp,
    /// The sums of the bucket.
    pub totals: UsageTotals,
}

/// Numbers of deliveries.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UsageTotals {
    /// Number of accepted deliveries.
    pub accepted: u64,
    /// Number of refusals by code, most first; codes without refusals are left out.
    pub refused: Vec<(RefusalCode, u64)>,
}

impl UsageTotals {
    /// Adds `count` deliveries that were refused with this code, or accepted for `None`.
    pub fn add(&mut self, code: Option<RefusalCode>, count: u64) {
        match code {
            None => self.accepted = self.accepted.saturating_add(count),
            Some(code) => add_code(&mut self.refused, code, count),
        }
    }

    /// Number of refusals.
    #[must_use]
    pub fn refusals(&self) -> u64 {
        let counts = self.refused.iter().map(|(_, count)| *count);
        counts.fold(0, u64::saturating_add)
    }

    /// Number of deliveries.
    #[must_use]
    pub fn deliveries(&self) -> u64 {
        self.accepted.saturating_add(self.refusals())
    }
}

/// Adds to the count of a code. The codes stay in their order: most first.
pub(super) fn add_code(codes: &mut Vec<(RefusalCode, u64)>, code: RefusalCode, count: u64) {
    match codes.iter_mut().find(|(known, _)| *known == code) {
        Some((_, known)) => *known = known.saturating_add(count),
        None => codes.push((code, count)),
    }
    codes.sort_by_key(|(code, count)| (std::cmp::Reverse(*count), *code));
}

impl Usage {
    /// Sorts counts into the buckets of a range. A count has the time of its delivery or of the minute or hour around
    /// it, a code (`None` for accepted deliveries), and a number. Counts outside the range are left out.
    pub fn of(
        range: UsageRange,
        now: Timestamp,
        counts: impl IntoIterator<Item = (Timestamp, Option<RefusalCode>, u64)>,
    ) -> Self {
        let start = range.start(now);
        let mut buckets: Vec<_> = (0..range.buckets())
            .scan(start, |next, _| {
                let at = *next;
                *next = at.after(range.width());
                let totals = UsageTotals::default();
                Some(UsageBucket { at, totals })
            })
            .collect();
        let mut totals = UsageTotals::default();
        for (at, code, count) in counts {
            let index = index(start, at, range.width());
            if let Some(bucket) = index.and_then(|index| buckets.get_mut(index)) {
                bucket.totals.add(code, count);
                totals.add(code, count);
            }
        }
        Self { buckets, totals }
    }
}

/// The usage of a webhook in the list of webhooks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookUsage {
    /// The webhook.
    pub webhook: WebhookHandle,
    /// Numbers of accepted and refused deliveries of each of 24 hours; the last one is the present hour.
    pub hours: Vec<(u64, u64)>,
    /// The sums of the 24 hours.
    pub totals: UsageTotals,
    /// The newest delivery on record, however old.
    pub last: Option<LastSeen>,
}

/// The newest delivery of a webhook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LastSeen {
    /// Time of receipt.
    pub at: Timestamp,
    /// The answer to the delivery.
    pub answer: Answer,
}

impl WebhookUsage {
    /// Start of the first of the 24 hours.
    #[must_use]
    pub fn start(now: Timestamp) -> Timestamp {
        start(now, HOUR, LIST_HOURS)
    }

    /// The usage of a webhook without deliveries.
    #[must_use]
    pub fn silent(webhook: WebhookHandle) -> Self {
        Self {
            webhook,
            hours: vec![(0, 0); LIST_HOURS],
            totals: UsageTotals::default(),
            last: None,
        }
    }

    /// Adds deliveries at a time within the 24 hours; others are left out.
    pub fn add(&mut self, now: Timestamp, at: Timestamp, code: Option<RefusalCode>, count: u64) {
        let hour = index(Self::start(now), at, HOUR).and_then(|index| self.hours.get_mut(index));
        let Some((accepted, refused)) = hour else {
            return;
        };
        let hour = if code.is_none() { accepted } else { refused };
        *hour = hour.saturating_add(count);
        self.totals.add(code, count);
    }
}

/// The places of the buckets that stand out: those with more than [`SPIKE_FLOOR`] deliveries and more than three times
/// the median of the other buckets that are not empty.
///
/// The median is used because a spike, or a second one, raises the mean: up to half of the busy buckets may be spikes
/// without hiding each other. Empty buckets don't count, so a sender that comes once an hour is no series of spikes on
/// a chart of minutes. The higher one of two middle values is taken: in doubt a bucket is no spike.
#[must_use]
pub fn spikes(usage: &Usage) -> Vec<usize> {
    let counts: Vec<_> = usage
        .buckets
        .iter()
        .map(|bucket| bucket.totals.deliveries())
        .collect();
    let mut busy: Vec<_> = counts.iter().copied().filter(|count| *count > 0).collect();
    busy.sort_unstable();
    let stands_out = |count: u64| {
        // Without one bucket of this size, the others keep their places below it and move down by one above it.
        let own = busy.partition_point(|other| *other < count);
        let middle = busy.len().saturating_sub(1) / 2;
        let usual = busy.get(if middle < own { middle } else { middle + 1 });
        count > SPIKE_FLOOR.max(usual.map_or(0, |usual| usual.saturating_mul(SPIKE_FACTOR)))
    };
    let spikes = counts.iter().enumerate().filter(|(_, count)| stands_out(**count));
    spikes.map(|(index, _)| index).collect()
}

fn start(now: Timestamp, width: Duration, buckets: usize) -> Timestamp {
    let micros = i64::try_from(width.as_micros()).unwrap_or(i64::MAX);
    let last = Timestamp::from_micros(now.as_micros() - now.as_micros().rem_euclid(micros));
    let before = u32::try_from(buckets.saturating_sub(1)).unwrap_or(u32::MAX);
    last.before(width.saturating_mul(before))
}

fn index(start: Timestamp, at: Timestamp, width: Duration) -> Option<usize> {
    if at < start {
        return None;
    }
    usize::try_from(at.since(start).as_micros() / width.as_micros()).ok()
}

#[cfg(test)]
mod tests;
