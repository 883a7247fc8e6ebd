//! The memory budget of deliveries: the bytes of all requests that are not answered yet. Bytes are counted as they
//! arrive, so an announced length takes nothing from the others.
//!
//! One URL can't use up the memory of the others, and one source can't use up that of a webhook: above its quota, its
//! oldest requests that still wait for their bodies are evicted. While little memory is in use, sources are not
//! tracked, and no lock is taken.

mod waiting;

use hookgate_domain::networks::CustomerNetwork;
use std::net::IpAddr;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::{Context, Poll};

use tokio::sync::Semaphore;

use waiting::{Entry, WaitingRequests};

/// Bytes of all deliveries.
const TOTAL_BYTES: usize = 256 * 1024 * 1024;
/// Bytes of the deliveries of one webhook, so that one URL can't use up the memory of the others.
const WEBHOOK_BYTES: usize = TOTAL_BYTES / 8;
/// Bytes of the deliveries of one source at one webhook; a source is an IPv4 address or an IPv6 /48.
const SOURCE_BYTES: usize = WEBHOOK_BYTES / 4;
/// Bytes at the end of the budget that are reserved for small deliveries: they still pass when large ones have filled
/// the rest.
const RESERVED_FOR_SMALL: usize = TOTAL_BYTES / 4;
/// Maximum size of a small delivery: payloads of common senders are smaller.
const SMALL_BYTES: usize = 32 * 1024;

/// Bytes of a webhook, and of all, up to which sources are not tracked: half of the quota of a source, and half of the
/// budget.
const UNTRACKED_WEBHOOK_BYTES: usize = SOURCE_BYTES / 2;
const UNTRACKED_BYTES: usize = TOTAL_BYTES / 2;

/// Bytes of a delivery beside its head and its body: a stream or a connection, and the work on it.
const REQUEST_BYTES: usize = 4 * 1024;

/// The memory budget of the whole gate.
#[derive(Default)]
pub(crate) struct MemoryBudget {
    bytes: AtomicUsize,
    waiting: Mutex<WaitingRequests>,
}

/// The part of the shared resources that one webhook may use.
pub(crate) struct WebhookQuota {
    /// Bytes of its deliveries.
    bytes: AtomicUsize,
    /// Permit to parse a large payload: one at a time.
    pub(crate) turn: Arc<Semaphore>,
    /// Permit to check a delivery of a source that has failed too much: one at a time.
    pub(crate) suspects: Semaphore,
    /// Permit to flag the URL as exposed: one at a time.
    pub(crate) exposing: Semaphore,
    /// Time of the last failed delivery, in microseconds since 1970.
    pub(crate) failed_at: AtomicI64,
}

impl Default for WebhookQuota {
    fn default() -> Self {
        Self {
            bytes: AtomicUsize::new(0),
            turn: Arc::new(Semaphore::new(1)),
            suspects: Semaphore::new(1),
            exposing: Semaphore::new(1),
            failed_at: AtomicI64::new(0),
        }
    }
}

/// The memory that one delivery has reserved. It is released when this is dropped.
pub struct Reservation<'a> {
    budget: &'a MemoryBudget,
    quota: Arc<WebhookQuota>,
    source: IpAddr,
    /// Bytes reserved so far, including evicted ones.
    bytes: AtomicUsize,
    /// Bytes of these for the head and the work on it.
    head: AtomicUsize,
    /// The entry by source, once sources are tracked. From then on the bytes are counted there too.
    entry: OnceLock<Arc<Entry>>,
}

impl<'a> Reservation<'a> {
    /// An empty reservation for a delivery to the webhook with this quota.
    pub(crate) const fn empty(budget: &'a MemoryBudget, quota: Arc<WebhookQuota>, source: IpAddr) -> Self {
        Self {
            budget,
            quota,
            source,
            bytes: AtomicUsize::new(0),
            head: AtomicUsize::new(0),
            entry: OnceLock::new(),
        }
    }

    /// Reserves memory for a delivery with a head of this many bytes, once, however often it is judged. Returns `false`
    /// if the budget is exhausted.
    #[must_use]
    pub(crate) fn begin(&self, head: usize) -> bool {
        if self.bytes() > 0 {
            return true;
        }
        self.head.store(REQUEST_BYTES + head, Ordering::Relaxed);
        self.take(REQUEST_BYTES + head)
    }

