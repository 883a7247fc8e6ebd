//! Admission: which connections a listener takes, and which it closes for others.
//!
//! A listener takes a bounded number. Each source prefix may hold a part of them; one that has its part gets a new one by
//! losing the one that has rested longest. When three quarters of all are taken, those that rest make room, of whoever
//! holds most, and so do those whose requests wait for their bodies. A connection with a request in progress never does. So a
//! source that holds little is served, whatever the others do. The last sixteenth is for sources that hold none; where these
//! are taken too, new ones wait in the kernel's queue, and the listener says that it is full.

mod fullness;
pub(crate) mod prefixes;
mod table;

use std::io;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hookgate_log::LogInterval;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use crate::connection::GOODBYE;
use crate::connection_activity::ConnectionActivity;
pub use fullness::Fullness;
use fullness::Lack;
use table::Table;

/// How often a new connection that has no place looks again for one that rests.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// `EMFILE`: the process has no file descriptor left, and its own connections can make room. The number is the same on every
/// Unix. What the whole system lacks (`ENFILE`, `ENOMEM`) may be with others, so nobody is closed for it.
const NO_DESCRIPTOR: i32 = 24;

/// Connections that were told to close get this long before others are: the goodbye, and a moment to let the descriptor go.
const CLOSING_TIME: Duration = GOODBYE.saturating_mul(2);

/// The connections of one listener.
#[derive(Debug)]
pub struct Admission {
    name: &'static str,
    limit: u32,
    permits: Arc<Semaphore>,
    table: Mutex<Table>,
    evicted: AtomicU64,
    refused: [AtomicU64; Refusal::ALL.len()],
    lack: Lack,
    nearly_full_log: LogInterval,
    full_log: LogInterval,
    accept_log: LogInterval,
}

/// Why a connection was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// Its source has its part, or has much while others need the rest, or has any where the last are for those without; and
    /// a request is in progress on each of them.
    Source,
    /// Its source has too many handshakes in flight.
    Handshakes,
}

/// The numbers of a listener.
#[derive(Clone, Debug)]
pub struct ConnectionGauges {
    /// The name of the listener.
    pub listener: &'static str,
    /// Open connections.
    pub open: u64,
    /// The limit on them.
    pub limit: u64,
    /// Connections closed for others.
    pub evicted: u64,
    /// Connections not taken, by reason.
    pub refused: Vec<(&'static str, u64)>,
}

/// A connection that was taken. Its place is free once this is dropped.
#[derive(Debug)]
pub(crate) struct Admitted {
    admission: Arc<Admission>,
    id: u64,
    _permit: OwnedSemaphorePermit,
}

impl Refusal {
    const ALL: [Self; 2] = [Self::Source, Self::Handshakes];

    /// The word in the metric.
    const fn as_str(self) -> &'static str {
        match self {
            Self::Source => "source",
            Self::Handshakes => "handshakes",
        }
    }
}

impl Admission {
    /// For a listener of this name, which takes so many.
    #[must_use]
    pub fn new(name: &'static str, limit: u32) -> Arc<Self> {
        Arc::new(Self {
            name,
            limit,
            permits: Arc::new(Semaphore::new(limit as usize)),
            table: Mutex::new(Table::new(limit)),
            evicted: AtomicU64::new(0),
            refused: Default::default(),
            lack: Lack::default(),
            nearly_full_log: LogInterval::default(),
            full_log: LogInterval::default(),
            accept_log: LogInterval::default(),
        })
    }

    /// The listener's name.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// How many connections it takes.
    pub const fn limit(&self) -> u32 {
        self.limit
    }

    /// A place for a new connection, once there is one; `None` if its source gets none. A trusted proxy has no source.
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
            self.lack.turned_away(table.is_reserved(free), made.is_err());
            let is_told = is_nearly_full && self.nearly_full_log.line().is_some();
            (made, is_told.then(|| (table.len(), table.heaviest())))
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
                "nearly full: connections without a whole request are closed for new ones, first those of whoever holds most"
            );
        }
        if made.is_err() {
            self.tell_if_full();
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

    /// Learns that no connection could be accepted. Where descriptors are lacking, connections that rest make room, a batch
    /// at a time; returns whether some do.
    pub(crate) fn accept_failed(&self, error: &io::Error) -> bool {
        self.lack.begin_waiting();
        if let Some(left_out) = self.accept_log.line() {
            tracing::warn!(listener = self.name, %error, left_out, "a connection could not be accepted");
        }
        error.raw_os_error() == Some(NO_DESCRIPTOR) && self.are_closing()
    }

    /// Whether connections are closing; those told before have until the end of their time.
    fn are_closing(&self) -> bool {
        if self.lack.are_closing() {
            return true;
        }
        let closed = self.lock().evict_any();
        if closed > 0 {
            self.lack.begin_closing(CLOSING_TIME);
        }
        self.evicted(closed);
        closed > 0
    }

    /// Learns that a connection was accepted after that.
    pub(crate) fn accept_succeeded(&self) {
        self.lack.end_waiting();
    }

    /// Returns once all connections have ended.
    pub(crate) async fn all_ended(&self) {
        // Every connection gives its permit back, also one that panicked. An error would mean a closed semaphore, and
        // this one is never closed.
        let _ = self.permits.acquire_many(self.limit).await;
    }

    /// How it is.
    pub fn fullness(&self) -> Fullness {
        let table = self.lock();
        let is_reserved = table.is_reserved(self.permits.available_permits());
        if self.lack.is_full(is_reserved) {
            Fullness::Full
        } else if table.is_nearly_full() {
            Fullness::NearlyFull
        } else {
            Fullness::Ok
        }
    }

    /// Its numbers.
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
        self.lack.begin_waiting();
        loop {
            let permit = Arc::clone(&self.permits).acquire_owned();
            if let Ok(permit) = timeout(LOOK_AGAIN, permit).await {
                self.lack.end_waiting();
                return permit.ok();
            }
            self.evicted(self.lock().evict_any());
            self.tell_if_full();
        }
    }

    fn tell_if_full(&self) {
        if self.fullness() == Fullness::Full && self.full_log.line().is_some() {
            tracing::warn!(
                listener = self.name,
                limit = self.limit,
                "full: a request is in progress on every connection, and new ones wait or are closed; /readyz says so"
            );
        }
    }

    /// Counts what came of making room.
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
    /// The connection, a proxy's until now, is this client's. `false` if that one gets none, by the rules for a connection
    /// without a proxy.
    pub(crate) fn is_of(&self, client: IpAddr) -> bool {
        let free = self.admission.permits.available_permits();
        let made = self.admission.lock().assign(self.id, client, free);
        let closed = self.admission.count_outcome(made, Some(client));
        self.admission.evicted(closed.unwrap_or_default());
        closed.is_some()
    }

    /// The handshake is done.
    pub(crate) fn is_established(&self) {
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
