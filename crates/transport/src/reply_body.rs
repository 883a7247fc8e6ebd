//! The body of an answer: complete and known in advance, or a stream that is still being produced and may break off.
//!
//! A stream holds a bounded number of bytes for a slow reader: pieces of at most [`PIECE_BYTES`], and few of them. The
//! producer waits for the reader, with a limit: a reader that takes nothing for [`READ_TIMEOUT`] is cut off.

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::Version;
use hyper::body::{Body, Frame, SizeHint};
use thiserror::Error;
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::connection_activity::{Answering, ConnectionActivity};
use crate::piece::Piece;

/// Most bytes of a piece; more bytes are sent as several pieces. hyper takes a piece whole, however few bytes the
/// reader takes.
pub const PIECE_BYTES: usize = 32 * 1024;
/// Pieces that wait for a slow reader. With one piece in hyper and one being produced, that is 256 KiB.
const PIECES_AHEAD: usize = 6;
/// Time in which a reader must take a piece. Every reader that reads at all is faster.
pub(crate) const READ_TIMEOUT: Duration = Duration::from_mins(1);

/// The body of an answer.
#[derive(Debug)]
pub struct ReplyBody {
    made: Made,
    /// The HTTP/2 connection, whose answers count as waiting until the peer has read them.
    connection: Option<Arc<ConnectionActivity>>,
}

#[derive(Debug)]
enum Made {
    /// The complete body.
    Whole(Full<Bytes>),
    /// A stream of pieces.
    Stream(Stream),
}

/// The pieces of a body, from the task that produces them.
#[derive(Debug)]
struct Stream {
    is_whole: Arc<AtomicBool>,
    open: Arc<Mutex<Open>>,
}

/// The reader's end of a stream. The producer can close it.
#[derive(Debug)]
struct Open {
    /// `None` once the stream was cut.
    pieces: Option<mpsc::Receiver<Bytes>>,
    /// The task that waits for a piece.
    reader: Option<Waker>,
    /// Keeps the connection from being idle while it streams.
    answering: Option<Answering>,
    /// The HTTP/1 connection, which carries only this answer at the moment.
    connection: Option<Arc<ConnectionActivity>>,
    /// `true` if the end of the connection marks the end of the body (HTTP/1.0).
    is_delimited_by_end: bool,
}

/// The producer's end of a stream.
///
/// A stream is complete only after [`finish`](Self::finish). If `Pieces` is dropped without it, on an error or a panic,
/// the body is visibly cut off: HTTP/1.1 without its last chunk, HTTP/1.0 by a reset, HTTP/2 with `RST_STREAM`. No
/// client takes it for complete.
#[derive(Debug)]
pub struct Pieces {
    sender: mpsc::Sender<Bytes>,
    is_whole: Arc<AtomicBool>,
    open: Arc<Mutex<Open>>,
    sent: AtomicU64,
}

impl Pieces {
    /// Sends these bytes, and waits until the queue has room for them. Returns `false` if the client has left or takes
    /// nothing.
    pub async fn send(&self, bytes: Bytes) -> bool {
        if bytes.len() <= PIECE_BYTES {
            return self.send_piece(bytes).await;
        }
        for piece in bytes.chunks(PIECE_BYTES) {
            // Copied, because a slice would keep the whole buffer in memory until the reader has taken it.
            if !self.send_piece(Bytes::copy_from_slice(piece)).await {
                return false;
            }
        }
        true
    }

    async fn send_piece(&self, piece: Bytes) -> bool {
        let bytes = u64::try_from(piece.len()).unwrap_or(u64::MAX);
        let Ok(sent) = timeout(READ_TIMEOUT, self.sender.send(piece)).await else {
            self.cut();
            return false;
        };
        self.sent.fetch_add(bytes, Ordering::Relaxed);
        sent.is_ok()
    }

    /// Bytes that were put into the queue. The last few may still wait for the client.
    pub fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    /// `true` if the client has left.
    #[must_use]
    pub fn is_abandoned(&self) -> bool {
        self.sender.is_closed()
    }

    /// Waits until the client has left.
    pub async fn abandoned(&self) {
        self.sender.closed().await;
    }

