//! Ranges of time and sources of deliveries, as several screens show them.

use hookgate_domain::{RefusalCode, Timestamp};

/// Which stretch of time a chart shows; `range` in the query string.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Range {
    /// `1h`.
    Hour,
    /// `24h`.
    #[default]
    Day,
    /// `7d`.
    Week,
    /// `30d`.
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
    /// An IPv4 address, or the network of 64 bits around an IPv6 address.
    pub source: String,
    /// How many were accepted.
    pub accepted: u64,
    /// How many were refused.
    pub refused: u64,
    /// Why the newest of the refused ones was, if that was looked up.
    pub refused_as: Option<RefusalCode>,
    /// When it was first seen at this webhook.
    pub first_seen: Timestamp,
    /// When it was last seen.
    pub last_seen: Timestamp,
    /// Whether it is new here: not seen before the range that is shown.
    pub unknown: bool,
}
