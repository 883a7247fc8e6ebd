//! The port to the storage of webhooks, deliveries and incidents.
//!
//! A store takes domain values and returns domain values; it never judges. It must do three things in one transaction
//! each, because nothing above it can: commit a delivery only for the revision that was judged
//! ([`Store::delivery_commit`]), replace a webhook only if nobody else did ([`Store::webhook_replace`]), and act on an
//! incident as it is in the transaction ([`Store::incident_act`]).
//!
//! A change by an actor is stored only if [`check_actor`](crate::check_actor) accepts the actor in that transaction:
//! its session or token is live, and its role is not lower than before. Otherwise the result is [`StoreError::Actor`].
//!
//! Lookups return `Ok(None)` for what does not exist; [`StoreError`] is for failures. The contract suite in
//! `hookgate-testkit` tests every implementation against the documentation below.

use std::error::Error;

use hookgate_domain::incident::IncidentError;
use hookgate_domain::{
    DeliveryId, Incident, IncidentNumber, IncidentStatus, KnownUrl, RetiredUrl, Severity, Timestamp, Webhook,
    WebhookHandle, WebhookIdDigest, WebhookName,
};
use hookgate_people::NewAudit;
use thiserror::Error;

use crate::{
    AcceptedDelivery, ActorContext, ActorError, AddressStore, Commit, DeliveryFilter, DeliveryRecord,
    DeliverySummary, IncidentAction, IncidentFilter, IncidentRecord, Page, PageSize, Pruned, RefusalKey,
    RefusedDelivery, Retention, RunBounds, RunEnds, SearchStore, Seek, SourceTotals, TopSources, Usage,
    UsageRange, UsageTotals, WebhookUsage,
};

