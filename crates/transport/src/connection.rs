//! One connection after its handshake: hyper's builders, the idle rule and the drain. The protocol is what ALPN chose,
//! never what the first bytes look like.

use std::fmt::Display;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use hookgate_domain::Connection;
use hookgate_log::LogInterval;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::select;
use tokio::time::{Instant, timeout};

use crate::connection_activity::{ConnectionActivity, GRACE};
use crate::cut::{Reset, ResetIfCut};
use crate::http2::{FrameBudget, Http2};
use crate::proxies::Proxies;
use crate::service::{Protocol, Service, Session};
use crate::shutdown::Signal;
use crate::strict::{Guard, MAX_HEAD};

/// Connections that are cut.
static CUT: LogInterval = LogInterval::new();

/// From the signal to the hard end. A body may take 15 s and its commit a few more; service managers wait 30 s or more.
pub(crate) const DRAIN_TIMEOUT: Duration = Duration::from_secs(25);

/// How long an HTTP/1 connection without a request is kept once the server stops. A request that is on its way when the
/// connection is closed is lost, and its sender can't know whether it was heard; one that comes within this time is
/// answered, and told that it was the last. HTTP/2 says by itself which requests were heard.
const LAST_REQUEST: Duration = Duration::from_secs(1);

/// How long a connection that makes room may take to say goodbye. Whoever keeps its peer waiting for longer holds a place
/// that others need.
pub(crate) const GOODBYE: Duration = Duration::from_millis(100);

/// Room for the largest head that the guard lets pass, and for a piece of its body.
const HTTP1_BUFFER: usize = 4 * MAX_HEAD;

/// hyper's settings for both protocols, made once for each listener.
#[derive(Clone, Debug)]
pub(crate) struct Protocols {
    http1: http1::Builder,
    http2: Http2,
}

/// Whose a connection is.
#[derive(Clone, Debug)]
pub(crate) struct Origin {
    pub(crate) connection: Connection,
    pub(crate) peer: Peer,
    pub(crate) activity: Arc<ConnectionActivity>,
}

/// Whose requests a connection brings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Peer {
    /// Those of the one at its other end.
    Sender,
    /// A trusted proxy's: those of everybody behind it.
    Proxy,
}

/// Reasons on our side to end a connection.
#[derive(Clone, Copy, Debug)]
enum Ending {
    /// At once.
    Severed,
    /// It had no request for the idle timeout.
    Idle,
    /// Another connection needs its place.
    Evicted,
    /// The server stops.
    Stopped,
}

impl Peer {
    /// Behind a PROXY header speaks the one that it names, who may be a proxy in turn.
    pub(crate) fn of(connection: Connection, proxies: &Proxies) -> Self {
        let speaker = connection.proxied.unwrap_or(connection.peer);
        if proxies.trust(speaker.to_canonical()) {
            Self::Proxy
        } else {
            Self::Sender
        }
    }
}

impl Protocols {
    pub(crate) fn new() -> Self {
        let mut http1 = http1::Builder::new();
        // No header timeout and no bound on fields here: the guard has both, and answers in our envelope. A sender that
        // closes its side after its request still waits for the answer; without one it would deliver again.
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

    /// Serves until the peer closes, the connection is idle for too long or makes room for others, or the shutdown's drain
    /// is over.
    pub(crate) async fn serve<S, T>(
        &self,
        stream: T,
        protocol: Protocol,
        origin: Origin,
        service: Arc<S>,
        stop: Signal,
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
        // hyper keeps room for an answer until it was taken, and in HTTP/1 as long as the connection lasts, so the room is a
        // pointer's.
        let answer = service_fn(move |request| Box::pin(Arc::clone(&session).answer(request)));
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
                    stop,
                )
                .await;
            }
            Protocol::Http2 => {
                let stream = TokioIo::new(FrameBudget::new(stream, Arc::clone(&activity)));
                // Twice as large as one of HTTP/1, which would have to make room for it.
                let mut connection =
                    Box::pin(self.http2.of(peer, &activity).serve_connection(stream, answer));
                drive(
                    connection.as_mut(),
                    http2::Connection::graceful_shutdown,
                    Duration::ZERO,
                    &activity,
                    stop,
                )
                .await;
            }
        }
    }
}

