//! The gate: a store, the other ports, and caches and limits.

use hookgate_domain::WebhookIdDigest;

use crate::address_sets::ListReader;
use crate::deliveries::failures::Failures;
use crate::deliveries::memory_budget::MemoryBudget;
use crate::deliveries::payload_parser::PayloadParser;
use crate::deliveries::unknown_url_limiter::UnknownUrlLimiter;
use crate::deliveries::url_cache::UrlCache;
use crate::history::search::Searches;
use crate::people::credentials::CredentialLookups;
use crate::people::login_limiter::LoginLimiter;
use crate::people::password_queue::PasswordQueue;
use crate::{Ports, Store};

/// All use cases over one store. Cheap to make; a server makes one and shares it.
pub struct Gate<S> {
    pub(crate) store: S,
    pub(crate) ports: Ports,
    pub(crate) url_cache: UrlCache,
    pub(crate) unknown_urls: UnknownUrlLimiter,
    pub(crate) failures: Failures,
    pub(crate) credentials: CredentialLookups,
    pub(crate) login_limiter: LoginLimiter,
    pub(crate) password_queue: PasswordQueue,
    pub(crate) payload_parser: PayloadParser,
    pub(crate) lists: ListReader,
    pub(crate) memory_budget: MemoryBudget,
    pub(crate) searches: Searches,
}

impl<S: Store> Gate<S> {
    /// A gate over this store, with empty caches.
    pub fn new(store: S, ports: Ports) -> Self {
        Self {
            store,
            ports,
            url_cache: UrlCache::default(),
            unknown_urls: UnknownUrlLimiter::default(),
            failures: Failures::default(),
            credentials: CredentialLookups::default(),
            login_limiter: LoginLimiter::default(),
            password_queue: PasswordQueue::default(),
            payload_parser: PayloadParser::default(),
            lists: ListReader::default(),
            memory_budget: MemoryBudget::default(),
            searches: Searches::default(),
        }
    }

    /// The store, for reading the history.
    pub const fn store(&self) -> &S {
        &self.store
    }

    /// Reads a cached URL that another process changed again, so that the next delivery to it needs no second look.
    /// This only saves time: no answer relies on the cache alone.
    pub async fn refresh(&self, digest: WebhookIdDigest) {
        if let Some(stale) = self.url_cache.remembered(&digest) {
            // If the store fails, the next delivery reads the URL again.
            let _ = self.url_cache.fresh(&self.store, digest, &stale).await;
        }
    }

    /// The current time by the gate's clock.
    pub fn now(&self) -> hookgate_domain::Timestamp {
        self.ports.clock.now()
    }
}
