//! A piece of an answer's body, which counts as waiting until the socket has taken it.

use std::sync::Arc;

use bytes::{Buf, Bytes};

use crate::connection_activity::ConnectionActivity;

/// Bytes of memory of a piece beside its content: the stream, the task, and their entries in tables.
const PIECE_OVERHEAD: usize = 2 * 1024;

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
        let bytes = PIECE_OVERHEAD + bytes;
        connection.unread_answers().add(bytes).then(|| Self {
            connection: Arc::clone(connection),
            bytes,
        })
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.connection.unread_answers().remove(self.bytes);
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::{Instant, sleep, timeout};

    use super::*;
    use crate::connection_activity::IDLE_TIMEOUT;
    use crate::unread_answers::{FREE_PIECES, MAX_UNREAD_BYTES, STALL_TIMEOUT, WaitingBytes};

    fn connection(of_all: &Arc<WaitingBytes>) -> Arc<ConnectionActivity> {
        let activity = Arc::new(ConnectionActivity::start(IDLE_TIMEOUT));
        activity.unread_answers().count_into(of_all);
        activity
    }

    fn pieces(of: &Arc<ConnectionActivity>, count: usize) -> Vec<Piece> {
        (0..count)
            .map(|_| Piece::new(Bytes::from_static(b"{}"), Some(of)))
            .collect()
    }

    async fn goes(activity: &ConnectionActivity) -> bool {
        timeout(4 * STALL_TIMEOUT, activity.severed()).await.is_ok()
    }

    #[tokio::test(start_paused = true)]
    async fn who_takes_nothing_goes_once_much_waits() {
        let of_all = Arc::new(WaitingBytes::default());
        let (many, few) = (connection(&of_all), connection(&of_all));
        let _of_many = pieces(&many, FREE_PIECES + 1);
        let _of_few = pieces(&few, FREE_PIECES);
        assert!(!goes(&many).await, "there is room for all");
        let large = Piece::new(Bytes::from(vec![0; MAX_UNREAD_BYTES]), Some(&few));
        let begun = Instant::now();
        many.severed().await;
        assert_eq!(begun.elapsed(), STALL_TIMEOUT);
        drop(large);
        let _large = Piece::new(Bytes::from(vec![0; MAX_UNREAD_BYTES]), Some(&connection(&of_all)));
        assert!(!goes(&few).await, "a few are nobody's harm");
    }

    #[tokio::test(start_paused = true)]
    async fn who_takes_what_there_is_stays_however_much_others_leave() {
        let of_all = Arc::new(WaitingBytes::default());
        let _large = Piece::new(Bytes::from(vec![0; MAX_UNREAD_BYTES]), Some(&connection(&of_all)));
        let reader = connection(&of_all);
        let read = async {
            for _ in 0..100 {
                let _pieces = pieces(&reader, 100);
                sleep(STALL_TIMEOUT / 2).await;
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
        assert_eq!(of_all.bytes(), 100 * (PIECE_OVERHEAD + 2));
        drop(waiting);
        assert_eq!(of_all.bytes(), 0);
        assert!(!activity.unread_answers().is_crowded());
    }

    #[tokio::test(start_paused = true)]
    async fn a_trusted_proxy_is_never_cut() {
        let of_all = Arc::new(WaitingBytes::default());
        let _large = Piece::new(Bytes::from(vec![0; MAX_UNREAD_BYTES]), Some(&connection(&of_all)));
        let proxy = Arc::new(ConnectionActivity::start(IDLE_TIMEOUT));
        let _waiting = pieces(&proxy, 100);
        assert!(!goes(&proxy).await);
    }
}
