//! The port to whatever keeps webhooks, deliveries and incidents.
//!
//! A store is handed domain values and gives domain values back; it never judges. Three things it must do in one
//! transaction each, because nothing above it can: commit a delivery only for the revision that was judged
//! ([`Store::delivery_commit`]), replace a webhook only if nobody else did ([`Store::webhook_replace`]), and act on an
//! incident as it is, not as it was ([`Store::incident_act`]).
//!
//! A change by an actor is stored only if [`check_actor`](crate::check_actor) takes the actor as it is in that transaction: its
//! session lives, or its token works, and its role is not lower than it was. Otherwise it is [`StoreError::Actor`].
//!
//! Lookups answer `Ok(None)` for what is not there; [`StoreError`] is for what could not be told. The contract suite
//! in `hookgate-testkit` holds every implementation to the words below.

use std::error::Error;

use hookgate_domain::{
    DeliveryId, Incident, IncidentError, IncidentNumber, IncidentStatus, KnownUrl, NewAudit, RetiredUrl,
    Severity, Timestamp, Webhook, WebhookHandle, WebhookIdDigest, WebhookName,
};
use thiserror::Error;

use crate::history::{
    DeliveryFilter, DeliveryRecord, DeliverySummary, IncidentFilter, Page, PageSize, Pruned, Retention, Seek,
};
use crate::sources::{SourceTotals, TopSources};
use crate::usage::{Usage, UsageRange, UsageTotals, WebhookUsage};
use crate::{
    AcceptedDelivery, ActorContext, ActorError, AddressStore, Commit, IncidentAction, IncidentRecord,
    RefusalKey, RefusedDelivery, RunBounds, RunEnds, SearchStore,
};

