//! `/webhooks/{handle}`: one webhook and how it does.

use hookgate_domain::{Actor, AuditAct, Webhook};
use hookgate_gate::{
    Acting, AuditFilter, DeliveryFilter, Outcome, PageSize, PeopleStore, Seek, Store, SubjectMatch,
    UsageRange, spikes,
};
use hookgate_pages::{Bucket, Chart, Range, Series, SourceRow, UserText, WebhookDetail, WebhookFacts};

use super::models::{delivery_row, webhook_facts};
use super::{Screen, page};
use crate::console::fault::{Code, Fault};
use crate::reply::Reply;
use crate::wire;

/// Rows of the newest deliveries.
const RECENT: u16 = 20;

/// Sources that the page shows.
const SOURCES: u16 = 10;

/// The page.
pub(super) async fn show<S: Store + PeopleStore>(
    screen: &Screen<'_, S>,
    handle: &str,
) -> Result<Reply, Fault> {
    let webhook = find(screen, handle).await?;
    let query = screen.fields(&["range"])?;
    let range = query
        .get("range")
        .map_or(Some(Range::default()), Range::parse)
        .ok_or_else(|| Fault::field("range", "one_of", "1h, 24h, 7d, 30d"))?;
    let filter = DeliveryFilter {
        webhook: Some(webhook.handle),
        ..DeliveryFilter::default()
    };
    let size = PageSize::new(RECENT).unwrap_or_default();
    let recent = screen
        .gate()
        .store()
        .delivery_page(&filter, Seek::Newest, size)
        .await?;
    page(
        WebhookDetail {
            shell: screen.shell(),
            webhook: WebhookFacts {
                revoked_by: revoked_by(screen, &webhook).await?,
                ..webhook_facts(&webhook, screen.now)
            },
            range,
            chart: Chart::of(series(screen, &webhook, range).await?),
            sources: sources(screen, &webhook, range, SOURCES).await?,
            recent: recent.items.iter().map(delivery_row).collect(),
        }
        .render(),
    )
}

/// Who revoked the webhook. That is no secret to anybody who sees that it is revoked.
async fn revoked_by<S: Store + PeopleStore>(
    screen: &Screen<'_, S>,
    webhook: &Webhook,
) -> Result<Option<UserText>, Fault> {
    if webhook.live_url().is_ok() {
        return Ok(None);
    }
    let filter = AuditFilter {
        acts: Some(AuditAct::WebhookRevoke.into()),
        subject: Some(SubjectMatch::Ids(vec![webhook.handle.to_string()])),
        ..AuditFilter::default()
    };
    let one = PageSize::new(1).unwrap_or_default();
    let entries = screen
        .gate()
        .audit_page(&Acting::system(), &filter, None, one)
        .await?;
    let named = entries.first().map(|entry| match &entry.actor {
        Actor::CommandLine { user } => format!("{user} (command line)").into(),
        actor => actor.name().into(),
    });
    Ok(named)
}

/// The webhook that a path names.
pub(super) async fn find<S: Store + PeopleStore>(
    screen: &Screen<'_, S>,
    handle: &str,
) -> Result<Webhook, Fault> {
    let handle = handle.parse().map_err(|_| Code::NotFound)?;
    let found = screen.gate().store().webhook_by_handle(handle).await?;
    found.ok_or_else(|| Code::NotFound.into())
}

async fn series<S: Store + PeopleStore>(
    screen: &Screen<'_, S>,
    webhook: &Webhook,
    range: Range,
) -> Result<Series, Fault> {
    let (range, now) = (usage_range(range), screen.now);
    let usage = screen
        .gate()
        .store()
        .usage(Some(webhook.handle), range, now)
        .await?;
    let wild = spikes(&usage);
    let buckets = usage.buckets.into_iter().enumerate();
    Ok(Series {
        start: range.start(now),
        step: range.width(),
        buckets: buckets
            .map(|(place, bucket)| Bucket {
                accepted: bucket.accepted,
                refused: bucket.refused,
                is_spike: wild.contains(&place),
            })
            .collect(),
    })
}

/// The sources that sent most, with what the newest refusal was of the one that was refused most.
pub(super) async fn sources<S: Store + PeopleStore>(
    screen: &Screen<'_, S>,
    webhook: &Webhook,
    range: Range,
    most: u16,
) -> Result<Vec<SourceRow>, Fault> {
    let limit = PageSize::new(most).unwrap_or_default();
    let top = screen
        .gate()
        .store()
        .top_sources(webhook.handle, usage_range(range), limit, screen.now)
        .await?;
    let refused = top
        .sources
        .iter()
        .enumerate()
        .filter(|(_, source)| source.refused > 0);
    let worst = refused.max_by_key(|(_, source)| source.refused);
    let mut reason = None;
    if let Some((place, source)) = worst {
        let filter = DeliveryFilter {
            webhook: Some(webhook.handle),
            outcome: Some(Outcome::Refused),
            source: Some(source.source),
            ..DeliveryFilter::default()
        };
        let one = PageSize::new(1).unwrap_or_default();
        let newest = screen
            .gate()
            .store()
            .delivery_page(&filter, Seek::Newest, one)
            .await?;
        reason = newest
            .items
            .first()
            .and_then(|row| row.answer.code())
            .map(|code| (place, code));
    }
    let rows = top.sources.iter().enumerate().map(|(place, source)| SourceRow {
        source: wire::source(source.source),
        accepted: source.accepted,
        refused: source.refused,
        refused_as: reason.filter(|(worst, _)| *worst == place).map(|(_, code)| code),
        first_seen: source.first_seen,
        last_seen: source.last_seen,
        unknown: source.is_new,
    });
    Ok(rows.collect())
}

const fn usage_range(range: Range) -> UsageRange {
    match range {
        Range::Hour => UsageRange::Hour,
        Range::Day => UsageRange::Day,
        Range::Week => UsageRange::Week,
        Range::Month => UsageRange::Month,
    }
}
