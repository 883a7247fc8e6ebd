//! How full a listener is, and how long it has been so. It counts in milliseconds after its beginning.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::Instant;

/// A new connection that waits for this long has found the listener full.
pub(super) const FULL_AFTER: Duration = Duration::from_secs(1);

/// For so long after that the listener says so: a load balancer asks every few seconds.
pub(super) const FULL_FOR: Duration = Duration::from_secs(10);

/// No time.
const NEVER: u64 = u64::MAX;

/// How a listener is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fullness {
    /// There is room.
    Ok,
    /// What rests makes room for new connections.
    NearlyFull,
    /// New connections wait, or are turned away unless their source holds none.
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

/// Since when connections lack what they need.
#[derive(Debug)]
pub(super) struct Lack {
    began: Instant,
    /// Since when a new connection waits.
    waits_since: AtomicU64,
    /// Since when sources are turned away that hold little.
    turned_away_since: AtomicU64,
    /// Until when the listener says that it is full.
    full_until: AtomicU64,
    /// Until when connections are closing because a descriptor was lacking.
    closing_until: AtomicU64,
}

impl Default for Lack {
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

impl Lack {
    /// A new connection has to wait.
    pub(super) fn begin_waiting(&self) {
        begin(&self.waits_since, self.millis());
    }

    /// It waits no longer.
    pub(super) fn end_waiting(&self) {
        let now = self.millis();
        let since = self.waits_since.swap(NEVER, Ordering::Relaxed);
        if now.saturating_sub(since) >= to_millis(FULL_AFTER) {
            self.full_until
                .store(now + to_millis(FULL_FOR), Ordering::Relaxed);
        }
    }

    /// A new connection was taken or not; whether only the last ones are free.
    pub(super) fn turned_away(&self, is_reserved: bool, is_refused: bool) {
        if !is_reserved {
            self.turned_away_since.store(NEVER, Ordering::Relaxed);
        } else if is_refused {
            begin(&self.turned_away_since, self.millis());
        }
    }

    /// Connections are closing, and have this time for it.
    pub(super) fn begin_closing(&self, time: Duration) {
        let until = self.millis() + to_millis(time);
        self.closing_until.store(until, Ordering::Relaxed);
    }

    /// Whether connections are closing.
    pub(super) fn are_closing(&self) -> bool {
        self.millis() < self.closing_until.load(Ordering::Relaxed)
    }

    /// Whether new connections have waited or been turned away for long; whether only the last ones are free at this moment.
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
