//! Reads a request body within limits of size and time. It never buffers more than the size limit.

use std::error::Error as _;
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::future::poll_immediate;
use hookgate_domain::RefusalCode;
use http_body_util::BodyExt;
use hyper::body::{Body as _, Incoming};
use thiserror::Error;
use tokio::runtime::Handle;
use tokio::select;
use tokio::time::timeout;

use crate::connection_activity::{AwaitingBody, ConnectionActivity};
use crate::protocol::Protocol;

/// Timeout for the whole body. A body of the default limit of 256 KiB then needs 18 KB/s.
const BODY_TIMEOUT: Duration = Duration::from_secs(15);

/// Time in which a body arrives with its head, or after a few round trips. Slower bodies count as awaited: their
/// connection may be evicted.
const PROMPT_BODY_TIME: Duration = Duration::from_millis(250);

/// Bytes that are allocated at once for an announced length. The bodies of known senders are smaller.
const ALLOCATED_AT_ONCE: usize = 32 * 1024;

/// HTTP/2: bytes of an unread body that are discarded before its stream is reset. Four times the default size limit.
const DRAIN_BYTES: usize = 1024 * 1024;

/// HTTP/2: time for the end of an unread body.
const DRAIN_TIME: Duration = Duration::from_secs(2);

/// A request body that has not been read. It may be dropped: the answer still reaches the sender.
#[derive(Debug)]
pub struct Body {
    /// `None` once the body was read to its end.
    incoming: Option<Incoming>,
    protocol: Protocol,
    /// The connection's state.
    activity: Arc<ConnectionActivity>,
}

/// Errors of reading a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum BodyFault {
    /// More bytes were announced or received than the limit allows.
    #[error("the body is over the limit")]
    TooLarge,
    /// The memory budget is exhausted, or the connection is being evicted.
    #[error("there is no room for the body")]
    NoRoom,
    /// The body was not complete in time.
    #[error("the body arrived too slowly")]
    TimedOut,
    /// The body's framing is broken.
    #[error("the body's framing is malformed")]
    Malformed,
    /// The sender closed the connection and can't read an answer.
    #[error("the sender went away")]
    Gone,
}

impl BodyFault {
    /// The refusal code of the answer.
    #[must_use]
    pub const fn code(self) -> RefusalCode {
        match self {
            Self::TooLarge => RefusalCode::PayloadTooLarge,
            Self::NoRoom => RefusalCode::Unavailable,
            Self::TimedOut => RefusalCode::RequestTimeout,
            Self::Malformed | Self::Gone => RefusalCode::BadRequest,
        }
    }
}

impl Body {
    pub(crate) fn new(incoming: Incoming, protocol: Protocol, activity: Arc<ConnectionActivity>) -> Self {
        if protocol == Protocol::Http1 {
            activity.begin_body();
        }
        Self {
            incoming: Some(incoming),
            protocol,
            activity,
        }
    }

    /// Reads the whole body, of at most `limit` bytes. An announced length above `limit` is refused before any byte is
    /// read, and before a sender that asked (`Expect: 100-continue`) is told to continue.
    ///
    /// # Errors
    ///
    /// See [`BodyFault`].
    pub async fn read(self, limit: usize) -> Result<Bytes, BodyFault> {
        self.read_for(limit, BODY_TIMEOUT).await
    }

    /// [`read`](Self::read) with another timeout.
    ///
    /// # Errors
    ///
    /// See [`BodyFault`].
    pub async fn read_for(self, limit: usize, time: Duration) -> Result<Bytes, BodyFault> {
        self.read_all(limit, time, |_| true).await
    }

    /// [`read`](Self::read) within a memory budget: `has_room` gets the length of each piece and returns `true` if the
    /// piece may be stored.
    ///
    /// # Errors
    ///
    /// See [`BodyFault`].
    pub async fn read_within(
        self,
        limit: usize,
        has_room: impl FnMut(usize) -> bool,
    ) -> Result<Bytes, BodyFault> {
        self.read_all(limit, BODY_TIMEOUT, has_room).await
    }

    async fn read_all(
        mut self,
        limit: usize,
        time: Duration,
        has_room: impl FnMut(usize) -> bool,
    ) -> Result<Bytes, BodyFault> {
        let Some(incoming) = self.incoming.as_mut() else {
            return Ok(Bytes::new());
        };
        let announced = incoming.size_hint().lower();
        if announced > limit as u64 {
            return Err(BodyFault::TooLarge);
        }
        let whole = {
            let mut collecting = pin!(collect(incoming, limit, has_room));
            // A body that is there needs no timer.
            match poll_immediate(collecting.as_mut()).await {
                Some(whole) => whole?,
                // Rare, so it is on the heap and does not enlarge the future of every request.
                None => Box::pin(await_body(&self.activity, time, collecting)).await?,
            }
        };
        self.incoming = None;
        Ok(whole)
    }
}

