//! The values of a delivery on its way through the gate: the request, the record, the answer.

mod refused;

use std::net::IpAddr;
use std::time::Duration;

use bytes::Bytes;
use hookgate_domain::client_address::Trail;
use hookgate_domain::draft::{FieldError, Note};
use hookgate_domain::idempotency::{IdempotencyKey, PayloadDigest};
use hookgate_domain::leaks::may_hold_secret;
use hookgate_domain::{
    DeliveryId, IncidentChange, IncidentNumber, IncidentStatus, RefusalCode, RequestId, Source, Timestamp,
    WebhookHandle,
};
use hookgate_senders::{JsonFault, SignatureHeaders};
use serde_json::{Value, json};
use smallvec::SmallVec;

use super::memory_budget::Reservation;
pub use refused::{MAX_REFUSED_PAYLOAD, RefusalKey, RefusedDelivery, RefusedPayload};

/// Default `Retry-After` of a temporary failure: longer than a checkpoint or a restart takes.
const RETRY_AFTER: Duration = Duration::from_secs(2);
/// Maximum bytes of a header value that are kept: browsers stay below, and a row should not be mostly this.
pub const MAX_HEADER_BYTES: usize = 512;
/// Placeholder for a text that may hold a secret.
pub const HIDDEN: &str = "[secret]";

/// The request to a webhook URL as the transport knows it before the body is read. All of it is the sender's claim
/// except the source address.
#[derive(Clone, Copy)]
pub struct DeliveryRequest<'a> {
    /// The format segment of the path.
    pub format: &'a str,
    /// The webhook ID segment of the path: a secret if it is a valid ID.
    pub webhook_id: &'a str,
    /// The request ID, which is also in the answer.
    pub request_id: RequestId,
    /// Source of the request.
    pub source: Source,
    /// `User-Agent`.
    pub user_agent: Option<&'a [u8]>,
    /// `true` if the sender declares the body as JSON.
    pub declared_json: bool,
    /// `true` if the body is compressed.
    pub compressed: bool,
    /// The idempotency key, by which a retry is recognised; the first value, if several headers have one.
    pub idempotency_key: Option<&'a [u8]>,
    /// `true` if a header with the key was repeated with another value.
    pub has_repeated_key: bool,
    /// The headers of the signature, if the sender signed.
    pub signature: SignatureHeaders<'a>,
    /// All headers. They are read only when a delivery is to be stored or recorded.
    pub headers: &'a dyn RequestHeaders,
}

/// Access to the headers of a request, for the record and the idempotency key.
pub trait RequestHeaders: Sync {
    /// The headers that may be recorded, without secrets and bounded: a JSON array of pairs of name and value,
    /// `[["accept","*/*"]]`. `None` if there are none.
    fn recorded(&self) -> Option<String>;

    /// The different values of the headers of this name, joined by commas. Empty values are left out.
    fn joined(&self, name: &str) -> Vec<u8>;

    /// The trail: the steps by which the source of the request was found.
    fn trail(&self) -> Trail;

    /// Size of the headers, in bytes.
    fn bytes(&self) -> usize;
}

impl DeliveryRequest<'_> {
    /// `User-Agent` as text, cut to [`MAX_HEADER_BYTES`]. A value that may hold a secret is replaced by [`HIDDEN`].
    pub(crate) fn user_agent_text(&self) -> Option<Box<str>> {
        let bytes = self.user_agent?;
        if may_hold_secret(bytes) {
            return Some(HIDDEN.into());
        }
        let kept = &bytes[..bytes.len().min(MAX_HEADER_BYTES)];
        Some(String::from_utf8_lossy(kept).replace('\0', "\u{FFFD}").into())
    }
}

/// The unread body of a request.
pub trait Body: Send {
    /// Reads the body, up to `limit` bytes, and reserves memory as bytes arrive.
    fn read(
        self,
        limit: usize,
        reservation: &Reservation<'_>,
    ) -> impl Future<Output = Result<Bytes, BodyFault>> + Send;
}

/// Errors of reading a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyFault {
    /// The body is longer than the limit.
    TooLarge,
    /// The memory budget is exhausted.
    NoRoom,
    /// The body arrived too slowly.
    TimedOut,
    /// The framing of the body is broken.
    Malformed,
    /// The sender closed the connection before the end of the body.
    Gone,
}

/// A delivery that passed every check, to be committed.
#[derive(Clone, Debug)]
pub struct AcceptedDelivery {
    /// The webhook that accepts it.
    pub webhook: WebhookHandle,
    /// The revision of the webhook that it was judged by.
    pub revision: i64,
    /// Time of receipt.
    pub received_at: Timestamp,
    /// The request ID.
    pub request_id: RequestId,
    /// The source address, in canonical form.
    pub source: IpAddr,
    /// The trail of the source, if the source would be refused and the webhook only observes.
    pub observed: Option<Trail>,
    /// `User-Agent`.
    pub user_agent: Option<Box<str>>,
    /// The recorded headers, as [`RequestHeaders::recorded`] gives them.
    pub headers: Option<String>,
    /// Time from the complete head of the request to this value.
    pub took: Duration,
    /// The body, if the webhook keeps payloads.
    pub payload: Option<Bytes>,
    /// `true` for the format `custom`: a `resolved` without an unresolved incident joins the newest resolved one of its
    /// key, and new incidents are never folded.
    pub is_custom: bool,
    /// The changes of incidents in the payload, which are made in this order.
    pub changes: Vec<IncidentChange>,
    /// The changes that were made to accept the payload.
    pub notes: Vec<Note>,
    /// The idempotency key, if the sender gave one.
    pub idempotency: Option<Idempotency>,
}

