//! How often a password may be tried: by name and source together, and by source alone. Never by name alone, so nobody
//! can lock somebody else out. A successful sign-in is not counted.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use hookgate_domain::{MemberName, Timestamp};
use quick_cache::sync::Cache;

use crate::floor::source_key;

/// Wrong passwords for one name from one source: people who mistype need a few.
const BY_NAME: Allowance = Allowance::new(5, Duration::from_mins(1));
/// Wrong passwords for any name from one source: an office behind one address needs more.
const BY_SOURCE: Allowance = Allowance::new(20, Duration::from_secs(15));
/// Pairs and sources remembered. Who pushes out pairs by making up names is still counted by source.
const REMEMBERED: usize = 10_000;

/// So many at once, and another after each interval.
#[derive(Clone, Copy)]
struct Allowance {
    burst: i64,
    interval: i64,
}

impl Allowance {
    const fn new(burst: i64, interval: Duration) -> Self {
        // A minute at most, so it fits.
        Self {
            burst,
            interval: interval.as_secs().cast_signed() * 1_000_000,
        }
    }
}

/// When all that was counted will be forgotten, in microseconds since the epoch (the generic cell rate algorithm).
type Count = Arc<AtomicI64>;

/// What was tried lately.
pub(crate) struct Attempts {
    by_name: Cache<(String, [u8; 16]), Count>,
    by_source: Cache<[u8; 16], Count>,
}

/// An attempt that was counted.
pub(crate) struct Attempt {
    by_name: Count,
    by_source: Count,
}

impl Default for Attempts {
    fn default() -> Self {
        Self {
            by_name: Cache::new(REMEMBERED),
            by_source: Cache::new(REMEMBERED),
        }
    }
}

impl Attempts {
    /// Counts an attempt before it is made, so that many at once are counted too.
    ///
    /// # Errors
    /// How long to wait, if there were too many.
    pub(crate) fn begin(
        &self,
        name: &MemberName,
        source: IpAddr,
        now: Timestamp,
    ) -> Result<Attempt, Duration> {
        let source = source_key(source);
        let by_source = count(&self.by_source, &source);
        take(&by_source, BY_SOURCE, now)?;
        let by_name = count(&self.by_name, &(name.key(), source));
        take(&by_name, BY_NAME, now)?;
        Ok(Attempt { by_name, by_source })
    }
}

impl Attempt {
    /// The password was right: the name starts anew at this source, and the source gets this attempt back.
    pub(crate) fn succeeded(self) {
        self.by_name.store(i64::MIN, Ordering::Relaxed);
        self.by_source.fetch_sub(BY_SOURCE.interval, Ordering::Relaxed);
    }
}

fn count<K: std::hash::Hash + Eq + Clone>(cache: &Cache<K, Count>, key: &K) -> Count {
    let fresh = || Arc::new(AtomicI64::new(i64::MIN));
    if let Some(known) = cache.get(key) {
        return known;
    }
    cache
        .get_or_insert_with(key, || Ok::<_, ()>(fresh()))
        .unwrap_or_else(|()| fresh())
}

fn take(count: &AtomicI64, allowance: Allowance, now: Timestamp) -> Result<(), Duration> {
    let now = now.as_micros();
    let most = now + allowance.burst * allowance.interval;
    // Beyond `most`, a count was made before the clock was set back, and counts as now. An interval is left for attempts at
    // once, which may see the clock in another order than they come here.
    let latest = most + allowance.interval;
    let begin = |until: i64| if until > latest { now } else { until.max(now) };
    let next = |until: i64| Some(begin(until) + allowance.interval).filter(|next| *next <= most);
    match count.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next) {
        Ok(_) => Ok(()),
        Err(until) => {
            let wait = begin(until) + allowance.interval - most;
            Err(Duration::from_micros(u64::try_from(wait).unwrap_or(0)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_micros(1_700_000_000_000_000);

    fn fail(attempts: &Attempts, name: &str, source: &str, now: Timestamp) -> Result<(), Duration> {
        attempts
            .begin(&name.parse().unwrap(), source.parse().unwrap(), now)
            .map(drop)
    }

    #[test]
    fn a_name_is_locked_for_its_source_only_and_for_a_while() {
        let attempts = Attempts::default();
        for _ in 0..5 {
            assert!(fail(&attempts, "ada", "192.0.2.1", NOW).is_ok());
        }
        let wait = fail(&attempts, "ADA", "192.0.2.1", NOW).unwrap_err();
        assert_eq!(wait, Duration::from_mins(1));
        assert!(fail(&attempts, "ada", "192.0.2.2", NOW).is_ok());
        assert!(fail(&attempts, "bob", "192.0.2.1", NOW).is_ok());
        assert!(fail(&attempts, "ada", "192.0.2.1", NOW.after(wait)).is_ok());
    }

    #[test]
    fn a_source_that_tries_many_names_is_stopped() {
        let attempts = Attempts::default();
        let tried = (0..100).filter(|host| {
            let source = format!("2001:db8::{host:x}");
            fail(&attempts, &format!("name {host}"), &source, NOW).is_ok()
        });
        assert_eq!(tried.count(), 20);
        assert!(fail(&attempts, "ada", "2001:db8:0:1::1", NOW).is_ok());
    }

    #[test]
    fn a_clock_that_is_set_back_locks_nobody_out() {
        let attempts = Attempts::default();
        let later = NOW.after(Duration::from_hours(1));
        for _ in 0..5 {
            assert!(fail(&attempts, "ada", "192.0.2.1", later).is_ok());
        }
        assert!(fail(&attempts, "ada", "192.0.2.1", later).is_err());
        for _ in 0..5 {
            assert!(fail(&attempts, "ada", "192.0.2.1", NOW).is_ok());
        }
        assert!(fail(&attempts, "ada", "192.0.2.1", NOW).is_err());
    }

    #[test]
    fn who_saw_the_clock_before_others_starts_nothing_anew() {
        let attempts = Attempts::default();
        let later = NOW.after(Duration::from_micros(1));
        for _ in 0..5 {
            assert!(fail(&attempts, "ada", "192.0.2.1", later).is_ok());
        }
        assert!(fail(&attempts, "ada", "192.0.2.1", NOW).is_err());
    }

    #[test]
    fn who_knows_the_password_is_never_stopped() {
        let attempts = Attempts::default();
        for _ in 0..100 {
            let attempt = attempts.begin(&"ada".parse().unwrap(), "192.0.2.1".parse().unwrap(), NOW);
            attempt.unwrap_or_else(|wait| panic!("{wait:?}")).succeeded();
        }
    }
}
