//! The body of an answer: whole and known in advance, or a stream that is still being made, and that may break off.
//!
//! A stream holds a bounded number of bytes for a slow reader: pieces of at most [`PIECE_BYTES`], and few of them. Its maker
//! waits for the reader, but not for ever: a reader that takes nothing for [`READ_TIMEOUT`] is cut off.

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
use crate::untaken::Piece;

/// Most bytes of a piece; what is larger is sent as several. hyper hands a piece over whole, however few bytes the reader takes.
pub const PIECE_BYTES: usize = 32 * 1024;
/// Pieces that wait for a slow reader: with one at hyper and one in the making, 256 KiB.
const PIECES_AHEAD: usize = 6;
/// How long a reader may take nothing of what waits for it. Someone who reads at all takes a piece sooner.
pub(crate) const READ_TIMEOUT: Duration = Duration::from_mins(1);

/// The sent part of an answer.
#[derive(Debug)]
pub struct ReplyBody {
    made: Made,
    /// The connection of HTTP/2, on which it waits to be taken among others.
    connection: Option<Arc<ConnectionActivity>>,
}

#[derive(Debug)]
enum Made {
    /// All of it.
    Whole(Full<Bytes>),
    /// Pieces as they come.
    Stream(Stream),
}

/// Pieces of a body, from the task that makes them.
#[derive(Debug)]
struct Stream {
    is_whole: Arc<AtomicBool>,
    open: Arc<Mutex<Open>>,
}

/// The reader's end, which the maker can close.
#[derive(Debug)]
struct Open {
    /// `None` once the stream was cut.
    pieces: Option<mpsc::Receiver<Bytes>>,
    /// Whoever waits for a piece.
    reader: Option<Waker>,
    /// A connection is not idle while it streams.
    answering: Option<Answering>,
    /// The connection of HTTP/1, which carries nothing but this answer.
    connection: Option<Arc<ConnectionActivity>>,
    /// Whether the end of the connection is that of the body.
    is_delimited_by_end: bool,
}

/// The end of a stream that makes the pieces.
///
/// A stream is whole only when [`finish`](Self::finish) says so. If this is dropped without it, on an error or a panic, the
/// client sees the body cut off: HTTP/1 without its last chunk, HTTP/2 with `RST_STREAM`. No client takes it for whole then.
#[derive(Debug)]
pub struct Pieces {
    sender: mpsc::Sender<Bytes>,
    is_whole: Arc<AtomicBool>,
    open: Arc<Mutex<Open>>,
    sent: AtomicU64,
}

impl Pieces {
    /// Sends these bytes, and waits until there is room for them. `false` if the client has left, or takes nothing.
    pub async fn send(&self, bytes: Bytes) -> bool {
        if bytes.len() <= PIECE_BYTES {
            return self.send_piece(bytes).await;
        }
        for piece in bytes.chunks(PIECE_BYTES) {
            // Copied: a part of the large one would keep all of it in memory as long as the reader takes.
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

    /// Bytes that were sent, but for the few that still wait for the client.
    pub fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    /// Whether the client has left.
    #[must_use]
    pub fn is_abandoned(&self) -> bool {
        self.sender.is_closed()
    }

    /// Waits until the client has left.
    pub async fn abandoned(&self) {
        self.sender.closed().await;
    }

    /// Waits until the client has taken all pieces, and marks the body as whole. It ends when this is dropped.
    pub async fn finish(&self) {
        // One more each time, so that a slow reader has its minute for every piece.
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

    /// Breaks the body off at once: nothing of what waits for the client is sent.
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

/// A body ended before it was whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the body of an answer broke off")]
pub struct BrokenOff;

impl ReplyBody {
    /// A stream, and where its pieces go in.
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

    /// Keeps the connection from counting as idle until a stream has ended. HTTP/1 is cut off together with its stream; in
    /// HTTP/1.0 the end of the connection is that of the body. In HTTP/2 it counts until it is taken.
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
            // The sender sets the flag before it is dropped, so it is seen once the channel is closed.
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
        // The maker learns that the client has left, and the connection rests.
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
