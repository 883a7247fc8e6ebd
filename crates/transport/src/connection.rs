//! Serves a connection after its handshake: hyper's builders, the idle timeout and the drain. ALPN alone chooses the
//! protocol; the first bytes never do.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use hookgate_domain::Connection;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::sync::CancellationToken;

use crate::connection_activity::ConnectionActivity;
use crate::driving::{LAST_REQUEST, drive};
use crate::http2::{FrameBudget, Http2};
use crate::peer::Peer;
use crate::protocol::Protocol;
use crate::reset_if_cut::{Reset, ResetIfCut};
use crate::service::{Service, Session};
use crate::strict::{Guard, MAX_HEAD};

/// Bytes of hyper's buffer: the largest head that the guard lets pass, and a piece of its body.
const HTTP1_BUFFER: usize = 4 * MAX_HEAD;

/// hyper's settings for both protocols, created once for each listener.
#[derive(Clone, Debug)]
pub(crate) struct Protocols {
    http1: http1::Builder,
    http2: Http2,
}

/// The source and state of a connection.
#[derive(Clone, Debug)]
pub(crate) struct Origin {
    pub(crate) connection: Connection,
    pub(crate) peer: Peer,
    pub(crate) activity: Arc<ConnectionActivity>,
}

impl Protocols {
    pub(crate) fn new() -> Self {
        let mut http1 = http1::Builder::new();
        // The guard has the header timeout and the bound on fields, and answers in our envelope. A sender that closes
        // its side after its request still waits for the answer (`half_close`); without one it would deliver again.
        http1
            .timer(TokioTimer::new())
            .header_read_timeout(None)
            .max_buf_size(HTTP1_BUFFER)
            .keep_alive(true)
            .half_close(true);
        Self {
            http1,
            http2: Http2::new(),
        }
    }

