//! One connection after its handshake: hyper's builders, the idle rule and the drain. The protocol is what ALPN chose,
//! never what the first bytes look like.

use std::fmt::Display;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use hookgate_domain::Connection;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::select;
use tokio::time::timeout;

use crate::http2::Meter;
use crate::pulse::Pulse;
use crate::service::{Protocol, Service, Session};
use crate::shutdown::Signal;
use crate::strict::{Guard, MAX_HEAD};

/// From the signal to the hard end. A body may take 15 s and its commit a few more; service managers wait 30 s or more.
pub(crate) const DRAIN_TIMEOUT: Duration = Duration::from_secs(25);

/// Room for the largest head that the guard lets pass, and for a piece of its body.
const HTTP1_BUFFER: usize = 4 * MAX_HEAD;

/// hyper's settings for both protocols, made once for each listener.
#[derive(Clone, Debug)]
pub(crate) struct Protocols {
    http1: http1::Builder,
    http2: http2::Builder<TokioExecutor>,
}

impl Protocols {
    pub(crate) fn new() -> Self {
        let mut http1 = http1::Builder::new();
        // No header timeout and no bound on fields here: the guard has both, and answers in our envelope. A client that
        // closes its side has left, so its handler is dropped.
        http1
            .timer(TokioTimer::new())
            .header_read_timeout(None)
            .max_buf_size(HTTP1_BUFFER)
            .keep_alive(true)
            .half_close(false);
        Self {
            http1,
            http2: crate::http2::builder(),
        }
    }

    /// Serves until the peer closes, the connection is idle for too long, or the shutdown's drain is over.
    pub(crate) async fn serve<S, T>(
        &self,
        stream: T,
        protocol: Protocol,
        origin: Connection,
        service: Arc<S>,
        stop: Signal,
    ) where
        S: Service,
        T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let pulse = Arc::new(Pulse::start());
        let session = Arc::new(Session {
            service,
            connection: origin,
            protocol,
            pulse: Arc::clone(&pulse),
        });
        let answer = service_fn(move |request| Arc::clone(&session).answer(request));
        match protocol {
            Protocol::Http1 => {
                let guard = TokioIo::new(Guard::new(stream, Arc::clone(&pulse)));
                let connection = self.http1.serve_connection(guard, answer);
                drive(connection, http1::Connection::graceful_shutdown, &pulse, stop).await;
            }
            Protocol::Http2 => {
                let connection = self
                    .http2
                    .serve_connection(TokioIo::new(Meter::new(stream)), answer);
                drive(connection, http2::Connection::graceful_shutdown, &pulse, stop).await;
            }
        }
    }
}

/// Runs a connection to its end. An idle one and a draining one finish what they have begun, within [`DRAIN_TIMEOUT`].
async fn drive<C, E>(connection: C, finish: fn(Pin<&mut C>), pulse: &Pulse, mut stop: Signal)
where
    C: Future<Output = Result<(), E>>,
    E: Display,
{
    let mut connection = pin!(connection);
    select! {
        biased;
        result = &mut connection => return ended(result),
        () = pulse.idle() => {}
        () = stop.given() => {}
    }
    finish(connection.as_mut());
    if let Ok(result) = timeout(DRAIN_TIMEOUT, connection).await {
        ended(result);
    } else {
        tracing::info!("a connection did not end in time and was cut");
    }
}

/// Broken connections are the network's everyday life. hyper's texts hold nothing of the request.
fn ended<E: Display>(result: Result<(), E>) {
    if let Err(error) = result {
        tracing::debug!(%error, "a connection ended early");
    }
}
