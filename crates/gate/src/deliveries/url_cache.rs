//! The cache of known URLs. A delivery to a cached URL needs no read of the store before its commit.
//!
//! The cache may be stale at any time, and no answer relies on it alone: the commit confirms an acceptance, and
//! [`UrlCache::fresh`] confirms a refusal. Tombstones are final and need no confirmation.

use std::convert::Infallible;
use std::hash::{BuildHasherDefault, Hasher};
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use hookgate_domain::{KnownUrl, Timestamp, WebhookIdDigest};
use quick_cache::UnitWeighter;
use quick_cache::sync::{Cache, DefaultLifecycle};
use tokio::sync::Mutex;

use super::memory_budget::WebhookQuota;
use crate::rate_limiter::{Allowance, RateLimiter};
use crate::{Store, StoreError, UrlSince};

/// Maximum number of cached URLs: about 1 KiB each. An installation with more of them loses a look-up of microseconds.
const MAX_URLS: usize = 10_000;

/// The known URLs that were used recently.
pub(crate) struct UrlCache {
    urls: Cache<WebhookIdDigest, Arc<CachedUrl>, UnitWeighter, BuildHasherDefault<DigestHasher>>,
}

/// Hashes a digest to its first bytes: SHA-256 has mixed them already. Nobody can choose the keys of the table, because
/// it has the URLs of existing webhooks only, and their IDs are random.
#[derive(Default)]
struct DigestHasher(u64);

/// A known URL as the store had it at some time, with the state that survives a revalidation.
pub(crate) struct CachedUrl {
    /// The webhook or tombstone of the URL.
    pub(crate) url: KnownUrl,
    /// The quota of the webhook.
    pub(crate) quota: Arc<WebhookQuota>,
    rate: Option<Arc<Rate>>,
    revalidation: Arc<Revalidation>,
}

/// The rate limiter of a webhook, kept while the limit stays the same.
struct Rate {
    per_minute: NonZeroU32,
    limiter: RateLimiter,
}

/// Limits revalidation to one read of the store at a time per URL. A waiting request shares the result of a read that
/// began after its own call.
#[derive(Default)]
struct Revalidation {
    begun: AtomicU64,
    /// The result of the last read. It is weak, because the result itself holds this value.
    last: Mutex<Weak<CachedUrl>>,
}

impl Default for UrlCache {
    fn default() -> Self {
        let (weighter, hasher) = (UnitWeighter, BuildHasherDefault::new());
        let lifecycle = DefaultLifecycle::default();
        Self {
            urls: Cache::with(MAX_URLS, MAX_URLS as u64, weighter, hasher, lifecycle),
        }
    }
}

impl Hasher for DigestHasher {
    fn write(&mut self, bytes: &[u8]) {
        if let Some(first) = bytes.first_chunk() {
            self.0 = u64::from_ne_bytes(*first);
        }
    }

    /// The length, which is the same for all digests.
    fn write_usize(&mut self, _length: usize) {}

    fn finish(&self) -> u64 {
        self.0
    }
}

impl UrlCache {
    /// The cached URL with this digest.
    pub(crate) fn remembered(&self, digest: &WebhookIdDigest) -> Option<Arc<CachedUrl>> {
        self.urls.get(digest)
    }

    /// Reads a URL that is not cached from the store, and caches it.
    pub(crate) async fn find(
        &self,
        store: &impl Store,
        digest: WebhookIdDigest,
    ) -> Result<Option<Arc<CachedUrl>>, StoreError> {
        let Some(url) = store.url_by_digest(&digest).await? else {
            return Ok(None);
        };
        // Concurrent requests get the same entry, so that all count against one limit.
        let fresh = || Ok::<_, Infallible>(Arc::new(CachedUrl::new(url, None)));
        let Ok(known) = self.urls.get_or_insert_with(&digest, fresh);
        Ok(Some(known))
    }