    /// Reserves `more` bytes. Returns `false` if the budget is exhausted or the delivery was evicted: the caller must
    /// drop the body.
    #[must_use]
    pub fn take(&self, more: usize) -> bool {
        let own = self.bytes.fetch_add(more, Ordering::Relaxed) + more;
        let all = self.budget.bytes.fetch_add(more, Ordering::Relaxed) + more;
        let of_webhook = self.quota.bytes.fetch_add(more, Ordering::Relaxed) + more;
        if all <= UNTRACKED_BYTES && of_webhook <= UNTRACKED_WEBHOOK_BYTES && self.entry.get().is_none() {
            return true;
        }
        self.take_tracked(own, more)
    }

    /// Reserves `more` bytes while much memory is in use: the bytes count for the source, and waiting requests are
    /// evicted to make room.
    fn take_tracked(&self, own: usize, more: usize) -> bool {
        let mut waiting = self.budget.lock();
        let entry = if let Some(entry) = self.entry.get() {
            waiting.grow(entry, more);
            entry
        } else {
            let network = CustomerNetwork::widest(self.source);
            let entry = waiting.enter(Arc::clone(&self.quota), network, own);
            self.entry.get_or_init(|| entry)
        };
        let most = if own > SMALL_BYTES {
            TOTAL_BYTES - RESERVED_FOR_SMALL
        } else {
            TOTAL_BYTES
        };
        let in_all = || self.budget.bytes.load(Ordering::Relaxed);
        let of_webhook = || self.quota.bytes.load(Ordering::Relaxed);
        let mut fits = !entry.is_evicted();
        while fits && waiting.of_source(entry) > SOURCE_BYTES - UNTRACKED_WEBHOOK_BYTES {
            fits = self.budget.evict(waiting.evict_of_source(entry));
        }
        while fits && of_webhook() > WEBHOOK_BYTES {
            fits = self.budget.evict(waiting.evict_of_webhook(entry));
        }
        while fits && in_all() > most {
            fits = self.budget.evict(waiting.evict_any(entry));
        }
        fits
    }

    /// Marks the body as complete: from now on, the delivery can't be evicted. Returns `false` if it was evicted
    /// before.
    #[must_use]
    pub(crate) fn finish_waiting(&self) -> bool {
        let Some(entry) = self.entry.get() else {
            return true;
        };
        self.budget.lock().finish_waiting(entry);
        !entry.is_evicted()
    }

    /// Ready once the delivery is evicted. Must be polled after each step of reading the body.
    pub(crate) fn poll_evicted(&self, context: &Context<'_>) -> Poll<()> {
        self.entry
            .get()
            .map_or(Poll::Pending, |entry| entry.poll_evicted(context))
    }

    /// Bytes of the body that have arrived.
    pub(crate) fn body_bytes(&self) -> usize {
        self.bytes() - self.head.load(Ordering::Relaxed)
    }

    fn bytes(&self) -> usize {
        self.bytes.load(Ordering::Relaxed)
    }
}

impl MemoryBudget {
    fn lock(&self) -> MutexGuard<'_, WaitingRequests> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts the bytes of an evicted delivery as free. They are released a moment later, when the task of that
    /// delivery notices.
    fn evict(&self, evicted: Option<(Arc<WebhookQuota>, usize)>) -> bool {
        let Some((quota, bytes)) = evicted else {
            return false;
        };
        self.give_back(&quota, bytes);
        true
    }

    fn give_back(&self, quota: &WebhookQuota, bytes: usize) {
        self.bytes.fetch_sub(bytes, Ordering::Relaxed);
        quota.bytes.fetch_sub(bytes, Ordering::Relaxed);
    }
}

impl Drop for Reservation<'_> {
    fn drop(&mut self) {
        let bytes = match self.entry.get() {
            Some(entry) => self.budget.lock().leave(entry),
            None => self.bytes(),
        };
        self.budget.give_back(&self.quota, bytes);
    }
}

#[cfg(test)]
mod tests;
