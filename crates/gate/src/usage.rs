//! How many deliveries came, over time: the shapes of charts and tables, and which of their buckets stand out. Pure; the
//! counts come from the store.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use hookgate_domain::{RefusalCode, Timestamp, WebhookHandle};
use thiserror::Error;

use crate::Answer;

/// A bucket with so many deliveries or less is never a spike: a webhook that is rarely used would have nothing else.
pub const SPIKE_FLOOR: u64 = 10;
/// How far above the usual a spike is.
const SPIKE_FACTOR: u64 = 3;
/// Hours that the list of webhooks shows.
const LIST_HOURS: usize = 24;
const MINUTE: Duration = Duration::from_mins(1);
const HOUR: Duration = Duration::from_hours(1);

/// How far back usage is shown, and how finely.
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

    /// How many buckets it has.
    #[must_use]
    pub const fn buckets(self) -> usize {
        match self {
            Self::Hour => 60,
            Self::Day => 96,
            Self::Week => 84,
            Self::Month => 90,
        }
    }

    /// How long each bucket is. Buckets begin at whole multiples of it since the epoch.
    #[must_use]
    pub const fn width(self) -> Duration {
        match self {
            Self::Hour => MINUTE,
            Self::Day => Duration::from_mins(15),
            Self::Week => Duration::from_hours(2),
            Self::Month => Duration::from_hours(8),
        }
    }

    /// When the first bucket begins, if the last one is the one that `now` is in.
    #[must_use]
    pub fn start(self, now: Timestamp) -> Timestamp {
        start(now, self.width(), self.buckets())
    }

    /// Whether counts by the hour are fine enough; otherwise it needs those by the minute.
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

/// The text is none of the ranges.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("not a range: 1h, 24h, 7d or 30d")]
pub struct UnknownUsageRange;

/// Deliveries over time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Usage {
    /// As many as the range has, oldest first, empty ones too.
    pub buckets: Vec<UsageBucket>,
    /// All of them together.
    pub totals: UsageTotals,
}

/// The deliveries of some time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsageBucket {
    /// When it begins.
    pub at: Timestamp,
    /// How many passed.
    pub accepted: u64,
    /// How many did not, by code, most first; codes that did not occur are left out.
    pub refused: Vec<(RefusalCode, u64)>,
}

impl UsageBucket {
    /// How many did not pass.
    #[must_use]
    pub fn refusals(&self) -> u64 {
        sum(&self.refused)
    }

    /// How many there were.
    #[must_use]
    pub fn deliveries(&self) -> u64 {
        self.accepted.saturating_add(self.refusals())
    }
}

/// The deliveries of a whole range.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UsageTotals {
    /// How many passed.
    pub accepted: u64,
    /// How many did not, by code, most first; codes that did not occur are left out.
    pub refused: Vec<(RefusalCode, u64)>,
}

impl UsageTotals {
    /// Adds so many deliveries with this code, or none if they passed.
    pub fn add(&mut self, code: Option<RefusalCode>, count: u64) {
        add(&mut self.accepted, &mut self.refused, code, count);
        most_first(&mut self.refused);
    }

    /// How many did not pass.
    #[must_use]
    pub fn refusals(&self) -> u64 {
        sum(&self.refused)
    }
}

impl Usage {
    /// Puts counts into the buckets of a range. A count has the time of its delivery or of the minute or hour around it,
    /// a code or none if it passed, and how many there were. What lies outside the range is left out.
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
                Some(UsageBucket {
                    at,
                    accepted: 0,
                    refused: Vec::new(),
                })
            })
            .collect();
        let mut totals = UsageTotals::default();
        for (at, code, count) in counts {
            let Some(bucket) = index(start, at, range.width()).and_then(|index| buckets.get_mut(index))
            else {
                continue;
            };
            add(&mut bucket.accepted, &mut bucket.refused, code, count);
            add(&mut totals.accepted, &mut totals.refused, code, count);
        }
        for bucket in &mut buckets {
            most_first(&mut bucket.refused);
        }
        most_first(&mut totals.refused);
        Self { buckets, totals }
    }
}

