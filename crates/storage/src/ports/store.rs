//! The gate's port on a [`Database`]: maps each method to a read or a change.

use hookgate_domain::incident::IncidentError;
use hookgate_domain::{
    DeliveryId, Incident, IncidentNumber, IncidentStatus, KnownUrl, RetiredUrl, Timestamp, Webhook,
    WebhookHandle, WebhookIdDigest, WebhookName,
};
use hookgate_gate::{
    AcceptedDelivery, ActorContext, Commit, DeliveryFilter, DeliveryRecord, DeliverySummary, IncidentAction,
    IncidentCount, IncidentFilter, IncidentRecord, MAX_COUNTED_INCIDENTS, Page, PageSize, Pruned, RefusalKey,
    RefusedDelivery, Retention, RunBounds, RunEnds, Seek, SourceTotals, Store, StoreError, TopSources,
    UrlSince, Usage, UsageRange, UsageTotals, WebhookCounts, WebhookUsage,
};
use hookgate_people::NewAudit;

use crate::Database;
use crate::connection::Connection;
use crate::deliveries::queries::{JoinedSummary, deliveries_of_incident, delivery_by_id, delivery_page};
use crate::deliveries::touched::touched_by_delivery;
use crate::incidents::action::act;
use crate::incidents::events::events_for_incident;
use crate::incidents::queries::{incident_counts, incident_page};
use crate::incidents::row::IncidentRow;
use crate::incidents::runs;
use crate::incidents::statements::incident_by_number;
use crate::query_error::{CorruptRow, QueryError};
use crate::rows::{page_start, read_count, read_handle};
use crate::usage::queries::{recent_refusals, usage_for_webhook, usage_many};
use crate::usage::source_queries::{accepted_sources, top_sources};
use crate::webhooks::change::{replace_webhook, store_webhook};
use crate::webhooks::find::read_webhook;
use crate::webhooks::queries::{webhook_by_handle, webhook_counts, webhook_page, webhooks_by_name};
use crate::webhooks::row::WebhookRow;

/// Maximum number of webhooks of one name that are read: enough to tell one from several.
const NAMESAKES: i64 = 2;
/// Name of an action on an incident in errors.
const ACT: &str = "act on an incident";

impl Store for Database {
    async fn url_by_digest(&self, digest: &WebhookIdDigest) -> Result<Option<KnownUrl>, StoreError> {
        self.lookups.find(*digest).await
    }

    async fn url_since(&self, digest: &WebhookIdDigest, revision: i64) -> Result<UrlSince, StoreError> {
        self.lookups.find_since(*digest, revision).await
    }

    fn delivery_commit(
        &self,
        delivery: AcceptedDelivery,
    ) -> impl Future<Output = Result<Commit, StoreError>> + Send {
        self.enqueue_delivery(delivery)
    }

    fn refusal_count(&self, refusal: RefusalKey) -> bool {
        self.count_refusal(refusal)
    }

    fn refusal_record(&self, refusal: RefusedDelivery) {
        self.refuse(refusal);
    }

    async fn webhook_insert(&self, webhook: Webhook, audit: NewAudit) -> Result<(), StoreError> {
        let shown_by = audit.clone();
        let work = move |connection: &mut Connection| store_webhook(connection, &webhook, &shown_by);
        let stored = self.audited("store a webhook", audit, work).await?;
        stored.ok_or(StoreError::Conflict)
    }

    async fn webhook_replace(
        &self,
        webhook: Webhook,
        retired: Option<RetiredUrl>,
        audit: NewAudit,
    ) -> Result<(), StoreError> {
        let shown_by = audit.clone();
        let work = move |connection: &mut Connection| {
            replace_webhook(connection, &webhook, retired.as_ref(), &shown_by)
        };
        let replaced = self.audited("change a webhook", audit, work).await?;
        replaced.ok_or(StoreError::Conflict)
    }

    async fn webhook_by_handle(&self, handle: WebhookHandle) -> Result<Option<Webhook>, StoreError> {
        let cache = self.network_cache();
        let work = move |connection: &mut Connection| {
            let row = webhook_by_handle(connection, &handle.to_string())?;
            row.map(|row| read_webhook(connection, row, &cache)).transpose()
        };
        self.read("look up a webhook", work).await
    }

    async fn webhooks_by_name(&self, name: &WebhookName) -> Result<Vec<Webhook>, StoreError> {
        let name = name.clone();
        let work = move |connection: &mut Connection| {
            read_webhooks(webhooks_by_name(connection, name.as_str(), NAMESAKES)?)
        };
        self.read("look up a webhook by name", work).await
    }

