//! The body of an answer: whole and known in advance, or a stream that is still being made, and that may break off.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::{Body, Frame, SizeHint};
use thiserror::Error;
use tokio::sync::mpsc;

use crate::pulse::{Answering, Pulse};

/// The sent part of an answer.
#[derive(Debug)]
pub enum ReplyBody {
    /// All of it.
    Whole(Full<Bytes>),
    /// Pieces as they come.
    Stream(Stream),
}

/// Pieces of a body, from the task that makes them.
#[derive(Debug)]
pub struct Stream {
    pieces: mpsc::Receiver<Bytes>,
    is_whole: Arc<AtomicBool>,
    /// A connection is not idle while it streams.
    answering: Option<Answering<Arc<Pulse>>>,
    /// The connection that must be cut with the stream, because its end is the body's.
    delimiter: Option<Arc<Pulse>>,
}

/// The end of a stream that makes the pieces.
///
/// A stream is whole only when [`finish`](Self::finish) says so. If this is dropped without it, on an error or a panic, the
/// client sees the body cut off: HTTP/1 without its last chunk, HTTP/2 with `RST_STREAM`. No client takes it for whole then.
#[derive(Debug)]
pub struct Pieces {
    sender: mpsc::Sender<Bytes>,
    is_whole: Arc<AtomicBool>,
}

impl Pieces {
    /// Waits until there is room for one more piece. `false` if the client has left.
    pub async fn send(&self, piece: Bytes) -> bool {
        self.sender.send(piece).await.is_ok()
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

    /// Ends the body: all of it has been sent.
    pub fn finish(self) {
        self.is_whole.store(true, Ordering::Release);
    }
}

/// A body ended before it was whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the body of an answer broke off")]
pub struct BrokenOff;

impl ReplyBody {
    /// A stream, and where its pieces go in. So many `ahead` of a slow client wait for it.
    #[must_use]
    pub fn stream(ahead: usize) -> (Pieces, Self) {
        let (sender, pieces) = mpsc::channel(ahead);
        let is_whole = Arc::new(AtomicBool::new(false));
        let stream = Stream {
            pieces,
            is_whole: Arc::clone(&is_whole),
            answering: None,
            delimiter: None,
        };
        (Pieces { sender, is_whole }, Self::Stream(stream))
    }

    /// Keeps the connection from counting as idle until a stream has ended. With `is_delimiter` the end of the connection is
    /// that of the body, as in HTTP/1.0.
    pub(crate) fn hold(&mut self, pulse: &Arc<Pulse>, is_delimiter: bool) {
        if let Self::Stream(stream) = self {
            stream.answering = Some(Answering::start(Arc::clone(pulse)));
            stream.delimiter = is_delimiter.then(|| Arc::clone(pulse));
        }
    }
}

impl From<Bytes> for ReplyBody {
    fn from(bytes: Bytes) -> Self {
        Self::Whole(Full::new(bytes))
    }
}

impl Stream {
    fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BrokenOff>>> {
        self.pieces.poll_recv(cx).map(|piece| match piece {
            Some(piece) => Some(Ok(Frame::data(piece))),
            // The sender sets the flag before it is dropped, so it is seen once the channel is closed.
            None if self.is_whole.load(Ordering::Acquire) => None,
            None => {
                if let Some(connection) = &self.delimiter {
                    connection.cut();
                }
                Some(Err(BrokenOff))
            }
        })
    }
}

impl Body for ReplyBody {
    type Data = Bytes;
    type Error = BrokenOff;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BrokenOff>>> {
        match self.get_mut() {
            Self::Whole(body) => Pin::new(body)
                .poll_frame(cx)
                .map_err(|infallible| match infallible {}),
            Self::Stream(stream) => stream.poll_piece(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Whole(body) => body.is_end_stream(),
            Self::Stream(_) => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(body) => body.size_hint(),
            Self::Stream(_) => SizeHint::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;

    use super::*;

    #[tokio::test]
    async fn a_stream_is_whole_only_when_its_maker_says_so() {
        let (pieces, body) = ReplyBody::stream(2);
        assert!(pieces.send(Bytes::from_static(b"a")).await);
        pieces.finish();
        let bytes = body.collect().await.expect("a whole body").to_bytes();
        assert_eq!(bytes, "a");

        let (pieces, body) = ReplyBody::stream(2);
        assert!(pieces.send(Bytes::from_static(b"a")).await);
        drop(pieces);
        assert_eq!(body.collect().await.expect_err("a broken body"), BrokenOff);

        let (pieces, body) = ReplyBody::stream(2);
        let maker = tokio::spawn(async move {
            pieces.send(Bytes::from_static(b"a")).await;
            panic!("on purpose");
        });
        assert!(body.collect().await.is_err() && maker.await.is_err());
    }

    #[tokio::test]
    async fn a_maker_hears_that_its_client_has_left() {
        let (pieces, body) = ReplyBody::stream(2);
        assert!(!pieces.is_abandoned());
        drop(body);
        pieces.abandoned().await;
        assert!(pieces.is_abandoned() && !pieces.send(Bytes::new()).await);
    }
}
