//! A lingering close: the end of a connection whose peer may still be sending. Closing a socket with unread bytes makes
//! the kernel send a reset, and a reset can destroy the answer before the peer has read it. So the server reads on for
//! a short time and then closes.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, ReadBuf};
use tokio::time::{Sleep, sleep};

/// Maximum time of reading on. A peer that reads its answer closes long before.
const LINGER_TIME: Duration = Duration::from_secs(1);

/// Maximum number of bytes that are read on: four times the default payload limit, enough for a sender that writes an
/// oversized body before it reads.
const LINGER_BYTES: usize = 1024 * 1024;

/// Bytes of the read buffer: one page on the stack, because it is zeroed on every poll.
const SCRATCH: usize = 4 * 1024;

/// Reads and discards until the peer closes or a limit is reached.
#[derive(Debug)]
pub(crate) struct LingeringClose {
    deadline: Pin<Box<Sleep>>,
    left: usize,
}

impl LingeringClose {
    pub(crate) fn start() -> Self {
        Self {
            deadline: Box::pin(sleep(LINGER_TIME)),
            left: LINGER_BYTES,
        }
    }

    /// Ready when the connection may be closed.
    pub(crate) fn poll<T: AsyncRead + Unpin>(&mut self, cx: &mut Context<'_>, stream: &mut T) -> Poll<()> {
        let mut scratch = [0; SCRATCH];
        while self.left > 0 {
            if self.deadline.as_mut().poll(cx).is_ready() {
                break;
            }
            let mut buffer = ReadBuf::new(&mut scratch);
            let read = ready!(Pin::new(&mut *stream).poll_read(cx, &mut buffer));
            if read.is_err() || buffer.filled().is_empty() {
                break;
            }
            self.left = self.left.saturating_sub(buffer.filled().len());
        }
        Poll::Ready(())
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use tokio::io::{AsyncWriteExt, duplex, repeat};
    use tokio::time::Instant;

    use super::*;

    async fn linger(mut stream: impl AsyncRead + Unpin) -> Duration {
        let start = Instant::now();
        let mut linger = LingeringClose::start();
        poll_fn(|cx| linger.poll(cx, &mut stream)).await;
        start.elapsed()
    }

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_closes_is_not_waited_for() {
        let (mut client, server) = duplex(64);
        client.write_all(b"late").await.expect("room");
        drop(client);
        assert_eq!(linger(server).await, Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_peer_costs_the_time_and_a_loud_one_the_bytes() {
        let (client, server) = duplex(64);
        assert!(linger(server).await.abs_diff(LINGER_TIME) < Duration::from_millis(5));
        drop(client);
        assert_eq!(linger(repeat(0)).await, Duration::ZERO);
    }
}
