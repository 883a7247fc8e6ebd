//! Reads a request body within a limit of bytes and of time, and never buffers beyond it.

use std::error::Error as _;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use hookgate_domain::RefusalCode;
use http_body_util::BodyExt;
use hyper::body::{Body as _, Incoming};
use thiserror::Error;
use tokio::runtime::Handle;
use tokio::select;
use tokio::time::timeout;

use crate::connection_activity::{AwaitingBody, ConnectionActivity};
use crate::service::Protocol;

/// For the whole body. The default limit of 256 KiB then needs 18 KB/s.
const BODY_TIMEOUT: Duration = Duration::from_secs(15);

/// A body that comes in this time is not waited for: it came with its head, or in a few round trips. Beyond it, its connection
/// may have to make room for others.
const PROMPT: Duration = Duration::from_millis(250);

/// So much of a body is made room for at once, when its length is announced: senders' own stay below.
const AT_ONCE: usize = 32 * 1024;

/// HTTP/2: so much of an unread body is thrown away before its stream is reset. Four times the default payload limit.
const DRAIN_BYTES: usize = 1024 * 1024;

/// HTTP/2: so long is waited for an unread body's end.
const DRAIN_TIME: Duration = Duration::from_secs(2);

/// A request body that hasn't been read. Dropping it is allowed, and the answer still reaches the sender.
#[derive(Debug)]
pub struct Body {
    /// `None` once it was read to its end.
    incoming: Option<Incoming>,
    protocol: Protocol,
    /// The connection's state.
    activity: Arc<ConnectionActivity>,
}

/// Why a body couldn't be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum BodyFault {
    /// More bytes were announced or came than the limit allows.
    #[error("the body is over the limit")]
    TooLarge,
    /// What came has no room at the moment, or its connection has to make room for others.
    #[error("there is no room for the body")]
    NoRoom,
    /// The end didn't come in time.
    #[error("the body came too slowly")]
    TimedOut,
    /// The body's framing is broken.
    #[error("the body's framing is malformed")]
    Malformed,
    /// The sender broke off. Nobody is there to read an answer.
    #[error("the sender went away")]
    Gone,
}

impl BodyFault {
    /// What to answer.
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

    /// The whole body, if it has at most `limit` bytes. An announced length over the limit is refused before anything
    /// is read, and before the sender is told to go on when it asked (`Expect: 100-continue`).
    ///
    /// # Errors
    ///
    /// See [`BodyFault`].
    pub async fn read(self, limit: usize) -> Result<Bytes, BodyFault> {
        self.read_for(limit, BODY_TIMEOUT).await
    }

    /// The same in less time.
    ///
    /// # Errors
    ///
    /// See [`BodyFault`].
    pub async fn read_for(self, limit: usize, time: Duration) -> Result<Bytes, BodyFault> {
        self.read_all(limit, time, |_| true).await
    }

    /// The same, where `has_room` is told of each piece that came and says whether it may be kept.
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
            match timeout(PROMPT, collecting.as_mut()).await {
                Ok(whole) => whole?,
                // Rare: on the heap, it makes no request larger.
                Err(_) => {
                    Box::pin(await_rest(
                        &self.activity,
                        time.saturating_sub(PROMPT),
                        collecting,
                    ))
                    .await?
                }
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
            // hyper skips an unread body of known length that has come in already, but no chunks.
            Protocol::Http1 if incoming.size_hint().exact().is_none() => self.activity.abandon_body(),
            Protocol::Http1 => self.activity.leave_body(),
            // An unread stream would be reset, and clients then report the reset in place of the answer.
            Protocol::Http2 => {
                if let Ok(runtime) = Handle::try_current() {
                    runtime.spawn(timeout(DRAIN_TIME, drain(incoming)));
                }
            }
        }
    }
}

/// The rest of a body that comes slowly, unless its connection has to make room for others.
async fn await_rest(
    activity: &ConnectionActivity,
    time: Duration,
    rest: impl Future<Output = Result<Bytes, BodyFault>>,
) -> Result<Bytes, BodyFault> {
    let _awaiting = AwaitingBody::start(activity);
    select! {
        biased;
        whole = timeout(time, rest) => whole.unwrap_or(Err(BodyFault::TimedOut)),
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
    // What is only announced takes no more than what came: the buffer doubles as it fills.
    let came = first.len() + second.len();
    let announced = usize::try_from(incoming.size_hint().lower()).unwrap_or(limit);
    let mut whole = BytesMut::with_capacity((came + announced.min(came.max(AT_ONCE))).min(limit));
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

/// The next piece of data. HTTP/2 trailers mean nothing to anybody here and are skipped; HTTP/1 lets none through.
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

/// The guard and hyper's own decoder mark broken framing by these two kinds of error.
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
