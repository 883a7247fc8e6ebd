//! `/webhooks/{handle}`: one webhook and how it does.

use hookgate_domain::Webhook;
use hookgate_gate::{DeliveryFilter, PageSize, PeopleStore, Seek, Store};
use hookgate_pages::{Chart, Range, Series, WebhookDetail};

use super::models::{delivery_row, webhook_facts};
use super::{Screen, page};
use crate::console::fault::{Code, Fault};
use crate::reply::Reply;

/// Rows of the newest deliveries.
const RECENT: u16 = 20;

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
            webhook: webhook_facts(&webhook, screen.now),
            range,
            chart: Chart::of(series(screen, &webhook, range).await?),
            sources: Vec::new(),
            recent: recent.iter().map(delivery_row).collect(),
        }
        .render(),
    )
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
    let _ = webhook;
    Ok(Series {
        start: screen.now,
        step: range.step(),
        buckets: Vec::new(),
    })
}
