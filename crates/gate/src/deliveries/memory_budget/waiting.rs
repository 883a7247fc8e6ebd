//! Reserved memory by webhook and source, and the requests that still wait for their bodies. Where memory is scarce,
//! the oldest waiting request of the largest holder is evicted.

use hookgate_domain::networks::CustomerNetwork;
use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

use super::WebhookQuota;

/// The reserved memory of deliveries whose source is tracked.
#[derive(Default)]
pub(super) struct WaitingRequests {
    next: u64,
    webhooks: HashMap<usize, OfWebhook>,
}

#[derive(Default)]
struct OfWebhook {
    bytes: usize,
    sources: HashMap<CustomerNetwork, OfSource>,
}

#[derive(Default)]
struct OfSource {
    bytes: usize,
    /// Waiting requests by age. A request whose body is complete is not among them.
    waiting: BTreeMap<u64, Arc<Entry>>,
}

/// A delivery whose source is tracked.
pub(super) struct Entry {
    quota: Arc<WebhookQuota>,
    network: CustomerNetwork,
    number: u64,
    bytes: AtomicUsize,
    is_evicted: AtomicBool,
    waker: Mutex<Option<Waker>>,
}

impl WaitingRequests {
    /// Tracks a delivery that has this many bytes.
    pub(super) fn enter(
        &mut self,
        quota: Arc<WebhookQuota>,
        network: CustomerNetwork,
        bytes: usize,
    ) -> Arc<Entry> {
        self.next += 1;
        let entry = Arc::new(Entry {
            quota,
            network,
            number: self.next,
            bytes: AtomicUsize::new(0),
            is_evicted: AtomicBool::new(false),
            waker: Mutex::default(),
        });
        self.grow(&entry, bytes);
        let of_webhook = self.webhooks.entry(entry.webhook()).or_default();
        let of_source = of_webhook.sources.entry(network).or_default();
        of_source.waiting.insert(entry.number, Arc::clone(&entry));
        entry
    }

    /// Counts more bytes of the delivery.
    pub(super) fn grow(&mut self, entry: &Entry, more: usize) {
        entry.bytes.fetch_add(more, Ordering::Relaxed);
        let of_webhook = self.webhooks.entry(entry.webhook()).or_default();
        of_webhook.bytes += more;
        of_webhook.sources.entry(entry.network).or_default().bytes += more;
    }

    /// Marks the body of the delivery as complete.
    pub(super) fn finish_waiting(&mut self, entry: &Entry) {
        if let Some(of_source) = self.of(entry) {
            of_source.waiting.remove(&entry.number);
        }
    }

    /// Removes the delivery. Returns the bytes that it held, or 0 if it was evicted before.
    pub(super) fn leave(&mut self, entry: &Entry) -> usize {
        self.finish_waiting(entry);
        let bytes = entry.bytes.swap(0, Ordering::Relaxed);
        let Some(of_webhook) = self.webhooks.get_mut(&entry.webhook()) else {
            return bytes;
        };
        of_webhook.bytes -= bytes;
        if let Some(of_source) = of_webhook.sources.get_mut(&entry.network) {
            of_source.bytes -= bytes;
            if of_source.bytes == 0 {
                of_webhook.sources.remove(&entry.network);
            }
        }
        if of_webhook.sources.is_empty() {
            self.webhooks.remove(&entry.webhook());
        }
        bytes
    }

    /// Bytes that the source of this delivery holds at its webhook.
    pub(super) fn of_source(&mut self, entry: &Entry) -> usize {
        self.of(entry).map_or(0, |of_source| of_source.bytes)
    }

    /// Evicts the oldest other waiting request of the same webhook and source.
    pub(super) fn evict_of_source(&mut self, entry: &Entry) -> Option<(Arc<WebhookQuota>, usize)> {
        let oldest = self.of(entry)?.oldest_but(entry)?;
        Some(self.evict(&oldest))
    }

    /// Evicts the oldest other waiting request of the same webhook, from the source that holds most.
    pub(super) fn evict_of_webhook(&mut self, entry: &Entry) -> Option<(Arc<WebhookQuota>, usize)> {
        let oldest = self.webhooks.get(&entry.webhook())?.oldest_but(entry)?;
        Some(self.evict(&oldest))
    }

    /// Evicts the oldest other waiting request of all, from the webhook that holds most.
    pub(super) fn evict_any(&mut self, entry: &Entry) -> Option<(Arc<WebhookQuota>, usize)> {
        let webhooks = self.webhooks.values();
        let candidates = webhooks.filter_map(|one| Some((one.bytes, one.oldest_but(entry)?)));
        let (_, oldest) = candidates.max_by_key(|(bytes, _)| *bytes)?;
        Some(self.evict(&oldest))
    }

    fn evict(&mut self, entry: &Entry) -> (Arc<WebhookQuota>, usize) {
        let bytes = self.leave(entry);
        entry.evict();
        (Arc::clone(&entry.quota), bytes)
    }

    /// `true` if no delivery is tracked.
    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.webhooks.is_empty()
    }

    fn of(&mut self, entry: &Entry) -> Option<&mut OfSource> {
        let of_webhook = self.webhooks.get_mut(&entry.webhook())?;
        of_webhook.sources.get_mut(&entry.network)
    }
}

impl OfWebhook {
    fn oldest_but(&self, entry: &Entry) -> Option<Arc<Entry>> {
        let sources = self.sources.values();
        let candidates = sources.filter_map(|one| Some((one.bytes, one.oldest_but(entry)?)));
        candidates
            .max_by_key(|(bytes, _)| *bytes)
            .map(|(_, oldest)| oldest)
    }
}

impl OfSource {
    fn oldest_but(&self, entry: &Entry) -> Option<Arc<Entry>> {
        let others = self.waiting.values();
        let mut others = others.filter(|other| other.number != entry.number);
        others.next().cloned()
    }
}

impl Entry {
    /// The webhook, identified by the address of its quota, which lives as long as the entry.
    fn webhook(&self) -> usize {
        Arc::as_ptr(&self.quota).addr()
    }

    pub(super) fn is_evicted(&self) -> bool {
        self.is_evicted.load(Ordering::Acquire)
    }

    pub(super) fn poll_evicted(&self, context: &Context<'_>) -> Poll<()> {
        let mut waker = self.waker.lock().unwrap_or_else(PoisonError::into_inner);
        if self.is_evicted() {
            return Poll::Ready(());
        }
        *waker = Some(context.waker().clone());
        Poll::Pending
    }

    fn evict(&self) {
        let mut waker = self.waker.lock().unwrap_or_else(PoisonError::into_inner);
        self.is_evicted.store(true, Ordering::Release);
        if let Some(waker) = waker.take() {
            waker.wake();
        }
    }
}
