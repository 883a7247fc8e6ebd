//! The floor under unknown URLs: a source that keeps asking for URLs that don't exist is refused before it costs a
//! look into the store. URLs that the gate remembers never come here, so a flood from behind the same address does
//! not hold up a sender that is at work.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use hookgate_domain::{Timestamp, address_bytes};
use quick_cache::sync::Cache;

/// Unknown URLs that a source may ask for at once: a misconfigured sender with many alerts stays below.
const BURST: NonZeroU32 = NonZeroU32::new(200).unwrap();
/// Unknown URLs a second after that: a fraction of a percent of what the store can look up.
const PER_SECOND: NonZeroU32 = NonZeroU32::new(20).unwrap();
/// Sources remembered. Who is forgotten starts anew, so this bounds memory and not the defence of the store.
const SOURCES: usize = 10_000;
/// Bytes of an IPv6 address that tell a source: one customer usually has all of a /64.
const IPV6_SOURCE_BYTES: usize = 8;

/// How many unknown URLs each source has asked for lately.
pub(crate) struct Floor {
    sources: Cache<[u8; 16], Arc<Source>>,
}

struct Source {
    limiter: DefaultDirectRateLimiter,
    /// Microseconds since the epoch before which the source is refused.
    blocked_until: AtomicI64,
}

impl Default for Floor {
    fn default() -> Self {
        Self {
            sources: Cache::new(SOURCES),
        }
    }
}

impl Floor {
    /// How long the source has to wait before it may ask for a URL that the gate doesn't remember, if it has to.
    pub(crate) fn blocked(&self, source: IpAddr, now: Timestamp) -> Option<Duration> {
        let source = self.sources.get(&source_key(source))?;
        let until = Timestamp::from_micros(source.blocked_until.load(Ordering::Relaxed));
        Some(until.since(now)).filter(|wait| !wait.is_zero())
    }

    /// Counts an unknown URL that the source asked for.
    pub(crate) fn count(&self, source: IpAddr, now: Timestamp) {
        let Ok(source) = self
            .sources
            .get_or_insert_with(&source_key(source), || Ok::<_, ()>(Arc::new(Source::new())))
        else {
            return;
        };
        if let Err(not_until) = source.limiter.check() {
            let wait = not_until.wait_time_from(DefaultClock::default().now());
            source
                .blocked_until
                .store(now.after(wait).as_micros(), Ordering::Relaxed);
        }
    }
}

impl Source {
    fn new() -> Self {
        let quota = Quota::per_second(PER_SECOND).allow_burst(BURST);
        Self {
            limiter: RateLimiter::direct(quota),
            blocked_until: AtomicI64::new(i64::MIN),
        }
    }
}

/// What tells a source: an IPv4 address, or the /64 of an IPv6 address.
pub(crate) fn source_key(source: IpAddr) -> [u8; 16] {
    let source = source.to_canonical();
    let mut key = address_bytes(source);
    if source.is_ipv6() {
        key[IPV6_SOURCE_BYTES..].fill(0);
    }
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_micros(0);

    fn ask(floor: &Floor, source: &str, times: u32) -> bool {
        let source = source.parse().unwrap();
        for _ in 0..times {
            floor.count(source, NOW);
        }
        floor.blocked(source, NOW).is_some()
    }

    #[test]
    fn a_flood_blocks_its_own_source_only() {
        let floor = Floor::default();
        assert!(!ask(&floor, "192.0.2.1", BURST.get() / 2));
        assert!(ask(&floor, "192.0.2.1", BURST.get() * 3));
        assert!(ask(&floor, "::ffff:192.0.2.1", 0));
        assert!(!ask(&floor, "192.0.2.2", 1));
    }

    #[test]
    fn a_network_of_one_ipv6_customer_is_one_source() {
        let floor = Floor::default();
        for host in 0..BURST.get() * 3 {
            ask(&floor, &format!("2001:db8::{host:x}"), 1);
        }
        assert!(ask(&floor, "2001:db8::ffff:1", 0));
        assert!(!ask(&floor, "2001:db8:0:1::1", 0));
    }

    #[test]
    fn a_block_ends() {
        let floor = Floor::default();
        assert!(ask(&floor, "192.0.2.1", BURST.get() * 3));
        assert_eq!(
            floor.blocked("192.0.2.1".parse().unwrap(), NOW.after(Duration::from_mins(1))),
            None
        );
    }
}
