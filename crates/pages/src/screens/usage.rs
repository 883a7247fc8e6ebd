//! Ranges of time and sources of deliveries, as several screens show them.

use std::net::IpAddr;
use std::time::Duration;

use hookgate_domain::{RefusalCode, Timestamp};

/// Which stretch of time a chart shows; `range` in the query string.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Range {
    /// `1h`, in minutes.
    Hour,
    /// `24h`, in quarters of an hour.
    #[default]
    Day,
    /// `7d`, in steps of two hours.
    Week,
    /// `30d`, in steps of eight hours.
    Month,
}

impl Range {
    /// All of them, shortest first.
    pub const ALL: [Self; 4] = [Self::Hour, Self::Day, Self::Week, Self::Month];

    /// As the query string has it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hour => "1h",
            Self::Day => "24h",
            Self::Week => "7d",
            Self::Month => "30d",
        }
    }

    /// From the query string; `None` for other words.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|range| range.as_str() == text)
    }

    /// How long a bucket of its chart is.
    #[must_use]
    pub const fn step(self) -> Duration {
        match self {
            Self::Hour => Duration::from_mins(1),
            Self::Day => Duration::from_mins(15),
            Self::Week => Duration::from_hours(2),
            Self::Month => Duration::from_hours(8),
        }
    }

    /// How many buckets its chart has.
    #[must_use]
    pub const fn buckets(self) -> usize {
        match self {
            Self::Hour => 60,
            Self::Day => 96,
            Self::Week => 84,
            Self::Month => 90,
        }
    }

    pub(super) const fn words(self) -> &'static str {
        match self {
            Self::Hour => "last hour",
            Self::Day => "last 24 hours",
            Self::Week => "last 7 days",
            Self::Month => "last 30 days",
        }
    }
}

/// One source of deliveries.
#[derive(Clone, Debug)]
pub struct SourceRow {
    /// Where it sends from.
    pub source: IpAddr,
    /// How many were accepted.
    pub accepted: u64,
    /// How many were refused.
    pub refused: u64,
    /// Why most of the refused ones were.
    pub refused_as: Option<RefusalCode>,
    /// When it was first seen at this webhook.
    pub first_seen: Timestamp,
    /// When it was last seen.
    pub last_seen: Timestamp,
    /// Whether it is new here: not seen before the range that is shown.
    pub unknown: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chart_covers_its_range_within_96_buckets() {
        let hours = [1, 24, 7 * 24, 30 * 24];
        for (range, hours) in Range::ALL.into_iter().zip(hours) {
            let covered = range.step() * u32::try_from(range.buckets()).unwrap();
            assert_eq!(covered, Duration::from_hours(hours));
            assert!(range.buckets() <= 96 && Range::parse(range.as_str()) == Some(range));
        }
    }
}