    async fn webhook_page(
        &self,
        after: Option<WebhookHandle>,
        size: PageSize,
    ) -> Result<Vec<Webhook>, StoreError> {
        let after = page_start(after);
        let work = move |connection: &mut Connection| {
            read_webhooks(webhook_page(connection, &after, size.rows().into())?)
        };
        self.read("list webhooks", work).await
    }

    async fn webhook_counts(&self) -> Result<WebhookCounts, StoreError> {
        let work = |connection: &mut Connection| Ok(read_counts(&webhook_counts(connection)?)?);
        self.read("count webhooks", work).await
    }

    async fn delivery_page(
        &self,
        filter: &DeliveryFilter,
        seek: Seek,
        size: PageSize,
    ) -> Result<Page<DeliverySummary, DeliveryId>, StoreError> {
        let filter = filter.clone();
        let work =
            move |connection: &mut Connection| Ok(delivery_page(connection, &filter, seek, size.and_one())?);
        let (rows, stopped) = self.read("list deliveries", work).await?;
        read_summaries(rows, size, stopped)
    }

    async fn delivery_by_id(&self, id: DeliveryId) -> Result<Option<DeliveryRecord>, StoreError> {
        let work = move |connection: &mut Connection| {
            let Some((row, handle, name)) = delivery_by_id(connection, id.number())? else {
                return Ok(None);
            };
            let touched = touched_by_delivery(connection, id.number())?;
            Ok(Some(row.read(&handle, name, &touched)?))
        };
        self.read("look up a delivery", work).await
    }

    async fn deliveries_of_incident(
        &self,
        number: IncidentNumber,
        seek: Seek,
        size: PageSize,
    ) -> Result<Page<DeliverySummary, DeliveryId>, StoreError> {
        let work = move |connection: &mut Connection| {
            Ok(deliveries_of_incident(
                connection,
                number.get(),
                seek,
                size.and_one(),
            )?)
        };
        let rows = self.read("list the deliveries of an incident", work).await?;
        read_summaries(rows, size, None)
    }

    async fn incident_page(
        &self,
        filter: IncidentFilter,
        before: Option<IncidentNumber>,
        size: PageSize,
    ) -> Result<Page<Incident, IncidentNumber>, StoreError> {
        let before = before.map_or(i64::MAX, IncidentNumber::get);
        let work = move |connection: &mut Connection| {
            let (rows, stopped) = incident_page(connection, filter, before, size.and_one().rows().into())?;
            let items: Vec<_> = rows.into_iter().map(read_incident).collect::<Result<_, _>>()?;
            Ok((items, stopped.and_then(IncidentNumber::new)))
        };
        let (items, stopped) = self.read("list incidents", work).await?;
        Ok(Page::new(
            items,
            size,
            |incident: &Incident| incident.number,
            stopped,
        ))
    }

    async fn incident_by_number(&self, number: IncidentNumber) -> Result<Option<Incident>, StoreError> {
        let work = move |connection: &mut Connection| {
            let row = incident_by_number(connection, number.get())?;
            Ok(row.map(read_incident).transpose()?)
        };
        self.read("look up an incident", work).await
    }

    async fn incident_act(
        &self,
        number: IncidentNumber,
        action: IncidentAction,
        actor: ActorContext,
        now: Timestamp,
    ) -> Result<Option<Result<Incident, IncidentError>>, StoreError> {
        let act = || {
            let (action, actor) = (action.clone(), actor.clone());
            move |connection: &mut Connection| act(connection, number, &action, &actor, now)
        };
        match self.change(ACT, act()).await {
            // A delivery opened an incident with the same dedup key meanwhile. The second try sees it.
            Err(StoreError::Conflict) => self.change(ACT, act()).await,
            acted => acted,
        }
    }

    async fn incident_events(&self, number: IncidentNumber) -> Result<Vec<IncidentRecord>, StoreError> {
        let work = move |connection: &mut Connection| {
            let rows = events_for_incident(connection, number.get())?;
            Ok(rows
                .into_iter()
                .map(IncidentRecord::try_from)
                .collect::<Result<_, CorruptRow>>()?)
        };
        self.read("read what happened to an incident", work).await
    }

