//! HTTP/2 without TLS, by prior knowledge (`curl --http2-prior-knowledge`). Its path is compressed, so the request must
//! be parsed as HTTP/2 to find the exposed URL. Such a client understands only an answer in HTTP/2.

use std::convert::Infallible;
use std::future::poll_fn;
use std::io::Cursor;
use std::pin::pin;
use std::sync::Arc;

use hookgate_domain::Connection;
use hyper::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};
use tokio::select;
use tokio::sync::Notify;
use tokio::time::timeout;

use super::refusal::{REST_TIMEOUT, TIMEOUT, refusal};
use crate::body::Body;
use crate::connection_activity::ConnectionActivity;
use crate::http2::{FrameBudget, builder};
use crate::lingering_close::LingeringClose;
use crate::partial_head::PlainHttp;
use crate::peer::Peer;
use crate::protocol::Protocol;
use crate::reply::Reply;
use crate::service::{Exchange, Service};

/// The client's connection preface (RFC 9113 section 3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Concurrent streams. The first refusal ends the connection. A hundred answers that the peer does not read would take
/// more memory than such a connection is worth.
const STREAMS: u32 = 16;

/// The preface up to the first empty line, where a head of HTTP/1 would end.
const FIRST_LINES: &[u8] = b"PRI * HTTP/2.0\r\n\r\n";

/// `true` if the peer speaks HTTP/2: a frame follows the preface, because clients send both together. A peer that sends
/// the preface alone is answered in HTTP/1.
pub(super) async fn is_http2<T: AsyncRead + Unpin>(stream: &mut T, sent: &mut Vec<u8>) -> bool {
    if !sent.starts_with(FIRST_LINES) {
        return false;
    }
    let reading = async {
        while sent.len() <= PREFACE.len() && stream.read_buf(sent).await? > 0 {}
        std::io::Result::Ok(())
    };
    let _ = timeout(REST_TIMEOUT, reading).await;
    sent.len() > PREFACE.len() && sent.starts_with(PREFACE)
}

/// Refuses the requests of a connection whose beginning, `sent`, has been read, and closes it after the first ones.
pub(super) async fn refuse<S, T>(sent: Vec<u8>, stream: T, connection: Connection, service: Arc<S>)
where
    S: Service,
    T: AsyncRead + AsyncWrite + Unpin + Send,
{
    let (reader, writer) = tokio::io::split(stream);
    let mut stream = tokio::io::join(Cursor::new(sent).chain(reader), writer);
    let refused = Arc::new(Notify::new());
    let activity = Arc::new(ConnectionActivity::start(TIMEOUT));
    let answer = service_fn({
        let (refused, activity) = (Arc::clone(&refused), Arc::clone(&activity));
        move |request: Request<Incoming>| {
            refused.notify_one();
            let request = request.map(|body| Body::new(body, Protocol::Http2, Arc::clone(&activity)));
            // Boxed, because hyper reserves the future's size until the answer was written.
            Box::pin(refuse_request(Arc::clone(&service), connection, request))
        }
    });
    let io = TokioIo::new(FrameBudget::new(&mut stream, activity));
    let serving = async {
        let mut builder = builder(Peer::Sender);
        let mut served = pin!(
            builder
                .max_concurrent_streams(STREAMS)
                .serve_connection(io, answer)
        );
        select! {
            biased;
            _ = served.as_mut() => return,
            () = refused.notified() => served.as_mut().graceful_shutdown(),
        }
        let _ = served.await;
    };
    let _ = timeout(TIMEOUT, serving).await;
    // Unread bytes of the client must not cause a reset that destroys the answer.
    let mut linger = LingeringClose::start();
    poll_fn(|cx| linger.poll(cx, &mut stream)).await;
}

async fn refuse_request<S: Service>(
    service: Arc<S>,
    connection: Connection,
    request: Request<Body>,
) -> Result<Reply, Infallible> {
    let exchange = Exchange {
        id: service.request_id(),
        connection,
    };
    let head = written_out(&request);
    // The body is discarded: an unread body would reset the stream, and the reset could destroy the answer.
    drop(request.into_body());
    service.plain_http(PlainHttp::of(&head), &exchange).await;
    Ok(refusal(exchange.id))
}

/// The head of `request` in the form of HTTP/1.
fn written_out<B>(request: &Request<B>) -> Vec<u8> {
    let target = request.uri().path_and_query();
    let target = target.map_or("/", |target| target.as_str());
    let mut head = format!("{} {target} HTTP/1.1\r\n", request.method()).into_bytes();
    for (name, value) in request.headers() {
        head.extend_from_slice(&[name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"].concat());
    }
    head.extend_from_slice(b"\r\n");
    head
}
