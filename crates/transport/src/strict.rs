//! The strict HTTP/1 guard in front of hyper: a stream that passes on only bytes that every HTTP parser reads in the
//! same way.
//!
//! hyper alone accepts bare line feeds, two `Host` fields, `Content-Length` beside `Transfer-Encoding` and more, and
//! its own refusals lack our envelope. So the guard inspects each byte first. A refused head never reaches hyper. In
//! its place hyper gets a rejection request that names the refusal, and nothing after it. So the refusal takes the same
//! way as every other answer. The guard knows no routes and no policy.

mod framing;
mod head;
mod inspector;
mod probe;
mod rejection_request;

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use hookgate_domain::RefusalCode;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

pub(crate) use inspector::MAX_HEAD;
use inspector::{Inspector, Outcome, Rejection};
pub use probe::{Probe, ProbeEnd, guarded};
pub(crate) use rejection_request::refusal_of;

use crate::connection_activity::ConnectionActivity;
use crate::lingering_close::LingeringClose;

/// Timeout from a head's first byte to its last. A sender on the other side of the world needs one round trip.
const HEADER_TIMEOUT: Duration = Duration::from_secs(10);

/// Wraps the byte stream of one HTTP/1 connection, behind TLS.
#[derive(Debug)]
pub(crate) struct Guard<T> {
    inner: T,
    activity: Arc<ConnectionActivity>,
    inspector: Inspector,
    /// An incomplete head, bytes that passed and did not fit hyper's buffer, or a rejection request.
    held: Vec<u8>,
    /// Bytes at the start of `held` that have passed.
    passed: usize,
    deadline: Option<Pin<Box<Sleep>>>,
    rejection: Option<Rejection>,
    at_eof: bool,
    closing: Closing,
}

#[derive(Debug)]
enum Closing {
    ShuttingDown,
    Lingering(LingeringClose),
    Done,
}

impl<T: AsyncRead + Unpin> Guard<T> {
    pub(crate) fn new(inner: T, activity: Arc<ConnectionActivity>) -> Self {
        Self {
            inner,
            activity,
            inspector: Inspector::new(),
            held: Vec::new(),
            passed: 0,
            deadline: None,
            rejection: None,
            at_eof: false,
            closing: Closing::ShuttingDown,
        }
    }

    /// Returns bytes that have passed already, or the end of a stopped stream. `None` if the caller must read on.
    fn poll_kept(&mut self, out: &mut ReadBuf<'_>) -> Option<Poll<io::Result<()>>> {
        if self.passed > 0 {
            let length = self.passed.min(out.remaining());
            out.put_slice(&self.held[..length]);
            self.held.drain(..length);
            self.passed -= length;
            return Some(Poll::Ready(Ok(())));
        }
        match self.rejection? {
            Rejection::Body => Some(Poll::Ready(Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "malformed chunk",
            )))),
            // The answer to the rejection request ends the connection; until then hyper must see neither bytes nor an
            // end.
            Rejection::Head(_) => Some(Poll::Pending),
        }
    }

    /// Reads once. Returns `true` if `out` has bytes for hyper or the stream has ended.
    fn poll_fresh(&mut self, cx: &mut Context<'_>, out: &mut ReadBuf<'_>) -> Poll<io::Result<bool>> {
        let start = out.filled().len();
        if Pin::new(&mut self.inner).poll_read(cx, out)?.is_pending() {
            ready!(self.poll_deadline(cx));
            return Poll::Ready(Ok(false));
        }
        let fresh = &out.filled()[start..];
        if fresh.is_empty() {
            self.at_eof = true;
            return Poll::Ready(Ok(true));
        }
        let done = if self.held.is_empty() {
            // The common case: whole requests, inspected in hyper's buffer without a copy.
            let outcome = self.inspector.inspect(fresh);
            self.held.extend_from_slice(&fresh[outcome.passed..]);
            out.set_filled(start + outcome.passed);
            self.apply_outcome(&outcome);
            outcome.passed > 0
        } else {
            self.held.extend_from_slice(fresh);
            out.set_filled(start);
            let outcome = self.inspector.inspect(&self.held);
            self.passed = outcome.passed;
            self.apply_outcome(&outcome);
            false
        };
        Poll::Ready(Ok(done))
    }

    /// Applies the outcome of the inspector to the guard and to the connection's state.
    fn apply_outcome(&mut self, outcome: &Outcome) {
        self.activity.set_body_owed(self.inspector.owes_body());
        if let Some(rejection) = outcome.rejection {
            self.reject(rejection);
            return;
        }
        if outcome.passed > 0 {
            self.deadline = None;
        }
        let partial_head = self.held.len() > self.passed;
        self.activity.set_receiving_head(partial_head);
        if partial_head && self.deadline.is_none() {
            self.activity.touch();
            self.deadline = Some(Box::pin(sleep(HEADER_TIMEOUT)));
        }
    }

    fn poll_deadline(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(deadline) = &mut self.deadline else {
            return Poll::Pending;
        };
        ready!(deadline.as_mut().poll(cx));
        self.reject(Rejection::Head(RefusalCode::RequestTimeout));
        Poll::Ready(())
    }

    /// Stops the stream: no byte of the sender passes any more. A refused head is replaced by its rejection request.
    fn reject(&mut self, rejection: Rejection) {
        self.deadline = None;
        self.activity.set_receiving_head(false);
        self.rejection = Some(rejection);
        if let Rejection::Head(code) = rejection {
            let head = &self.held[self.passed..][..self.inspector.whole_lines()];
            let rejection_request = rejection_request::request(code, head);
            self.held.truncate(self.passed);
            self.held.extend_from_slice(&rejection_request);
            self.passed = self.held.len();
        } else {
            self.held.truncate(self.passed);
        }
    }

    fn peer_may_be_sending(&self) -> bool {
        !self.at_eof && (self.rejection.is_some() || self.inspector.owes_body() || !self.held.is_empty())
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Guard<T> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, out: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let guard = self.get_mut();
        if out.remaining() == 0 {
            return Poll::Ready(Ok(()));
        }
        loop {
            if let Some(kept) = guard.poll_kept(out) {
                return kept;
            }
            if ready!(guard.poll_fresh(cx, out))? {
                return Poll::Ready(Ok(()));
            }
        }
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Guard<T> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().inner).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().inner).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let guard = self.get_mut();
        loop {
            guard.closing = match &mut guard.closing {
                Closing::ShuttingDown => {
                    ready!(Pin::new(&mut guard.inner).poll_shutdown(cx))?;
                    if guard.peer_may_be_sending() {
                        Closing::Lingering(LingeringClose::start())
                    } else {
                        Closing::Done
                    }
                }
                Closing::Lingering(linger) => {
                    ready!(linger.poll(cx, &mut guard.inner));
                    Closing::Done
                }
                Closing::Done => return Poll::Ready(Ok(())),
            };
        }
    }
}

#[cfg(test)]
mod tests;