    async fn incident_runs(
        &self,
        number: IncidentNumber,
        runs: &[RunBounds],
    ) -> Result<Vec<Option<RunEnds>>, StoreError> {
        let runs = runs.to_vec();
        let work = move |connection: &mut Connection| runs::incident_runs(connection, number.get(), &runs);
        self.read("read the deliveries of an incident", work).await
    }

    async fn usage(
        &self,
        webhook: Option<WebhookHandle>,
        range: UsageRange,
        now: Timestamp,
    ) -> Result<Usage, StoreError> {
        self.count().await?;
        let work = move |connection: &mut Connection| usage_for_webhook(connection, webhook, range, now);
        self.read("read usage", work).await
    }

    async fn usage_many(
        &self,
        webhooks: &[WebhookHandle],
        now: Timestamp,
    ) -> Result<Vec<WebhookUsage>, StoreError> {
        let most = usize::from(PageSize::MAX.rows()).min(webhooks.len());
        let webhooks = webhooks[..most].to_vec();
        self.count().await?;
        let work = move |connection: &mut Connection| usage_many(connection, &webhooks, now);
        self.read("read usage of webhooks", work).await
    }

    async fn top_sources(
        &self,
        webhook: WebhookHandle,
        range: UsageRange,
        limit: PageSize,
        now: Timestamp,
    ) -> Result<TopSources, StoreError> {
        self.count().await?;
        let work = move |connection: &mut Connection| top_sources(connection, webhook, range, limit, now);
        self.read("read sources", work).await
    }

    async fn accepted_sources(
        &self,
        webhook: WebhookHandle,
        since: Timestamp,
    ) -> Result<SourceTotals, StoreError> {
        self.count().await?;
        let work = move |connection: &mut Connection| accepted_sources(connection, webhook, since);
        self.read("read accepted sources", work).await
    }

    async fn recent_refusals(&self, now: Timestamp) -> Result<Vec<(WebhookHandle, UsageTotals)>, StoreError> {
        self.count().await?;
        let work = move |connection: &mut Connection| recent_refusals(connection, now);
        self.read("read what was refused lately", work).await
    }

    async fn incident_counts(&self) -> Result<Vec<IncidentCount>, StoreError> {
        let work = |connection: &mut Connection| {
            let mut counts = Vec::new();
            for status in [IncidentStatus::Open, IncidentStatus::Acknowledged] {
                for row in incident_counts(connection, status, MAX_COUNTED_INCIDENTS)? {
                    let severity = row.severity.parse().ok();
                    counts.push(IncidentCount {
                        status,
                        severity: severity.ok_or_else(|| CorruptRow::at("incidents", 0, "severity"))?,
                        count: read_count("incidents", "count", row.count)?,
                    });
                }
            }
            Ok(counts)
        };
        self.read("count incidents", work).await
    }

    async fn history_prune(&self, retention: Retention, now: Timestamp) -> Result<Pruned, StoreError> {
        self.prune(retention, now).await
    }
}

/// Counts from the number and the oldest URL of each state.
fn read_counts(states: &[(String, i64, Option<i64>)]) -> Result<WebhookCounts, CorruptRow> {
    let of = |wanted: &str| states.iter().find(|(state, ..)| state == wanted);
    let count = |wanted: &str| match of(wanted) {
        Some((_, count, _)) => read_count("webhooks", "count", *count),
        None => Ok(0),
    };
    let oldest = of("active").and_then(|(.., oldest)| *oldest);
    Ok(WebhookCounts {
        active: count("active")?,
        revoked: count("revoked")?,
        oldest_issued_at: oldest.map(Timestamp::from_micros),
    })
}

fn read_summaries(
    rows: Vec<JoinedSummary>,
    size: PageSize,
    stopped: Option<i64>,
) -> Result<Page<DeliverySummary, DeliveryId>, StoreError> {
    let items = rows
        .into_iter()
        .map(|(row, handle, name)| row.read(&handle, name));
    let items = items.collect::<Result<_, _>>()?;
    let stopped = stopped.and_then(DeliveryId::from_number);
    Ok(Page::new(
        items,
        size,
        |delivery: &DeliverySummary| delivery.id,
        stopped,
    ))
}

fn read_webhooks(rows: Vec<WebhookRow>) -> Result<Vec<Webhook>, QueryError> {
    Ok(rows
        .into_iter()
        .map(Webhook::try_from)
        .collect::<Result<_, _>>()?)
}

fn read_incident((row, handle): (IncidentRow, String)) -> Result<Incident, CorruptRow> {
    row.read(read_handle(&handle)?)
}
