//! The answer to a delivery, made by one serializer: for its sender, and later for people, from what is on record of it.

use std::fmt::Display;

use bytes::Bytes;
use hookgate_domain::{DeliveryId, IncidentNumber, RefusalCode};
use hookgate_gate::{Accepted, Answer, DeliveryRecord, Effect, Refusal, Touched};
use hyper::StatusCode;
use serde::{Serialize, Serializer};
use serde_json::Value;

use crate::failure::status;
use crate::reply::{self, Reply};

/// The answer to a delivery that is on record, as it was sent.
pub(crate) struct SentAnswer {
    /// Its status.
    pub(crate) status: u16,
    /// Its `Retry-After`, in seconds.
    pub(crate) retry_after: Option<u64>,
    /// Its body.
    pub(crate) body: Bytes,
}

impl SentAnswer {
    /// What the sender of this delivery was answered; of the first one, if the record stands for several. `None` if nobody was
    /// there to be answered, or if a version wrote the record that kept too little.
    pub(crate) fn of(record: &DeliveryRecord) -> Option<Self> {
        record.summary.request_id?;
        let answer = record.summary.answer;
        let body = match answer {
            Answer::Refused(RefusalCode::ClientGone) | Answer::Postponed(RefusalCode::ClientGone) => None,
            Answer::Refused(code) | Answer::Postponed(code) => {
                let details: Option<Value> = record
                    .details
                    .as_deref()
                    .map(serde_json::from_str)
                    .transpose()
                    .ok()?;
                reply::failure_body(code.as_str(), code.message(), details.as_ref()).ok()
            }
            Answer::Unmatched => accepted_body(record.summary.id, None),
            Answer::Opened | Answer::Updated => {
                let (number, status) = record.summary.incident.zip(record.incident_status)?;
                accepted_body(record.summary.id, Some(Touched { number, status }))
            }
        };
        Some(Self {
            status: answered_status(answer),
            retry_after: record.retry_after.map(reply::whole_seconds),
            body: body?,
        })
    }
}

/// What an accepted delivery is answered.
pub(crate) fn accepted(accepted: &Accepted) -> Reply {
    let status = match accepted.effect {
        Effect::Opened => StatusCode::CREATED,
        Effect::Updated | Effect::Unmatched | Effect::Replayed => StatusCode::OK,
    };
    let incident = accepted.incident.map(Incident::from);
    reply::success(status, &Data::new(accepted.delivery, incident.as_ref()))
}

fn accepted_body(delivery: DeliveryId, incident: Option<Touched>) -> Option<Bytes> {
    let incident = incident.map(Incident::from);
    reply::success_body(&Data::new(delivery, incident.as_ref())).ok()
}

/// What a refused delivery is answered.
pub(crate) fn refused(refusal: &Refusal) -> Reply {
    // Who closed one side only may still read: the request was not well-formed.
    let code = match refusal.code {
        RefusalCode::ClientGone => RefusalCode::BadRequest,
        code => code,
    };
    let mut reply = match &refusal.details {
        Some(details) => reply::refusal_with_details(code, &details.to_json()),
        None => reply::refusal(code),
    };
    if refusal.postponed {
        *reply.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    }
    if let Some(wait) = refusal.retry_after {
        reply::come_again(&mut reply, wait);
    }
    reply
}

/// The HTTP status that a delivery was answered with.
#[must_use]
pub fn answered_status(answer: Answer) -> u16 {
    match answer {
        Answer::Opened => 201,
        Answer::Updated | Answer::Unmatched => 200,
        Answer::Refused(code) => status(code).as_u16(),
        Answer::Postponed(_) => 503,
    }
}

#[derive(Serialize)]
struct Data<'a> {
    #[serde(serialize_with = "as_text")]
    delivery_id: DeliveryId,
    incident: Option<&'a Incident>,
    incidents: &'a [Incident],
}

#[derive(Serialize)]
struct Incident {
    #[serde(serialize_with = "as_text")]
    id: IncidentNumber,
    status: &'static str,
}

impl<'a> Data<'a> {
    fn new(delivery_id: DeliveryId, incident: Option<&'a Incident>) -> Self {
        Self {
            delivery_id,
            incident,
            incidents: incident.map_or(&[], std::slice::from_ref),
        }
    }
}

impl From<Touched> for Incident {
    fn from(touched: Touched) -> Self {
        Self {
            id: touched.number,
            status: touched.status.as_str(),
        }
    }
}

/// Written into the answer as it is shown, without a text of its own.
fn as_text<T: Display, S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}
