//! Time ranges and sources of deliveries, shared by several screens.

use hookgate_domain::{RefusalCode, Timestamp};

use crate::when;

/// The time range of a chart; `range` in the query string.
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

    /// The value in the query string.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hour => "1h",
            Self::Day => "24h",
            Self::Week => "7d",
            Self::Month => "30d",
        }
    }

    /// Parses the value of the query string; `None` for any other text.
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

/// Maximum number of codes that a sentence names; the others are added up.
const NAMED_CODES: usize = 3;

/// Refusals by number: `412 INVALID_JSON, 31 IP_NOT_ALLOWED, 2 other`.
pub(super) fn by_number(reasons: &[(RefusalCode, u64)], refused: u64) -> String {
    let named = &reasons[..reasons.len().min(NAMED_CODES)];
    let mut parts: Vec<_> = named
        .iter()
        .map(|(code, count)| format!("{} {code}", when::grouped(*count)))
        .collect();
    let other = named
        .iter()
        .fold(refused, |left, (_, count)| left.saturating_sub(*count));
    if other > 0 {
        parts.push(format!("{} other", when::grouped(other)));
    }
    parts.join(", ")
}

/// One source of deliveries.
#[derive(Clone, Debug)]
pub struct SourceRow {
    /// An IPv4 address, or the network of 64 bits around an IPv6 address.
    pub source: String,
    /// Number of accepted deliveries.
    pub accepted: u64,
    /// Number of refused deliveries.
    pub refused: u64,
    /// Refused deliveries by code, the most frequent first. Refusals that an older version counted are missing.
    pub reasons: Vec<(RefusalCode, u64)>,
    /// Number of deliveries that were accepted only because the webhook observes.
    pub would_be_refused: u64,
    /// Time of the source's first delivery to this webhook.
    pub first_seen: Timestamp,
    /// Time of its last delivery.
    pub last_seen: Timestamp,
    /// `true` if the source is new: it sent nothing before the shown range.
    pub unknown: bool,
}

impl SourceRow {
    /// Refused deliveries by code; empty if there are none, or if their codes are not known.
    pub(super) fn why(&self) -> String {
        if self.reasons.is_empty() {
            String::new()
        } else {
            by_number(&self.reasons, self.refused)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_are_told_by_number() {
        let reasons = [(RefusalCode::InvalidJson, 1_412), (RefusalCode::IpNotAllowed, 31)];
        assert_eq!(
            by_number(&reasons, 1_443),
            "1,412 INVALID_JSON, 31 IP_NOT_ALLOWED"
        );
        assert_eq!(by_number(&reasons[1..], 33), "31 IP_NOT_ALLOWED, 2 other");
        let many = [(RefusalCode::InvalidJson, 2); 5];
        assert!(by_number(&many, 10).ends_with(", 4 other"));
    }
}
