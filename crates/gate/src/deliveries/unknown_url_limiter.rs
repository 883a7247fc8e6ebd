//! Limits requests for unknown URLs. A source that keeps asking for URLs that do not exist has to wait, and all
//! such sources together get a limited number of look-ups at a time. Cached URLs never count here. During a flood from
//! the same address, a URL that is not cached is still found while a permit is free.

use std::net::IpAddr;
use std::time::Duration;

use hookgate_domain::Timestamp;
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::rate_limiter::{Allowance, RateLimiters};

/// URLs that are not cached that a source may ask for at once, and within each ten seconds after that. A misconfigured
/// sender with many alerts stays below, and this is a fraction of a percent of the look-ups that the store can do.
const ALLOWANCE: Allowance = Allowance::new(200, Duration::from_secs(10));
/// Maximum number of sources remembered. A forgotten source starts anew, so this bounds memory; the semaphore protects
/// the store.
const MAX_SOURCES: usize = 10_000;
/// Concurrent look-ups for sources above their limit.
const MAX_PENDING_LOOKUPS: usize = 256;

/// The recent requests of each source for URLs that are not cached.
pub(crate) struct UnknownUrlLimiter {
    sources: RateLimiters<()>,
    turns: Semaphore,
}

impl Default for UnknownUrlLimiter {
    fn default() -> Self {
        Self {
            sources: RateLimiters::new(ALLOWANCE, MAX_SOURCES),
            turns: Semaphore::new(MAX_PENDING_LOOKUPS),
        }
    }
}

impl UnknownUrlLimiter {
    /// Counts a request for a URL before the look-up, so that a sender that does not wait for the answer is counted
    /// too. Returns the time that the source should wait before the next one, if it is above its limit.
    pub(crate) fn count(&self, source: IpAddr, now: Timestamp) -> Option<Duration> {
        self.sources.take(&(), source, now).err()
    }

    /// Gives a counted request back: the URL exists, or the store failed, so it was no guess.
    pub(crate) fn give_back(&self, source: IpAddr) {
        self.sources.give_back(&(), source);
    }

    /// A permit for the look-up of a source above its limit; `None` if all are taken.
    pub(crate) fn lookup_permit(&self) -> Option<SemaphorePermit<'_>> {
        self.turns.try_acquire().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_micros(1_700_000_000_000_000);
    const BURST: u32 = 200;

    fn ask(unknown_urls: &UnknownUrlLimiter, source: &str, times: u32) -> bool {
        let source = source.parse().unwrap();
        (0..times).fold(false, |_, _| unknown_urls.count(source, NOW).is_some())
    }

    #[test]
    fn a_flood_holds_up_its_own_source_only() {
        let unknown_urls = UnknownUrlLimiter::default();
        assert!(!ask(&unknown_urls, "192.0.2.1", BURST / 2));
        assert!(ask(&unknown_urls, "192.0.2.1", BURST * 3));
        assert!(ask(&unknown_urls, "::ffff:192.0.2.1", 1));
        assert!(!ask(&unknown_urls, "192.0.2.2", 1));
    }

    #[test]
    fn a_network_of_one_ipv6_customer_is_one_source() {
        let unknown_urls = UnknownUrlLimiter::default();
        for host in 0..BURST * 3 {
            ask(&unknown_urls, &format!("2001:db8::{host:x}"), 1);
        }
        assert!(ask(&unknown_urls, "2001:db8::ffff:1", 1));
        assert!(!ask(&unknown_urls, "2001:db8:0:1::1", 1));
    }

    #[test]
    fn who_has_many_networks_is_one_source_too() {
        let unknown_urls = UnknownUrlLimiter::default();
        for network in 0..BURST * 8 {
            ask(&unknown_urls, &format!("2001:db8:0:{network:x}::1"), 1);
        }
        assert!(ask(&unknown_urls, "2001:db8:0:ffff::1", 1));
        assert!(!ask(&unknown_urls, "2001:db8:1::1", 1));
    }

    #[test]
    fn a_url_that_is_found_is_no_guess() {
        let unknown_urls = UnknownUrlLimiter::default();
        let source = "192.0.2.1".parse().unwrap();
        for _ in 0..BURST * 3 {
            assert_eq!(unknown_urls.count(source, NOW), None);
            unknown_urls.give_back(source);
        }
    }

    #[test]
    fn sources_that_ask_too_often_share_a_few_turns() {
        let unknown_urls = UnknownUrlLimiter::default();
        let turns: Vec<_> = (0..MAX_PENDING_LOOKUPS)
            .filter_map(|_| unknown_urls.lookup_permit())
            .collect();
        assert_eq!(turns.len(), MAX_PENDING_LOOKUPS);
        assert!(unknown_urls.lookup_permit().is_none());
        drop(turns);
        assert!(unknown_urls.lookup_permit().is_some());
    }
}
