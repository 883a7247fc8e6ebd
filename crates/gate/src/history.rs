//! The history of deliveries: what a record tells, how it is asked for, how long it is kept.

mod no_payload;

use std::net::IpAddr;
use std::num::NonZeroU64;
use std::time::Duration;

use hookgate_domain::{
    DeliveryId, IncidentNumber, IncidentStatus, Note, RefusalCode, RequestId, Timestamp, Trail,
    WebhookHandle, address_bytes, network_bounds,
};
use ipnetwork::IpNetwork;

use crate::{ActorContext, Gate, Store, StoreError, record_for};
pub use no_payload::NoPayload;

/// Most rows of one page: a bound on memory per question.
const MAX_PAGE: u16 = 200;
const DAY: Duration = Duration::from_hours(24);

/// All that is on the record of a delivery.
#[derive(Clone, Debug, PartialEq)]
pub struct DeliveryRecord {
    /// What lists show of it.
    pub summary: DeliverySummary,
    /// How its source was found, if it was refused for it, or would have been.
    pub trail: Option<Trail>,
    /// The headers of the request, without secrets and cut to what is kept; empty if none were.
    pub headers: Vec<(String, String)>,
    /// The body, if it was read and kept; of a refused delivery its first part.
    pub payload: Option<Vec<u8>>,
    /// Bytes of the whole body, if `payload` is only its first part.
    pub payload_bytes: Option<u64>,
    /// Why it was not kept; `None` if it was, or if an older version wrote the record.
    pub no_payload: Option<NoPayload>,
    /// The status of the incident that its answer told, if it was accepted.
    pub incident_status: Option<IncidentStatus>,
    /// What exactly its answer told to be at fault, as JSON.
    pub details: Option<String>,
    /// When its answer told to come again.
    pub retry_after: Option<Duration>,
}

impl DeliveryRecord {
    /// Why its payload is not there; `None` if it is. What was kept and is gone has expired.
    #[must_use]
    pub fn why_no_payload(&self) -> Option<NoPayload> {
        match (&self.payload, self.no_payload) {
            (Some(_), _) => None,
            (None, why) => Some(why.unwrap_or(NoPayload::Expired)),
        }
    }
}

/// What a list shows of a delivery: all but what may be large.
#[derive(Clone, Debug, PartialEq)]
pub struct DeliverySummary {
    /// Its name, and its place in the order of commits.
    pub id: DeliveryId,
    /// The webhook it went to.
    pub webhook: WebhookHandle,
    /// What people call that webhook now.
    pub webhook_name: String,
    /// When it came.
    pub received_at: Timestamp,
    /// Where it came from.
    pub source: IpAddr,
    /// How the sender called itself.
    pub user_agent: Option<String>,
    /// What it was answered.
    pub answer: Answer,
    /// Whether it passed only because its webhook observes: its address would have been refused.
    pub would_be_refused: bool,
    /// The incident that it opened or updated.
    pub incident: Option<IncidentNumber>,
    /// How many deliveries this record stands for: retries of it, or refusals folded into it.
    pub count: i64,
    /// What was changed about it so that it could be taken; mostly nothing.
    pub notes: Vec<Note>,
    /// The name of the request, of the first one if it stands for several. Older versions did not keep it.
    pub request_id: Option<RequestId>,
    /// How long it took from the complete head of the request until it was handed to the store. Older versions did not
    /// measure it.
    pub took: Option<Duration>,
}

/// What a delivery was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Accepted: it opened an incident.
    Opened,
    /// Accepted: it updated an incident.
    Updated,
    /// Accepted: it says `resolved`, and there was nothing to resolve.
    Unmatched,
    /// Refused.
    Refused(RefusalCode),
    /// Refused, told as a temporary failure.
    Postponed(RefusalCode),
}

impl Answer {
    /// Whether it was accepted or refused.
    #[must_use]
    pub const fn outcome(self) -> Outcome {
        match self {
            Self::Opened | Self::Updated | Self::Unmatched => Outcome::Accepted,
            Self::Refused(_) | Self::Postponed(_) => Outcome::Refused,
        }
    }

    /// The refusal code, if refused.
    #[must_use]
    pub const fn code(self) -> Option<RefusalCode> {
        match self {
            Self::Opened | Self::Updated | Self::Unmatched => None,
            Self::Refused(code) | Self::Postponed(code) => Some(code),
        }
    }
}

/// Whether a delivery passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It passed.
    Accepted,
    /// It did not pass.
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

/// Which records are asked for; the default asks for all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeliveryFilter {
    /// Of this webhook.
    pub webhook: Option<WebhookHandle>,
    /// With this outcome.
    pub outcome: Option<Outcome>,
    /// Refused with this code.
    pub code: Option<RefusalCode>,
    /// Only those that passed because their webhook observes.
    pub would_be_refused: bool,
    /// From an address in this network.
    pub source: Option<IpNetwork>,
    /// Received at this time or later. Records that the clock put out of order by more than [`CLOCK_MARGIN`] may be
    /// missed.
    pub from: Option<Timestamp>,
    /// Received before this time; the same holds.
    pub to: Option<Timestamp>,
    /// Of the request with this name. It is looked for around the time in the name.
    pub request_id: Option<RequestId>,
}

impl DeliveryFilter {
    /// Whether this record is asked for.
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

    /// Whether a record received at this time is asked for.
    #[must_use]
    pub fn spans(&self, received_at: Timestamp) -> bool {
        self.from.is_none_or(|from| received_at >= from) && self.to.is_none_or(|to| received_at < to)
    }