/// Runs a connection to its end. One that is idle, makes room or drains finishes what it has begun, within
/// [`DRAIN_TIMEOUT`]; a draining one takes what comes for a `last` time before.
async fn drive<C, E>(
    mut connection: Pin<&mut C>,
    finish: fn(Pin<&mut C>),
    last: Duration,
    activity: &ConnectionActivity,
    stop: Signal,
) where
    C: Future<Output = Result<(), E>>,
    E: Display,
{
    // Every request wakes this task twice. `FuturesUnordered` polls only futures that were woken themselves, so a request
    // pays for no timer and no notification.
    let mut endings = FuturesUnordered::from_iter([next_ending(activity, stop)]);
    let ending = select! {
        biased;
        result = connection.as_mut() => return ended(result),
        Some(ending) = endings.next() => ending,
    };
    match ending {
        Ending::Severed => return,
        Ending::Idle => {}
        Ending::Evicted => return make_room(connection, finish, activity).await,
        Ending::Stopped => {
            activity.stop();
            if let Ok(result) = timeout(last, connection.as_mut()).await {
                return ended(result);
            }
        }
    }
    finish(connection.as_mut());
    select! {
        () = activity.severed() => {}
        drained = timeout(DRAIN_TIMEOUT, connection) => if let Ok(result) = drained {
            ended(result);
        } else if let Some(left_out) = CUT.line() {
            tracing::info!(left_out, "a connection did not end in time and was cut");
        },
    }
}

/// The next reason on our side to end a connection.
async fn next_ending(activity: &ConnectionActivity, mut stop: Signal) -> Ending {
    select! {
        biased;
        () = activity.severed() => Ending::Severed,
        () = activity.idle() => Ending::Idle,
        () = activity.evicted() => Ending::Evicted,
        () = stop.given() => Ending::Stopped,
    }
}

/// Ends a connection soon, so that another one gets its place: at once without a request, else with its answer. A request that
/// waits for its body is refused, and one that has just begun to come in has a moment.
async fn make_room<C, E>(mut connection: Pin<&mut C>, finish: fn(Pin<&mut C>), activity: &ConnectionActivity)
where
    C: Future<Output = Result<(), E>>,
    E: Display,
{
    activity.stop();
    let begun = Instant::now();
    // hyper would close at once, because it has seen nothing of a head that is not whole.
    while activity.has_grace() && begun.elapsed() < GRACE {
        if !goes_on(connection.as_mut(), activity).await {
            return;
        }
    }
    activity.refuse_bodies();
    finish(connection.as_mut());
    loop {
        let was_answering = activity.is_answering();
        let has_ended = !goes_on(connection.as_mut(), activity).await;
        if has_ended || !was_answering || begun.elapsed() >= DRAIN_TIMEOUT {
            return;
        }
    }
}

/// Runs a connection for the time of a goodbye. `false` if it has ended.
async fn goes_on<C, E>(connection: Pin<&mut C>, activity: &ConnectionActivity) -> bool
where
    C: Future<Output = Result<(), E>>,
    E: Display,
{
    select! {
        () = activity.severed() => false,
        result = timeout(GOODBYE, connection) => {
            let goes_on = result.is_err();
            if let Ok(result) = result {
                ended(result);
            }
            goes_on
        }
    }
}

/// Broken connections are the network's everyday life. hyper's texts hold nothing of the request.
fn ended<E: Display>(result: Result<(), E>) {
    if let Err(error) = result {
        tracing::debug!(%error, "a connection ended early");
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

    use super::*;
    use crate::shutdown;
    use crate::testing::{Telltale, origin};

    const REQUEST: &[u8] = b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\n\r\n";

    /// A connection that was told to stop after its first answer, and what the client has of it.
    async fn stopped() -> DuplexStream {
        let (mut client, server) = duplex(4_096);
        let (trigger, stop) = shutdown::channel();
        let service = Telltale::new();
        tokio::spawn(async move {
            let protocols = Protocols::new();
            protocols
                .serve(server, Protocol::Http1, origin(), service, stop)
                .await;
        });
        client.write_all(REQUEST).await.expect("room");
        let mut answer = [0; 1_024];
        let length = client.read(&mut answer).await.expect("an answer");
        assert!(!String::from_utf8_lossy(&answer[..length]).contains("connection: close"));
        trigger.pull();
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

    /// A connection on which this came so long ago and that was told to make room then, and what the client has of it.
    async fn evicted(sent: &[u8], before: Duration) -> DuplexStream {
        let (mut client, server) = duplex(4_096);
        let (origin, service) = (origin(), Telltale::new());
        let activity = Arc::clone(&origin.activity);
        tokio::spawn(async move {
            let (_trigger, stop) = shutdown::channel();
            let protocols = Protocols::new();
            protocols
                .serve(server, Protocol::Http1, origin, service, stop)
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
