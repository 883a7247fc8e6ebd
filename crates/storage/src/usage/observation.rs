//! Deliveries as usage counts them.

use std::net::IpAddr;

use hookgate_domain::{RefusalCode, Timestamp};

use super::statements::MINUTE;

pub(super) const SECOND_MICROS: i64 = 1_000_000;

/// Identical deliveries, as far as they are counted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Observation {
    /// The key of its webhook.
    pub(crate) webhook: i64,
    pub(crate) at: Timestamp,
    /// Code of the refusal; `None` if they passed.
    pub(crate) code: Option<RefusalCode>,
    /// `true` if they passed only because their webhook observes.
    pub(crate) observed: bool,
    pub(crate) source: IpAddr,
    /// The number of their record, if there is one.
    pub(crate) record: Option<i64>,
    /// Number of deliveries.
    pub(crate) times: i64,
    /// Bytes by which the holding of their webhook grows, negative if it shrinks; `None` if the record is not
    /// theirs alone.
    pub(crate) held: Option<i64>,
}

impl Observation {
    /// `true` if it can be counted again from the records from this number on.
    pub(super) fn is_on_record(&self, start: i64) -> bool {
        self.record.is_some_and(|record| record >= start)
    }

    /// `true` if both are counted in the same entries.
    pub(super) fn is_like(&self, other: &Self, start: i64) -> bool {
        self.webhook == other.webhook
            && self.code == other.code
            && self.observed == other.observed
            && self.source == other.source
            && minute_start(self.at) == minute_start(other.at)
            && self.is_on_record(start) == other.is_on_record(start)
    }
}

/// The beginning of the minute of a time.
pub(crate) const fn minute_start(at: Timestamp) -> i64 {
    let at = at.as_micros();
    at - at.rem_euclid(MINUTE * SECOND_MICROS)
}
