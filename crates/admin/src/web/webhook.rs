//! `/webhooks/{handle}`: one webhook with its policy and usage.

use hookgate_domain::Webhook;
use hookgate_gate::{
    ActorContext, AuditFilter, DeliveryFilter, Health, PageSize, PeopleStore, Seek, Store, SubjectMatch,
    UsageRange, spikes,
};
use hookgate_pages::{
    Bucket, Chart, Failing, Range, RetiredUrlUse, Series, SourceRow, UserText, WebhookDetail, WebhookFacts,
};
use hookgate_people::{Actor, AuditAct, Permission};

use super::answers::page;
use super::models::{delivery_row, webhook_facts};
use super::page_context::PageContext;
use hookgate_request::{ApiError, ErrorCode, path_id};
use hookgate_transport::Reply;
use hookgate_wire as wire;

/// Number of newest deliveries on the page.
const RECENT: PageSize = PageSize::new(20).unwrap();

/// Maximum number of sources on the page.
const SOURCES: PageSize = PageSize::new(10).unwrap();

/// Shows the page.
pub(super) async fn show<S: Store + PeopleStore>(
    context: &PageContext<'_, S>,
    handle: &str,
) -> Result<Reply, ApiError> {
    let webhook = find(context, handle).await?;
    let query = context.fields(&["range"])?;
    let range = query
        .get("range")
        .map_or(Some(Range::default()), Range::parse)
        .ok_or_else(|| ApiError::field("range", "one_of", "1h, 24h, 7d, 30d"))?;
    let filter = DeliveryFilter {
        webhook: Some(webhook.handle),
        ..DeliveryFilter::default()
    };
    let recent = context
        .gate()
        .delivery_page(context.signed_in.member.role, &filter, Seek::Newest, RECENT)
        .await?;
    page(
        WebhookDetail {
            shell: context.shell(),
            webhook: WebhookFacts {
                revoked_by: revoked_by(context, &webhook).await?,
                ..webhook_facts(&webhook, context.now)
            },
            range,
            chart: Chart::of(series(context, &webhook, range).await?),
            failing: failing(context, &webhook).await?,
            observed: context.gate().observation(&webhook).await?.map(wire::observed),
            ignored: context.console.recent_ignored_header(&recent.items).await?,
            retired: context
                .gate()
                .retired_use(&webhook)
                .await?
                .map(|seen| RetiredUrlUse {
                    since: seen.since,
                    accepted: seen.accepted,
                    refused: seen.refused,
                    last: seen.last,
                    complete: seen.complete,
                }),
            sources: sources(context, &webhook, range, SOURCES).await?,
            recent: recent.items.iter().map(delivery_row).collect(),
        }
        .render(),
    )
}

/// The actor that revoked the webhook. Every member who sees that it is revoked may know the actor, so the trail is
/// read as the system.
async fn revoked_by<S: Store + PeopleStore>(
    context: &PageContext<'_, S>,
    webhook: &Webhook,
) -> Result<Option<UserText>, ApiError> {
    if webhook.live_url().is_ok() {
        return Ok(None);
    }
    let filter = AuditFilter {
        acts: Some(AuditAct::WebhookRevoke.into()),
        subject: Some(SubjectMatch::Ids(vec![webhook.handle.to_string()])),
        ..AuditFilter::default()
    };
    let page = context
        .gate()
        .audit_page(&ActorContext::system(), &filter, None, PageSize::ONE)
        .await?;
    let named = page.items.first().map(|entry| match &entry.actor {
        Actor::CommandLine { user } => format!("{user} (command line)").into(),
        actor => actor.name().into(),
    });
    Ok(named)
}

/// The webhook with the handle in the path.
pub(super) async fn find<S: Store + PeopleStore>(
    context: &PageContext<'_, S>,
    handle: &str,
) -> Result<Webhook, ApiError> {
    let handle = path_id(handle)?;
    let found = context.gate().store().webhook_by_handle(handle).await?;
    found.ok_or_else(|| ErrorCode::NotFound.into())
}

/// The webhook with the handle in the path, for a member who may manage webhooks.
pub(super) async fn find_manageable<S: Store + PeopleStore>(
    context: &PageContext<'_, S>,
    handle: &str,
) -> Result<Webhook, ApiError> {
    context.signed_in.require(Permission::ManageWebhooks)?;
    find(context, handle).await
}

async fn series<S: Store + PeopleStore>(
    context: &PageContext<'_, S>,
    webhook: &Webhook,
    range: Range,
) -> Result<Series, ApiError> {
    let (range, now) = (usage_range(range), context.now);
    let usage = context
        .gate()
        .store()
        .usage(Some(webhook.handle), range, now)
        .await?;
    let spikes = spikes(&usage);
    let buckets = usage.buckets.into_iter().enumerate();
    Ok(Series {
        start: range.start(now),
        step: range.width(),
        buckets: buckets
            .map(|(index, bucket)| Bucket {
                accepted: bucket.totals.accepted,
                refused: bucket.totals.refused,
                is_spike: spikes.contains(&index),
            })
            .collect(),
    })
}

/// The sources with the most deliveries.
pub(super) async fn sources<S: Store + PeopleStore>(
    context: &PageContext<'_, S>,
    webhook: &Webhook,
    range: Range,
    limit: PageSize,
) -> Result<Vec<SourceRow>, ApiError> {
    let top = context
        .gate()
        .store()
        .top_sources(webhook.handle, usage_range(range), limit, context.now)
        .await?;
    let rows = top.sources.into_iter().map(|source| SourceRow {
        source: wire::source(source.source),
        accepted: source.accepted,
        refused: source.refused,
        reasons: source.reasons.codes,
        would_be_refused: source.reasons.would_be_refused,
        first_seen: source.first_seen,
        last_seen: source.last_seen,
        unknown: source.is_new,
    });
    Ok(rows.collect())
}

/// Deliveries of the last 24 hours, if the webhook is failing.
async fn failing<S: Store + PeopleStore>(
    context: &PageContext<'_, S>,
    webhook: &Webhook,
) -> Result<Option<Failing>, ApiError> {
    let usage = context
        .gate()
        .store()
        .usage_many(&[webhook.handle], context.now)
        .await?;
    let Some(day) = usage.into_iter().next().map(|usage| usage.totals) else {
        return Ok(None);
    };
    Ok(match Health::of(&day) {
        Health::Failing(code) => Some(Failing {
            code,
            accepted: day.accepted,
            refused: day.refused,
        }),
        Health::Ok | Health::Quiet => None,
    })
}

const fn usage_range(range: Range) -> UsageRange {
    match range {
        Range::Hour => UsageRange::Hour,
        Range::Day => UsageRange::Day,
        Range::Week => UsageRange::Week,
        Range::Month => UsageRange::Month,
    }
}

#[cfg(test)]
mod tests;