/// Keeps webhooks, deliveries and incidents.
pub trait Store: AddressStore + SearchStore + Send + Sync + 'static {
    /// What the webhook ID with this digest leads to: a live webhook, a tombstone, or nothing. The allowlist of a webhook
    /// has what its address sets hold, as of no earlier than its revision.
    fn url_by_digest(
        &self,
        digest: &WebhookIdDigest,
    ) -> impl Future<Output = Result<Option<KnownUrl>, StoreError>> + Send;

    /// The same for a URL of which a webhook at this revision is known already. An allowlist may be long, so it is read only
    /// if the revision is another.
    fn url_since(
        &self,
        digest: &WebhookIdDigest,
        revision: i64,
    ) -> impl Future<Output = Result<UrlSince, StoreError>> + Send;

    /// Commits an accepted delivery and its incident together, and answers once both are on disk.
    ///
    /// Only if the webhook's revision is still the one that was judged; otherwise nothing is stored and the answer is
    /// [`Commit::Stale`]. A known idempotency key stores nothing either: it gives the first answer again, counted on
    /// the first delivery, or [`Commit::IdempotencyConflict`] if the payload differs. The commit goes on when the
    /// caller stops waiting.
    fn delivery_commit(
        &self,
        delivery: AcceptedDelivery,
    ) -> impl Future<Output = Result<Commit, StoreError>> + Send;

    /// Counts a refused delivery, if there are so many like it that a record of this minute stands for them. `false` says that
    /// it has to be recorded. It is written soon, as [`refusal_record`](Self::refusal_record) has it.
    fn refusal_count(&self, refusal: RefusalKey) -> bool;

    /// Takes note of a refused delivery and returns at once. It is written soon; identical ones beyond a cap are
    /// folded into one record with a count. Under a flood that outruns the disk some may be dropped, and counted.
    fn refusal_record(&self, refusal: RefusedDelivery);

    /// Stores a new webhook, and the entry of the audit trail in the same transaction.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] if its allowlist names a set that does not exist.
    fn webhook_insert(
        &self,
        webhook: Webhook,
        audit: NewAudit,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Replaces the webhook that has `webhook.revision - 1`, and with it stores the tombstone of the URL that died
    /// and the entry of the audit trail. When this answers, no delivery is committed under the old revision any more.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] if it has another revision by now, or its allowlist names a set that does not exist.
    fn webhook_replace(
        &self,
        webhook: Webhook,
        retired: Option<RetiredUrl>,
        audit: NewAudit,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// The webhook with this handle, its allowlist as for [`Store::url_by_digest`].
    fn webhook_by_handle(
        &self,
        handle: WebhookHandle,
    ) -> impl Future<Output = Result<Option<Webhook>, StoreError>> + Send;

    /// The webhooks with this name, at most two: enough to tell one from several. Living ones come first.
    fn webhooks_by_name(
        &self,
        name: &WebhookName,
    ) -> impl Future<Output = Result<Vec<Webhook>, StoreError>> + Send;

    /// Webhooks in the order of their handles, that is of their creation, behind `after`.
    fn webhook_page(
        &self,
        after: Option<WebhookHandle>,
        size: PageSize,
    ) -> impl Future<Output = Result<Vec<Webhook>, StoreError>> + Send;

    /// How many webhooks there are, and since when the oldest living URL is in use.
    fn webhook_census(&self) -> impl Future<Output = Result<WebhookCounts, StoreError>> + Send;

    /// Records of deliveries that match the filter: newest first, or oldest first behind [`Seek::After`].
    fn delivery_page(
        &self,
        filter: &DeliveryFilter,
        seek: Seek,
        size: PageSize,
    ) -> impl Future<Output = Result<Page<DeliverySummary, DeliveryId>, StoreError>> + Send;

    /// The record of one delivery.
    fn delivery_by_id(
        &self,
        id: DeliveryId,
    ) -> impl Future<Output = Result<Option<DeliveryRecord>, StoreError>> + Send;

    /// The deliveries that opened and updated an incident, in the order of [`Store::delivery_page`]. Those that are
    /// older than the history is kept are missing.
    fn deliveries_of_incident(
        &self,
        number: IncidentNumber,
        seek: Seek,
        size: PageSize,
    ) -> impl Future<Output = Result<Page<DeliverySummary, DeliveryId>, StoreError>> + Send;

    /// Incidents that match the filter, newest first, older than `before`.
    fn incident_page(
        &self,
        filter: IncidentFilter,
        before: Option<IncidentNumber>,
        size: PageSize,
    ) -> impl Future<Output = Result<Page<Incident, IncidentNumber>, StoreError>> + Send;

    /// The incident with this number.
    fn incident_by_number(
        &self,
        number: IncidentNumber,
    ) -> impl Future<Output = Result<Option<Incident>, StoreError>> + Send;

    /// Acts on the incident as it is at that moment by [`IncidentAction::apply`], stores what happened and the entry of the
    /// audit trail with it, and gives it back as it is then. The inner error is the rule that refused; nothing is stored then.
    fn incident_act(
        &self,
        number: IncidentNumber,
        action: IncidentAction,
        acting: ActorContext,
        now: Timestamp,
    ) -> impl Future<Output = Result<Option<Result<Incident, IncidentError>>, StoreError>> + Send;

    /// What changed an incident beyond its count of deliveries, oldest first: by its deliveries, and by people. At most
    /// [`MAX_EVENTS`](crate::MAX_EVENTS); nothing, if there is no such incident.
    fn incident_events(
        &self,
        number: IncidentNumber,
    ) -> impl Future<Output = Result<Vec<IncidentRecord>, StoreError>> + Send;

    /// The ends of each of these runs of deliveries that updated an incident, in the order asked for; `None` where no delivery
    /// is kept. It is one query, however many runs there are.
    fn incident_runs(
        &self,
        number: IncidentNumber,
        runs: &[RunBounds],
    ) -> impl Future<Output = Result<Vec<Option<RunEnds>>, StoreError>> + Send;

    /// How many deliveries of a webhook, or of all, were accepted and refused over time. Every delivery that was answered
    /// before is in it, refusals too once they are on record, folded or not; a retry that replays an answer counts for
    /// nothing.
    fn usage(
        &self,
        webhook: Option<WebhookHandle>,
        range: UsageRange,
        now: Timestamp,
    ) -> impl Future<Output = Result<Usage, StoreError>> + Send;

    /// The last 24 hours of these webhooks and their last delivery, in the order asked for. More than 200 are not
    /// answered; of those that don't exist nothing was seen.
    fn usage_many(
        &self,
        webhooks: &[WebhookHandle],
        now: Timestamp,
    ) -> impl Future<Output = Result<Vec<WebhookUsage>, StoreError>> + Send;

    /// The sources of a webhook that sent most within the range. Sources are counted by the day (UTC): those that sent
    /// nothing within the range are left out, and the counts of the others begin with the day that the range begins in.
    fn top_sources(
        &self,
        webhook: WebhookHandle,
        range: UsageRange,
        limit: PageSize,
        now: Timestamp,
    ) -> impl Future<Output = Result<TopSources, StoreError>> + Send;

    /// Every source that the webhook accepted a delivery from since then, counted as for [`Store::top_sources`].
    fn accepted_sources(
        &self,
        webhook: WebhookHandle,
        since: Timestamp,
    ) -> impl Future<Output = Result<SourceTotals, StoreError>> + Send;

    /// What came in the last 24 hours, by the hour as for [`Store::usage_many`], to each living webhook that refused anything
    /// in that time: at most [`MAX_TROUBLED`] of them, in no order.
    fn refused_lately(
        &self,
        now: Timestamp,
    ) -> impl Future<Output = Result<Vec<(WebhookHandle, UsageTotals)>, StoreError>> + Send;

    /// How many incidents are not resolved, by status and severity; of each status the newest [`MAX_COUNTED_INCIDENTS`] are
    /// counted, and what does not occur is left out.
    fn incident_counts(&self) -> impl Future<Output = Result<Vec<IncidentCount>, StoreError>> + Send;

    /// Removes one small slice of what is older than it is kept, or of the oldest if it takes too much space. The
    /// caller repeats it until nothing is removed.
    fn history_prune(
        &self,
        retention: Retention,
        now: Timestamp,
    ) -> impl Future<Output = Result<Pruned, StoreError>> + Send;
}

/// Most webhooks that are looked at for those that are failing: a bound on memory and time per question.
pub const MAX_TROUBLED: u32 = 10_000;

/// Most incidents of a status that are counted. Nobody works on more, and counting them takes some milliseconds.
pub const MAX_COUNTED_INCIDENTS: u32 = 10_000;

/// A URL against what was known of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UrlSince {
    /// It leads to the webhook at the same revision.
    Unchanged,
    /// It leads elsewhere, or to another revision.
    Changed(Option<Box<KnownUrl>>),
}

