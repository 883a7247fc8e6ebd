//! Admission: which connections a listener takes, and which it closes for others.
//!
//! A listener takes a bounded number. Each source prefix may hold a part of them; one that has its part gets a new one by
//! losing the one that has rested longest. When three quarters of all are taken, those that rest make room, of whoever
//! holds most. A connection with a request in progress never does. So a source that holds little is served, whatever the others
//! do; where nothing rests, new ones wait in the kernel's queue, and the listener says that it is full.

pub(crate) mod prefixes;
mod table;

use std::io;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hookgate_gate::LogInterval;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout};

use crate::connection::GOODBYE;
use crate::pulse::Pulse;
use table::Table;

/// How often a new connection that has no place looks again for one that rests.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// A new connection that waits for this long has found the listener full.
const FULL_AFTER: Duration = Duration::from_secs(1);

/// For so long after that the listener says so: a load balancer asks every few seconds.
const FULL_FOR: Duration = Duration::from_secs(10);

/// `EMFILE`: the process has no file descriptor left, and its own connections can make room. The number is the same on every
/// Unix. What the whole system lacks (`ENFILE`, `ENOMEM`) may be with others, so nobody is closed for it.
const NO_DESCRIPTOR: i32 = 24;

/// Connections that were told to close get this long before others are: the goodbye, and a moment to let the descriptor go.
const CLOSING_TIME: Duration = GOODBYE.saturating_mul(2);

/// No time, where milliseconds are counted.
const NEVER: u64 = u64::MAX;

/// The connections of one listener.
#[derive(Debug)]
pub struct Admission {
    name: &'static str,
    limit: u32,
    permits: Arc<Semaphore>,
    table: Mutex<Table>,
    began: Instant,
    evicted: AtomicU64,
    refused: [AtomicU64; Refusal::ALL.len()],
    /// Milliseconds after `began` since when a new connection waits.
    waits_since: AtomicU64,
    /// Milliseconds after `began` until which the listener says that it is full.
    full_until: AtomicU64,
    /// Milliseconds after `began` until which connections are closing because a descriptor was lacking.
    closing_until: AtomicU64,
    nearly_full_log: LogInterval,
    full_log: LogInterval,
    accept_log: LogInterval,
}

/// Why a connection was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// Its source has its part, or has much while others need the rest, and a request is in progress on each of them.
    Source,
    /// Its source has too many handshakes in flight.
    Handshakes,
}

/// How a listener is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fullness {
    /// There is room.
    Ok,
    /// What rests makes room for new connections.
    NearlyFull,
    /// New connections wait.
    Full,
}

/// The numbers of a listener.
#[derive(Clone, Debug)]
pub(crate) struct ConnectionGauges {
    pub(crate) listener: &'static str,
    pub(crate) open: u64,
    pub(crate) limit: u64,
    pub(crate) evicted: u64,
    pub(crate) refused: Vec<(&'static str, u64)>,
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

impl Fullness {
    /// The word in `/readyz`.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::NearlyFull => "nearly_full",
            Self::Full => "full",
        }
    }
}

impl Admission {
    /// For a listener of this name, which takes so many.
    pub(crate) fn new(name: &'static str, limit: u32) -> Arc<Self> {
        Arc::new(Self {
            name,
            limit,
            permits: Arc::new(Semaphore::new(limit as usize)),
            table: Mutex::new(Table::new(limit)),
            began: Instant::now(),
            evicted: AtomicU64::new(0),
            refused: Default::default(),
            waits_since: AtomicU64::new(NEVER),
            full_until: AtomicU64::new(0),
            closing_until: AtomicU64::new(0),
            nearly_full_log: LogInterval::default(),
            full_log: LogInterval::default(),
            accept_log: LogInterval::default(),
        })
    }

