//! A delivery that did not pass, as it goes on the record: little of it is kept, because anybody may have sent it.

use std::net::IpAddr;
use std::time::Duration;

use bytes::Bytes;
use hookgate_domain::{RefusalCode, RequestId, Timestamp, Trail, WebhookHandle};

use crate::history::NoPayload;

/// Bytes of the payload of a refused delivery that are kept: enough to see what it is. Anybody who knows the URL may have
/// sent it.
pub const MAX_REFUSED_PAYLOAD: usize = 8 * 1024;

/// What tells a refusal from those that may share a record with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RefusalKey {
    /// The webhook that has or had the URL.
    pub webhook: WebhookHandle,
    /// When it came.
    pub received_at: Timestamp,
    /// Where it came from, in canonical form, as far as that is known.
    pub source: IpAddr,
    /// Why it did not pass.
    pub code: RefusalCode,
    /// Whether the sender was told to come again later instead of being refused.
    pub postponed: bool,
}

/// A delivery that did not pass, for the record.
#[derive(Clone, Debug)]
pub struct RefusedDelivery {
    /// The webhook that has or had the URL.
    pub webhook: WebhookHandle,
    /// When it came.
    pub received_at: Timestamp,
    /// The name of the request; `None` for one that was counted with others first.
    pub request_id: Option<RequestId>,
    /// Where it came from, in canonical form, as far as that is known.
    pub source: IpAddr,
    /// How its source was found, if it is refused for it.
    pub trail: Option<Trail>,
    /// How the sender calls itself.
    pub user_agent: Option<Box<str>>,
    /// The headers that are kept, as [`RequestHeaders::kept`](crate::RequestHeaders::kept) gives them.
    pub headers: Option<String>,
    /// How long it took until here.
    pub took: Duration,
    /// The first part of the body, if it was read and is kept.
    pub payload: Option<RefusedPayload>,
    /// Why it is not there; `None` if it is, or if nobody knows.
    pub no_payload: Option<NoPayload>,
    /// Why it did not pass.
    pub code: RefusalCode,
    /// Whether the sender was told to come again later instead of being refused.
    pub postponed: bool,
    /// What exactly the sender was told to be at fault, as JSON.
    pub details: Option<Box<str>>,
    /// When the sender was told to come again.
    pub retry_after: Option<Duration>,
}

/// What is kept of the body of a refused delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusedPayload {
    first: Bytes,
    bytes: usize,
}

impl RefusedPayload {
    /// The first part of a body: a copy, so that the whole one is not held until it is written.
    #[must_use]
    pub fn of(body: &Bytes) -> Self {
        Self {
            first: Bytes::copy_from_slice(&body[..body.len().min(MAX_REFUSED_PAYLOAD)]),
            bytes: body.len(),
        }
    }

    /// The part that is kept.
    #[must_use]
    pub fn first(&self) -> &[u8] {
        &self.first
    }

    /// Bytes of the whole body, if not all of it is kept.
    #[must_use]
    pub fn cut_from(&self) -> Option<u64> {
        (self.first.len() < self.bytes).then(|| u64::try_from(self.bytes).unwrap_or(u64::MAX))
    }
}

impl RefusedDelivery {
    /// Bytes that its record takes beside what every record has.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let text = |text: Option<&str>| text.map_or(0, str::len);
        self.payload.as_ref().map_or(0, |payload| payload.first.len())
            + text(self.headers.as_deref())
            + text(self.user_agent.as_deref())
            + text(self.details.as_deref())
    }

    /// Leaves out what senders may make large: a webhook refused too much.
    pub fn strip(&mut self) {
        if self.payload.take().is_some() {
            self.no_payload = Some(NoPayload::Flood);
        }
        (self.headers, self.user_agent, self.details) = (None, None, None);
    }

    /// What tells it from others.
    #[must_use]
    pub const fn key(&self) -> RefusalKey {
        RefusalKey {
            webhook: self.webhook,
            received_at: self.received_at,
            source: self.source,
            code: self.code,
            postponed: self.postponed,
        }
    }
}