    /// Reads a cached URL from the store again, at a time after this call, and replaces the cache entry.
    pub(crate) async fn fresh(
        &self,
        store: &impl Store,
        digest: WebhookIdDigest,
        stale: &Arc<CachedUrl>,
    ) -> Result<Option<Arc<CachedUrl>>, StoreError> {
        let revalidation = &stale.revalidation;
        let begun_before = revalidation.begun.load(Ordering::SeqCst);
        let mut last = revalidation.last.lock().await;
        if revalidation.begun.load(Ordering::SeqCst) > begun_before
            && let Some(known) = last.upgrade()
        {
            return Ok(Some(known));
        }
        // Until the store has answered, no caller may take the last result for this one.
        *last = Weak::new();
        revalidation.begun.fetch_add(1, Ordering::SeqCst);
        let found = match &stale.url {
            KnownUrl::Live(webhook) => store.url_since(&digest, webhook.revision).await?,
            KnownUrl::Retired(_) => UrlSince::Changed(store.url_by_digest(&digest).await?.map(Box::new)),
        };
        let known = match found {
            UrlSince::Unchanged => Arc::clone(stale),
            UrlSince::Changed(Some(url)) => Arc::new(CachedUrl::new(*url, Some(stale))),
            UrlSince::Changed(None) => {
                self.urls.remove(&digest);
                return Ok(None);
            }
        };
        self.urls.insert(digest, Arc::clone(&known));
        *last = Arc::downgrade(&known);
        drop(last);
        Ok(Some(known))
    }
}

impl CachedUrl {
    fn new(url: KnownUrl, before: Option<&Self>) -> Self {
        let per_minute = match &url {
            KnownUrl::Live(webhook) => webhook.policy.limits.per_minute(),
            KnownUrl::Retired(_) => None,
        };
        let kept = before
            .and_then(|before| before.rate.clone())
            .filter(|rate| Some(rate.per_minute) == per_minute);
        let rate = kept.or_else(|| per_minute.map(|per_minute| Arc::new(Rate::new(per_minute))));
        let (quota, revalidation) = match before {
            Some(before) => (Arc::clone(&before.quota), Arc::clone(&before.revalidation)),
            None => Default::default(),
        };
        Self {
            url,
            quota,
            rate,
            revalidation,
        }
    }

    /// The time until the webhook's rate limit lets the next delivery pass; `None` if it does now. Counts nothing.
    pub(crate) fn rate_wait(&self, now: Timestamp) -> Option<Duration> {
        let rate = self.rate.as_ref()?;
        rate.limiter.wait(rate.allowance(), now)
    }

    /// Counts a delivery against the webhook's rate limit.
    ///
    /// # Errors
    /// The time to wait.
    pub(crate) fn take_rate(&self, now: Timestamp) -> Result<(), Duration> {
        let rate = self.rate.as_ref();
        rate.map_or(Ok(()), |rate| rate.limiter.take(rate.allowance(), now))
    }

    /// Gives back the cell of a delivery that the store did not commit.
    pub(crate) fn give_back_rate(&self) {
        if let Some(rate) = &self.rate {
            rate.limiter.give_back(rate.allowance());
        }
    }

    /// The limit per minute that [`Self::take_rate`] counts against; 0 if there is none.
    pub(crate) fn per_minute(&self) -> u32 {
        self.rate.as_ref().map_or(0, |rate| rate.per_minute.get())
    }
}

impl Rate {
    fn new(per_minute: NonZeroU32) -> Self {
        Self {
            per_minute,
            limiter: RateLimiter::default(),
        }
    }

    const fn allowance(&self) -> Allowance {
        Allowance::new(self.per_minute.get(), Duration::from_mins(1))
    }
}

#[cfg(test)]
mod tests {
    use std::hash::BuildHasher;

    use super::*;

    #[test]
    fn a_digest_is_hashed_to_its_first_bytes() {
        let mut digest = [7; 32];
        digest[..8].copy_from_slice(&0x0123_4567_89AB_CDEF_u64.to_ne_bytes());
        let hasher = BuildHasherDefault::<DigestHasher>::new();
        let hash = hasher.hash_one(WebhookIdDigest::from_bytes(digest));
        assert_eq!(hash, 0x0123_4567_89AB_CDEF);
    }
}