/// How many incidents have this status and severity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IncidentCount {
    /// Open or acknowledged.
    pub status: IncidentStatus,
    /// How bad.
    pub severity: Severity,
    /// How many.
    pub count: u64,
}

/// How many webhooks there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WebhookCounts {
    /// Webhooks with a living URL.
    pub active: u64,
    /// Revoked webhooks.
    pub revoked: u64,
    /// When the oldest of the living URLs was made.
    pub oldest_issued_at: Option<Timestamp>,
}

/// Why a store could not do it, by what the caller can do next.
#[derive(Debug, Error)]
pub enum StoreError {
    /// Somebody else changed it meanwhile: read it again and repeat.
    #[error("changed by someone else in the meantime")]
    Conflict,
    /// Who acts may no longer: nothing was stored.
    #[error(transparent)]
    Actor(#[from] ActorError),
    /// The store can't be reached or is too busy: try again later.
    #[error("store is unavailable: {what}")]
    Unavailable {
        /// What was tried.
        what: &'static str,
        /// Why it failed, if something below says so.
        #[source]
        source: Option<Box<dyn Error + Send + Sync>>,
    },
    /// What is stored can't be understood: somebody has to look at it.
    #[error("damaged data: {what}")]
    Corrupt {
        /// Table, row and column, without its content.
        what: String,
    },
}
