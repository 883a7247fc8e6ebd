//! Limits the memory of HTTP/2 answers that the peer does not read, because its window is closed or it reads nothing. A
//! connection may have a hundred such answers, and hyper and the h2 crate hold each of them until the socket has taken
//! it. While all of them together are small, nothing happens. Above [`MOST_BYTES`], connections on which more than
//! [`FEW`] pieces wait are cut.

use std::future::pending;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::{Buf, Bytes};
use hookgate_log::LogInterval;
use tokio::sync::Notify;
use tokio::time::sleep;

use crate::connection_activity::ConnectionActivity;

/// Log pace of connections that are cut.
static CUT: LogInterval = LogInterval::new();

/// Bytes of waiting answers on all connections of a listener above which connections are cut. Some seventy connections
/// reach it whose peers ask for all that they may and read nothing. It is more than the console sends at once to slow
/// readers.
const MOST_BYTES: usize = 16 * 1024 * 1024;

/// Bytes of memory of a piece beside its content: the stream, the task, and their entries in tables.
const PIECE_OVERHEAD: usize = 2 * 1024;

/// Waiting pieces that a connection may always have: they take less memory than its handshake did. One large answer to
/// a slow reader takes up to three.
const FEW: usize = 4;

/// Time in which a peer that reads at all takes something: the socket holds hundreds of answers.
const PATIENCE: Duration = Duration::from_millis(250);

/// Bytes of waiting answers on all connections of a listener.
#[derive(Debug, Default)]
pub(crate) struct WaitingBytes(AtomicUsize);

impl WaitingBytes {
    fn are_many(&self) -> bool {
        self.0.load(Ordering::Relaxed) > MOST_BYTES
    }
}

/// Waiting pieces of one connection. Orderings are relaxed: no other memory depends on these values.
#[derive(Debug, Default)]
pub(crate) struct Untaken {
    /// Counter of the listener. `None` where nothing is counted: on HTTP/1, which has one answer at a time, and for
    /// trusted proxies, which read for all senders behind them.
    of_all: OnceLock<Arc<WaitingBytes>>,
    pieces: AtomicUsize,
    /// `true` if the number of pieces has fallen to [`FEW`] since the flag was last cleared.
    has_eased: AtomicBool,
    crowded: Notify,
}

impl Untaken {
    /// Starts counting, here and in the counter of the listener.
    pub(crate) fn count_into(&self, of_all: &Arc<WaitingBytes>) {
        self.of_all.get_or_init(|| Arc::clone(of_all));
    }

    /// Returns once the connection should be cut: the listener is above [`MOST_BYTES`], and more than [`FEW`] pieces
    /// have waited on the connection for [`PATIENCE`] without a break.
    pub(crate) async fn is_too_much(&self) {
        let Some(of_all) = self.of_all.get() else {
            return pending().await;
        };
        loop {
            if !self.is_crowded() {
                self.crowded.notified().await;
            }
            self.has_eased.store(false, Ordering::Relaxed);
            sleep(PATIENCE).await;
            let has_eased = self.has_eased.load(Ordering::Relaxed);
            if !has_eased && self.is_crowded() && of_all.are_many() {
                if let Some(left_out) = CUT.line() {
                    tracing::info!(
                        left_out,
                        "a connection did not take its answers and was cut, because others need the memory"
                    );
                }
                return;
            }
        }
    }

    fn is_crowded(&self) -> bool {
        self.pieces.load(Ordering::Relaxed) > FEW
    }

    fn add(&self) {
        if self.pieces.fetch_add(1, Ordering::Relaxed) == FEW {
            self.crowded.notify_one();
        }
    }

    fn remove(&self) {
        if self.pieces.fetch_sub(1, Ordering::Relaxed) == FEW + 1 {
            self.has_eased.store(true, Ordering::Relaxed);
        }
    }
}

/// Bytes of an answer's body. They count as waiting until the socket has taken them.
#[derive(Debug)]
pub struct Piece {
    bytes: Bytes,
    /// Only its `Drop` is used.
    _waiting: Option<Waiting>,
}

impl Piece {
    /// A piece of an answer. It is counted if `connection` is `Some` and counts its answers.
    pub(crate) fn new(bytes: Bytes, connection: Option<&Arc<ConnectionActivity>>) -> Self {
        let waiting = connection.and_then(|activity| Waiting::start(activity, bytes.len()));
        Self {
            bytes,
            _waiting: waiting,
        }
    }
}

