//! Limits the memory of HTTP/2 answers that the peer does not read, because its window is closed or it reads nothing. A
//! connection may have a hundred such answers, and hyper and the h2 crate hold each of them until the socket has taken
//! it. While all of them together are small, nothing happens. Above [`MAX_UNREAD_BYTES`], connections on which more
//! than [`FREE_PIECES`] pieces wait are cut.

use std::future::pending;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use hookgate_log::LogInterval;
use tokio::sync::Notify;
use tokio::time::sleep;

/// Log interval for connections that are cut.
static CUT: LogInterval = LogInterval::new();

/// Bytes of waiting answers on all connections of a listener above which connections are cut. Some seventy connections
/// reach it whose peers ask for all that they may and read nothing. It is more than the console sends at once to slow
/// readers.
pub(crate) const MAX_UNREAD_BYTES: usize = 16 * 1024 * 1024;

/// Waiting pieces that a connection may always have: they take less memory than its handshake did. One large answer to
/// a slow reader takes up to three.
pub(crate) const FREE_PIECES: usize = 4;

/// Time within which a peer that reads at all takes something: the socket holds hundreds of answers.
pub(crate) const STALL_TIMEOUT: Duration = Duration::from_millis(250);

/// Bytes of waiting answers on all connections of a listener.
#[derive(Debug, Default)]
pub(crate) struct WaitingBytes(AtomicUsize);

impl WaitingBytes {
    /// The bytes that wait now.
    pub(crate) fn bytes(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

/// Waiting pieces of one connection. Orderings are relaxed: no other memory depends on these values.
#[derive(Debug, Default)]
pub(crate) struct UnreadAnswers {
    /// Counter of the listener. `None` where nothing is counted: on HTTP/1, which has one answer at a time, and for
    /// trusted proxies, which read for all senders behind them.
    of_all: OnceLock<Arc<WaitingBytes>>,
    pieces: AtomicUsize,
    /// `true` if the number of pieces has fallen to [`FREE_PIECES`] since the flag was last cleared.
    has_recovered: AtomicBool,
    crowded: Notify,
}

impl UnreadAnswers {
    /// Starts counting, here and in the counter of the listener.
    pub(crate) fn count_into(&self, of_all: &Arc<WaitingBytes>) {
        self.of_all.get_or_init(|| Arc::clone(of_all));
    }

    /// Returns once the connection should be cut: the listener is above [`MAX_UNREAD_BYTES`], and more than
    /// [`FREE_PIECES`] pieces have waited on the connection for [`STALL_TIMEOUT`] without a break.
    pub(crate) async fn must_be_cut(&self) {
        let Some(of_all) = self.of_all.get() else {
            return pending().await;
        };
        loop {
            if !self.is_crowded() {
                self.crowded.notified().await;
            }
            self.has_recovered.store(false, Ordering::Relaxed);
            sleep(STALL_TIMEOUT).await;
            let has_recovered = self.has_recovered.load(Ordering::Relaxed);
            if !has_recovered && self.is_crowded() && of_all.bytes() > MAX_UNREAD_BYTES {
                if let Some(left_out) = CUT.line() {
                    tracing::info!(
                        left_out,
                        "a connection did not read its answers and was cut, because others need the memory"
                    );
                }
                return;
            }
        }
    }

    /// `true` if more than [`FREE_PIECES`] pieces wait.
    pub(crate) fn is_crowded(&self) -> bool {
        self.pieces.load(Ordering::Relaxed) > FREE_PIECES
    }

    /// Counts a piece of `bytes` bytes as waiting. Returns `false` if nothing is counted on this connection.
    pub(crate) fn add(&self, bytes: usize) -> bool {
        let Some(of_all) = self.of_all.get() else {
            return false;
        };
        of_all.0.fetch_add(bytes, Ordering::Relaxed);
        if self.pieces.fetch_add(1, Ordering::Relaxed) == FREE_PIECES {
            self.crowded.notify_one();
        }
        true
    }

    /// Counts a piece that was added with these bytes as taken.
    pub(crate) fn remove(&self, bytes: usize) {
        if self.pieces.fetch_sub(1, Ordering::Relaxed) == FREE_PIECES + 1 {
            self.has_recovered.store(true, Ordering::Relaxed);
        }
        if let Some(of_all) = self.of_all.get() {
            of_all.0.fetch_sub(bytes, Ordering::Relaxed);
        }
    }
}
