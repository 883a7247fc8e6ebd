//! `/api/v1/webhooks`: webhooks from creation to revocation. A URL is in the answer that creates it, and nowhere
//! else.

use std::num::{NonZeroU16, NonZeroU32};

use hookgate_domain::{Policy, SenderFormat, Timestamp, WebhookHandle, WebhookName};
use hookgate_gate::{
    self as gate, Gate, Issued, NewWebhook, PageSize, PeopleStore, Store, StoreError, bounded_page,
    written_bytes,
};
use hookgate_people::Permission;
use hyper::StatusCode;
use hyper::header::{HeaderValue, LOCATION};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::caller::Caller;
use super::endpoint::{gone, made_before, read, tagged};
use super::envelope::Success;
use crate::change::{self, Change};
use hookgate_request::{AdminRequest, ApiError, ErrorCode, filter, path_id};
use hookgate_transport::reply::{self, Reply};
use hookgate_wire::{Page, Webhook, words};

/// Estimated bytes of a webhook in an answer, without its allowlist.
const WEBHOOK_BYTES: usize = 1_500;
/// Estimated bytes of an allowlist entry, which an answer has twice, without its comment.
const ENTRY_BYTES: usize = 160;

/// A new webhook.
#[expect(clippy::option_option, reason = "null is none, absent is the default")]
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct New {
    /// Name of the webhook: 1 to 100 characters.
    #[schema(value_type = words::Name)]
    name: String,
    /// Format of its senders; absent is `custom`.
    #[schema(value_type = Option<words::Sender>)]
    sender: Option<String>,
    /// `true` if its deliveries must be signed by Standard Webhooks. The signing secret is in the answer.
    #[serde(default)]
    signed: bool,
    /// Networks and address sets that may send; null or absent permits every source. An entry is a network, or `@`
    /// and the name of an address set. An optional end date (`until` and a time) and an optional comment (after `#`)
    /// follow it.
    #[schema(min_items = 1)]
    allowlist: Option<Vec<String>>,
    /// `enforce` (the default) refuses other sources; `observe` accepts their deliveries and marks them.
    #[schema(value_type = Option<words::AllowlistMode>)]
    allowlist_mode: Option<String>,
    /// Maximum size of a body in bytes, 1 to 1048576; absent is 262144.
    #[schema(minimum = 1, maximum = 1_048_576)]
    max_body: Option<u32>,
    /// Maximum number of deliveries per minute; null or absent is no limit.
    #[schema(value_type = Option<u32>, minimum = 1, maximum = 4_294_967_295_i64)]
    per_minute: Option<NonZeroU32>,
    /// HTTP status of deliveries above that limit: 429 (the default) or 503.
    #[schema(value_type = Option<words::Overload>)]
    overload: Option<u16>,
    /// `true` (the default) if the history keeps payloads.
    payload_logging: Option<bool>,
    /// Number of days after which a new URL is due; null is never, absent is 90.
    #[serde(default, deserialize_with = "change::present")]
    #[schema(value_type = Option<u16>, minimum = 1, maximum = 65_535)]
    rotation_days: Option<Option<NonZeroU16>>,
}

/// A webhook with the secrets that are shown once.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Made {
    #[serde(flatten)]
    webhook: Webhook,
    /// The URL to send to. It is shown only once: null in the answer to a repeated request.
    #[schema(required)]
    url: Option<String>,
    /// The signing secret, if it was created now. It is shown only once.
    #[serde(skip_serializing_if = "Option::is_none")]
    signing_secret: Option<String>,
}

/// Webhooks in the order of their creation.
#[utoipa::path(
    get,
    path = "/api/v1/webhooks",
    operation_id = "listWebhooks",
    tag = "webhooks",
    params(
        ("limit" = Option<u16>, Query, description = "Rows per page", minimum = 1, maximum = 200),
        ("cursor" = Option<words::Handle>, Query, description = "`next` of the previous page"),
    ),
    responses((status = 200, description = "A page", body = Success<Page<Webhook>>)),
)]
pub(crate) async fn list<S: Store>(gate: &Gate<S>, request: &AdminRequest) -> Result<Reply, ApiError> {
    let query = request.query(&["limit", "cursor"])?;
    let size = filter::page_size(&query)?;
    let found = page(gate.store(), query.read("cursor")?, size).await?;
    let next = found.next.map(|handle| handle.to_string());
    let health = gate.health(&found.items).await?;
    let items = found
        .items
        .iter()
        .zip(health)
        .map(|(row, health)| Webhook::new(row, request.now).with_health(health))
        .collect();
    Ok(reply::success(StatusCode::OK, &Page { items, next }))
}

