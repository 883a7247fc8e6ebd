//! `/webhooks`: the list of webhooks.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use hookgate_domain::names::NameError;
use hookgate_domain::{Webhook, WebhookHandle, WebhookName, WebhookState};
use hookgate_gate::{PageSize, PeopleStore, Store, WebhookUsage};
use hookgate_pages::{Paging, WebhookFilter, WebhookList, WebhookRow};

use super::answers::page;
use super::page_context::PageContext;
use hookgate_request::ApiError;
use hookgate_transport::Reply;

/// Maximum number of failing webhooks at the top of the list, because a page has a bounded size.
const MAX_FAILING: usize = 50;
/// Maximum number of webhooks that are read for one page of a filtered list.
const MAX_EXAMINED_WEBHOOKS: usize = 10_000;

/// Shows the list: failing webhooks first, then the others in the order of creation.
pub(super) async fn list<S: Store + PeopleStore>(context: &PageContext<'_, S>) -> Result<Reply, ApiError> {
    let query = context.fields(&["q", "state", "cursor"])?;
    let filter = WebhookFilter {
        name: query.text("q").to_owned(),
        state: query.text("state").to_owned(),
    };
    let cursor: Option<Cursor> = query.read("cursor")?;
    let failing: Vec<_> = context
        .gate()
        .failing()
        .await?
        .into_iter()
        .take(MAX_FAILING)
        .map(|one| one.webhook)
        .collect();
    let (mut handles, shown_before) = match &cursor {
        // The first page begins with the failing webhooks, whenever they were created.
        None => (failing.clone(), failing.clone()),
        Some(cursor) => (Vec::new(), cursor.shown_before.clone()),
    };
    let after = cursor.map(|cursor| cursor.after);
    let (others, older) = find(context, &filter, after, &shown_before).await?;
    handles.extend(others);
    let usage = context.gate().store().usage_many(&handles, context.now).await?;
    let mut rows = Vec::with_capacity(handles.len());
    for (handle, usage) in handles.into_iter().zip(usage) {
        // Webhooks are read one at a time, because an allowlist may be long, and is not shown.
        let webhook = context.gate().store().webhook_by_handle(handle).await?;
        let webhook = webhook.filter(|webhook| {
            let is_revoked = matches!(webhook.state, WebhookState::Revoked { .. });
            matches(&webhook.name, is_revoked, &filter)
        });
        rows.extend(webhook.map(|webhook| row(context, &webhook, usage, failing.contains(&handle))));
    }
    let proxy = proxy_in_front(context).await?;
    page(
        WebhookList {
            shell: context.shell(),
            filter,
            rows,
            paging: Paging {
                newer: None,
                older: older.map(|after| Cursor::new(after, &shown_before).to_string()),
            },
            proxy,
        }
        .render(),
    )
}

/// Cursor of the list: the last webhook of the page, and those webhooks after it that the first page began with. So
/// each webhook is shown once, even if it starts or stops failing meanwhile. As text: handles, separated by full
/// stops.
#[derive(Debug, PartialEq, Eq)]
struct Cursor {
    after: WebhookHandle,
    shown_before: Vec<WebhookHandle>,
}

impl Cursor {
    fn new(after: WebhookHandle, shown_before: &[WebhookHandle]) -> Self {
        let behind = shown_before.iter().filter(|handle| **handle > after);
        Self {
            after,
            shown_before: behind.copied().collect(),
        }
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.after)?;
        self.shown_before
            .iter()
            .try_for_each(|handle| write!(f, ".{handle}"))
    }
}

impl FromStr for Cursor {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (after, others) = text
            .split_once('.')
            .map_or((text, None), |(after, others)| (after, Some(others)));
        let after = after.parse()?;
        let others = others.into_iter().flat_map(|others| others.split('.'));
        let shown_before = others.take(MAX_FAILING).map(str::parse);
        Ok(Self {
            after,
            shown_before: shown_before.collect::<Result<_, _>>()?,
        })
    }
}

/// The private address that all deliveries of the last hour came from: probably a proxy. A loopback address does not
/// count if the gate's URL is on `localhost`.
async fn proxy_in_front<S: Store + PeopleStore>(
    context: &PageContext<'_, S>,
) -> Result<Option<IpAddr>, ApiError> {
    let suspect = context
        .gate()
        .proxy_suspect()
        .await?
        .map(|suspect| suspect.address);
    let is_local = context.console.addresses.gate.starts_with("https://localhost");
    Ok(suspect.filter(|address| !(is_local && address.is_loopback())))
}

/// Reads a page of webhooks that match the filter and were not shown before. Returns their handles, and the handle
/// after which the next page begins.
async fn find<S: Store + PeopleStore>(
    context: &PageContext<'_, S>,
    filter: &WebhookFilter,
    mut after: Option<WebhookHandle>,
    shown_before: &[WebhookHandle],
) -> Result<(Vec<WebhookHandle>, Option<WebhookHandle>), ApiError> {
    let wanted = usize::from(PageSize::default().rows());
    let (mut found, mut examined) = (Vec::new(), 0);
    loop {
        let labels = context
            .gate()
            .store()
            .webhook_labels(after, PageSize::MAX)
            .await?;
        let whole = labels.len() == usize::from(PageSize::MAX.rows());
        examined += labels.len();
        for label in labels {
            let handle = label.handle;
            if matches(&label.name, label.is_revoked, filter) && !shown_before.contains(&handle) {
                if found.len() == wanted {
                    return Ok((found, after));
                }
                found.push(handle);
            }
            after = Some(handle);
        }
        if !whole {
            return Ok((found, None));
        }
        if examined >= MAX_EXAMINED_WEBHOOKS {
            return Ok((found, after));
        }
    }
}

fn matches(name: &WebhookName, is_revoked: bool, filter: &WebhookFilter) -> bool {
    let state = if is_revoked { "revoked" } else { "active" };
    let name = name.as_str().to_lowercase();
    (filter.state.is_empty() || filter.state == state) && name.contains(&filter.name.to_lowercase())
}

fn row<S>(context: &PageContext<'_, S>, webhook: &Webhook, usage: WebhookUsage, failing: bool) -> WebhookRow {
    let (issued_at, revoked) = match &webhook.state {
        WebhookState::Active(url) => (url.issued_at, false),
        WebhookState::Revoked { .. } => (webhook.created_at, true),
    };
    WebhookRow {
        handle: webhook.handle,
        name: webhook.name.as_str().into(),
        revoked,
        failing,
        hint: webhook.state.hint().to_string(),
        issued_at,
        rotation: webhook.rotation_age(context.now),
        last_seen: usage.last.map(|last| last.at),
        hours: usage.hours,
        has_allowlist: webhook.policy.allowlist.entries().is_some(),
    }
}

#[cfg(test)]
mod tests;
