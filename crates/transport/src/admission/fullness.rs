//! The fullness of a listener, and its duration. Times are milliseconds since the listener began.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::Instant;

/// Waiting time of a new connection after which the listener counts as full.
pub(super) const FULL_AFTER: Duration = Duration::from_secs(1);

/// Time for which the listener reports itself as full after such a wait. Load balancers ask every few seconds.
pub(super) const FULL_FOR: Duration = Duration::from_secs(10);

/// Marks an unset time.
const NEVER: u64 = u64::MAX;

/// The fullness of a listener.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fullness {
    /// There is room for new connections.
    Ok,
    /// Idle connections are evicted for new ones.
    NearlyFull,
    /// New connections wait, or are refused unless their source holds none.
    Full,
}

impl Fullness {
    /// The word in `/readyz`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::NearlyFull => "nearly_full",
            Self::Full => "full",
        }
    }
}

/// Times since which new connections wait or are refused.
#[derive(Debug)]
pub(super) struct Saturation {
    began: Instant,
    /// Time since which a new connection waits.
    waits_since: AtomicU64,
    /// Time since which sources are refused while only the reserved connections are free.
    turned_away_since: AtomicU64,
    /// End of the time for which the listener reports itself as full.
    full_until: AtomicU64,
    /// End of the time in which connections that were evicted for lack of a descriptor may close.
    closing_until: AtomicU64,
}

impl Default for Saturation {
    fn default() -> Self {
        Self {
            began: Instant::now(),
            waits_since: AtomicU64::new(NEVER),
            turned_away_since: AtomicU64::new(NEVER),
            full_until: AtomicU64::new(0),
            closing_until: AtomicU64::new(0),
        }
    }
}

impl Saturation {
    /// Notes that a new connection has to wait.
    pub(super) fn begin_waiting(&self) {
        begin(&self.waits_since, self.millis());
    }

    /// `true` if a new connection has waited for this long.
    pub(super) fn has_waited(&self, time: Duration) -> bool {
        self.millis()
            .saturating_sub(self.waits_since.load(Ordering::Relaxed))
            >= to_millis(time)
    }

    /// Notes that no new connection waits any longer.
    pub(super) fn end_waiting(&self) {
        let now = self.millis();
        let since = self.waits_since.swap(NEVER, Ordering::Relaxed);
        if now.saturating_sub(since) >= to_millis(FULL_AFTER) {
            self.full_until
                .store(now + to_millis(FULL_FOR), Ordering::Relaxed);
        }
    }

    /// Notes that a new connection was taken or refused. `is_reserved`: only the reserved connections are free.
    pub(super) fn turned_away(&self, is_reserved: bool, is_refused: bool) {
        if !is_reserved {
            self.turned_away_since.store(NEVER, Ordering::Relaxed);
        } else if is_refused {
            begin(&self.turned_away_since, self.millis());
        }
    }

    /// Notes that evicted connections have this time to close.
    pub(super) fn begin_closing(&self, time: Duration) {
        let until = self.millis() + to_millis(time);
        self.closing_until.store(until, Ordering::Relaxed);
    }

    /// `true` while evicted connections have time to close.
    pub(super) fn are_closing(&self) -> bool {
        self.millis() < self.closing_until.load(Ordering::Relaxed)
    }

    /// `true` if new connections have waited or been refused for [`FULL_AFTER`], or did so within the last
    /// [`FULL_FOR`]. `is_reserved`: only the reserved connections are free at this moment.
    pub(super) fn is_full(&self, is_reserved: bool) -> bool {
        let now = self.millis();
        let is_long =
            |since: &AtomicU64| now.saturating_sub(since.load(Ordering::Relaxed)) >= to_millis(FULL_AFTER);
        is_long(&self.waits_since)
            || (is_reserved && is_long(&self.turned_away_since))
            || now < self.full_until.load(Ordering::Relaxed)
    }

    fn millis(&self) -> u64 {
        to_millis(self.began.elapsed())
    }
}

fn begin(since: &AtomicU64, now: u64) {
    let _ = since.compare_exchange(NEVER, now, Ordering::Relaxed, Ordering::Relaxed);
}

fn to_millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(NEVER)
}
