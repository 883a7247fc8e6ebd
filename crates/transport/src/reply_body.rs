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

/// Maximum size of a piece; more bytes are sent as several pieces. hyper takes a piece whole, however few bytes the
/// reader takes.
pub const PIECE_BYTES: usize = 32 * 1024;
/// Pieces that wait for a slow reader. With one piece in hyper and one being produced, that is 256 KiB.
const PIECES_AHEAD: usize = 6;
/// Time in which a reader must take a piece. Every reader that reads at all is faster.
pub(crate) const READ_TIMEOUT: Duration = Duration::from_mins(1);

/// The body of an answer.
#[derive(Debug)]
pub struct ReplyBody {
    content: Content,
    /// The HTTP/2 connection, whose answers count as waiting until the peer has read them.
    connection: Option<Arc<ConnectionActivity>>,
}

#[derive(Debug)]
enum Content {
    /// The complete body.
    Whole(Full<Bytes>),
    /// A stream of pieces.
    Stream(Stream),
}

/// The pieces of a body, from the task that produces them.
#[derive(Debug)]
struct Stream {
    is_complete: Arc<AtomicBool>,
    state: Arc<Mutex<StreamState>>,
}

/// The state of a stream, which the reader and the producer share. The producer can close the stream.
#[derive(Debug)]
struct StreamState {
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
    is_complete: Arc<AtomicBool>,
    state: Arc<Mutex<StreamState>>,
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
        self.is_complete.store(true, Ordering::Release);
    }

    /// Cuts the body off at once: pieces that wait for the client are not sent.
    pub fn cut(&self) {
        let mut state = lock(&self.state);
        state.pieces = None;
        state.answering = None;
        if let Some(connection) = &state.connection {
            connection.sever();
        }
        if let Some(reader) = state.reader.take() {
            reader.wake();
        }
    }
}

fn lock(state: &Mutex<StreamState>) -> MutexGuard<'_, StreamState> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The error of a body that ended before it was complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the body of an answer broke off")]
pub struct TruncatedBody;

impl ReplyBody {
    /// Creates a stream, with the producer's end first.
    #[must_use]
    pub fn stream() -> (Pieces, Self) {
        let (sender, pieces) = mpsc::channel(PIECES_AHEAD);
        let is_complete = Arc::new(AtomicBool::new(false));
        let state = Arc::new(Mutex::new(StreamState {
            pieces: Some(pieces),
            reader: None,
            answering: None,
            connection: None,
            is_delimited_by_end: false,
        }));
        let stream = Stream {
            is_complete: Arc::clone(&is_complete),
            state: Arc::clone(&state),
        };
        let pieces = Pieces {
            sender,
            is_complete,
            state,
            sent: AtomicU64::new(0),
        };
        (pieces, Content::Stream(stream).into())
    }

    /// Ties the body to its connection: the connection is not idle until a stream has ended. On HTTP/1, cutting the
    /// stream off ends the connection; on HTTP/1.0 the end of the connection also marks the end of the body. On HTTP/2,
    /// the body counts as waiting until the peer has read it.
    pub(crate) fn attach(&mut self, activity: &Arc<ConnectionActivity>, version: Version) {
        self.connection = (version == Version::HTTP_2).then(|| Arc::clone(activity));
        if let Content::Stream(stream) = &self.content {
            let mut state = lock(&stream.state);
            if state.pieces.is_some() {
                state.answering = Some(Answering::start(activity));
            }
            state.connection = (version != Version::HTTP_2).then(|| Arc::clone(activity));
            state.is_delimited_by_end = version == Version::HTTP_10;
        }
    }
}

impl From<Bytes> for ReplyBody {
    fn from(bytes: Bytes) -> Self {
        Content::Whole(Full::new(bytes)).into()
    }
}

impl From<Content> for ReplyBody {
    fn from(content: Content) -> Self {
        Self {
            content,
            connection: None,
        }
    }
}

impl Stream {
    fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, TruncatedBody>>> {
        let mut state = lock(&self.state);
        let Some(pieces) = &mut state.pieces else {
            return Poll::Ready(Some(Err(TruncatedBody)));
        };
        match pieces.poll_recv(cx) {
            Poll::Pending => {
                state.reader = Some(cx.waker().clone());
                Poll::Pending
            }
            Poll::Ready(Some(piece)) => Poll::Ready(Some(Ok(Frame::data(piece)))),
            // The producer sets the flag before it drops the sender, so the flag is visible once the channel is closed.
            Poll::Ready(None) if self.is_complete.load(Ordering::Acquire) => Poll::Ready(None),
            Poll::Ready(None) => {
                if let Some(connection) = state.connection.as_ref().filter(|_| state.is_delimited_by_end) {
                    connection.cut();
                }
                Poll::Ready(Some(Err(TruncatedBody)))
            }
        }
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        let mut state = lock(&self.state);
        // The producer learns that the client has left, and the connection may become idle.
        state.pieces = None;
        state.answering = None;
        state.connection = None;
    }
}

impl Body for ReplyBody {
    type Data = Piece;
    type Error = TruncatedBody;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Piece>, TruncatedBody>>> {
        let body = self.get_mut();
        let frame = match &mut body.content {
            Content::Whole(body) => Pin::new(body)
                .poll_frame(cx)
                .map_err(|infallible| match infallible {}),
            Content::Stream(stream) => stream.poll_piece(cx),
        };
        let connection = body.connection.as_ref();
        frame.map_ok(|frame| frame.map_data(|bytes| Piece::new(bytes, connection)))
    }

    fn is_end_stream(&self) -> bool {
        match &self.content {
            Content::Whole(body) => body.is_end_stream(),
            Content::Stream(_) => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.content {
            Content::Whole(body) => body.size_hint(),
            Content::Stream(_) => SizeHint::default(),
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
        assert_eq!(body.collect().await.expect_err("a broken body"), TruncatedBody);

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
        assert_eq!(piece.expect_err("nothing of what waited"), TruncatedBody);
    }

    #[tokio::test(start_paused = true)]
    async fn an_end_that_nobody_reads_is_cut_off_too() {
        let (pieces, body) = ReplyBody::stream();
        assert!(pieces.send(Bytes::from_static(b"a")).await);
        let begun = Instant::now();
        pieces.finish().await;
        assert_eq!(begun.elapsed(), READ_TIMEOUT);
        assert_eq!(body.collect().await.expect_err("a broken body"), TruncatedBody);
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
        assert_eq!(end.expect_err("a broken body"), TruncatedBody);

        let (pieces, body) = ReplyBody::stream();
        assert!(pieces.send(Bytes::from_static(b"a")).await);
        pieces.cut();
        assert!(body.collect().await.is_err());
    }
}