/// Reads a page of webhooks. The page ends early if allowlists are long, so that the answer has a bounded size.
async fn page<S: Store>(
    store: &S,
    after: Option<WebhookHandle>,
    size: PageSize,
) -> Result<gate::Page<hookgate_domain::Webhook, WebhookHandle>, StoreError> {
    let read = |after, size: PageSize| async move {
        let found = store.webhook_page(after, size.and_one()).await?;
        Ok(gate::Page::new(found, size, |webhook| webhook.handle, None))
    };
    bounded_page(size, after, read, written, |webhook| webhook.handle).await
}

/// Estimated bytes of a webhook in an answer.
fn written(webhook: &hookgate_domain::Webhook) -> usize {
    let entries = webhook.policy.allowlist.entries().into_iter().flatten();
    let entries = entries.map(|entry| {
        let comment = entry.comment.as_ref();
        ENTRY_BYTES + comment.map_or(0, |comment| written_bytes(comment.as_str()))
    });
    WEBHOOK_BYTES + entries.sum::<usize>()
}

/// Creates a webhook. A repeated request with the same `Idempotency-Key` creates nothing and is answered with 200,
/// without secrets.
#[utoipa::path(
    post,
    path = "/api/v1/webhooks",
    operation_id = "createWebhook",
    tag = "webhooks",
    params(("Idempotency-Key" = Option<words::RequestKey>, Header, description = "Key that makes a repeated request safe")),
    request_body = New,
    responses(
        (status = 201, description = "Created", body = Success<Made>),
        (status = 200, description = "An earlier request with this key created it", body = Success<Made>),
    ),
)]
pub(crate) async fn create<S: Store + PeopleStore>(
    gate: &Gate<S>,
    caller: &Caller,
    request: AdminRequest,
    gate_url: &str,
) -> Result<Reply, ApiError> {
    let now = request.now;
    let (new, identity): (New, _) = request.repeatable(gate).await?;
    let (actor, earlier) = caller.repeating(gate, identity).await?;
    if let Some(made) = earlier {
        let found = gate.store().webhook_by_handle(made_before(&made)?).await?;
        return Ok(repeated(&found.ok_or_else(gone)?, now));
    }
    let change = Change::read(change::Fields {
        name: Some(new.name.clone()),
        allowlist: Some(new.allowlist),
        allowlist_mode: new.allowlist_mode,
        max_body: new.max_body,
        per_minute: Some(new.per_minute),
        overload: new.overload,
        payload_logging: new.payload_logging,
        rotation_days: new.rotation_days,
    })?;
    let mut name = read("name", &new.name)?;
    let format = match new.sender.as_deref() {
        None | Some("custom") => SenderFormat::Custom,
        // The gate reads no other format yet.
        Some(_) => return Err(ApiError::field("sender", "one_of", "custom")),
    };
    let mut policy = Policy::default();
    change.apply(&mut name, &mut policy)?;
    let new = NewWebhook {
        name,
        format,
        policy,
        signed: new.signed,
    };
    let issued = gate.create(&actor, new).await?;
    let mut reply = made(StatusCode::CREATED, &issued, now, gate_url);
    let location = format!("/api/v1/webhooks/{}", issued.webhook.handle);
    if let Ok(location) = HeaderValue::try_from(location) {
        reply.headers_mut().insert(LOCATION, location);
    }
    Ok(reply)
}

/// One webhook. A change sends its `ETag` back in `If-Match`.
#[utoipa::path(
    get,
    path = "/api/v1/webhooks/{handle}",
    operation_id = "showWebhook",
    tag = "webhooks",
    params(("handle" = words::Handle, Path, description = "Handle of a webhook")),
    responses((status = 200, description = "The webhook", body = Success<Webhook>)),
)]
pub(crate) async fn show<S: Store>(
    gate: &Gate<S>,
    request: &AdminRequest,
    handle: &str,
) -> Result<Reply, ApiError> {
    let found = gate.store().webhook_by_handle(path_id(handle)?).await?;
    let found = found.ok_or(ErrorCode::NotFound)?;
    let health = gate.health(std::slice::from_ref(&found)).await?;
    let retired = gate.retired_use(&found).await?;
    let webhook = Webhook::new(&found, request.now).with_retired_use(retired);
    Ok(shown(&health.into_iter().fold(webhook, Webhook::with_health)))
}

