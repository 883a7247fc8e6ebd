//! The floor under unknown URLs: a source that keeps asking for URLs that don't exist is told to wait, and all such sources
//! together get a few looks into the store at a time. URLs that the gate remembers never come here, and one that it doesn't is
//! still found during a flood from the same address, as long as a turn is free.

use std::convert::Infallible;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use hookgate_domain::address_bytes;
use quick_cache::sync::Cache;
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::sources::site;

/// URLs that a source may ask for at once: a misconfigured sender with many alerts stays below.
const BURST: NonZeroU32 = NonZeroU32::new(200).unwrap();
/// URLs a second after that: a fraction of a percent of what the store can look up.
const PER_SECOND: NonZeroU32 = NonZeroU32::new(20).unwrap();
/// Sources remembered. Who is forgotten starts anew, so this bounds memory and not the defence of the store.
const SOURCES: usize = 10_000;
/// Looks into the store at the same time for sources that ask too often.
const TURNS: usize = 256;

/// How many URLs that the gate does not remember each source has asked for lately.
pub(crate) struct Floor {
    sources: Cache<[u8; 16], Arc<DefaultDirectRateLimiter>>,
    turns: Semaphore,
}

impl Default for Floor {
    fn default() -> Self {
        Self {
            sources: Cache::new(SOURCES),
            turns: Semaphore::new(TURNS),
        }
    }
}

impl Floor {
    /// Counts a URL that the source asks for, before it is looked up, so that one who doesn't wait for the answer is counted
    /// too. How long the source should wait before the next, if it asks too often.
    pub(crate) fn count(&self, source: IpAddr) -> Option<Duration> {
        let fresh = || {
            let quota = Quota::per_second(PER_SECOND).allow_burst(BURST);
            Ok::<_, Infallible>(Arc::new(RateLimiter::direct(quota)))
        };
        let Ok(limiter) = self.sources.get_or_insert_with(&source_key(source), fresh);
        let too_soon = limiter.check().err()?;
        Some(too_soon.wait_time_from(DefaultClock::default().now()))
    }

    /// A look into the store for a source that asks too often, unless too many have one.
    pub(crate) fn turn(&self) -> Option<SemaphorePermit<'_>> {
        self.turns.try_acquire().ok()
    }
}

/// What tells a source: an IPv4 address, or the /64 of an IPv6 address.
pub(crate) fn source_key(source: IpAddr) -> [u8; 16] {
    address_bytes(site(source))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(floor: &Floor, source: &str, times: u32) -> bool {
        let source = source.parse().unwrap();
        (0..times).fold(false, |_, _| floor.count(source).is_some())
    }

    #[test]
    fn a_flood_holds_up_its_own_source_only() {
        let floor = Floor::default();
        assert!(!ask(&floor, "192.0.2.1", BURST.get() / 2));
        assert!(ask(&floor, "192.0.2.1", BURST.get() * 3));
        assert!(ask(&floor, "::ffff:192.0.2.1", 1));
        assert!(!ask(&floor, "192.0.2.2", 1));
    }

    #[test]
    fn a_network_of_one_ipv6_customer_is_one_source() {
        let floor = Floor::default();
        for host in 0..BURST.get() * 3 {
            ask(&floor, &format!("2001:db8::{host:x}"), 1);
        }
        assert!(ask(&floor, "2001:db8::ffff:1", 1));
        assert!(!ask(&floor, "2001:db8:0:1::1", 1));
    }

    #[test]
    fn sources_that_ask_too_often_share_a_few_turns() {
        let floor = Floor::default();
        let turns: Vec<_> = (0..TURNS).filter_map(|_| floor.turn()).collect();
        assert_eq!(turns.len(), TURNS);
        assert!(floor.turn().is_none());
        drop(turns);
        assert!(floor.turn().is_some());
    }
}