/// Stores webhooks, deliveries and incidents.
pub trait Store: AddressStore + SearchStore + Send + Sync + 'static {
    /// The live webhook or the tombstone of the webhook ID with this digest; `None` if there is neither. The allowlist
    /// of the webhook has the content of its address sets as of its revision or later.
    fn url_by_digest(&self, digest: &WebhookIdDigest) -> impl StoreFuture<Option<KnownUrl>>;

    /// As [`Store::url_by_digest`], for a URL whose webhook is known at this revision. An allowlist may be long, so it
    /// is read only if the revision has changed.
    fn url_since(&self, digest: &WebhookIdDigest, revision: i64) -> impl StoreFuture<UrlSince>;

    /// Commits an accepted delivery and the changes of its incidents together, and returns once all are on disk.
    ///
    /// The changes are made in their order, each on the result of those before it, and each incident counts the
    /// delivery once. A change that opens an incident updates the unresolved incident of its dedup key, if there is one.
    /// Any other change without such an incident changes nothing; only a `resolved` of the format `custom` joins the
    /// newest resolved incident. Beyond [`MAX_NEW_INCIDENTS`](hookgate_domain::incident::MAX_NEW_INCIDENTS) of a webhook
    /// within a minute, new incidents by other formats are folded into one, and a note of the record has their number.
    ///
    /// If the webhook's revision is not the one that was judged, nothing is stored and the result is [`Commit::Stale`].
    /// A known idempotency key stores nothing either: the result is the first answer again, counted on the first
    /// delivery, or [`Commit::IdempotencyConflict`] if the payload differs. The commit goes on if the caller is
    /// dropped.
    fn delivery_commit(&self, delivery: AcceptedDelivery) -> impl StoreFuture<Commit>;

    /// Counts a refusal on the record of identical refusals of this minute, if there are so many that one record stands
    /// for them. Returns `false` if it must be recorded by [`refusal_record`](Self::refusal_record). The count is
    /// written soon.
    fn refusal_count(&self, refusal: RefusalKey) -> bool;

    /// Queues a refused delivery for recording and returns at once. It is written soon; identical refusals beyond a cap
    /// are folded into one record with a count. In a flood that outruns the disk, some may be dropped and only counted.
    fn refusal_record(&self, refusal: RefusedDelivery);

    /// Stores a new webhook, and the entry of the audit trail in the same transaction.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] if its allowlist names a set that does not exist.
    fn webhook_insert(&self, webhook: Webhook, audit: NewAudit) -> impl StoreFuture<()>;

    /// Replaces the webhook at `webhook.revision - 1`. The tombstone of the retired URL and the entry of the audit
    /// trail are stored with it. When this returns, no delivery is committed under the old revision any more.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] if it has another revision by now, or its allowlist names a set that does not exist.
    fn webhook_replace(
        &self,
        webhook: Webhook,
        retired: Option<RetiredUrl>,
        audit: NewAudit,
    ) -> impl StoreFuture<()>;

    /// The webhook with this handle. Its allowlist is as for [`Store::url_by_digest`].
    fn webhook_by_handle(&self, handle: WebhookHandle) -> impl StoreFuture<Option<Webhook>>;

    /// The webhooks with this name, at most two: enough to tell one from several. Live ones come first.
    fn webhooks_by_name(&self, name: &WebhookName) -> impl StoreFuture<Vec<Webhook>>;

    /// Webhooks in the order of their handles, which is the order of their creation, behind `after`.
    fn webhook_page(&self, after: Option<WebhookHandle>, size: PageSize) -> impl StoreFuture<Vec<Webhook>>;

    /// The numbers of live and revoked webhooks, and the time when the oldest live URL was issued.
    fn webhook_counts(&self) -> impl StoreFuture<WebhookCounts>;

    /// Records of deliveries that match the filter: newest first, or oldest first behind [`Seek::After`].
    fn delivery_page(
        &self,
        filter: &DeliveryFilter,
        seek: Seek,
        size: PageSize,
    ) -> impl StoreFuture<Page<DeliverySummary, DeliveryId>>;

    /// The record of one delivery.
    fn delivery_by_id(&self, id: DeliveryId) -> impl StoreFuture<Option<DeliveryRecord>>;

    /// The deliveries that opened and updated an incident, in the order of [`Store::delivery_page`]. Deliveries that
    /// retention has removed are missing.
    fn deliveries_of_incident(
        &self,
        number: IncidentNumber,
        seek: Seek,
        size: PageSize,
    ) -> impl StoreFuture<Page<DeliverySummary, DeliveryId>>;

    /// Incidents that match the filter, newest first, older than `before`.
    fn incident_page(
        &self,
        filter: IncidentFilter,
        before: Option<IncidentNumber>,
        size: PageSize,
    ) -> impl StoreFuture<Page<Incident, IncidentNumber>>;

    /// The incident with this number.
    fn incident_by_number(&self, number: IncidentNumber) -> impl StoreFuture<Option<Incident>>;

    /// Applies [`IncidentAction::apply`] to the incident as it is in the transaction, stores the event and the entry of
    /// the audit trail with it, and returns the incident after the action. The inner error is the rule that refused;
    /// nothing is stored then.
    fn incident_act(
        &self,
        number: IncidentNumber,
        action: IncidentAction,
        actor: ActorContext,
        now: Timestamp,
    ) -> impl StoreFuture<Option<Result<Incident, IncidentError>>>;

    /// The events of an incident, oldest first: changes by its deliveries beyond their count, and by people. At most
    /// [`MAX_EVENTS`](crate::MAX_EVENTS); empty if there is no such incident.
    fn incident_events(&self, number: IncidentNumber) -> impl StoreFuture<Vec<IncidentRecord>>;

    /// The ends of each of these runs of deliveries that updated an incident, in the given order; `None` where no
    /// delivery is kept. It is one query for all runs.
    fn incident_runs(
        &self,
        number: IncidentNumber,
        runs: &[RunBounds],
    ) -> impl StoreFuture<Vec<Option<RunEnds>>>;

    /// Accepted and refused deliveries of a webhook, or of all, over time. It includes every delivery that was answered
    /// before; refusals once they are on record, folded or not. A retry that replays an answer is not counted.
    fn usage(
        &self,
        webhook: Option<WebhookHandle>,
        range: UsageRange,
        now: Timestamp,
    ) -> impl StoreFuture<Usage>;

    /// The last 24 hours of these webhooks and their last delivery, in the given order. At most 200 webhooks are
    /// answered; an unknown one has no deliveries.
    fn usage_many(&self, webhooks: &[WebhookHandle], now: Timestamp) -> impl StoreFuture<Vec<WebhookUsage>>;

    /// The sources of a webhook with most deliveries within the range. Sources are counted by the day (UTC): sources
    /// without a delivery within the range are left out, and the counts of the others begin with the first day of the
    /// range.
    fn top_sources(
        &self,
        webhook: WebhookHandle,
        range: UsageRange,
        limit: PageSize,
        now: Timestamp,
    ) -> impl StoreFuture<TopSources>;

    /// Every source that the webhook accepted a delivery from since `since`, counted as for [`Store::top_sources`].
    fn accepted_sources(&self, webhook: WebhookHandle, since: Timestamp) -> impl StoreFuture<SourceTotals>;

    /// The deliveries of the last 24 hours, by the hour as for [`Store::usage_many`], of each live webhook that refused
    /// any in that time: at most [`MAX_FAILING_WEBHOOKS`] webhooks, in no order.
    fn recent_refusals(&self, now: Timestamp) -> impl StoreFuture<Vec<(WebhookHandle, UsageTotals)>>;

    /// The numbers of unresolved incidents by status and severity. Of each status, the newest [`MAX_COUNTED_INCIDENTS`]
    /// are counted. A pair without incidents is left out.
    fn incident_counts(&self) -> impl StoreFuture<Vec<IncidentCount>>;

    /// Removes one small slice of expired history, or of the oldest if the history takes too much space. The caller
    /// repeats it until nothing is removed.
    fn history_prune(&self, retention: Retention, now: Timestamp) -> impl StoreFuture<Pruned>;
}