/// Changes a webhook. Absent fields keep their values.
#[utoipa::path(
    patch,
    path = "/api/v1/webhooks/{handle}",
    operation_id = "editWebhook",
    tag = "webhooks",
    params(
        ("handle" = words::Handle, Path, description = "Handle of a webhook"),
        ("If-Match" = words::Tag, Header, description = "The `ETag` that was read, or `*` to overwrite any revision"),
    ),
    request_body = change::Fields,
    responses((status = 200, description = "The webhook as it is now", body = Success<Webhook>)),
)]
pub(crate) async fn edit<S: Store + PeopleStore>(
    gate: &Gate<S>,
    caller: &Caller,
    request: AdminRequest,
    handle: &str,
) -> Result<Reply, ApiError> {
    let (handle, now, tags) = (path_id(handle)?, request.now, request.if_match()?);
    let change = Change::read(request.json().await?)?;
    caller.actor.require(Permission::ManageWebhooks)?;
    let found = gate.store().webhook_by_handle(handle).await?;
    let apply = |name: &mut WebhookName, policy: &mut Policy| change.apply(name, policy);
    let revision = tags.check(found.ok_or(ErrorCode::NotFound)?.revision)?;
    let edited = gate.edit(&caller.actor, handle, revision, apply).await?;
    Ok(shown(&Webhook::new(&edited, now)))
}

/// Gives a webhook a new URL. The old URL stops working immediately.
#[utoipa::path(
    post,
    path = "/api/v1/webhooks/{handle}/regenerate",
    operation_id = "regenerateWebhook",
    tag = "webhooks",
    params(("handle" = words::Handle, Path, description = "Handle of a webhook")),
    responses((status = 200, description = "The webhook with its new URL", body = Success<Made>)),
)]
pub(crate) async fn regenerate<S: Store + PeopleStore>(
    gate: &Gate<S>,
    caller: &Caller,
    request: &AdminRequest,
    handle: &str,
    gate_url: &str,
) -> Result<Reply, ApiError> {
    let issued = gate.regenerate(&caller.actor, path_id(handle)?).await?;
    Ok(made(StatusCode::OK, &issued, request.now, gate_url))
}

/// Revokes a webhook, immediately and permanently.
#[utoipa::path(
    post,
    path = "/api/v1/webhooks/{handle}/revoke",
    operation_id = "revokeWebhook",
    tag = "webhooks",
    params(("handle" = words::Handle, Path, description = "Handle of a webhook")),
    responses((status = 200, description = "Revoked", body = Success<Webhook>)),
)]
pub(crate) async fn revoke<S: Store + PeopleStore>(
    gate: &Gate<S>,
    caller: &Caller,
    request: &AdminRequest,
    handle: &str,
) -> Result<Reply, ApiError> {
    let revoked = gate.revoke(&caller.actor, path_id(handle)?).await?;
    Ok(shown(&Webhook::new(&revoked, request.now)))
}

fn shown(webhook: &Webhook) -> Reply {
    let reply = reply::success(StatusCode::OK, webhook);
    tagged(reply, webhook.revision)
}

fn made(status: StatusCode, issued: &Issued, now: Timestamp, gate_url: &str) -> Reply {
    let made = Made {
        webhook: Webhook::new(&issued.webhook, now),
        url: Some(hookgate_wire::webhook_url(gate_url, issued)),
        signing_secret: issued
            .signing_secret
            .as_ref()
            .map(|secret| secret.reveal().to_string()),
    };
    tagged(reply::success(status, &made), made.webhook.revision)
}

/// The answer to a repeated request: the webhook that an earlier request created, without its secrets.
fn repeated(webhook: &hookgate_domain::Webhook, now: Timestamp) -> Reply {
    let made = Made {
        webhook: Webhook::new(webhook, now),
        url: None,
        signing_secret: None,
    };
    tagged(reply::success(StatusCode::OK, &made), made.webhook.revision)
}

#[cfg(test)]
mod tests;
