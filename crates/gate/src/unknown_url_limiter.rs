//! The floor under unknown URLs: a source that keeps asking for URLs that don't exist is told to wait, and all such sources
//! together get a few looks into the store at a time. URLs that the gate remembers never come here, and one that it doesn't is
//! still found during a flood from the same address, as long as a turn is free.

use std::net::IpAddr;
use std::time::Duration;

use hookgate_domain::Timestamp;
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::rate_limiter::{Allowance, RateLimiters};

/// URLs that a source may ask for at once, and within ten seconds after that: a misconfigured sender with many alerts stays
/// below, and it is a fraction of a percent of what the store can look up.
const ALLOWANCE: Allowance = Allowance::new(200, Duration::from_secs(10));
/// Sources remembered. Who is forgotten starts anew, so this bounds memory and not the defence of the store.
const MAX_SOURCES: usize = 10_000;
/// Looks into the store at the same time for sources that ask too often.
const MAX_PENDING_LOOKUPS: usize = 256;

/// How many URLs that the gate does not remember each source has asked for lately.
pub(crate) struct UnknownUrlLimiter {
    sources: RateLimiters<()>,
    turns: Semaphore,
}

impl Default for UnknownUrlLimiter {
    fn default() -> Self {
        Self {
            sources: RateLimiters::new(MAX_SOURCES),
            turns: Semaphore::new(MAX_PENDING_LOOKUPS),
        }
    }
}

impl UnknownUrlLimiter {
    /// Counts a URL that the source asks for, before it is looked up, so that one who doesn't wait for the answer is counted
    /// too. How long the source should wait before the next, if it asks too often.
    pub(crate) fn count(&self, source: IpAddr, now: Timestamp) -> Option<Duration> {
        self.sources.take(&(), source, ALLOWANCE, now).err()
    }

    /// What was counted turned out to be a URL, or the store could not tell: that is nobody's guess.
    pub(crate) fn give_back(&self, source: IpAddr) {
        self.sources.give_back(&(), source, ALLOWANCE);
    }

    /// A look into the store for a source that asks too often, unless too many have one.
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
