//! Rows of `deliveries`.

use std::time::Duration;

use diesel::dsl::IsNotNull;
use diesel::{ExpressionMethods, Queryable, Selectable};
use hookgate_domain::client_address::Trail;
use hookgate_domain::{DeliveryId, IncidentNumber, IncidentStatus, RefusalCode, RequestId, Timestamp};
use hookgate_gate::{Answer, DeliveryRecord, DeliverySummary, NoPayload, Outcome, Touched};

use super::notes::read_notes;
use super::touched::TouchedRow;
use crate::query_error::CorruptRow;
use crate::rows::{read_address, read_handle};
use crate::schema::deliveries;

const TABLE: &str = "deliveries";

const OPENED: &str = "opened";
const UPDATED: &str = "updated";
const UNMATCHED: &str = "unmatched";
const REFUSED: &str = "refused";
const POSTPONED: &str = "postponed";

/// The columns that lists show.
#[derive(Queryable, Selectable)]
#[diesel(table_name = deliveries, check_for_backend(diesel::sqlite::Sqlite, diesel::pg::Pg))]
pub(crate) struct SummaryRow {
    id: i64,
    received_at: i64,
    source: Vec<u8>,
    user_agent: Option<String>,
    answer: String,
    code: Option<String>,
    incident: Option<i64>,
    count: i64,
    took_us: Option<i64>,
    notes: Option<String>,
    request_id: Option<Vec<u8>>,
    #[diesel(select_expression = deliveries::trail.is_not_null())]
    #[diesel(select_expression_type = IsNotNull<deliveries::trail>)]
    has_trail: bool,
}

impl SummaryRow {
    /// The number of the record.
    pub(crate) const fn id(&self) -> i64 {
        self.id
    }

    /// The summary, with handle and name of its webhook from the join.
    pub(crate) fn read(self, handle: &str, name: String) -> Result<DeliverySummary, CorruptRow> {
        let row = self.id;
        let corrupt = |column| move || CorruptRow::at(TABLE, row, column);
        let incident = self
            .incident
            .map(|number| IncidentNumber::new(number).ok_or_else(corrupt("incident")));
        let took = self
            .took_us
            .map(|micros| u64::try_from(micros).ok().ok_or_else(corrupt("took_us")));
        let request_id = self.request_id.map(|bytes| {
            let bytes = <[u8; 16]>::try_from(bytes).map_err(|_| corrupt("request_id")())?;
            Ok(RequestId::from_bytes(bytes))
        });
        let answer = read_answer(&self.answer, self.code.as_deref()).ok_or_else(corrupt("answer"))?;
        Ok(DeliverySummary {
            id: DeliveryId::from_number(self.id).ok_or_else(corrupt("id"))?,
            webhook: read_handle(handle)?,
            webhook_name: name,
            received_at: Timestamp::from_micros(self.received_at),
            source: read_address(&self.source).ok_or_else(corrupt("source"))?,
            user_agent: self.user_agent,
            answer,
            would_be_refused: self.has_trail && answer.outcome() == Outcome::Accepted,
            incident: incident.transpose()?,
            count: self.count,
            request_id: request_id.transpose()?,
            took: took.transpose()?.map(Duration::from_micros),
            notes: read_notes(self.notes.as_deref()).ok_or_else(corrupt("notes"))?,
        })
    }
}

/// A whole row, as it is read.
#[derive(Queryable, Selectable)]
#[diesel(table_name = deliveries, check_for_backend(diesel::sqlite::Sqlite, diesel::pg::Pg))]
pub(crate) struct DeliveryRow {
    #[diesel(embed)]
    summary: SummaryRow,
    headers: Option<String>,
    payload: Option<Vec<u8>>,
    trail: Option<String>,
    incident_status: Option<String>,
    details: Option<String>,
    retry_after: Option<i64>,
    no_payload: Option<String>,
    payload_bytes: Option<i64>,
}

