//! The rate limiter of the gate: the generic cell rate algorithm over one atomic number, on the gate's clock. The user
//! of a limiter defines a cell: a request, an attempt, or a number of bytes.

use std::convert::Infallible;
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use hookgate_domain::Timestamp;
use hookgate_domain::networks::{CustomerNetwork, customer_networks};
use quick_cache::sync::Cache;

/// A number of cells at once, and another one after each interval.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Allowance {
    burst: i64,
    /// In microseconds.
    interval: i64,
}

impl Allowance {
    /// `burst` cells at once, and as many within each `period` after that.
    pub(crate) const fn new(burst: u32, period: Duration) -> Self {
        // Periods are whole seconds up to an hour, so the product fits.
        let interval = period.as_secs().cast_signed() * 1_000_000 / (burst as i64);
        Self {
            burst: burst as i64,
            interval: if interval > 0 { interval } else { 1 },
        }
    }

    /// The allowance of a network of several customers: `factor` times as many cells.
    pub(crate) const fn times(self, factor: u32) -> Self {
        let interval = self.interval / factor as i64;
        Self {
            burst: self.burst * factor as i64,
            interval: if interval > 0 { interval } else { 1 },
        }
    }

    const fn span(self) -> i64 {
        self.burst * self.interval
    }
}

/// The used part of an allowance: the time at which all of it will be free again, in microseconds since 1970.
#[derive(Debug, Default)]
pub(crate) struct RateLimiter(AtomicI64);

impl RateLimiter {
    /// Takes one cell.
    ///
    /// # Errors
    /// The time to wait, if there is none.
    pub(crate) fn take(&self, allowance: Allowance, now: Timestamp) -> Result<(), Duration> {
        let now = now.as_micros();
        let next = |until| Some(begin(until, allowance, now) + allowance.interval);
        let fits = |until| next(until).filter(|next| *next <= now + allowance.span());
        match self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, fits) {
            Ok(_) => Ok(()),
            Err(until) => Err(wait(until, allowance, now)),
        }
    }

    /// The time to wait for the next cell, which is not taken; `None` if there is one.
    pub(crate) fn wait(&self, allowance: Allowance, now: Timestamp) -> Option<Duration> {
        let wait = wait(self.0.load(Ordering::Relaxed), allowance, now.as_micros());
        Some(wait).filter(|wait| !wait.is_zero())
    }

    /// Number of cells in use.
    pub(crate) fn used(&self, allowance: Allowance, now: Timestamp) -> u32 {
        u32::try_from(self.lasts(allowance, now) / allowance.interval).unwrap_or(0)
    }

    /// Time until all cells are free again, in microseconds; 0 if no cell is in use.
    pub(crate) fn lasts(&self, allowance: Allowance, now: Timestamp) -> i64 {
        let now = now.as_micros();
        begin(self.0.load(Ordering::Relaxed), allowance, now) - now
    }

    /// Takes cells that were used already, whether or not they fit. At most one allowance is counted beyond the limit,
    /// so the wait is never longer than two periods.
    pub(crate) fn add(&self, allowance: Allowance, cells: u32, now: Timestamp) {
        let now = now.as_micros();
        let more = i64::from(cells).min(allowance.burst) * allowance.interval;
        let next = |until| Some((begin(until, allowance, now) + more).min(now + 2 * allowance.span()));
        // The update never fails.
        let _ = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next);
    }

    /// Gives back a cell that was taken for something that did not happen.
    pub(crate) fn give_back(&self, allowance: Allowance) {
        self.0.fetch_sub(allowance.interval, Ordering::Relaxed);
    }
}

/// The time from which counting continues: `until`, or `now` if that has passed. A time further ahead than the limiter
/// can reach was stored before the clock was set back, and counts as `now`.
const fn begin(until: i64, allowance: Allowance, now: i64) -> i64 {
    // One interval of tolerance for concurrent callers, which may read the clock in another order than they arrive
    // here.
    let latest = now + 2 * allowance.span() + allowance.interval;
    if until > latest || until < now { now } else { until }
}

fn wait(until: i64, allowance: Allowance, now: i64) -> Duration {
    let ahead = begin(until, allowance, now) + allowance.interval - now - allowance.span();
    Duration::from_micros(u64::try_from(ahead).unwrap_or(0))
}

/// Rate limiters by key and customer network, all with the same allowance.
pub(crate) struct RateLimiters<K> {
    allowance: Allowance,
    limiters: Cache<(K, CustomerNetwork), Arc<RateLimiter>>,
}

impl<K: Clone + Eq + Hash> RateLimiters<K> {
    /// Remembers at most this many. A forgotten one starts anew.
    pub(crate) fn new(allowance: Allowance, remembered: usize) -> Self {
        Self {
            allowance,
            limiters: Cache::new(remembered),
        }
    }

    /// Takes a cell from all customer networks of the source, or from none.
    ///
    /// # Errors
    /// The time to wait.
    pub(crate) fn take(&self, key: &K, source: IpAddr, now: Timestamp) -> Result<(), Duration> {
        for (taken, (limiter, own)) in self.all(key, source).enumerate() {
            if let Err(wait) = limiter.take(own, now) {
                let before = self.all(key, source).take(taken);
                before.for_each(|(limiter, own)| limiter.give_back(own));
                return Err(wait);
            }
        }
        Ok(())
    }

