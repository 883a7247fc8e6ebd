//! Counts by key that a flood of made-up names can't evict. A count is removed only after it has expired, which changes
//! nothing: the table has room for all attempts that the password hash allows meanwhile. So existing and unknown names
//! are counted alike, and neither an answer nor its time tells them apart.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hash};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hookgate_domain::Timestamp;

use crate::rate_limiter::{Allowance, RateLimiter};

/// Maximum number of counts, 2 MiB. An attempt is counted while its password is checked, and a password takes 10 ms at
/// least, two at a time: 200 a second. A name that is tried once is counted for 72 seconds, which makes 14,400 at a
/// time. Names that are tried again to keep them for longer take more attempts each: with all attempts of an hour spent
/// in the best way, 64,800.
const MAX_ATTEMPT_COUNTS: usize = 65_536;
/// Number of counts below which expired ones are not removed.
const MIN_COUNTS_TO_EXPIRE: usize = 1_024;

/// The used cells of an allowance, by key.
pub(super) struct AttemptCounts {
    allowance: Allowance,
    /// Keys are stored as hashes with a random seed, so that long keys take no more memory.
    hasher: RandomState,
    counts: Mutex<Counts>,
}

#[derive(Default)]
struct Counts {
    limiters: HashMap<u64, RateLimiter>,
    /// Number of counts from which expired ones are removed again.
    enough: usize,
}

impl AttemptCounts {
    pub(super) fn new(allowance: Allowance) -> Self {
        Self {
            allowance,
            hasher: RandomState::default(),
            counts: Mutex::default(),
        }
    }

    /// Takes one cell.
    ///
    /// # Errors
    /// The time to wait, if there is none.
    pub(super) fn take(&self, key: &impl Hash, now: Timestamp) -> Result<(), Duration> {
        let allowance = self.allowance;
        let key = self.hasher.hash_one(key);
        let mut counts = self.lock();
        counts.make_room(allowance, now);
        counts.limiters.entry(key).or_default().take(allowance, now)
    }

    /// Gives back a cell that was taken for an attempt that was not made.
    pub(super) fn give_back(&self, key: &impl Hash) {
        if let Some(limiter) = self.lock().limiters.get(&self.hasher.hash_one(key)) {
            limiter.give_back(self.allowance);
        }
    }

    /// Clears the count of the key.
    pub(super) fn clear(&self, key: &impl Hash) {
        self.lock().limiters.remove(&self.hasher.hash_one(key));
    }

    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Counts {
    /// Removes expired counts, whenever there are twice as many as after the last removal. If the table is full of
    /// counts in use, the lower half of them is removed.
    fn make_room(&mut self, allowance: Allowance, now: Timestamp) {
        if self.limiters.len() < self.enough.max(MIN_COUNTS_TO_EXPIRE) {
            return;
        }
        self.limiters
            .retain(|_, limiter| limiter.lasts(allowance, now) > 0);
        if self.limiters.len() >= MAX_ATTEMPT_COUNTS {
            let mut all: Vec<_> = self
                .limiters
                .values()
                .map(|limiter| limiter.lasts(allowance, now))
                .collect();
            let half = all.len() / 2;
            let median = *all.select_nth_unstable(half).1;
            self.limiters
                .retain(|_, limiter| limiter.lasts(allowance, now) > median);
        }
        self.enough = (self.limiters.len() * 2).min(MAX_ATTEMPT_COUNTS);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_micros(1_700_000_000_000_000);
    const FIFTY: Allowance = Allowance::new(50, Duration::from_hours(1));

    #[test]
    fn counts_that_have_run_out_leave_room_and_no_others() {
        let counts = AttemptCounts::new(FIFTY);
        for second in 0..3_600_u64 {
            let now = NOW.after(Duration::from_secs(second));
            for name in 0..20 {
                assert_eq!(counts.take(&(second, name), now), Ok(()));
            }
        }
        // The names of the last 72 seconds are in use.
        let left = counts.lock().limiters.len();
        assert!((1_440..=2_880).contains(&left), "{left}");
    }

    #[test]
    fn beyond_the_bound_the_highest_counts_stay() {
        let counts = AttemptCounts::new(FIFTY);
        for _ in 0..50 {
            assert_eq!(counts.take(&"guessed", NOW), Ok(()));
        }
        for name in 0..4 * MAX_ATTEMPT_COUNTS {
            assert_eq!(counts.take(&name, NOW), Ok(()));
        }
        assert!(counts.lock().limiters.len() <= MAX_ATTEMPT_COUNTS);
        assert!(counts.take(&"guessed", NOW).is_err());
    }
}