/// The future of a store's method, which gives a `T` or a [`StoreError`]. An implementation is an `async fn`.
pub trait StoreFuture<T>: Future<Output = Result<T, StoreError>> + Send {}

impl<T, F: Future<Output = Result<T, StoreError>> + Send> StoreFuture<T> for F {}

/// Maximum number of webhooks that are examined for failing ones: a bound on memory and time per query.
pub const MAX_FAILING_WEBHOOKS: u32 = 10_000;

/// Maximum number of incidents of a status that are counted. Nobody works on more, and counting them takes some
/// milliseconds.
pub const MAX_COUNTED_INCIDENTS: u32 = 10_000;

/// The result of comparing a URL with a known revision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UrlSince {
    /// The URL leads to the webhook at the same revision.
    Unchanged,
    /// The URL leads elsewhere, to another revision, or nowhere.
    Changed(Option<Box<KnownUrl>>),
}

/// The number of incidents with this status and severity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IncidentCount {
    /// Open or acknowledged.
    pub status: IncidentStatus,
    /// Severity of the incidents.
    pub severity: Severity,
    /// Number of incidents.
    pub count: u64,
}

/// Numbers of webhooks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WebhookCounts {
    /// Webhooks with an active URL.
    pub active: u64,
    /// Number of revoked webhooks.
    pub revoked: u64,
    /// Time when the oldest of the live URLs was issued.
    pub oldest_issued_at: Option<Timestamp>,
}

/// Errors of a store, by what the caller can do next.
#[derive(Debug, Error)]
pub enum StoreError {
    /// Another caller changed the data meanwhile: read it again and repeat.
    #[error("changed by someone else in the meantime")]
    Conflict,
    /// The actor may no longer act: nothing was stored.
    #[error(transparent)]
    Actor(#[from] ActorError),
    /// The store can't be reached or is too busy: try again later.
    #[error("store is unavailable: {what}")]
    Unavailable {
        /// The operation that failed.
        what: &'static str,
        /// The cause, if a layer below reports one.
        #[source]
        source: Option<Box<dyn Error + Send + Sync>>,
    },
    /// A stored value can't be decoded: an operator has to look at it.
    #[error("damaged data: {what}")]
    Corrupt {
        /// Table, row and column of the value, without its content.
        what: String,
    },
}