impl Drop for Body {
    fn drop(&mut self) {
        let Some(incoming) = self.incoming.take().filter(|incoming| !incoming.is_end_stream()) else {
            return;
        };
        match self.protocol {
            // hyper skips an unread body that has a known length and has arrived, but not a chunked one.
            Protocol::Http1 if incoming.size_hint().exact().is_none() => self.activity.abandon_body(),
            Protocol::Http1 => self.activity.leave_body(),
            // hyper would reset an unread stream, and clients would report the reset instead of the answer.
            Protocol::Http2 => {
                if let Ok(runtime) = Handle::try_current() {
                    runtime.spawn(timeout(DRAIN_TIME, drain(incoming)));
                }
            }
        }
    }
}

/// Reads a body that is not there yet. If it is slow, it counts as awaited. Fails with [`BodyFault::NoRoom`] if the
/// connection is evicted meanwhile.
async fn await_body(
    activity: &ConnectionActivity,
    time: Duration,
    mut rest: Pin<&mut impl Future<Output = Result<Bytes, BodyFault>>>,
) -> Result<Bytes, BodyFault> {
    if let Ok(whole) = timeout(PROMPT_BODY_TIME, rest.as_mut()).await {
        return whole;
    }
    let _awaiting = AwaitingBody::start(activity);
    select! {
        biased;
        whole = timeout(time.saturating_sub(PROMPT_BODY_TIME), rest) => whole.unwrap_or(Err(BodyFault::TimedOut)),
        () = activity.bodies_refused() => Err(BodyFault::NoRoom),
    }
}

async fn collect(
    incoming: &mut Incoming,
    limit: usize,
    mut has_room: impl FnMut(usize) -> bool,
) -> Result<Bytes, BodyFault> {
    let mut keep = |piece: &Bytes| {
        if has_room(piece.len()) {
            Ok(())
        } else {
            Err(BodyFault::NoRoom)
        }
    };
    let Some(first) = next(incoming).await? else {
        return Ok(Bytes::new());
    };
    keep(&first)?;
    if first.len() > limit {
        return Err(BodyFault::TooLarge);
    }
    let Some(second) = next(incoming).await? else {
        return Ok(first);
    };
    // The buffer grows with the bytes that arrived, by doubling. An announced length alone allocates at most
    // ALLOCATED_AT_ONCE.
    let arrived = first.len() + second.len();
    let announced = usize::try_from(incoming.size_hint().lower()).unwrap_or(limit);
    let mut whole =
        BytesMut::with_capacity((arrived + announced.min(arrived.max(ALLOCATED_AT_ONCE))).min(limit));
    whole.extend_from_slice(&first);
    let mut chunk = Some(second);
    while let Some(data) = chunk {
        keep(&data)?;
        if data.len() > limit - whole.len() {
            return Err(BodyFault::TooLarge);
        }
        whole.extend_from_slice(&data);
        chunk = next(incoming).await?;
    }
    Ok(whole.freeze())
}

/// The next piece of data. HTTP/2 trailers are skipped because nothing uses them; the HTTP/1 guard refuses trailers.
async fn next(incoming: &mut Incoming) -> Result<Option<Bytes>, BodyFault> {
    while let Some(frame) = incoming.frame().await {
        if let Ok(data) = frame.map_err(|error| fault(&error))?.into_data() {
            return Ok(Some(data));
        }
    }
    Ok(None)
}

async fn drain(mut incoming: Incoming) {
    let mut left = DRAIN_BYTES;
    while let Ok(Some(data)) = next(&mut incoming).await {
        left = left.saturating_sub(data.len());
        if left == 0 {
            return;
        }
    }
}

/// The fault behind an error of hyper. The guard and hyper's decoder report broken framing by these two kinds of I/O
/// error.
fn fault(error: &hyper::Error) -> BodyFault {
    let kind = error
        .source()
        .and_then(|source| source.downcast_ref::<io::Error>())
        .map(io::Error::kind);
    match kind {
        Some(io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput) => BodyFault::Malformed,
        _ => BodyFault::Gone,
    }
}
