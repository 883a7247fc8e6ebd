//! The answer to a delivery, built in one place: for its sender, and later for members, from its record.

use bytes::Bytes;
use hookgate_domain::{DeliveryId, RefusalCode};
use hookgate_gate::{Accepted, Answer, DeliveryRecord, Effect, Refusal, Touched};
use hyper::StatusCode;
use serde_json::Value;

use hookgate_transport::failure::status;
use hookgate_transport::reply::{self, Reply};

/// The answer that was sent to a recorded delivery.
pub struct SentAnswer {
    /// Its status.
    pub status: u16,
    /// Its `Retry-After`, in seconds.
    pub retry_after: Option<u64>,
    /// Its body.
    pub body: Bytes,
}

impl SentAnswer {
    /// Rebuilds the answer from the record; if the record counts several deliveries, that of the first one. `None` if
    /// the sender had left, or if an older version wrote the record and stored too little.
    pub fn of(record: &DeliveryRecord) -> Option<Self> {
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
            Answer::Unmatched => Some(accepted_body(record.summary.id, &[])),
            Answer::Opened | Answer::Updated => {
                let is_known = !record.incidents.is_empty();
                is_known.then(|| accepted_body(record.summary.id, &record.incidents))
            }
        };
        Some(Self {
            status: answered_status(answer),
            retry_after: record.retry_after.map(reply::whole_seconds),
            body: body?,
        })
    }
}

/// The answer to an accepted delivery.
pub(crate) fn accepted(accepted: &Accepted) -> Reply {
    let status = match accepted.effect {
        Effect::Opened => StatusCode::CREATED,
        Effect::Updated | Effect::Unmatched | Effect::Replayed => StatusCode::OK,
    };
    reply::json(status, accepted_body(accepted.delivery, &accepted.incidents))
}

/// `{"success":true,"data":{"delivery_id":"dlv_…","incident":{"id":"INC-1","status":"open"},"incidents":[…]}}`. No
/// value in it needs escaping, so it is formatted without a serializer: it is the answer to every accepted delivery.
fn accepted_body(delivery: DeliveryId, incidents: &[Touched]) -> Bytes {
    let (start, delivery) = (
        &br#"{"success":true,"data":{"delivery_id":""#[..],
        delivery.text(),
    );
    let Some((Touched { number, status }, others)) = incidents.split_first() else {
        let parts = [start, &delivery, br#"","incident":null,"incidents":[]}}"#];
        return parts.concat().into();
    };
    let (mut digits, status) = (itoa::Buffer::new(), status.as_str().as_bytes());
    let number = digits.format(number.get()).as_bytes();
    let others: Vec<u8> = others.iter().flat_map(further_incident).collect();
    // Joined in one step, which allocates exactly what is needed.
    let parts = [
        start,
        &delivery,
        br#"","incident":"#,
        br#"{"id":"INC-"#,
        number,
        br#"","status":""#,
        status,
        br#""},"incidents":[{"id":"INC-"#,
        number,
        br#"","status":""#,
        status,
        br#""}"#,
        &others,
        b"]}}",
    ];
    parts.concat().into()
}

/// `,{"id":"INC-2","status":"open"}`.
fn further_incident(touched: &Touched) -> Vec<u8> {
    let (mut digits, status) = (itoa::Buffer::new(), touched.status.as_str().as_bytes());
    let number = digits.format(touched.number.get()).as_bytes();
    [br#",{"id":"INC-"#, number, br#"","status":""#, status, br#""}"#].concat()
}

/// The answer to a refused delivery.
pub(crate) fn refused(refusal: &Refusal) -> Reply {
    // A sender that closed only its sending side can still read an answer: its request was not well-formed.
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
        reply::set_retry_after(&mut reply, wait);
    }
    reply
}

/// The HTTP status of the answer to a delivery.
#[must_use]
pub fn answered_status(answer: Answer) -> u16 {
    match answer {
        Answer::Opened => 201,
        Answer::Updated | Answer::Unmatched => 200,
        Answer::Refused(code) => status(code).as_u16(),
        Answer::Postponed(_) => 503,
    }
}

#[cfg(test)]
mod tests {
    use hookgate_domain::{IncidentNumber, IncidentStatus};
    use serde_json::json;

    use super::*;

    fn delivery() -> DeliveryId {
        DeliveryId::from_number(i64::MAX).expect("a delivery")
    }

    fn body(incidents: &[Touched]) -> Value {
        serde_json::from_slice(&accepted_body(delivery(), incidents)).expect("JSON")
    }

    #[test]
    fn what_is_accepted_is_answered_with_what_it_touched() {
        for (number, status) in [
            (1, IncidentStatus::Open),
            (9_990, IncidentStatus::Acknowledged),
            (i64::MAX, IncidentStatus::Resolved),
        ] {
            let number = IncidentNumber::new(number).expect("a number");
            let incident = json!({"id": number.to_string(), "status": status.as_str()});
            assert_eq!(
                body(&[Touched { number, status }]),
                json!({"success": true, "data": {"delivery_id": delivery().to_string(), "incident": incident, "incidents": [incident]}})
            );
        }
        assert_eq!(body(&[])["data"]["incident"], Value::Null);
        assert_eq!(body(&[])["data"]["incidents"], json!([]));
    }

    #[test]
    fn all_incidents_are_in_the_answer() {
        let touched = [
            (1, IncidentStatus::Open),
            (22, IncidentStatus::Resolved),
            (3, IncidentStatus::Open),
        ]
        .map(|(number, status)| Touched {
            number: IncidentNumber::new(number).expect("a number"),
            status,
        });
        let listed: Vec<_> = touched
            .iter()
            .map(|touched| json!({"id": touched.number.to_string(), "status": touched.status.as_str()}))
            .collect();
        let data = &body(&touched)["data"];
        assert_eq!(
            (&data["incident"], &data["incidents"]),
            (&listed[0], &json!(listed))
        );
    }
}
