//! Generates unique request IDs without a lock.

use std::sync::atomic::{AtomicU32, Ordering};

use hookgate_domain::{RequestId, Timestamp};
use hyper::header::HeaderValue;

/// Multiplier for the counter. Any odd factor is a bijection on 32 bits. This one keeps the IDs of neighbouring
/// requests from looking alike in a log.
const SPREAD: u32 = 0x4914_F6CD;

/// Generates request IDs. Each is used once.
#[derive(Debug)]
pub struct RequestIds {
    process: u64,
    next: AtomicU32,
}

impl RequestIds {
    /// `seed` is random and differs from process to process.
    #[must_use]
    pub fn new(seed: [u8; 6]) -> Self {
        let mut process = [0; 8];
        process[2..].copy_from_slice(&seed);
        Self {
            process: u64::from_be_bytes(process),
            next: AtomicU32::new(0),
        }
    }

    /// The ID of a request that arrived `now`. The counter wraps after 2^32 requests; by then the time in the ID
    /// differs.
    pub fn next(&self, now: Timestamp) -> RequestId {
        let count = self.next.fetch_add(1, Ordering::Relaxed);
        RequestId::new(now, self.process, count.wrapping_mul(SPREAD))
    }
}

/// The ID as the value of `X-Request-Id`.
pub(crate) fn header_value(id: RequestId) -> HeaderValue {
    // An ID is always visible ASCII, so the default is never used.
    HeaderValue::from_bytes(&id.text()).unwrap_or(HeaderValue::from_static("req_"))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    const NOW: Timestamp = Timestamp::from_micros(1_700_000_000_000_000);

    #[test]
    fn ids_have_their_documented_form() {
        let id = RequestIds::new([0xA5; 6]).next(NOW);
        let text = id.to_string();
        assert_eq!(text.len(), RequestId::LENGTH);
        assert_eq!(header_value(id), text);
        assert_eq!(id.at(), NOW);
    }

    #[test]
    fn ids_do_not_repeat() {
        let ids = RequestIds::new([1, 2, 3, 4, 5, 6]);
        let seen: HashSet<_> = (0..100_000).map(|_| ids.next(NOW)).collect();
        assert_eq!(seen.len(), 100_000);
    }

    #[test]
    fn every_byte_of_the_seed_counts() {
        let base = RequestIds::new([0; 6]).next(NOW);
        for index in 0..6 {
            let mut seed = [0; 6];
            seed[index] = 1;
            assert_ne!(RequestIds::new(seed).next(NOW), base, "byte {index}");
        }
    }
}
