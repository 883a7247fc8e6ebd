//! A delivery on its way through the gate: what is known of it, what is stored of it, what it is answered.

mod refused;

use std::net::IpAddr;
use std::time::Duration;

use bytes::Bytes;
use hookgate_domain::{
    DeliveryId, FieldError, IdempotencyKey, IncidentDraft, IncidentNumber, IncidentStatus, PayloadDigest,
    RefusalCode, RequestId, Source, Timestamp, Trail, WebhookHandle, may_hold_secret,
};
use hookgate_senders::{JsonFault, SignatureHeaders};
use serde_json::{Value, json};

use crate::memory_budget::Reservation;
pub use refused::{MAX_REFUSED_PAYLOAD, RefusalKey, RefusedDelivery, RefusedPayload};

/// When to come again after a failure that passes by itself and names no time: longer than a checkpoint or a restart takes.
const RETRY_AFTER: Duration = Duration::from_secs(2);
/// Most bytes of the value of a header that are kept: browsers stay below, and a row should not be mostly this.
pub const MAX_HEADER_BYTES: usize = 512;
/// Kept in place of a text that may hold a secret.
pub const HIDDEN: &str = "[secret]";

/// What the transport knows of a request to a webhook URL before its body is read. All of it is the sender's word but
/// for the source address.
#[derive(Clone, Copy)]
pub struct DeliveryRequest<'a> {
    /// The format segment of the path.
    pub format: &'a str,
    /// The webhook ID segment of the path: a secret if it is one.
    pub webhook_id: &'a str,
    /// The name of the request, as its answer has it.
    pub request_id: RequestId,
    /// Where the request came from.
    pub source: Source,
    /// How the sender calls itself.
    pub user_agent: Option<&'a [u8]>,
    /// Whether the sender says that the body is JSON.
    pub declared_json: bool,
    /// Whether the body is compressed.
    pub compressed: bool,
    /// The sender's name for this delivery, to recognise a retry: the first, if it came in several headers.
    pub idempotency_key: Option<&'a [u8]>,
    /// Whether a header that names the delivery came again with another value.
    pub has_repeated_key: bool,
    /// The signature, if the sender signed.
    pub signature: SignatureHeaders<'a>,
    /// All headers. They are asked for once a delivery is to be stored or put on record.
    pub headers: &'a dyn RequestHeaders,
}

/// What the headers of a request give for the record.
pub trait RequestHeaders: Sync {
    /// The headers that may be kept: a JSON array of pairs of name and value, `[["accept","*/*"]]`, without
    /// secrets and bounded. `None` if there is none.
    fn kept(&self) -> Option<String>;

    /// The different values of the headers of this name, joined by commas. Empty ones are left out.
    fn joined(&self, name: &str) -> Vec<u8>;

    /// How the source of the request was found.
    fn trail(&self) -> Trail;

    /// How many bytes they hold.
    fn bytes(&self) -> usize;
}

/// No headers at all.
impl RequestHeaders for () {
    fn kept(&self) -> Option<String> {
        None
    }

    fn joined(&self, _name: &str) -> Vec<u8> {
        Vec::new()
    }

    fn trail(&self) -> Trail {
        Trail::default()
    }

    fn bytes(&self) -> usize {
        0
    }
}

impl DeliveryRequest<'_> {
    /// The user agent as text, cut to what is kept.
    pub(crate) fn user_agent_text(&self) -> Option<Box<str>> {
        let bytes = self.user_agent?;
        if may_hold_secret(bytes) {
            return Some(HIDDEN.into());
        }
        let kept = &bytes[..bytes.len().min(MAX_HEADER_BYTES)];
        Some(String::from_utf8_lossy(kept).replace('\0', "\u{FFFD}").into())
    }
}

/// The body of a request, still to be read.
pub trait Body: Send {
    /// Reads the body, up to `limit` bytes of it, and takes room for what comes.
    fn read(
        self,
        limit: usize,
        held: &Reservation<'_>,
    ) -> impl Future<Output = Result<Bytes, BodyFault>> + Send;
}

/// Why a body could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyFault {
    /// It is longer than the limit.
    TooLarge,
    /// There is no room for it at the moment.
    NoRoom,
    /// It came too slowly.
    TimedOut,
    /// Its framing is broken.
    Malformed,
    /// The sender left in the middle.
    Gone,
}

