//! Admission: decides which connections a listener takes, and which it evicts for others.
//!
//! A listener takes a bounded number of connections, and each source prefix may hold a part of them. A prefix that has
//! its part gets a new connection by losing those that have been idle longest. When three quarters of all are taken,
//! idle connections are evicted for new ones, first those of the prefix that holds most, and also connections whose
//! requests all wait for their bodies. A connection with a request in progress is never evicted. So a source that holds
//! little is served, whatever the others do. The last sixteenth is reserved for sources without a request in progress.
//! Once it is taken too, new connections wait in the kernel's queue, and the listener reports that it is full.

mod fullness;
mod gauges;
pub(crate) mod prefixes;
mod refusal;
mod table;

use std::io;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hookgate_log::LogInterval;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use crate::connection_activity::{ConnectionActivity, GRACE};
use crate::driving::EVICTION_TIME;
pub use fullness::Fullness;
use fullness::Saturation;
pub use gauges::ConnectionGauges;
use refusal::Refusal;
use table::Table;

/// Interval at which a new connection without a place tries again to evict idle ones.
const RETRY_INTERVAL: Duration = Duration::from_millis(100);

/// `EMFILE`: the process has no file descriptor left, so closing its own connections helps. The number is the same on
/// every Unix. For a lack of the whole system (`ENFILE`, `ENOMEM`), other processes may be the cause, so no connection
/// is evicted.
const NO_DESCRIPTOR: i32 = 24;

/// Time for evicted connections to close before others are evicted: their orderly end, and a moment to free the
/// descriptor.
const CLOSING_TIME: Duration = EVICTION_TIME.saturating_mul(2);

/// The connections of one listener.
#[derive(Debug)]
pub struct Admission {
    name: &'static str,
    limit: u32,
    permits: Arc<Semaphore>,
    table: Mutex<Table>,
    evicted: AtomicU64,
    refused: [AtomicU64; Refusal::ALL.len()],
    saturation: Saturation,
    nearly_full_log: LogInterval,
    full_log: LogInterval,
    accept_log: LogInterval,
}

/// An admitted connection. Dropping it lets another one be admitted.
#[derive(Debug)]
pub(crate) struct Admitted {
    admission: Arc<Admission>,
    id: u64,
    _permit: OwnedSemaphorePermit,
}

impl Admission {
    /// The admission of a listener of this name, with at most `limit` connections.
    #[must_use]
    pub fn new(name: &'static str, limit: u32) -> Arc<Self> {
        Arc::new(Self {
            name,
            limit,
            permits: Arc::new(Semaphore::new(limit as usize)),
            table: Mutex::new(Table::new(limit)),
            evicted: AtomicU64::new(0),
            refused: Default::default(),
            saturation: Saturation::default(),
            nearly_full_log: LogInterval::default(),
            full_log: LogInterval::default(),
            accept_log: LogInterval::default(),
        })
    }

    /// The listener's name.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// The limit on connections.
    pub const fn limit(&self) -> u32 {
        self.limit
    }

    /// Waits for a place for a new connection. `None` if its source is refused. A trusted proxy has no source.
    pub(crate) async fn admit(
        self: &Arc<Self>,
        source: Option<IpAddr>,
        activity: &Arc<ConnectionActivity>,
    ) -> Option<Admitted> {
        let (made, nearly_full) = {
            let mut table = self.lock();
            let is_nearly_full = table.is_nearly_full();
            let free = self.permits.available_permits();
            let made = table.make_room(source, free);
            self.saturation
                .turned_away(table.is_reserved(free), made.is_err());
            let may_log = is_nearly_full && self.nearly_full_log.line().is_some();
            (made, may_log.then(|| (table.len(), table.heaviest())))
        };
        if let Some((open, heaviest)) = nearly_full {
            let (source, most) =
                heaviest.map_or_else(Default::default, |(prefix, most)| (prefix.to_string(), most));
            tracing::warn!(
                listener = self.name,
                open,
                limit = self.limit,
                source,
                held = most,
                "nearly full: connections without a whole request are closed for new ones, first those of the source with most connections"
            );
        }
        if made.is_err() {
            self.warn_if_full();
        }
        self.evicted(self.count_outcome(made, source)?);
        let permit = self.permit().await?;
        let id = self.lock().insert(source, Arc::clone(activity));
        Some(Admitted {
            admission: Arc::clone(self),
            id,
            _permit: permit,
        })
    }

    /// Reports a failed accept. If file descriptors are lacking, idle connections are evicted, a batch at a time;
    /// returns `true` if some are closing.
    pub(crate) fn accept_failed(&self, error: &io::Error) -> bool {
        self.saturation.begin_waiting();
        if let Some(left_out) = self.accept_log.line() {
            tracing::warn!(listener = self.name, %error, left_out, "a connection could not be accepted");
        }
        error.raw_os_error() == Some(NO_DESCRIPTOR) && self.are_closing()
    }

