//! `/api/v1/webhooks/{handle}/usage`, `…/allowlist/preview` and `…/allowlist/suggestion`: the usage of a webhook, and
//! allowlists compared with it.

use hookgate_domain::Allowlist;
use hookgate_gate::{Gate, ManageError, PageSize, PeopleStore, Store, UsageRange};
use hookgate_people::Permission;
use hyper::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;

use super::caller::Caller;
use super::envelope::Success;
use crate::change;
use hookgate_request::{AdminRequest, ApiError, ErrorCode, path_id};
use hookgate_transport::reply::{self, Reply};
use hookgate_wire::{Preview, Suggestion, Usage, words};

/// Number of sources in the answer.
const SOURCES: PageSize = PageSize::new(20).unwrap();

/// Numbers of deliveries to a webhook over time, and its sources with the most deliveries.
#[utoipa::path(
    get,
    path = "/api/v1/webhooks/{handle}/usage",
    operation_id = "showUsage",
    tag = "webhooks",
    params(
        ("handle" = words::Handle, Path, description = "Handle of a webhook"),
        ("range" = Option<words::Range>, Query, description = "`1h`, `24h` (the default), `7d` or `30d`"),
    ),
    responses((status = 200, description = "The usage", body = Success<Usage>)),
)]
pub(crate) async fn show<S: Store>(
    gate: &Gate<S>,
    request: &AdminRequest,
    handle: &str,
) -> Result<Reply, ApiError> {
    let handle = path_id(handle)?;
    let query = request.query(&["range"])?;
    let range = query.read("range")?.unwrap_or(UsageRange::Day);
    let store = gate.store();
    let webhook = store
        .webhook_by_handle(handle)
        .await?
        .ok_or(ErrorCode::NotFound)?;
    let usage = store.usage(Some(handle), range, request.now).await?;
    let top = store.top_sources(handle, range, SOURCES, request.now).await?;
    let usage = Usage::new(&webhook, range, &usage, &top);
    Ok(reply::success(StatusCode::OK, &usage))
}

/// Suggests the allowlist that the senders of the last 30 days need.
#[utoipa::path(
    get,
    path = "/api/v1/webhooks/{handle}/allowlist/suggestion",
    operation_id = "suggestAllowlist",
    tag = "webhooks",
    params(("handle" = words::Handle, Path, description = "Handle of a webhook")),
    responses((status = 200, description = "The suggestion", body = Success<Suggestion>)),
)]
pub(crate) async fn suggest<S: Store + PeopleStore>(
    gate: &Gate<S>,
    caller: &Caller,
    request: &AdminRequest,
    handle: &str,
) -> Result<Reply, ApiError> {
    request.query(&[])?;
    let suggestion = gate.allowlist_suggestion(&caller.actor, path_id(handle)?).await?;
    Ok(reply::success(StatusCode::OK, &Suggestion::from(&suggestion)))
}

/// An allowlist to preview before it is saved.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Proposal {
    /// Entries of the allowlist; null or absent permits every source.
    #[schema(min_items = 1)]
    allowlist: Option<Vec<String>>,
    /// Number of days of deliveries to check: 7 (the default) or 30.
    #[schema(value_type = Option<words::PreviewDays>)]
    days: Option<u16>,
}

/// Previews another allowlist: the senders of the last days that would stop passing. Changes nothing.
#[utoipa::path(
    post,
    path = "/api/v1/webhooks/{handle}/allowlist/preview",
    operation_id = "previewAllowlist",
    tag = "webhooks",
    params(("handle" = words::Handle, Path, description = "Handle of a webhook")),
    request_body = Proposal,
    responses((status = 200, description = "What would change", body = Success<Preview>)),
)]
pub(crate) async fn preview<S: Store + PeopleStore>(
    gate: &Gate<S>,
    caller: &Caller,
    request: AdminRequest,
    handle: &str,
) -> Result<Reply, ApiError> {
    caller.actor.require(Permission::ManageWebhooks)?;
    let (handle, now) = (path_id(handle)?, request.now);
    let proposal: Proposal = request.json().await?;
    let days = change::preview_days(proposal.days)?;
    let allowlist = match proposal.allowlist {
        None => Allowlist::any(),
        Some(entries) => change::allowlist(&entries).map_err(|fault| ApiError::fields(vec![fault]))?,
    };
    if let Some(missing) = gate.missing_set(&allowlist).await? {
        return Err(ManageError::UnknownSet(missing).into());
    }
    let preview = gate
        .allowlist_preview(&caller.actor, handle, &allowlist, days)
        .await?;
    let resolved = gate.resolved(&allowlist).await?;
    let preview = Preview::new(&preview, days).warned(&resolved, caller.actor.from, now);
    Ok(reply::success(StatusCode::OK, &preview))
}

#[cfg(test)]
mod tests;
