//! A request whose body never ends.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use hyper::body::{Body, Frame};
use hyper::client::conn::http2;
use hyper::http::request;
use hyper_util::rt::{TokioExecutor, TokioIo};

use super::{Answer, Bytes, Client, Http, Outcome};

impl Client {
    /// Begins a POST with this head and an endless body over HTTP/2, and waits for the answer.
    ///
    /// # Errors
    /// If no answer comes.
    pub async fn post_without_end(&self, address: SocketAddr, head: request::Builder) -> Outcome<Answer> {
        let stream = TokioIo::new(self.tls(address, Http::Two).await?);
        let (mut sender, connection) = http2::handshake(TokioExecutor::new(), stream).await?;
        tokio::spawn(connection);
        Answer::read(
            sender
                .send_request(head.body(Endless(Some(Bytes::from_static(b"{"))))?)
                .await?,
        )
        .await
    }
}

/// A body of one piece that never ends.
struct Endless(Option<Bytes>);

impl Body for Endless {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0
            .take()
            .map_or(Poll::Pending, |bytes| Poll::Ready(Some(Ok(Frame::data(bytes)))))
    }
}