/// The idempotency key of a delivery, with the digest of its payload.
#[derive(Clone, Debug)]
pub struct Idempotency {
    /// The key.
    pub key: IdempotencyKey,
    /// Keyed digest of the payload, which is stored. The store does not have the key.
    pub payload: PayloadDigest,
    /// Plain SHA-256 of the payload, which earlier versions stored. It is compared, but never stored any more.
    pub plain: PayloadDigest,
}

impl Idempotency {
    /// `true` if this digest, which is stored with the key, is of the same payload.
    #[must_use]
    pub fn has_payload(&self, stored: &[u8]) -> bool {
        [self.payload, self.plain]
            .iter()
            .any(|digest| digest.as_bytes() == stored)
    }
}

/// The result of a commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Commit {
    /// The delivery is on disk.
    Stored(Accepted),
    /// The webhook has another revision by now: the delivery must be judged again.
    Stale,
    /// The idempotency key was used with another payload.
    IdempotencyConflict,
    /// The delivery would open an incident, and the unresolved incidents of its webhook fill most of the store.
    Full,
}

/// The result of an accepted delivery, for its sender.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// The record of the delivery; for a replay, the record of the first delivery.
    pub delivery: DeliveryId,
    /// The incidents that were opened or updated, each once, in the order of the changes.
    pub incidents: TouchedIncidents,
    /// The effect of the delivery.
    pub effect: Effect,
}

/// Incidents that a delivery opened or updated. One needs no allocation: most deliveries have one.
pub type TouchedIncidents = SmallVec<[Touched; 1]>;

/// An incident that a delivery opened or updated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Touched {
    /// Number of the incident.
    pub number: IncidentNumber,
    /// Status of the incident after the delivery.
    pub status: IncidentStatus,
}

/// The effect of an accepted delivery as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// The delivery opened an incident.
    Opened,
    /// The delivery opened none and updated an incident, or joined a resolved one as a late `resolved`.
    Updated,
    /// None: no incident has a dedup key of its changes, and none of them opens one.
    Unmatched,
    /// None: the delivery is a retry and gets the first answer.
    Replayed,
}

/// The answer to a delivery.
#[derive(Clone, Debug)]
pub enum Reply {
    /// The delivery is on disk.
    Accepted(Accepted),
    /// The delivery was refused.
    Refused(Refusal),
}

/// A refusal as the sender sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct Refusal {
    /// The refusal code.
    pub code: RefusalCode,
    /// Details for the sender, where they help.
    pub details: Option<Details>,
    /// `Retry-After`.
    pub retry_after: Option<Duration>,
    /// `true` if the refusal is answered as a temporary failure, for senders that retry nothing else.
    pub postponed: bool,
}

impl From<RefusalCode> for Refusal {
    fn from(code: RefusalCode) -> Self {
        Self {
            code,
            details: None,
            retry_after: matches!(code, RefusalCode::RateLimited | RefusalCode::Unavailable)
                .then_some(RETRY_AFTER),
            postponed: false,
        }
    }
}

/// The details of a refusal.
#[derive(Clone, Debug, PartialEq)]
pub enum Details {
    /// The invalid fields.
    Fields(Vec<FieldError>),
    /// The error in the JSON, with its place.
    Json(JsonFault),
    /// The limit that is reached.
    Limit(RateScope),
    /// The maximum size of the body, in bytes, which this body exceeds.
    BodyBytes(u32),
}

impl Details {
    /// The details as JSON, for answers and records.
    #[must_use]
    pub fn to_json(&self) -> Value {
        match self {
            Self::Fields(faults) => faults
                .iter()
                .map(|fault| json!({"field": fault.field, "rule": fault.rule.as_str(), "limit": fault.limit}))
                .collect(),
            Self::Json(fault) => {
                json!({"problem": fault.problem.as_str(), "line": fault.line, "column": fault.column})
            }
            Self::Limit(RateScope::Webhook { per_minute }) => {
                json!({"limit": "webhook", "per_minute": per_minute})
            }
            Self::Limit(RateScope::Source) => json!({"limit": "unknown_urls_of_source"}),
            Self::Limit(RateScope::Failures) => json!({"limit": "failures_of_source"}),
            Self::Limit(RateScope::Incidents) => json!({"limit": "unresolved_incidents"}),
            Self::BodyBytes(bytes) => json!({"limit": bytes, "unit": "bytes"}),
        }
    }
}

/// The rate limit that is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RateScope {
    /// The rate limit of the webhook.
    Webhook {
        /// Deliveries a minute.
        per_minute: u32,
    },
    /// The limit of unknown URLs that one source may ask for.
    Source,
    /// The limit of failed deliveries of one source at a webhook.
    Failures,
    /// The part of the store that the unresolved incidents of a webhook may fill.
    Incidents,
}
