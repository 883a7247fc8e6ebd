//! Resets a connection whose answer broke off. In HTTP/1.0 the end of the connection is the end of the body, so an
//! orderly close would make a truncated body look complete; a reset would not. HTTP/1.1 needs no reset, because the
//! last chunk is missing.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;

use crate::connection_activity::ConnectionActivity;

/// A stream that can be closed with a reset.
pub(crate) trait Reset {
    /// Makes the kernel send a reset when the connection is closed.
    fn reset_on_close(&self);
}

impl Reset for Box<TlsStream<TcpStream>> {
    fn reset_on_close(&self) {
        // A closed socket needs no reset.
        let _ = self.get_ref().0.set_zero_linger();
    }
}

/// Resets its connection if [`ConnectionActivity`] says that an answer was cut.
#[derive(Debug)]
pub(crate) struct ResetIfCut<T: Reset> {
    inner: T,
    activity: Arc<ConnectionActivity>,
}

impl<T: Reset> ResetIfCut<T> {
    pub(crate) const fn new(inner: T, activity: Arc<ConnectionActivity>) -> Self {
        Self { inner, activity }
    }
}

impl<T: Reset> Drop for ResetIfCut<T> {
    fn drop(&mut self) {
        if self.activity.is_cut() {
            self.inner.reset_on_close();
        }
    }
}

impl<T: Reset + AsyncRead + Unpin> AsyncRead for ResetIfCut<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        out: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(cx, out)
    }
}

impl<T: Reset + AsyncWrite + Unpin> AsyncWrite for ResetIfCut<T> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}