    /// Evicts a batch of connections unless an earlier batch is still closing. Returns `true` if connections are
    /// closing.
    fn are_closing(&self) -> bool {
        if self.saturation.are_closing() {
            return true;
        }
        let closed = self.evict_any();
        if closed > 0 {
            self.saturation.begin_closing(CLOSING_TIME);
        }
        self.evicted(closed);
        closed > 0
    }

    /// Evicts a batch of connections. Those in use are spared as long as evicted ones still close, and at first,
    /// because others may end by themselves.
    fn evict_any(&self) -> usize {
        let open = (self.limit as usize).saturating_sub(self.permits.available_permits());
        let mut table = self.lock();
        let spares_used = table.len() < open || !self.saturation.has_waited(GRACE);
        table.evict_any(spares_used)
    }

    /// Reports that a connection was accepted after a failure.
    pub(crate) fn accept_succeeded(&self) {
        self.saturation.end_waiting();
    }

    /// Returns once all connections have ended.
    pub(crate) async fn all_ended(&self) {
        // Every connection returns its permit, also one that panicked. An error would mean a closed semaphore, and this
        // one is never closed.
        let _ = self.permits.acquire_many(self.limit).await;
    }

    /// The fullness of the listener.
    pub fn fullness(&self) -> Fullness {
        let table = self.lock();
        let is_reserved = table.is_reserved(self.permits.available_permits());
        if self.saturation.is_full(is_reserved) {
            Fullness::Full
        } else if table.is_nearly_full() {
            Fullness::NearlyFull
        } else {
            Fullness::Ok
        }
    }

    /// The metrics of the listener.
    pub fn gauges(&self) -> ConnectionGauges {
        let refused = Refusal::ALL.iter().zip(&self.refused);
        let free = self.permits.available_permits() as u64;
        ConnectionGauges {
            listener: self.name,
            open: u64::from(self.limit).saturating_sub(free),
            limit: self.limit.into(),
            evicted: self.evicted.load(Ordering::Relaxed),
            refused: refused
                .map(|(reason, count)| (reason.as_str(), count.load(Ordering::Relaxed)))
                .collect(),
        }
    }

    async fn permit(&self) -> Option<OwnedSemaphorePermit> {
        if let Ok(permit) = Arc::clone(&self.permits).try_acquire_owned() {
            return Some(permit);
        }
        self.saturation.begin_waiting();
        loop {
            let permit = Arc::clone(&self.permits).acquire_owned();
            if let Ok(permit) = timeout(RETRY_INTERVAL, permit).await {
                self.saturation.end_waiting();
                return permit.ok();
            }
            self.evicted(self.evict_any());
            self.warn_if_full();
        }
    }

    fn warn_if_full(&self) {
        if self.fullness() == Fullness::Full && self.full_log.line().is_some() {
            tracing::warn!(
                listener = self.name,
                limit = self.limit,
                "full: a request is in progress on every connection, and new ones wait or are closed; /readyz says so"
            );
        }
    }

    /// Counts a refusal by its reason. Returns the number of evicted connections if there was none.
    fn count_outcome(&self, made: Result<usize, Refusal>, source: Option<IpAddr>) -> Option<usize> {
        let reason = match made {
            Ok(closed) => return Some(closed),
            Err(reason) => reason,
        };
        self.refused[reason as usize].fetch_add(1, Ordering::Relaxed);
        tracing::debug!(
            listener = self.name,
            ?source,
            reason = reason.as_str(),
            "a connection was not taken"
        );
        None
    }

    fn evicted(&self, count: usize) {
        self.evicted.fetch_add(count as u64, Ordering::Relaxed);
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Admitted {
    /// Assigns the connection, which was a proxy's until now, to this client. Returns `false` if the client is refused,
    /// by the rules for a connection without a proxy.
    pub(crate) fn assign_client(&self, client: IpAddr) -> bool {
        let free = self.admission.permits.available_permits();
        let made = self.admission.lock().assign(self.id, client, free);
        match self.admission.count_outcome(made, Some(client)) {
            Some(closed) => {
                self.admission.evicted(closed);
                true
            }
            None => false,
        }
    }

    /// Marks the handshake as done.
    pub(crate) fn mark_established(&self) {
        self.admission.lock().establish(self.id);
    }
}

impl Drop for Admitted {
    fn drop(&mut self) {
        self.admission.lock().remove(self.id);
    }
}

#[cfg(test)]
mod tests;