impl Buf for Piece {
    fn remaining(&self) -> usize {
        self.bytes.remaining()
    }

    fn chunk(&self) -> &[u8] {
        self.bytes.chunk()
    }

    fn advance(&mut self, count: usize) {
        self.bytes.advance(count);
    }

    fn copy_to_bytes(&mut self, length: usize) -> Bytes {
        self.bytes.copy_to_bytes(length)
    }
}

/// Counts a waiting piece from `start` until it is dropped.
#[derive(Debug)]
struct Waiting {
    connection: Arc<ConnectionActivity>,
    bytes: usize,
}

impl Waiting {
    fn start(connection: &Arc<ConnectionActivity>, bytes: usize) -> Option<Self> {
        let untaken = connection.untaken();
        let bytes = PIECE_OVERHEAD + bytes;
        untaken.of_all.get()?.0.fetch_add(bytes, Ordering::Relaxed);
        untaken.add();
        Some(Self {
            connection: Arc::clone(connection),
            bytes,
        })
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let untaken = self.connection.untaken();
        untaken.remove();
        if let Some(of_all) = untaken.of_all.get() {
            of_all.0.fetch_sub(self.bytes, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::{Instant, timeout};

    use super::*;
    use crate::connection_activity::IDLE_TIMEOUT;

    fn connection(of_all: &Arc<WaitingBytes>) -> Arc<ConnectionActivity> {
        let activity = Arc::new(ConnectionActivity::start(IDLE_TIMEOUT));
        activity.untaken().count_into(of_all);
        activity
    }

    fn pieces(of: &Arc<ConnectionActivity>, count: usize) -> Vec<Piece> {
        (0..count)
            .map(|_| Piece::new(Bytes::from_static(b"{}"), Some(of)))
            .collect()
    }

    async fn goes(activity: &ConnectionActivity) -> bool {
        timeout(4 * PATIENCE, activity.severed()).await.is_ok()
    }

    #[tokio::test(start_paused = true)]
    async fn who_takes_nothing_goes_once_much_waits() {
        let of_all = Arc::new(WaitingBytes::default());
        let (many, few) = (connection(&of_all), connection(&of_all));
        let _of_many = pieces(&many, FEW + 1);
        let _of_few = pieces(&few, FEW);
        assert!(!goes(&many).await, "there is room for all");
        let large = Piece::new(Bytes::from(vec![0; MOST_BYTES]), Some(&few));
        let begun = Instant::now();
        many.severed().await;
        assert_eq!(begun.elapsed(), PATIENCE);
        drop(large);
        let _large = Piece::new(Bytes::from(vec![0; MOST_BYTES]), Some(&connection(&of_all)));
        assert!(!goes(&few).await, "a few are nobody's harm");
    }

    #[tokio::test(start_paused = true)]
    async fn who_takes_what_there_is_stays_however_much_others_leave() {
        let of_all = Arc::new(WaitingBytes::default());
        let _large = Piece::new(Bytes::from(vec![0; MOST_BYTES]), Some(&connection(&of_all)));
        let reader = connection(&of_all);
        let read = async {
            for _ in 0..100 {
                let _pieces = pieces(&reader, 100);
                sleep(PATIENCE / 2).await;
            }
        };
        tokio::select! {
            () = reader.severed() => panic!("it reads"),
            () = read => {}
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_taken_no_longer_counts() {
        let of_all = Arc::new(WaitingBytes::default());
        let activity = connection(&of_all);
        let waiting = pieces(&activity, 100);
        assert_eq!(of_all.0.load(Ordering::Relaxed), 100 * (PIECE_OVERHEAD + 2));
        drop(waiting);
        assert_eq!(of_all.0.load(Ordering::Relaxed), 0);
        assert!(!activity.untaken().is_crowded());
    }

    #[tokio::test(start_paused = true)]
    async fn a_trusted_proxy_is_never_cut() {
        let of_all = Arc::new(WaitingBytes::default());
        let _large = Piece::new(Bytes::from(vec![0; MOST_BYTES]), Some(&connection(&of_all)));
        let proxy = Arc::new(ConnectionActivity::start(IDLE_TIMEOUT));
        let _waiting = pieces(&proxy, 100);
        assert!(!goes(&proxy).await);
    }
}
