//! Names for requests: what a sender quotes and what finds the line in the log. Unique, but no secret and no proof of
//! anything.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use hyper::header::HeaderValue;

const PREFIX: &[u8; 4] = b"req_";
/// 80 random bits, so that two processes don't share a prefix.
const PROCESS_CHARS: usize = 16;
/// 50 bits of counter: at 100,000 requests a second it lasts for 350 years.
const COUNTER_CHARS: usize = 10;
const LENGTH: usize = PREFIX.len() + PROCESS_CHARS + COUNTER_CHARS;

/// Crockford's alphabet in lower case: no letter that reads like a digit.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// Any odd factor maps 50 bits one to one onto 50 bits. It keeps neighbouring requests from looking alike in a log.
const SPREAD: u64 = 0x0002_545F_4914_F6CD;

/// Hands out request IDs, each once.
#[derive(Debug)]
pub struct RequestIds {
    template: [u8; LENGTH],
    next: AtomicU64,
}

impl RequestIds {
    /// `seed` is random and differs from process to process.
    #[must_use]
    pub fn new(seed: [u8; 10]) -> Self {
        let mut template = [b'0'; LENGTH];
        template[..PREFIX.len()].copy_from_slice(PREFIX);
        let (high, low) = seed.split_at(5);
        for (half, start) in [(high, PREFIX.len()), (low, PREFIX.len() + PROCESS_CHARS / 2)] {
            let bits = half.iter().fold(0_u64, |bits, byte| bits << 8 | u64::from(*byte));
            write_base32(bits, &mut template[start..start + PROCESS_CHARS / 2]);
        }
        Self {
            template,
            next: AtomicU64::new(0),
        }
    }

    /// The next ID.
    pub fn next(&self) -> RequestId {
        let count = self.next.fetch_add(1, Ordering::Relaxed);
        let mut text = self.template;
        write_base32(count.wrapping_mul(SPREAD), &mut text[LENGTH - COUNTER_CHARS..]);
        RequestId(text)
    }
}

/// The name of one request: `req_` and 26 characters of base32.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct RequestId([u8; LENGTH]);

impl RequestId {
    /// The ID as it stands in `X-Request-Id`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        // Always ASCII, so the default is never taken.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    pub(crate) fn header_value(&self) -> HeaderValue {
        HeaderValue::from_bytes(&self.0).unwrap_or(HeaderValue::from_static("req_"))
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Writes the lowest `5 * out.len()` bits, highest first.
fn write_base32(mut bits: u64, out: &mut [u8]) {
    for slot in out.iter_mut().rev() {
        *slot = ALPHABET[(bits & 31) as usize];
        bits >>= 5;
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn ids_have_their_documented_form() {
        let id = RequestIds::new([0xA5; 10]).next();
        let body = id.as_str().strip_prefix("req_").expect("the prefix");
        assert_eq!(body.len(), 26);
        assert!(body.bytes().all(|byte| ALPHABET.contains(&byte)), "{body}");
        assert_eq!(id.header_value(), id.as_str());
    }

    #[test]
    fn ids_do_not_repeat() {
        let ids = RequestIds::new([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
        let seen: HashSet<_> = (0..100_000).map(|_| ids.next()).collect();
        assert_eq!(seen.len(), 100_000);
    }

    #[test]
    fn every_byte_of_the_seed_counts() {
        let base = RequestIds::new([0; 10]).next();
        for index in 0..10 {
            let mut seed = [0; 10];
            seed[index] = 1;
            assert_ne!(RequestIds::new(seed).next(), base, "byte {index}");
        }
    }
}
