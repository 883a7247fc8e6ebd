//! The body of an answer: whole and known in advance, or a stream that is still being made.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::{Body, Frame, SizeHint};
use tokio::sync::mpsc;

use crate::pulse::{Answering, Pulse};

/// What is sent after the head of an answer.
#[derive(Debug)]
pub enum ReplyBody {
    /// All of it.
    Whole(Full<Bytes>),
    /// Pieces as they come; it ends when the sender is dropped.
    Stream(Stream),
}

/// Pieces of a body, from whoever makes them.
#[derive(Debug)]
pub struct Stream {
    pieces: mpsc::Receiver<Bytes>,
    /// A connection is not idle while it streams.
    answering: Option<Answering<Arc<Pulse>>>,
}

impl ReplyBody {
    /// A stream of these pieces.
    #[must_use]
    pub const fn stream(pieces: mpsc::Receiver<Bytes>) -> Self {
        Self::Stream(Stream {
            pieces,
            answering: None,
        })
    }

    /// Keeps the connection from counting as idle until a stream has ended.
    pub(crate) fn hold(&mut self, pulse: &Arc<Pulse>) {
        if let Self::Stream(stream) = self {
            stream.answering = Some(Answering::start(Arc::clone(pulse)));
        }
    }
}

impl From<Bytes> for ReplyBody {
    fn from(bytes: Bytes) -> Self {
        Self::Whole(Full::new(bytes))
    }
}

impl Body for ReplyBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match self.get_mut() {
            Self::Whole(body) => Pin::new(body).poll_frame(cx),
            Self::Stream(stream) => stream
                .pieces
                .poll_recv(cx)
                .map(|piece| piece.map(|piece| Ok(Frame::data(piece)))),
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
