//! A recorded delivery.

use hookgate_domain::RefusalCode;
use hookgate_gate::{self as gate, DeliverySummary};
use serde::Serialize;
use utoipa::ToSchema;

use super::{Note, Payload, time, words};
use hookgate_ingest::{SentAnswer, answered_status};

/// A delivery.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Delivery {
    /// ID of the delivery: `dlv_` and its position in the order of commits.
    #[schema(value_type = words::DeliveryId)]
    pub id: String,
    /// Handle of the webhook.
    #[schema(value_type = words::Handle)]
    pub webhook: String,
    /// Present name of the webhook.
    pub webhook_name: String,
    /// Time of receipt.
    #[schema(format = DateTime)]
    pub received_at: String,
    /// Source address.
    pub source: String,
    /// `User-Agent` of the sender.
    #[schema(required)]
    pub user_agent: Option<String>,
    /// `accepted` or `refused`.
    #[schema(value_type = words::Outcome)]
    pub outcome: &'static str,
    /// Refusal code; null if it was accepted.
    #[schema(value_type = Option<words::RefusalCode>, required)]
    pub code: Option<&'static str>,
    /// HTTP status of the answer.
    pub status: u16,
    /// True if it was accepted only because the allowlist is in observe mode: enforce mode would have refused its
    /// address.
    pub would_be_refused: bool,
    /// ID of the first incident that it opened or updated; null also for a `resolved` that found none.
    #[schema(value_type = Option<words::IncidentId>, required)]
    pub incident: Option<String>,
    /// The body, as JSON if it is JSON, else as text; null if it was not kept.
    #[schema(value_type = serde_json::Value, required)]
    pub payload: Option<Payload>,
    /// Changes to the payload that were needed to accept it; mostly none.
    pub notes: Vec<Note>,
    /// Number of deliveries that this record stands for.
    pub count: i64,
    /// The `X-Request-Id` of the answer; of the first one, if the record stands for several. Null on records of older versions.
    #[schema(value_type = Option<words::RequestId>, required)]
    pub request_id: Option<String>,
}

/// The whole record of a delivery.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct DeliveryRecord {
    /// The delivery as in lists.
    #[serde(flatten)]
    pub delivery: Delivery,
    /// IDs of all incidents that it opened or updated, in the order of its changes. `incident` is the first of them.
    #[schema(value_type = Vec<words::IncidentId>)]
    pub incidents: Vec<String>,
    /// Names and values of the recorded headers, without secrets. Viewers see none.
    pub headers: Vec<[String; 2]>,
    /// Steps by which its source was found, if it was or would have been refused because of its source; else null.
    #[schema(required)]
    pub trail: Option<Trail>,
    /// Microseconds from the head of the request until it was handed to the store; null if it was not measured.
    #[schema(required)]
    pub took_us: Option<u64>,
    /// The answer as it was sent; of the first one, if the record stands for several. Null if the sender had left, and
    /// on records of older versions.
    #[schema(required)]
    pub answer: Option<DeliveryAnswer>,
    /// Bytes of the whole body, if `payload` is only its first part: the history keeps at most 8 KiB of a refused
    /// delivery. Else null.
    #[schema(required)]
    pub payload_bytes: Option<u64>,
    /// Reason for which there is no payload; null if there is one.
    #[schema(value_type = Option<words::NoPayload>, required)]
    pub no_payload: Option<&'static str>,
}

/// The answer to a delivery.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct DeliveryAnswer {
    /// HTTP status.
    pub status: u16,
    /// Seconds of `Retry-After`; null if there was none.
    #[schema(required)]
    pub retry_after: Option<u64>,
    /// The body.
    #[schema(value_type = serde_json::Value)]
    pub body: Payload,
}

impl From<SentAnswer> for DeliveryAnswer {
    fn from(sent: SentAnswer) -> Self {
        Self {
            status: sent.status,
            retry_after: sent.retry_after,
            body: Payload::of(&sent.body),
        }
    }
}

/// The steps by which the source of a delivery was found.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Trail {
    /// The result in one sentence.
    pub sentence: String,
    /// The steps from the connection on, each with the origin of the address, the address, and the verdict on it.
    pub hops: Vec<String>,
}

impl From<&hookgate_domain::client_address::Trail> for Trail {
    fn from(trail: &hookgate_domain::client_address::Trail) -> Self {
        Self {
            sentence: trail.sentence(),
            hops: trail.hops().iter().map(ToString::to_string).collect(),
        }
    }
}

impl From<&DeliverySummary> for Delivery {
    /// The payload is left out, because it is read separately.
    fn from(record: &DeliverySummary) -> Self {
        Self {
            id: record.id.to_string(),
            webhook: record.webhook.to_string(),
            webhook_name: record.webhook_name.clone(),
            received_at: time(record.received_at),
            source: record.source.to_string(),
            user_agent: record.user_agent.clone(),
            outcome: record.answer.outcome().as_str(),
            code: record.answer.code().map(RefusalCode::as_str),
            status: answered_status(record.answer),
            would_be_refused: record.would_be_refused,
            incident: record.incident.map(|number| number.to_string()),
            payload: None,
            notes: record.notes.iter().map(Note::from).collect(),
            count: record.count,
            request_id: record.request_id.map(|id| id.to_string()),
        }
    }
}

impl From<&gate::DeliveryRecord> for DeliveryRecord {
    fn from(record: &gate::DeliveryRecord) -> Self {
        let took = record.summary.took;
        let headers = record.headers.iter();
        Self {
            delivery: Delivery {
                payload: record.payload.as_deref().map(Payload::of),
                ..Delivery::from(&record.summary)
            },
            incidents: record
                .incident_numbers()
                .map(|number| number.to_string())
                .collect(),
            trail: record.trail.as_ref().map(Trail::from),
            headers: headers
                .map(|(name, value)| [name.clone(), value.clone()])
                .collect(),
            took_us: took.map(|took| u64::try_from(took.as_micros()).unwrap_or(u64::MAX)),
            answer: SentAnswer::of(record).map(Into::into),
            payload_bytes: record.payload_bytes,
            no_payload: record.why_no_payload().map(gate::NoPayload::as_str),
        }
    }
}
