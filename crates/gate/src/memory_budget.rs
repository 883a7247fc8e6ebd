//! Room for deliveries: the bytes of all that came and are not answered yet. They are counted as they come, so that whoever
//! only announces much takes nothing from the others.
//!
//! Whoever knows one URL can't take the room of the others, and one source can't take that of a webhook: beyond its part, the
//! oldest of its own requests that still wait for their body make room. Where little is in use nobody asks for a source, and
//! nothing is locked.

mod waiting;

use hookgate_domain::CustomerNetwork;
use std::net::IpAddr;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::{Context, Poll};

use tokio::sync::Semaphore;

use waiting::{Entry, WaitingRequests};

/// Bytes of all of them.
const TOTAL_BYTES: usize = 256 * 1024 * 1024;
/// Bytes of those of one webhook: whoever knows one URL can't take the room of the others.
const OF_A_WEBHOOK: usize = TOTAL_BYTES / 8;
/// Bytes of those of one source at one webhook; a source is an IPv4 address or an IPv6 /48.
const OF_A_SOURCE: usize = OF_A_WEBHOOK / 4;
/// The last part of all, for small ones: they still pass when large ones have filled their part.
const FOR_SMALL: usize = TOTAL_BYTES / 4;
/// A small one: senders' own stay below.
const SMALL: usize = 32 * 1024;

/// Below these nobody asks for the source: half of what one may have.
const UNTOLD_OF_A_WEBHOOK: usize = OF_A_SOURCE / 2;
const UNTOLD: usize = TOTAL_BYTES / 2;

/// What a delivery costs beside its head and its body: a stream or a connection, and the work on it.
const REQUEST_BYTES: usize = 4 * 1024;

/// The room of the whole gate.
#[derive(Default)]
pub(crate) struct MemoryBudget {
    bytes: AtomicUsize,
    waiting: Mutex<WaitingRequests>,
}

/// What a webhook has of what all share.
pub(crate) struct WebhookQuota {
    /// Bytes of its deliveries.
    bytes: AtomicUsize,
    /// Its turn to have a large payload read.
    pub(crate) turn: Arc<Semaphore>,
    /// The turn to be checked of sources of which too much has failed.
    pub(crate) suspects: Semaphore,
    /// The turn to flag its URL as exposed.
    pub(crate) exposing: Semaphore,
    /// When something that was sent to it failed last, in microseconds since 1970.
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

/// The room that one delivery takes, given back when this is dropped.
pub struct Reservation<'a> {
    room: &'a MemoryBudget,
    share: Arc<WebhookQuota>,
    source: IpAddr,
    /// What it took so far, also where that was taken away again.
    bytes: AtomicUsize,
    /// What of it was for its head and the work on it.
    head: AtomicUsize,
    /// What tells its source, once that is asked for. Its bytes are counted there then.
    entry: OnceLock<Arc<Entry>>,
}

impl<'a> Reservation<'a> {
    /// Nothing yet, of a webhook that has this share.
    pub(crate) const fn nothing(room: &'a MemoryBudget, share: Arc<WebhookQuota>, source: IpAddr) -> Self {
        Self {
            room,
            share,
            source,
            bytes: AtomicUsize::new(0),
            head: AtomicUsize::new(0),
            entry: OnceLock::new(),
        }
    }

    /// Takes room for a delivery with so many bytes of head, however often it is judged. `false`: there is none.
    #[must_use]
    pub(crate) fn begin(&self, head: usize) -> bool {
        if self.bytes() > 0 {
            return true;
        }
        self.head.store(REQUEST_BYTES + head, Ordering::Relaxed);
        self.take(REQUEST_BYTES + head)
    }

    /// Takes room for so many more bytes that came. `false`: there is none, and the body is to be dropped.
    #[must_use]
    pub fn take(&self, more: usize) -> bool {
        let own = self.bytes.fetch_add(more, Ordering::Relaxed) + more;
        let all = self.room.bytes.fetch_add(more, Ordering::Relaxed) + more;
        let of_webhook = self.share.bytes.fetch_add(more, Ordering::Relaxed) + more;
        if all <= UNTOLD && of_webhook <= UNTOLD_OF_A_WEBHOOK && self.entry.get().is_none() {
            return true;
        }
        self.take_told(own, more)
    }

    /// The same where much is in use: it counts for its source, and what waits makes room for it.
    fn take_told(&self, own: usize, more: usize) -> bool {
        let mut waiting = self.room.lock();
        let entry = if let Some(entry) = self.entry.get() {
            waiting.grow(entry, more);
            entry
        } else {
            let network = CustomerNetwork::widest(self.source);
            let entry = waiting.enter(Arc::clone(&self.share), network, own);
            self.entry.get_or_init(|| entry)
        };
        let most = if own > SMALL {
            TOTAL_BYTES - FOR_SMALL
        } else {
            TOTAL_BYTES
        };
        let in_all = || self.room.bytes.load(Ordering::Relaxed);
        let of_webhook = || self.share.bytes.load(Ordering::Relaxed);
        let mut fits = !entry.is_evicted();
        while fits && waiting.of_source(entry) > OF_A_SOURCE - UNTOLD_OF_A_WEBHOOK {
            fits = self.room.evict(waiting.evict_of_source(entry));
        }
        while fits && of_webhook() > OF_A_WEBHOOK {
            fits = self.room.evict(waiting.evict_of_webhook(entry));
        }
        while fits && in_all() > most {
            fits = self.room.evict(waiting.evict_any(entry));
        }
        fits
    }

    /// The body is there: from now on it makes no room for others. `false`: it had to already.
    #[must_use]
    pub(crate) fn finish_waiting(&self) -> bool {
        let Some(entry) = self.entry.get() else {
            return true;
        };
        self.room.lock().finish_waiting(entry);
        !entry.is_evicted()
    }

    /// Ready once it has to make room for others. To be asked after each step of reading the body.
    pub(crate) fn poll_evicted(&self, context: &Context<'_>) -> Poll<()> {
        self.entry
            .get()
            .map_or(Poll::Pending, |entry| entry.poll_evicted(context))
    }

    /// How much of its body came.
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

    /// Counts the bytes that were taken away as free. They are in a moment, when their task notices.
    fn evict(&self, evicted: Option<(Arc<WebhookQuota>, usize)>) -> bool {
        let Some((share, bytes)) = evicted else {
            return false;
        };
        self.give_back(&share, bytes);
        true
    }

    fn give_back(&self, share: &WebhookQuota, bytes: usize) {
        self.bytes.fetch_sub(bytes, Ordering::Relaxed);
        share.bytes.fetch_sub(bytes, Ordering::Relaxed);
    }
}

impl Drop for Reservation<'_> {
    fn drop(&mut self) {
        let bytes = match self.entry.get() {
            Some(entry) => self.room.lock().leave(entry),
            None => self.bytes(),
        };
        self.room.give_back(&self.share, bytes);
    }
}

#[cfg(test)]
mod tests;