    /// The times that a record may have: within those that are asked for, and around that in the request's name.
    #[must_use]
    pub fn times(&self) -> (Option<Timestamp>, Option<Timestamp>) {
        let Some(at) = self.request_id.map(RequestId::at) else {
            return (self.from, self.to);
        };
        // Before it as well: a clock may be set back meanwhile.
        let (first, end) = (at.before(REQUEST_LIFE), at.after(REQUEST_LIFE));
        let from = self.from.map_or(first, |from| from.max(first));
        (Some(from), Some(self.to.map_or(end, |to| to.min(end))))
    }
}

/// Longest time from the head of a request to its record: 15 seconds for the body, and the waits for a turn and for the store.
const REQUEST_LIFE: Duration = Duration::from_mins(1);

/// How far the times of records may be out of the order of their commits, for a filter by time to find them all: requests
/// overtake each other, and clocks are set. Anything within it is looked through row by row.
pub const CLOCK_MARGIN: Duration = Duration::from_mins(2);

/// Which incidents are asked for; the default asks for all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct IncidentFilter {
    /// With this status.
    pub status: Option<IncidentStatus>,
    /// Opened by this webhook.
    pub webhook: Option<WebhookHandle>,
}

/// A page of a list.
///
/// A store looks at a bounded number of rows for it. So where few rows match, a page may have less rows than were asked
/// for, or none, and still not be the last one: that is told by `next` alone.
#[derive(Clone, Debug, PartialEq)]
pub struct Page<T, K> {
    /// What was found, in the order that was asked for.
    pub items: Vec<T>,
    /// Where the next page in the same direction goes on; `None` behind the last one.
    pub next: Option<K>,
}

impl<T, K> Page<T, K> {
    /// A page of what was found by [`PageSize::and_one`]. It goes on behind its last item if one more was found, or else from
    /// where the store stopped looking: so no page that is full leads to an empty one.
    pub fn new(mut items: Vec<T>, size: PageSize, key: impl Fn(&T) -> K, stopped: Option<K>) -> Self {
        let most = usize::from(size.rows());
        let has_more = items.len() > most;
        items.truncate(most);
        let next = if has_more { items.last().map(key) } else { stopped };
        Self { items, next }
    }
}

/// Where in the history a page begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seek {
    /// At the newest record, going back.
    Newest,
    /// At the record before this one, going back.
    Before(DeliveryId),
    /// At the record after this one, going forward; `None` is the very first.
    After(Option<DeliveryId>),
}

/// How many rows a page has, 1 to 200.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageSize(u16);

impl PageSize {
    /// The largest page.
    pub const MAX: Self = Self(MAX_PAGE);

    /// So many rows; `None` for 0 and above 200.
    #[must_use]
    pub const fn new(rows: u16) -> Option<Self> {
        if rows == 0 || rows > MAX_PAGE {
            None
        } else {
            Some(Self(rows))
        }
    }

    /// One row more than is shown, which tells whether another page follows.
    #[must_use]
    pub const fn and_one(self) -> Self {
        Self(self.0 + 1)
    }

    /// How many rows.
    #[must_use]
    pub const fn rows(self) -> u16 {
        self.0
    }
}

impl Default for PageSize {
    fn default() -> Self {
        Self(50)
    }
}

/// How long the history is kept: by age and by size, whichever is reached first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// Age at which records go.
    pub deliveries: Duration,
    /// Age at which payloads go; the rest of the record stays.
    pub payloads: Duration,
    /// Size of the store, in bytes, above which the oldest records go.
    pub bytes: NonZeroU64,
}

impl Default for Retention {
    /// 90 days or 10 GiB, payloads 30 days.
    fn default() -> Self {
        let gibibyte = NonZeroU64::MIN.saturating_add((1 << 30) - 1);
        Self {
            deliveries: 90 * DAY,
            payloads: 30 * DAY,
            bytes: gibibyte.saturating_mul(NonZeroU64::MIN.saturating_add(9)),
        }
    }
}

/// What one step of retention removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pruned {
    /// Records of deliveries.
    pub deliveries: u64,
    /// Payloads of records that stay.
    pub payloads: u64,
    /// Incidents that nothing has touched for as long as deliveries are kept.
    pub incidents: u64,
    /// Idempotency keys past their window.
    pub keys: u64,
    /// Sessions and sign-in links that are over, and entries of the audit trail.
    pub people: u64,
    /// Counts of usage, and of what sources sent.
    pub counts: u64,
    /// It stopped before it had looked at everything.
    pub unfinished: bool,
}

impl Pruned {
    /// Whether there was nothing to remove, and nothing is left to look at.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl<S: Store> Gate<S> {
    /// A delivery as the actor sees it; `None` if it is not on record.
    ///
    /// # Errors
    /// [`StoreError`] if the store can't tell.
    pub async fn delivery(
        &self,
        acting: &ActorContext,
        id: DeliveryId,
    ) -> Result<Option<DeliveryRecord>, StoreError> {
        let found = self.store.delivery_by_id(id).await?;
        Ok(found.map(|record| record_for(acting.role(), record)))
    }

    /// The delivery of the request with this ID, however many came in the minutes around it; `None` if it is not on record, or
    /// if the record stands for an earlier one like it.
    ///
    /// # Errors
    /// [`StoreError`] if the store can't tell.
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
