//! Drives a connection to its end: until the peer closes, or a reason on our side ends it, with the drain that follows.

use std::fmt::Display;
use std::pin::Pin;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use hookgate_log::LogInterval;
use tokio::select;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

use crate::connection_activity::{ConnectionActivity, GRACE};

/// Log interval for connections that are cut.
static CUT: LogInterval = LogInterval::new();

/// Time from the shutdown signal until connections are cut. A body may take 15 s and its commit a few more; service
/// managers wait 30 s or more.
pub(crate) const DRAIN_TIMEOUT: Duration = Duration::from_secs(25);

/// Time for which an HTTP/1 connection without a request is kept after the shutdown signal. A request that is in flight
/// when the connection closes is lost, and its sender can't know whether it was processed. A request within this time
/// is answered with `Connection: close`. HTTP/2 needs no such time, because GOAWAY says which requests were processed.
pub(crate) const LAST_REQUEST: Duration = Duration::from_secs(1);

/// Time for which an evicted connection may close in order. A connection that takes longer holds a place that others
/// need.
pub(crate) const EVICTION_TIME: Duration = Duration::from_millis(100);

/// Reasons on our side to end a connection.
#[derive(Clone, Copy, Debug)]
enum Ending {
    /// The connection ends at once, without a drain.
    Severed,
    /// The connection had no request for the idle timeout.
    Idle,
    /// Another connection needs its place.
    Evicted,
    /// The server stops.
    Stopped,
}

/// Drives a connection to its end. An idle, evicted or draining connection finishes the requests in progress within
/// [`DRAIN_TIMEOUT`]. A draining one still takes new requests for the time `last`.
pub(crate) async fn drive<C, E>(
    mut connection: Pin<&mut C>,
    finish: fn(Pin<&mut C>),
    last: Duration,
    activity: &ConnectionActivity,
    shutdown: CancellationToken,
) where
    C: Future<Output = Result<(), E>>,
    E: Display,
{
    // Every request wakes this task twice. `FuturesUnordered` polls only futures that were woken themselves, so a
    // request does not poll timers and notifications.
    let mut endings = FuturesUnordered::from_iter([next_ending(activity, shutdown)]);
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
async fn next_ending(activity: &ConnectionActivity, shutdown: CancellationToken) -> Ending {
    select! {
        biased;
        () = activity.severed() => Ending::Severed,
        () = activity.idle() => Ending::Idle,
        () = activity.evicted() => Ending::Evicted,
        () = shutdown.cancelled() => Ending::Stopped,
    }
}

/// Ends an evicted connection soon: at once if it has no request, else after its answer. A request that waits for its
/// body is refused. A request whose head has just begun to arrive gets [`GRACE`].
async fn make_room<C, E>(mut connection: Pin<&mut C>, finish: fn(Pin<&mut C>), activity: &ConnectionActivity)
where
    C: Future<Output = Result<(), E>>,
    E: Display,
{
    activity.stop();
    let begun = Instant::now();
    // hyper has seen nothing of an incomplete head and would close at once.
    while activity.has_grace() && begun.elapsed() < GRACE {
        if !drive_for_eviction_time(connection.as_mut(), activity).await {
            return;
        }
    }
    activity.refuse_bodies();
    finish(connection.as_mut());
    loop {
        let was_answering = activity.is_answering();
        let has_ended = !drive_for_eviction_time(connection.as_mut(), activity).await;
        if has_ended || !was_answering || begun.elapsed() >= DRAIN_TIMEOUT {
            return;
        }
    }
}

/// Drives a connection for [`EVICTION_TIME`]. Returns `false` if it has ended.
async fn drive_for_eviction_time<C, E>(connection: Pin<&mut C>, activity: &ConnectionActivity) -> bool
where
    C: Future<Output = Result<(), E>>,
    E: Display,
{
    select! {
        () = activity.severed() => false,
        result = timeout(EVICTION_TIME, connection) => {
            let is_open = result.is_err();
            if let Ok(result) = result {
                ended(result);
            }
            is_open
        }
    }
}

/// Logs the error of a connection. Broken connections are normal, so the level is debug. hyper's error texts hold
/// nothing of the request.
fn ended<E: Display>(result: Result<(), E>) {
    if let Err(error) = result {
        tracing::debug!(%error, "a connection ended early");
    }
}