    /// Waits until the client has taken all pieces, and marks the body as complete. The body ends when `Pieces` is
    /// dropped.
    pub async fn finish(&self) {
        // Reserves one more slot each time, so that a slow reader has the timeout for every piece.
        for taken in 1..=PIECES_AHEAD {
            if timeout(READ_TIMEOUT, self.sender.reserve_many(taken))
                .await
                .is_err()
            {
                return self.cut();
            }
        }
        self.is_whole.store(true, Ordering::Release);
    }

    /// Cuts the body off at once: pieces that wait for the client are not sent.
    pub fn cut(&self) {
        let mut open = lock(&self.open);
        open.pieces = None;
        open.answering = None;
        if let Some(connection) = &open.connection {
            connection.sever();
        }
        if let Some(reader) = open.reader.take() {
            reader.wake();
        }
    }
}

fn lock(open: &Mutex<Open>) -> MutexGuard<'_, Open> {
    open.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Error: a body ended before it was complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the body of an answer broke off")]
pub struct BrokenOff;

impl ReplyBody {
    /// Creates a stream, with the producer's end first.
    #[must_use]
    pub fn stream() -> (Pieces, Self) {
        let (sender, pieces) = mpsc::channel(PIECES_AHEAD);
        let is_whole = Arc::new(AtomicBool::new(false));
        let open = Arc::new(Mutex::new(Open {
            pieces: Some(pieces),
            reader: None,
            answering: None,
            connection: None,
            is_delimited_by_end: false,
        }));
        let stream = Stream {
            is_whole: Arc::clone(&is_whole),
            open: Arc::clone(&open),
        };
        let pieces = Pieces {
            sender,
            is_whole,
            open,
            sent: AtomicU64::new(0),
        };
        (pieces, Made::Stream(stream).into())
    }

    /// Ties the body to its connection: the connection is not idle until a stream has ended. On HTTP/1, cutting the
    /// stream off ends the connection; on HTTP/1.0 the end of the connection also marks the end of the body. On HTTP/2,
    /// the body counts as waiting until the peer has read it.
    pub(crate) fn hold(&mut self, activity: &Arc<ConnectionActivity>, version: Version) {
        self.connection = (version == Version::HTTP_2).then(|| Arc::clone(activity));
        if let Made::Stream(stream) = &self.made {
            let mut open = lock(&stream.open);
            if open.pieces.is_some() {
                open.answering = Some(Answering::start(activity));
            }
            open.connection = (version != Version::HTTP_2).then(|| Arc::clone(activity));
            open.is_delimited_by_end = version == Version::HTTP_10;
        }
    }
}

impl From<Bytes> for ReplyBody {
    fn from(bytes: Bytes) -> Self {
        Made::Whole(Full::new(bytes)).into()
    }
}

impl From<Made> for ReplyBody {
    fn from(made: Made) -> Self {
        Self {
            made,
            connection: None,
        }
    }
}

impl Stream {
    fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BrokenOff>>> {
        let mut open = lock(&self.open);
        let Some(pieces) = &mut open.pieces else {
            return Poll::Ready(Some(Err(BrokenOff)));
        };
        match pieces.poll_recv(cx) {
            Poll::Pending => {
                open.reader = Some(cx.waker().clone());
                Poll::Pending
            }
            Poll::Ready(Some(piece)) => Poll::Ready(Some(Ok(Frame::data(piece)))),
            // The producer sets the flag before it drops the sender, so the flag is visible once the channel is closed.
            Poll::Ready(None) if self.is_whole.load(Ordering::Acquire) => Poll::Ready(None),
            Poll::Ready(None) => {
                if let Some(connection) = open.connection.as_ref().filter(|_| open.is_delimited_by_end) {
                    connection.cut();
                }
                Poll::Ready(Some(Err(BrokenOff)))
            }
        }
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        let mut open = lock(&self.open);
        // The producer learns that the client has left, and the connection may become idle.
        open.pieces = None;
        open.answering = None;
        open.connection = None;
    }
}

impl Body for ReplyBody {
    type Data = Piece;
    type Error = BrokenOff;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Piece>, BrokenOff>>> {
        let body = self.get_mut();
        let frame = match &mut body.made {
            Made::Whole(body) => Pin::new(body)
                .poll_frame(cx)
                .map_err(|infallible| match infallible {}),
            Made::Stream(stream) => stream.poll_piece(cx),
        };
        let connection = body.connection.as_ref();
        frame.map_ok(|frame| frame.map_data(|bytes| Piece::new(bytes, connection)))
    }