    /// Serves until the peer closes, the connection is idle for too long or evicted, or the drain of a shutdown is
    /// over.
    pub(crate) async fn serve<S, T>(
        &self,
        stream: T,
        protocol: Protocol,
        origin: Origin,
        service: Arc<S>,
        shutdown: CancellationToken,
    ) where
        S: Service,
        T: AsyncRead + AsyncWrite + Reset + Unpin + Send + 'static,
    {
        let Origin {
            connection,
            peer,
            activity,
        } = origin;
        let session = Arc::new(Session {
            service,
            connection,
            protocol,
            activity: Arc::clone(&activity),
        });
        // Boxed, because hyper reserves the future's size until the answer was written, and on HTTP/1 as long as the
        // connection lasts.
        let answer = service_fn(move |request| Arc::clone(&session).answer(request));
        match protocol {
            Protocol::Http1 => {
                let stream = ResetIfCut::new(stream, Arc::clone(&activity));
                let guard = TokioIo::new(Guard::new(stream, Arc::clone(&activity)));
                let connection = pin!(self.http1.serve_connection(guard, answer));
                drive(
                    connection,
                    http1::Connection::graceful_shutdown,
                    LAST_REQUEST,
                    &activity,
                    shutdown,
                )
                .await;
            }
            Protocol::Http2 => {
                let stream = TokioIo::new(FrameBudget::new(stream, Arc::clone(&activity)));
                // Boxed, because it is twice as large as an HTTP/1 connection and would enlarge that future.
                let mut connection =
                    Box::pin(self.http2.of(peer, &activity).serve_connection(stream, answer));
                drive(
                    connection.as_mut(),
                    http2::Connection::graceful_shutdown,
                    Duration::ZERO,
                    &activity,
                    shutdown,
                )
                .await;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
    use tokio::time::Instant;

    use super::*;
    use crate::testing::{Telltale, origin};

    const REQUEST: &[u8] = b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\n\r\n";

    /// The client's end of a connection that got the shutdown signal after its first answer.
    async fn stopped() -> DuplexStream {
        let (mut client, server) = duplex(4_096);
        let shutdown = CancellationToken::new();
        let given = shutdown.clone();
        let service = Telltale::new();
        tokio::spawn(async move {
            let protocols = Protocols::new();
            protocols
                .serve(server, Protocol::Http1, origin(), service, given)
                .await;
        });
        client.write_all(REQUEST).await.expect("room");
        let mut answer = [0; 1_024];
        let length = client.read(&mut answer).await.expect("an answer");
        assert!(!String::from_utf8_lossy(&answer[..length]).contains("connection: close"));
        shutdown.cancel();
        tokio::task::yield_now().await;
        client
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_on_its_way_when_the_server_stops_is_answered_and_is_the_last() {
        let mut client = stopped().await;
        client.write_all(REQUEST).await.expect("room");
        let mut answer = String::new();
        client.read_to_string(&mut answer).await.expect("an end");
        assert!(answer.starts_with("HTTP/1.1 201 "), "{answer}");
        assert!(answer.contains("connection: close"), "{answer}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_without_a_request_ends_soon_after_the_server_stops() {
        let mut client = stopped().await;
        let began = Instant::now();
        assert_eq!(client.read(&mut [0; 64]).await.expect("an end"), 0);
        assert!(began.elapsed().abs_diff(LAST_REQUEST) < Duration::from_millis(5));
    }

    /// The client's end of a connection that was evicted the time `before` after the bytes `sent` had arrived.
    async fn evicted(sent: &[u8], before: Duration) -> DuplexStream {
        let (mut client, server) = duplex(4_096);
        let (origin, service) = (origin(), Telltale::new());
        let activity = Arc::clone(&origin.activity);
        tokio::spawn(async move {
            let protocols = Protocols::new();
            protocols
                .serve(server, Protocol::Http1, origin, service, CancellationToken::new())
                .await;
        });
        client.write_all(sent).await.expect("room");
        tokio::time::sleep(before).await;
        activity.evict();
        client
    }

    async fn last_answer(mut client: DuplexStream) -> (String, Duration) {
        let (begun, mut answer) = (Instant::now(), String::new());
        client.read_to_string(&mut answer).await.expect("an end");
        (answer, begun.elapsed())
    }

    const SOON: Duration = Duration::from_millis(400);
    const LONG: Duration = Duration::from_secs(3);

    #[tokio::test(start_paused = true)]
    async fn a_request_that_waits_for_its_body_is_refused_to_make_room() {
        let waiting = b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\nabc";
        let (answer, took) = last_answer(evicted(waiting, LONG).await).await;
        assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
        assert!(answer.contains("connection: close"), "{answer}");
        assert!(took < SOON, "{took:?}");

        let mut client = evicted(waiting, Duration::from_millis(500)).await;
        tokio::time::sleep(Duration::from_secs(1)).await;
        client.write_all(b"abcdef").await.expect("room");
        let (answer, _) = last_answer(client).await;
        assert!(
            answer.starts_with("HTTP/1.1 201 "),
            "its body had just begun: {answer}"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_whose_body_is_there_is_answered_and_the_last_to_be() {
        let slow = b"POST /slow HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\n\r\nabc";
        let (answer, took) = last_answer(evicted(slow, LONG).await).await;
        assert!(answer.starts_with("HTTP/1.1 201 "), "{answer}");
        assert!(answer.contains("connection: close"), "{answer}");
        assert!(took > LONG, "{took:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_head_that_comes_in_has_a_moment_and_no_more() {
        let (first, second) = REQUEST.split_at(12);
        let mut client = evicted(first, Duration::from_millis(100)).await;
        tokio::time::sleep(Duration::from_millis(1_500)).await;
        client.write_all(second).await.expect("it is still open");
        let (answer, took) = last_answer(client).await;
        assert!(answer.starts_with("HTTP/1.1 201 "), "{answer}");
        assert!(
            answer.contains("connection: close") && took < SOON,
            "{took:?} {answer}"
        );

        let (answer, took) = last_answer(evicted(first, LONG).await).await;
        assert!(answer.is_empty() && took < SOON, "{took:?} {answer}");
    }
}
