//! Records of deliveries, and their filters.

mod no_payload;

use std::net::IpAddr;
use std::time::Duration;

use hookgate_domain::client_address::Trail;
use hookgate_domain::draft::Note;
use hookgate_domain::networks::{address_bytes, network_bounds};
use hookgate_domain::{
    DeliveryId, IncidentNumber, IncidentStatus, RefusalCode, RequestId, Timestamp, WebhookHandle,
};
use ipnetwork::IpNetwork;

use crate::{ActorContext, Gate, PageSize, Seek, Store, StoreError, Touched, record_for};
pub use no_payload::NoPayload;

/// The complete record of a delivery.
#[derive(Clone, Debug, PartialEq)]
pub struct DeliveryRecord {
    /// The part that lists show.
    pub summary: DeliverySummary,
    /// The trail of the source, if the source was refused, or would have been.
    pub trail: Option<Trail>,
    /// The recorded headers, without secrets and bounded; empty if none were recorded.
    pub headers: Vec<(String, String)>,
    /// The body, if it was read and kept; of a refused delivery only the first part.
    pub payload: Option<Vec<u8>>,
    /// Size of the whole body in bytes, if `payload` is only its first part.
    pub payload_bytes: Option<u64>,
    /// The reason for which no payload was stored; `None` if one was, or if an older version wrote the record.
    pub no_payload: Option<NoPayload>,
    /// The incidents in the answer, with their status then, if the delivery was accepted. Older versions did not record
    /// the status, so their records have none.
    pub incidents: Vec<Touched>,
    /// Details of the refusal in the answer, as JSON.
    pub details: Option<String>,
    /// `Retry-After` of the answer.
    pub retry_after: Option<Duration>,
}

impl DeliveryRecord {
    /// The numbers of the incidents that it opened or updated.
    pub fn incident_numbers(&self) -> impl Iterator<Item = IncidentNumber> {
        let known = self.incidents.iter().map(|touched| touched.number);
        // A record of an older version has no more than the number.
        known.chain(self.summary.incident.filter(|_| self.incidents.is_empty()))
    }

    /// The reason for a missing payload; `None` if there is a payload. A stored payload that is gone has expired.
    #[must_use]
    pub fn why_no_payload(&self) -> Option<NoPayload> {
        match (&self.payload, self.no_payload) {
            (Some(_), _) => None,
            (None, why) => Some(why.unwrap_or(NoPayload::Expired)),
        }
    }
}

/// The part of a record that lists show: all but what may be large.
#[derive(Clone, Debug, PartialEq)]
pub struct DeliverySummary {
    /// The delivery ID, which is also its place in the order of commits.
    pub id: DeliveryId,
    /// The webhook it went to.
    pub webhook: WebhookHandle,
    /// The present name of that webhook.
    pub webhook_name: String,
    /// Time of receipt.
    pub received_at: Timestamp,
    /// The source address.
    pub source: IpAddr,
    /// `User-Agent`.
    pub user_agent: Option<String>,
    /// The answer to the sender.
    pub answer: Answer,
    /// `true` if the delivery passed only because its webhook observes: its address would have been refused.
    pub would_be_refused: bool,
    /// The first incident that it opened or updated.
    pub incident: Option<IncidentNumber>,
    /// Number of deliveries that this record stands for: retries of it, or refusals folded into it.
    pub count: i64,
    /// Changes that were made to accept the payload; mostly none.
    pub notes: Vec<Note>,
    /// The request ID, of the first request if the record stands for several. Older versions did not record it.
    pub request_id: Option<RequestId>,
    /// Time from the complete head of the request to its handing over to the store. Older versions did not measure it.
    pub took: Option<Duration>,
}

/// The answer to a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Accepted: the delivery opened an incident.
    Opened,
    /// Accepted: the delivery opened none and updated an incident.
    Updated,
    /// Accepted: no incident matched, and the delivery opens none.
    Unmatched,
    /// Refused.
    Refused(RefusalCode),
    /// Refused, answered as a temporary failure.
    Postponed(RefusalCode),
}

impl Answer {
    /// The outcome: accepted or refused.
    #[must_use]
    pub const fn outcome(self) -> Outcome {
        match self {
            Self::Opened | Self::Updated | Self::Unmatched => Outcome::Accepted,
            Self::Refused(_) | Self::Postponed(_) => Outcome::Refused,
        }
    }

    /// The refusal code, if the delivery was refused.
    #[must_use]
    pub const fn code(self) -> Option<RefusalCode> {
        match self {
            Self::Opened | Self::Updated | Self::Unmatched => None,
            Self::Refused(code) | Self::Postponed(code) => Some(code),
        }
    }
}