    fn is_end_stream(&self) -> bool {
        match &self.made {
            Made::Whole(body) => body.is_end_stream(),
            Made::Stream(_) => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.made {
            Made::Whole(body) => body.size_hint(),
            Made::Stream(_) => SizeHint::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Buf;
    use http_body_util::BodyExt;
    use tokio::time::Instant;

    use super::*;

    #[tokio::test]
    async fn a_stream_is_whole_only_when_its_maker_says_so() {
        let (pieces, body) = ReplyBody::stream();
        let maker = tokio::spawn(async move {
            pieces.send(Bytes::from_static(b"a")).await;
            pieces.finish().await;
        });
        let bytes = body.collect().await.expect("a whole body").to_bytes();
        assert!(bytes == "a" && maker.await.is_ok());

        let (pieces, body) = ReplyBody::stream();
        assert!(pieces.send(Bytes::from_static(b"a")).await);
        drop(pieces);
        assert_eq!(body.collect().await.expect_err("a broken body"), BrokenOff);

        let (pieces, body) = ReplyBody::stream();
        let maker = tokio::spawn(async move {
            pieces.send(Bytes::from_static(b"a")).await;
            panic!("on purpose");
        });
        assert!(body.collect().await.is_err() && maker.await.is_err());
    }

    #[tokio::test]
    async fn a_maker_hears_that_its_client_has_left() {
        let (pieces, body) = ReplyBody::stream();
        assert!(!pieces.is_abandoned());
        drop(body);
        pieces.abandoned().await;
        assert!(pieces.is_abandoned() && !pieces.send(Bytes::new()).await);
    }

    #[tokio::test(start_paused = true)]
    async fn what_waits_for_a_reader_is_bounded_in_bytes_and_in_time() {
        let (pieces, mut body) = ReplyBody::stream();
        let begun = Instant::now();
        assert!(!pieces.send(Bytes::from(vec![b'x'; 64 * PIECE_BYTES])).await);
        assert_eq!(begun.elapsed(), READ_TIMEOUT);
        assert!(pieces.is_abandoned());
        let piece = body.frame().await.expect("an end");
        assert_eq!(piece.expect_err("nothing of what waited"), BrokenOff);
    }

    #[tokio::test(start_paused = true)]
    async fn an_end_that_nobody_reads_is_cut_off_too() {
        let (pieces, body) = ReplyBody::stream();
        assert!(pieces.send(Bytes::from_static(b"a")).await);
        let begun = Instant::now();
        pieces.finish().await;
        assert_eq!(begun.elapsed(), READ_TIMEOUT);
        assert_eq!(body.collect().await.expect_err("a broken body"), BrokenOff);
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_reader_gets_all_of_a_large_piece() {
        let (pieces, mut body) = ReplyBody::stream();
        let whole: Bytes = (0..20 * PIECE_BYTES)
            .map(|place| place.to_le_bytes()[1])
            .collect();
        let sent = whole.clone();
        let maker = tokio::spawn(async move {
            assert!(pieces.send(sent).await);
            pieces.finish().await;
        });
        let mut read = Vec::new();
        while let Some(piece) = body.frame().await {
            tokio::time::sleep(READ_TIMEOUT / 2).await;
            read.extend_from_slice(piece.expect("a piece").data_ref().expect("data").chunk());
        }
        assert!(read == whole && maker.await.is_ok());
    }

    #[tokio::test]
    async fn a_cut_wakes_the_reader_and_drops_what_waits() {
        let (pieces, mut body) = ReplyBody::stream();
        let reader = tokio::spawn(async move { body.frame().await });
        tokio::task::yield_now().await;
        pieces.cut();
        let end = reader.await.expect("no panic").expect("an end");
        assert_eq!(end.expect_err("a broken body"), BrokenOff);

        let (pieces, body) = ReplyBody::stream();
        assert!(pieces.send(Bytes::from_static(b"a")).await);
        pieces.cut();
        assert!(body.collect().await.is_err());
    }
}