    /// The time that the source should wait, if one of its networks has used up the allowance. Creates no new entry.
    pub(crate) fn wait(&self, key: &K, source: IpAddr, now: Timestamp) -> Option<Duration> {
        let known = self.known(key, source);
        known.filter_map(|(limiter, own)| limiter.wait(own, now)).max()
    }

    /// Takes cells that the source has used already from all of its networks.
    pub(crate) fn add(&self, key: &K, source: IpAddr, cells: u32, now: Timestamp) {
        for (limiter, own) in self.all(key, source) {
            limiter.add(own, cells, now);
        }
    }

    /// Number of cells in use by the network of the source that uses most.
    pub(crate) fn used(&self, key: &K, source: IpAddr, now: Timestamp) -> u32 {
        let known = self.known(key, source);
        known
            .map(|(limiter, own)| limiter.used(own, now))
            .max()
            .unwrap_or(0)
    }

    /// Gives back a cell that [`Self::take`] took.
    pub(crate) fn give_back(&self, key: &K, source: IpAddr) {
        for (limiter, own) in self.known(key, source) {
            limiter.give_back(own);
        }
    }

    /// Clears the entries of this key for all customer networks of the source.
    pub(crate) fn clear(&self, key: &K, source: IpAddr) {
        for (network, _) in self.networks(source) {
            self.limiters.remove(&(key.clone(), network));
        }
    }

    /// The limiters of the source's networks, each with its allowance.
    fn all(&self, key: &K, source: IpAddr) -> impl Iterator<Item = (Arc<RateLimiter>, Allowance)> {
        self.networks(source).map(move |(network, own)| {
            let fresh = || Ok::<_, Infallible>(Arc::default());
            let Ok(limiter) = self.limiters.get_or_insert_with(&(key.clone(), network), fresh);
            (limiter, own)
        })
    }

    /// Those of [`Self::all`] that are remembered.
    fn known(&self, key: &K, source: IpAddr) -> impl Iterator<Item = (Arc<RateLimiter>, Allowance)> {
        let networks = self.networks(source);
        networks.filter_map(move |(network, own)| Some((self.limiters.get(&(key.clone(), network))?, own)))
    }

    /// The customer networks of a source, each with its allowance: a network of several customers may use more.
    fn networks(&self, source: IpAddr) -> impl Iterator<Item = (CustomerNetwork, Allowance)> + use<K> {
        let allowance = self.allowance;
        let factors = customer_networks(source).zip([1, 2, 4]);
        factors.map(move |(network, factor)| (network, allowance.times(factor)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_micros(1_700_000_000_000_000);
    const FIVE: Allowance = Allowance::new(5, Duration::from_mins(5));

    #[test]
    fn a_burst_passes_and_then_one_each_interval() {
        let limiter = RateLimiter::default();
        for _ in 0..5 {
            assert_eq!(limiter.wait(FIVE, NOW), None);
            assert_eq!(limiter.take(FIVE, NOW), Ok(()));
        }
        assert_eq!(limiter.used(FIVE, NOW), 5);
        let minute = Duration::from_mins(1);
        assert_eq!(limiter.take(FIVE, NOW), Err(minute));
        assert_eq!(limiter.wait(FIVE, NOW), Some(minute));
        assert_eq!(limiter.take(FIVE, NOW.after(minute)), Ok(()));
        assert!(limiter.take(FIVE, NOW.after(minute)).is_err());
        limiter.give_back(FIVE);
        assert_eq!(limiter.take(FIVE, NOW.after(minute)), Ok(()));
        assert_eq!(limiter.lasts(FIVE, NOW), 6 * 60_000_000);
    }

    #[test]
    fn what_was_used_counts_even_if_it_does_not_fit() {
        let limiter = RateLimiter::default();
        limiter.add(FIVE, 4, NOW);
        assert_eq!(limiter.wait(FIVE, NOW), None);
        for _ in 0..9 {
            limiter.add(FIVE, 1_000, NOW);
        }
        assert_eq!(limiter.wait(FIVE, NOW), Some(Duration::from_mins(6)));
        assert_eq!(limiter.wait(FIVE, NOW.after(Duration::from_mins(6))), None);
    }

    #[test]
    fn a_clock_that_is_set_back_locks_nobody_out() {
        let limiter = RateLimiter::default();
        limiter.add(FIVE, 5, NOW.after(Duration::from_hours(5)));
        assert_eq!(limiter.take(FIVE, NOW), Ok(()));
    }

    #[test]
    fn a_network_of_several_has_several_times_as_much() {
        let (limiter, allowance) = (RateLimiter::default(), FIVE.times(2));
        let taken = (0..100).take_while(|_| limiter.take(allowance, NOW).is_ok());
        assert_eq!(taken.count(), 10);
        assert_eq!(limiter.wait(allowance, NOW), Some(Duration::from_secs(30)));
    }
}