/// What the list of webhooks shows of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookUsage {
    /// The webhook.
    pub webhook: WebhookHandle,
    /// How many passed and how many did not in each of 24 hours; the last one is the hour that it is now.
    pub hours: Vec<(u64, u64)>,
    /// How many passed in all of them.
    pub accepted: u64,
    /// How many did not.
    pub refused: u64,
    /// How many did not in all of them, by code, most first; codes that did not occur are left out.
    pub codes: Vec<(RefusalCode, u64)>,
    /// The newest delivery on record, however old.
    pub last: Option<LastSeen>,
}

/// The newest delivery of a webhook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LastSeen {
    /// When it came.
    pub at: Timestamp,
    /// What it was answered.
    pub answer: Answer,
}

impl WebhookUsage {
    /// When the first of the 24 hours begins.
    #[must_use]
    pub fn start(now: Timestamp) -> Timestamp {
        start(now, HOUR, LIST_HOURS)
    }

    /// A webhook of which nothing was seen.
    #[must_use]
    pub fn silent(webhook: WebhookHandle) -> Self {
        Self {
            webhook,
            hours: vec![(0, 0); LIST_HOURS],
            accepted: 0,
            refused: 0,
            codes: Vec::new(),
            last: None,
        }
    }

    /// Adds deliveries of some time within the 24 hours; others are left out.
    pub fn add(&mut self, now: Timestamp, at: Timestamp, code: Option<RefusalCode>, count: u64) {
        let hour = index(Self::start(now), at, HOUR).and_then(|index| self.hours.get_mut(index));
        let Some((accepted, refused)) = hour else {
            return;
        };
        let hour = if code.is_none() { accepted } else { refused };
        *hour = hour.saturating_add(count);
        add(&mut self.accepted, &mut self.codes, code, count);
        most_first(&mut self.codes);
        self.refused = sum(&self.codes);
    }

    /// All of the 24 hours.
    #[must_use]
    pub fn totals(&self) -> UsageTotals {
        UsageTotals {
            accepted: self.accepted,
            refused: self.codes.clone(),
        }
    }
}

/// The buckets that stand out, by their place: those with more than [`SPIKE_FLOOR`] deliveries and more than three times
/// the median of the other buckets that are not empty.
///
/// The median, because a mean is drawn up by the spike itself or by a second one: up to half of the busy buckets may be
/// wild without hiding each other. Empty buckets don't count, so that a sender who comes once an hour is no series of
/// spikes on a chart of minutes. The higher one of two middle values is taken: in doubt it is no spike.
#[must_use]
pub fn spikes(usage: &Usage) -> Vec<usize> {
    let counts: Vec<_> = usage.buckets.iter().map(UsageBucket::deliveries).collect();
    let mut busy: Vec<_> = counts.iter().copied().filter(|count| *count > 0).collect();
    busy.sort_unstable();
    let stands_out = |count: u64| {
        // Without one of this size, the others are as they are below it and moved down by one above it.
        let own = busy.partition_point(|other| *other < count);
        let middle = busy.len().saturating_sub(1) / 2;
        let usual = busy.get(if middle < own { middle } else { middle + 1 });
        count > SPIKE_FLOOR.max(usual.map_or(0, |usual| usual.saturating_mul(SPIKE_FACTOR)))
    };
    let wild = counts.iter().enumerate().filter(|(_, count)| stands_out(**count));
    wild.map(|(place, _)| place).collect()
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

fn add(accepted: &mut u64, refused: &mut Vec<(RefusalCode, u64)>, code: Option<RefusalCode>, count: u64) {
    let Some(code) = code else {
        *accepted = accepted.saturating_add(count);
        return;
    };
    match refused.iter_mut().find(|(known, _)| *known == code) {
        Some((_, known)) => *known = known.saturating_add(count),
        None => refused.push((code, count)),
    }
}

fn most_first(refused: &mut [(RefusalCode, u64)]) {
    refused.sort_by_key(|(code, count)| (std::cmp::Reverse(*count), *code));
}

fn sum(refused: &[(RefusalCode, u64)]) -> u64 {
    refused
        .iter()
        .map(|(_, count)| *count)
        .fold(0, u64::saturating_add)
}

#[cfg(test)]
mod tests;