    /// The listener's name.
    pub(crate) const fn name(&self) -> &'static str {
        self.name
    }

    /// How many connections it takes.
    pub(crate) const fn limit(&self) -> u32 {
        self.limit
    }

    /// A place for a new connection, once there is one; `None` if its source gets none. A trusted proxy has no source.
    pub(crate) async fn admit(
        self: &Arc<Self>,
        source: Option<IpAddr>,
        pulse: &Arc<Pulse>,
    ) -> Option<Admitted> {
        let (made, nearly_full) = {
            let mut table = self.lock();
            let is_nearly_full = table.is_nearly_full();
            let made = table.make_room(source);
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
                "nearly full: connections without a request are closed for new ones, first those of whoever holds most"
            );
        }
        self.evicted(self.settle(made, source)?);
        let permit = self.permit().await?;
        let id = self.lock().insert(source, Arc::clone(pulse));
        Some(Admitted {
            admission: Arc::clone(self),
            id,
            _permit: permit,
        })
    }

    /// Learns that no connection could be accepted. Where descriptors are lacking, connections that rest make room, a batch
    /// at a time; returns whether some do.
    pub(crate) fn accept_failed(&self, error: &io::Error) -> bool {
        self.begin_waiting();
        if let Some(left_out) = self.accept_log.line() {
            tracing::warn!(listener = self.name, %error, left_out, "a connection could not be accepted");
        }
        error.raw_os_error() == Some(NO_DESCRIPTOR) && self.are_closing()
    }

    /// Whether connections are closing; those told before have until the end of their time.
    fn are_closing(&self) -> bool {
        let now = self.millis();
        if now < self.closing_until.load(Ordering::Relaxed) {
            return true;
        }
        let closed = self.lock().evict_any();
        if closed > 0 {
            self.closing_until
                .store(now + to_millis(CLOSING_TIME), Ordering::Relaxed);
        }
        self.evicted(closed);
        closed > 0
    }

    /// Learns that a connection was accepted after that.
    pub(crate) fn accept_succeeded(&self) {
        self.end_waiting();
    }

    /// Returns once all connections have ended.
    pub(crate) async fn all_ended(&self) {
        // Every connection gives its permit back, also one that panicked. An error would mean a closed semaphore, and
        // this one is never closed.
        let _ = self.permits.acquire_many(self.limit).await;
    }

    /// How it is.
    pub(crate) fn fullness(&self) -> Fullness {
        let now = self.millis();
        let waits_since = self.waits_since.load(Ordering::Relaxed);
        let waits_long = now.saturating_sub(waits_since) >= to_millis(FULL_AFTER);
        if waits_long || now < self.full_until.load(Ordering::Relaxed) {
            Fullness::Full
        } else if self.lock().is_nearly_full() {
            Fullness::NearlyFull
        } else {
            Fullness::Ok
        }
    }

    /// Its numbers.
    pub(crate) fn gauges(&self) -> ConnectionGauges {
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
        self.begin_waiting();
        loop {
            let permit = Arc::clone(&self.permits).acquire_owned();
            if let Ok(permit) = timeout(LOOK_AGAIN, permit).await {
                self.end_waiting();
                return permit.ok();
            }
            self.evicted(self.lock().evict_any());
            if self.fullness() == Fullness::Full && self.full_log.line().is_some() {
                tracing::warn!(
                    listener = self.name,
                    limit = self.limit,
                    "full: a request is in progress on every connection, and new ones wait; /readyz says so"
                );
            }
        }
    }

    /// Counts what came of making room.
    fn settle(&self, made: Result<usize, Refusal>, source: Option<IpAddr>) -> Option<usize> {
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

    fn begin_waiting(&self) {
        let now = self.millis();
        let waits = &self.waits_since;
        let _ = waits.compare_exchange(NEVER, now, Ordering::Relaxed, Ordering::Relaxed);
    }

    fn end_waiting(&self) {
        let now = self.millis();
        let since = self.waits_since.swap(NEVER, Ordering::Relaxed);
        if now.saturating_sub(since) >= to_millis(FULL_AFTER) {
            self.full_until
                .store(now + to_millis(FULL_FOR), Ordering::Relaxed);
        }
    }

    fn millis(&self) -> u64 {
        to_millis(self.began.elapsed())
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Admitted {
    /// The connection, a proxy's until now, is this client's. `false` if that one gets none, by the rules for a connection
    /// without a proxy.
    pub(crate) fn is_of(&self, client: IpAddr) -> bool {
        let made = self.admission.lock().assign(self.id, client);
        let closed = self.admission.settle(made, Some(client));
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

fn to_millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(NEVER)
}

#[cfg(test)]
mod tests;
