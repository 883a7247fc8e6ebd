//! The record of a refused delivery. Little of it is kept, because anybody may have sent it.

use std::net::IpAddr;
use std::time::Duration;

use bytes::Bytes;
use hookgate_domain::client_address::Trail;
use hookgate_domain::{RefusalCode, RequestId, Timestamp, WebhookHandle};

use crate::NoPayload;

/// Maximum bytes of the payload of a refused delivery that are kept: enough to see what was sent. Anybody who knows the
/// URL may have sent it.
pub const MAX_REFUSED_PAYLOAD: usize = 8 * 1024;

/// The values that decide which refusals may share a record. Of the time of receipt, only the minute counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RefusalKey {
    /// The webhook that has or had the URL.
    pub webhook: WebhookHandle,
    /// Time of receipt.
    pub received_at: Timestamp,
    /// The source address, in canonical form, as far as it is known.
    pub source: IpAddr,
    /// The refusal code.
    pub code: RefusalCode,
    /// `true` if the refusal was answered as a temporary failure.
    pub postponed: bool,
}

/// A refused delivery, for the record.
#[derive(Clone, Debug)]
pub struct RefusedDelivery {
    /// The webhook that has or had the URL.
    pub webhook: WebhookHandle,
    /// Time of receipt.
    pub received_at: Timestamp,
    /// The request ID; `None` for a record of refusals that were counted together first.
    pub request_id: Option<RequestId>,
    /// The source address, in canonical form, as far as it is known.
    pub source: IpAddr,
    /// The trail of the source, if the delivery is refused for its source.
    pub trail: Option<Trail>,
    /// `User-Agent`.
    pub user_agent: Option<Box<str>>,
    /// The recorded headers, as [`RequestHeaders::recorded`](crate::RequestHeaders::recorded) gives them.
    pub headers: Option<String>,
    /// Time from the complete head of the request to the refusal.
    pub took: Duration,
    /// The first part of the body, if it was read and is kept.
    pub payload: Option<RefusedPayload>,
    /// The reason for a missing payload; `None` if there is a payload, or if the reason is unknown.
    pub no_payload: Option<NoPayload>,
    /// The refusal code.
    pub code: RefusalCode,
    /// `true` if the refusal was answered as a temporary failure.
    pub postponed: bool,
    /// The details in the answer, as JSON.
    pub details: Option<Box<str>>,
    /// `Retry-After` of the answer.
    pub retry_after: Option<Duration>,
}

/// The stored part of the body of a refused delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusedPayload {
    first: Bytes,
    bytes: usize,
}

impl RefusedPayload {
    /// The first part of a body: a copy, so that the whole body is not held in memory until the record is written.
    #[must_use]
    pub fn of(body: &Bytes) -> Self {
        Self {
            first: Bytes::copy_from_slice(&body[..body.len().min(MAX_REFUSED_PAYLOAD)]),
            bytes: body.len(),
        }
    }

    /// The stored part.
    #[must_use]
    pub fn first(&self) -> &[u8] {
        &self.first
    }

    /// Size of the whole body in bytes, if only a part is stored.
    #[must_use]
    pub fn cut_from(&self) -> Option<u64> {
        (self.first.len() < self.bytes).then(|| u64::try_from(self.bytes).unwrap_or(u64::MAX))
    }
}

impl RefusedDelivery {
    /// Bytes of the record, beside those that every record has.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let text = |text: Option<&str>| text.map_or(0, str::len);
        self.payload.as_ref().map_or(0, |payload| payload.first.len())
            + text(self.headers.as_deref())
            + text(self.user_agent.as_deref())
            + text(self.details.as_deref())
    }

    /// Removes the parts that a sender may make large, because refusals of the webhook or of the source have used up their
    /// bytes, in the queue or of the minute.
    pub fn strip(&mut self) {
        if self.payload.take().is_some() {
            self.no_payload = Some(NoPayload::Flood);
        }
        (self.headers, self.user_agent, self.details) = (None, None, None);
    }

    /// The values that decide with which refusals this one may share a record.
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
