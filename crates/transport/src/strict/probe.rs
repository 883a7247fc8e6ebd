//! Runs the guard without hyper, to test the guard alone.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use tokio::io::{AsyncRead, ReadBuf};

use super::Guard;
use crate::connection_activity::ConnectionActivity;

/// The result of a run: the bytes that hyper would get.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Probe {
    /// The requests that passed. If a head is refused, its rejection request follows.
    pub bytes: Vec<u8>,
    /// The end of the stream behind `bytes`.
    pub end: ProbeEnd,
}

/// The end of a stream, as hyper would get it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProbeEnd {
    /// End of file: the sender has finished.
    Over,
    /// Pending: a head was refused, and the answer to the rejection request ends the connection.
    Silent,
    /// An error: the chunks of a body are malformed.
    Broken,
}

/// Runs the guard on an HTTP/1 stream that arrives in these pieces and then ends. hyper would read up to `buffer` bytes
/// at once.
///
/// # Panics
/// Outside of a Tokio runtime with time, because the guard sets deadlines.
#[must_use]
pub fn guarded<'a>(pieces: impl IntoIterator<Item = &'a [u8], IntoIter: Unpin>, buffer: usize) -> Probe {
    let pieces = Pieces {
        rest: pieces.into_iter(),
        piece: &[],
    };
    let mut guard = Guard::new(
        pieces,
        Arc::new(ConnectionActivity::start(
            crate::connection_activity::IDLE_TIMEOUT,
        )),
    );
    let mut context = Context::from_waker(Waker::noop());
    let (mut bytes, mut space) = (Vec::new(), vec![0; buffer]);
    let end = loop {
        let mut read = ReadBuf::new(&mut space);
        match Pin::new(&mut guard).poll_read(&mut context, &mut read) {
            Poll::Ready(Ok(())) if read.filled().is_empty() => break ProbeEnd::Over,
            Poll::Ready(Ok(())) => bytes.extend_from_slice(read.filled()),
            Poll::Ready(Err(_)) => break ProbeEnd::Broken,
            Poll::Pending => break ProbeEnd::Silent,
        }
    };
    Probe { bytes, end }
}

/// A sender whose next piece is always ready.
struct Pieces<'a, I> {
    rest: I,
    piece: &'a [u8],
}

impl<'a, I: Iterator<Item = &'a [u8]> + Unpin> AsyncRead for Pieces<'a, I> {
    fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, out: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let pieces = self.get_mut();
        if pieces.piece.is_empty() {
            let Some(piece) = pieces.rest.find(|piece| !piece.is_empty()) else {
                return Poll::Ready(Ok(()));
            };
            pieces.piece = piece;
        }
        let (now, later) = pieces.piece.split_at(pieces.piece.len().min(out.remaining()));
        out.put_slice(now);
        pieces.piece = later;
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &[u8] = b"POST /a HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\n\r\nabc";

    #[tokio::test]
    async fn what_passes_is_seen_and_how_it_ends() {
        let cases: [(&[u8], &[u8], ProbeEnd); 3] = [
            (b"POST /b HT", b"", ProbeEnd::Over),
            (
                b"GET /b?c HTTP/1.1\r\nuser-agent: x\r\n\r\n",
                b"REFUSED /b?BAD_REQUEST&c HTTP/1.1\r\nhost: refused\r\nuser-agent: x\r\n\r\n",
                ProbeEnd::Silent,
            ),
            (
                b"GET / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\nx",
                b"GET / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n",
                ProbeEnd::Broken,
            ),
        ];
        for (last, passes, end) in cases {
            let stream = [GOOD, last].concat();
            let seen = Probe {
                bytes: [GOOD, passes].concat(),
                end,
            };
            assert_eq!(guarded([&stream[..]], 8_192), seen);
            assert_eq!(guarded(stream.chunks(7), 5), seen);
        }
    }
}
