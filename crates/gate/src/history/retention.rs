//! Limits of the history, and what they removed.

use std::num::NonZeroU64;
use std::time::Duration;

const DAY: Duration = Duration::from_hours(24);

/// Limits of the history: by age and by size, whichever is reached first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// Maximum age of records.
    pub deliveries: Duration,
    /// Maximum age of payloads; the rest of the record stays.
    pub payloads: Duration,
    /// Maximum size of the store in bytes. Above it, the oldest records are removed.
    pub bytes: NonZeroU64,
}

impl Default for Retention {
    /// 90 days or 10 GiB, payloads 30 days.
    fn default() -> Self {
        let gibibyte = NonZeroU64::MIN.saturating_add((1 << 30) - 1);
        Self {
            deliveries: 90 * DAY,
            payloads: 30 * DAY,
            bytes: gibibyte.saturating_mul(NonZeroU64::MIN.saturating_add(9)),
        }
    }
}

/// The counts of what one step of retention removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pruned {
    /// Records of deliveries.
    pub deliveries: u64,
    /// Payloads of records that stay.
    pub payloads: u64,
    /// Incidents that were not touched for as long as deliveries are kept.
    pub incidents: u64,
    /// Expired idempotency keys.
    pub keys: u64,
    /// Expired sessions and sign-in links, and entries of the audit trail.
    pub people: u64,
    /// Usage counts and counts of sources.
    pub counts: u64,
    /// `true` if the step stopped before it had looked at everything.
    pub unfinished: bool,
}

impl Pruned {
    /// `true` if nothing was removed and nothing is left to look at.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}