impl DeliveryRow {
    /// The record, with handle and name of its webhook from the join, and its incidents if it touched several.
    pub(crate) fn read(
        self,
        handle: &str,
        name: String,
        touched: &[TouchedRow],
    ) -> Result<DeliveryRecord, CorruptRow> {
        let row = self.summary.id;
        let headers = self.headers.as_deref().map(serde_json::from_str);
        let trail = self.trail.as_deref().map(str::parse::<Trail>);
        let corrupt = |column| move || CorruptRow::at(TABLE, row, column);
        let status = self
            .incident_status
            .map(|word| word.parse().ok().ok_or_else(corrupt("incident_status")));
        let wait = self
            .retry_after
            .map(|seconds| u64::try_from(seconds).ok().ok_or_else(corrupt("retry_after")));
        let no_payload = self
            .no_payload
            .map(|word| read_no_payload(&word).ok_or_else(corrupt("no_payload")));
        let payload_bytes = self
            .payload_bytes
            .map(|bytes| u64::try_from(bytes).ok().ok_or_else(corrupt("payload_bytes")));
        let summary = self.summary.read(handle, name)?;
        let mut incidents: Vec<_> = touched.iter().map(TouchedRow::read).collect::<Result<_, _>>()?;
        if incidents.is_empty() {
            let only = summary.incident.zip(status.transpose()?);
            incidents.extend(only.map(|(number, status)| Touched { number, status }));
        }
        Ok(DeliveryRecord {
            incidents,
            details: self.details,
            retry_after: wait.transpose()?.map(Duration::from_secs),
            no_payload: no_payload.transpose()?,
            payload_bytes: payload_bytes.transpose()?,
            trail: trail
                .transpose()
                .map_err(|_| CorruptRow::at(TABLE, row, "trail"))?,
            headers: headers
                .transpose()
                .map_err(|_| CorruptRow::at(TABLE, row, "headers"))?
                // The column is empty if no headers were recorded.
                .unwrap_or_default(),
            payload: self.payload,
            summary,
        })
    }
}

/// A row to write. It borrows, because it is written for every delivery.
pub(crate) struct NewDelivery<'a> {
    pub(crate) id: i64,
    pub(crate) organization: i64,
    pub(crate) webhook: i64,
    pub(crate) received_at: i64,
    pub(crate) source: [u8; 16],
    pub(crate) user_agent: Option<&'a str>,
    pub(crate) answer: &'static str,
    pub(crate) code: Option<&'static str>,
    pub(crate) incident: Option<i64>,
    pub(crate) count: i64,
    pub(crate) took_us: i64,
    pub(crate) headers: Option<&'a str>,
    pub(crate) payload: Option<&'a [u8]>,
    pub(crate) trail: Option<String>,
    pub(crate) notes: Option<String>,
    pub(crate) request_id: Option<[u8; 16]>,
    pub(crate) incident_status: Option<&'static str>,
    pub(crate) details: Option<&'a str>,
    pub(crate) retry_after: Option<i64>,
    pub(crate) no_payload: Option<&'static str>,
    pub(crate) payload_bytes: Option<i64>,
    /// Bytes that the record takes.
    pub(crate) weight: i64,
    /// Bytes that its incident grew by.
    pub(crate) grown: i64,
}

impl NewDelivery<'_> {
    /// `true` if it has only the columns that every accepted delivery with a payload has, as most have.
    pub(crate) const fn is_plain(&self) -> bool {
        self.code.is_none()
            && self.trail.is_none()
            && self.notes.is_none()
            && self.details.is_none()
            && self.retry_after.is_none()
            && self.no_payload.is_none()
            && self.payload_bytes.is_none()
    }

    /// `true` if it is plain and opened an incident that is open, as most deliveries do.
    pub(crate) fn is_opening(&self) -> bool {
        self.answer == OPENED
            && self.incident_status == Some(IncidentStatus::Open.as_str())
            && self.count == 1
            && self.is_plain()
    }
}

/// The columns `answer` and `code` of an answer.
pub(crate) fn answer_words(answer: Answer) -> (&'static str, Option<&'static str>) {
    let word = match answer {
        Answer::Opened => OPENED,
        Answer::Updated => UPDATED,
        Answer::Unmatched => UNMATCHED,
        Answer::Refused(_) => REFUSED,
        Answer::Postponed(_) => POSTPONED,
    };
    (word, answer.code().map(RefusalCode::as_str))
}

/// The answer from its two columns.
pub(crate) fn read_answer(answer: &str, code: Option<&str>) -> Option<Answer> {
    let code = code.map(str::parse::<RefusalCode>).transpose().ok()?;
    match (answer, code) {
        (OPENED, None) => Some(Answer::Opened),
        (UPDATED, None) => Some(Answer::Updated),
        (UNMATCHED, None) => Some(Answer::Unmatched),
        (REFUSED, Some(code)) => Some(Answer::Refused(code)),
        (POSTPONED, Some(code)) => Some(Answer::Postponed(code)),
        _ => None,
    }
}

fn read_no_payload(word: &str) -> Option<NoPayload> {
    NoPayload::ALL.into_iter().find(|why| why.as_str() == word)
}

/// Whole seconds as their column has them, rounded up.
pub(crate) fn seconds_up(wait: Duration) -> i64 {
    let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
    i64::try_from(seconds).unwrap_or(i64::MAX)
}
