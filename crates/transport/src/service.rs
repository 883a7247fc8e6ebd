//! The boundary between HTTP and the product: the trait that a listener calls for each request, with the checks, panic
//! handling and headers around each call. It knows no routes.

use std::any::Any;
use std::convert::Infallible;
use std::future::poll_fn;
use std::net::IpAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;

use hookgate_domain::{Connection, RefusalCode, RequestId};
use hookgate_log::LogInterval;
use hyper::Request;
use hyper::body::Incoming;
use hyper::header::{CONNECTION, HeaderValue};
use hyper::http::request::Parts;

use crate::body::Body;
use crate::connection_activity::{Answering, ConnectionActivity};
use crate::handshake::HandshakeFailure;
use crate::partial_head::PlainHttp;
use crate::protocol::Protocol;
use crate::reply::{self, Reply, X_REQUEST_ID};
use crate::request_id::header_value;
use crate::{http2, strict};

/// Log interval for handlers that panic.
static PANICKED: LogInterval = LogInterval::new();

/// A service behind a listener.
pub trait Service: Send + Sync + 'static {
    /// The ID of the next request.
    fn request_id(&self) -> RequestId;

    /// Answers one well-formed request. The caller sets `X-Request-Id` and `Connection`. The future is dropped when the
    /// connection breaks, so work that must be finished needs a task of its own.
    fn answer(&self, request: Request<Body>, exchange: &Exchange) -> impl Future<Output = Reply> + Send;

    /// Reports a request that was refused before it could be routed. The answer waits for this call, so it must return
    /// at once. `head` is the readable part of the refused head. On HTTP/1 that is the path (`/` if it is unreadable),
    /// the code followed by the query, and `User-Agent`. It may hold a live webhook ID.
    fn refused(&self, head: Parts, exchange: &Exchange, code: RefusalCode) {
        let _ = (head, exchange, code);
    }

    /// Reports a failed TLS handshake.
    fn handshake_failed(&self, failure: HandshakeFailure, source: IpAddr) {
        let _ = (failure, source);
    }

    /// Reports a request over plain HTTP, after its refusal was sent, or a webhook ID in any other bytes that arrived
    /// without TLS.
    fn plain_http(&self, seen: PlainHttp<'_>, exchange: &Exchange) -> impl Future<Output = ()> + Send;
}

/// Facts of a request that are not in the request itself.
#[derive(Clone, Copy, Debug)]
pub struct Exchange {
    /// The request ID in the answer and in logs.
    pub id: RequestId,
    /// The peer of the connection, and the client that its PROXY header named.
    pub connection: Connection,
}

/// The part of a connection that its requests share.
#[derive(Debug)]
pub(crate) struct Session<S> {
    pub(crate) service: Arc<S>,
    pub(crate) connection: Connection,
    pub(crate) protocol: Protocol,
    pub(crate) activity: Arc<ConnectionActivity>,
}

impl<S: Service> Session<S> {
    /// Answers one request in any case: with a refusal if the head was refused, with `INTERNAL` if the service
    /// panicked. The request counts as being answered from this call on, and not only once the future runs, which
    /// HTTP/2 leaves to another task.
    pub(crate) fn answer(
        self: Arc<Self>,
        request: Request<Incoming>,
    ) -> Pin<Box<impl Future<Output = Result<Reply, Infallible>> + Send>> {
        let answering = Answering::start(&self.activity);
        // Allocated before the future exists, so that the compiler builds it in place. It has some kilobytes.
        let place = Box::new_uninit();
        Box::into_pin(Box::write(place, async move {
            let (service, activity) = (&*self.service, &self.activity);
            let exchange = Exchange {
                id: service.request_id(),
                connection: self.connection,
            };
            let version = request.version();
            let refused = match self.protocol {
                Protocol::Http1 => strict::refusal_of(&request),
                Protocol::Http2 => http2::refusal_of(&request),
            };
            let request = request.map(|incoming| Body::new(incoming, self.protocol, Arc::clone(activity)));
            let mut reply = if let Some(code) = refused {
                let (head, body) = request.into_parts();
                drop(body);
                service.refused(head, &exchange, code);
                reply::refusal(code)
            } else {
                let answer = pin!(service.answer(request, &exchange));
                catch_panic(answer).await.unwrap_or_else(|panic| {
                    if let Some(left_out) = PANICKED.line() {
                        let panic = panic_text(&*panic);
                        tracing::error!(request = %exchange.id, panic, left_out, "a handler panicked");
                    }
                    reply::refusal(RefusalCode::Internal)
                })
            };
            let headers = reply.headers_mut();
            headers.insert(X_REQUEST_ID, header_value(exchange.id));
            if self.protocol == Protocol::Http1 && (refused.is_some() || activity.ends_here()) {
                headers.insert(CONNECTION, HeaderValue::from_static("close"));
            }
            reply.body_mut().attach(activity, version);
            drop(answering);
            Ok(reply)
        }))
    }
}

/// Polls `future` in place, because it is large, and catches its panic. The state behind a panic is never used again,
/// so unwinding is safe.
fn catch_panic<F: Future>(
    mut future: Pin<&mut F>,
) -> impl Future<Output = Result<F::Output, Box<dyn Any + Send>>> {
    poll_fn(
        move |cx| match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx))) {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(output)) => Poll::Ready(Ok(output)),
            Err(panic) => Poll::Ready(Err(panic)),
        },
    )
}

/// The panic's text if it is a literal of the source code. A formatted text could hold data of the request.
fn panic_text(panic: &(dyn Any + Send)) -> &'static str {
    panic
        .downcast_ref::<&'static str>()
        .copied()
        .unwrap_or("(message withheld)")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_becomes_an_error() {
        assert_eq!(catch_panic(pin!(async { 7 })).await.ok(), Some(7));
        let panicked = catch_panic(pin!(async { panic!("on purpose") }))
            .await
            .expect_err("a panic");
        assert_eq!(panic_text(&*panicked), "on purpose");
        let secret = "wh_secret";
        let formatted = catch_panic(pin!(async { panic!("{secret}") }))
            .await
            .expect_err("a panic");
        assert_eq!(panic_text(&*formatted), "(message withheld)");
    }
}
