//! Deliveries as usage counts them.

use std::net::IpAddr;

use hookgate_domain::{Timestamp, WebhookHandle};
use hookgate_gate::{Answer, DAY_MICROS};

/// The counted properties of an answered delivery.
#[derive(Debug)]
pub(super) struct Observation {
    pub(super) webhook: WebhookHandle,
    pub(super) at: Timestamp,
    pub(super) source: IpAddr,
    pub(super) answer: Answer,
    pub(super) would_be_refused: bool,
}

impl Observation {
    /// The day of the delivery, as a number.
    pub(super) fn day(&self) -> i64 {
        day(self.at)
    }
}

/// The day of a time, as a number.
pub(super) fn day(at: Timestamp) -> i64 {
    at.as_micros().div_euclid(DAY_MICROS)
}