/// A delivery that passed every check, to be committed.
#[derive(Clone, Debug)]
pub struct AcceptedDelivery {
    /// The webhook that takes it.
    pub webhook: WebhookHandle,
    /// The revision of the webhook that was judged.
    pub revision: i64,
    /// When it came.
    pub received_at: Timestamp,
    /// The name of the request.
    pub request_id: RequestId,
    /// Where it came from, in canonical form.
    pub source: IpAddr,
    /// How its source was found, if it would have been refused for it and the webhook only observes.
    pub observed: Option<Trail>,
    /// How the sender calls itself.
    pub user_agent: Option<Box<str>>,
    /// The headers that are kept, as [`RequestHeaders::kept`] gives them.
    pub headers: Option<String>,
    /// How long it took until here.
    pub took: Duration,
    /// The body, if it is kept.
    pub payload: Option<Bytes>,
    /// What it says about an incident.
    pub draft: IncidentDraft,
    /// How to recognise a retry.
    pub idempotency: Option<Idempotency>,
}

/// A sender's key for a delivery, with the digest of the payload that it stands for.
#[derive(Clone, Debug)]
pub struct Idempotency {
    /// The key.
    pub key: IdempotencyKey,
    /// The payload that came with it, by a key that the store does not have. This is what is stored.
    pub payload: PayloadDigest,
    /// Its plain SHA-256, which earlier versions stored: never stored any more.
    pub plain: PayloadDigest,
}

impl Idempotency {
    /// Whether this digest, which is stored with the key, is of the same payload.
    #[must_use]
    pub fn has_payload(&self, stored: &[u8]) -> bool {
        [self.payload, self.plain]
            .iter()
            .any(|digest| digest.as_bytes() == stored)
    }
}

/// What became of a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Commit {
    /// It is on disk.
    Stored(Accepted),
    /// The webhook has another revision by now: judge again.
    Stale,
    /// The idempotency key stands for another payload.
    IdempotencyConflict,
    /// It would open an incident, and those of its webhook that are not resolved fill most of the store.
    Full,
}

/// What the sender of an accepted delivery is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// The record of the delivery; of the first one, for a replay.
    pub delivery: DeliveryId,
    /// The incident that it opened or updated; `None` for a `resolved` that found none.
    pub incident: Option<Touched>,
    /// What it did.
    pub effect: Effect,
}

/// An incident that a delivery opened or updated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Touched {
    /// Which one.
    pub number: IncidentNumber,
    /// Its status after that.
    pub status: IncidentStatus,
}

/// What an accepted delivery did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// It opened an incident.
    Opened,
    /// It updated an incident, or joined a resolved one as a late `resolved`.
    Updated,
    /// Nothing: it says `resolved`, and no incident has its dedup key.
    Unmatched,
    /// Nothing: it is a retry, and the answer is the first one.
    Replayed,
}

/// The answer to a delivery.
#[derive(Clone, Debug)]
pub enum Reply {
    /// It is on disk.
    Accepted(Accepted),
    /// It did not pass.
    Refused(Refusal),
}

/// A refusal as the sender sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct Refusal {
    /// Why.
    pub code: RefusalCode,
    /// What exactly is at fault, where that helps the sender.
    pub details: Option<Details>,
    /// When to come again.
    pub retry_after: Option<Duration>,
    /// Told as a temporary failure instead of a refusal, for senders that retry nothing else.
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

/// What exactly is at fault.
#[derive(Clone, Debug, PartialEq)]
pub enum Details {
    /// These fields.
    Fields(Vec<FieldError>),
    /// The JSON, here.
    Json(JsonFault),
    /// This limit is reached.
    Limit(RateScope),
    /// The body is longer than this many bytes.
    BodyBytes(u32),
}

impl Details {
    /// The details as answers have them, and as they are kept.
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

/// Which rate limit is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RateScope {
    /// The webhook's own.
    Webhook {
        /// Deliveries a minute.
        per_minute: u32,
    },
    /// The floor under unknown URLs of one source.
    Source,
    /// What of one source may fail at a webhook.
    Failures,
    /// What the unresolved incidents of a webhook may fill of the store.
    Incidents,
}