/// The outcome of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The delivery passed.
    Accepted,
    /// The delivery did not pass.
    Refused,
}

impl Outcome {
    /// `accepted` or `refused`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Refused => "refused",
        }
    }
}

/// A filter for records of deliveries; the default matches all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeliveryFilter {
    /// Records of this webhook.
    pub webhook: Option<WebhookHandle>,
    /// Records with this outcome.
    pub outcome: Option<Outcome>,
    /// Refusals with this code.
    pub code: Option<RefusalCode>,
    /// If `true`, only deliveries that passed because their webhook observes.
    pub would_be_refused: bool,
    /// Records from an address in this network.
    pub source: Option<IpNetwork>,
    /// Records received at this time or later. Records that the clock put out of order by more than [`CLOCK_MARGIN`]
    /// may be missed.
    pub from: Option<Timestamp>,
    /// Records received before this time, with the same restriction.
    pub to: Option<Timestamp>,
    /// The record of the request with this ID. It is searched for around the time in the ID.
    pub request_id: Option<RequestId>,
}

impl DeliveryFilter {
    /// `true` if the record matches the filter.
    #[must_use]
    pub fn matches(&self, record: &DeliverySummary) -> bool {
        let source = address_bytes(record.source);
        let is_from = |network| {
            let (lowest, highest) = network_bounds(network);
            lowest <= source && source <= highest
        };
        self.webhook.is_none_or(|webhook| record.webhook == webhook)
            && self
                .outcome
                .is_none_or(|outcome| record.answer.outcome() == outcome)
            && (!self.would_be_refused || record.would_be_refused)
            && self.code.is_none_or(|code| record.answer.code() == Some(code))
            && self.source.is_none_or(is_from)
            && self.request_id.is_none_or(|id| record.request_id == Some(id))
            && self.spans(record.received_at)
    }

    /// `true` if the filter matches this time of receipt.
    #[must_use]
    pub fn spans(&self, received_at: Timestamp) -> bool {
        self.from.is_none_or(|from| received_at >= from) && self.to.is_none_or(|to| received_at < to)
    }

    /// The times of receipt that a matching record may have: within the filter's own times, and around the time in the
    /// request ID.
    #[must_use]
    pub fn times(&self) -> (Option<Timestamp>, Option<Timestamp>) {
        let Some(at) = self.request_id.map(RequestId::at) else {
            return (self.from, self.to);
        };
        // Also before the time in the ID: a clock may be set back meanwhile.
        let (first, end) = (at.before(REQUEST_LIFE), at.after(REQUEST_LIFE));
        let from = self.from.map_or(first, |from| from.max(first));
        (Some(from), Some(self.to.map_or(end, |to| to.min(end))))
    }
}

/// Maximum time from the head of a request to its record: 15 seconds for the body, and the waits for a turn and for the
/// store.
const REQUEST_LIFE: Duration = Duration::from_mins(1);

/// Maximum difference between the order of receipt times and the order of commits for which a filter by time finds all
/// records: requests overtake each other, and clocks are set. Records within this margin are scanned row by row.
pub const CLOCK_MARGIN: Duration = Duration::from_mins(2);

/// A filter for incidents; the default matches all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct IncidentFilter {
    /// Incidents with this status.
    pub status: Option<IncidentStatus>,
    /// Incidents opened by this webhook.
    pub webhook: Option<WebhookHandle>,
}

impl<S: Store> Gate<S> {
    /// The record of a delivery as far as the actor may see it; `None` if there is no such record.
    ///
    /// # Errors
    /// [`StoreError`] if the store fails.
    pub async fn delivery(
        &self,
        actor: &ActorContext,
        id: DeliveryId,
    ) -> Result<Option<DeliveryRecord>, StoreError> {
        let found = self.store.delivery_by_id(id).await?;
        Ok(found.map(|record| record_for(actor.role(), record)))
    }

    /// The delivery of the request with this ID, however many came in the minutes around it; `None` if it is not on
    /// record, or if the record stands for an earlier delivery of the same kind.
    ///
    /// # Errors
    /// [`StoreError`] if the store fails.
    pub async fn delivery_by_request(&self, id: RequestId) -> Result<Option<DeliveryId>, StoreError> {
        let filter = DeliveryFilter {
            request_id: Some(id),
            ..DeliveryFilter::default()
        };
        let mut seek = Seek::Newest;
        loop {
            let page = self
                .store
                .delivery_page(&filter, seek, PageSize::default())
                .await?;
            match (page.items.first(), page.next) {
                (Some(found), _) => return Ok(Some(found.id)),
                (None, Some(next)) => seek = Seek::Before(next),
                (None, None) => return Ok(None),
            }
        }
    }
}
