//! Routes of the admin API: the token of a request, then the endpoint at its path.

use std::sync::Arc;

use hookgate_gate::{Gate, PeopleStore, Store};
use hyper::Method;

use super::caller::Caller;
use super::{address_sets, audit, deliveries, incidents, members, tokens, usage, webhooks};
use crate::console::Addresses;
use crate::streams;
use hookgate_outbound::Fetcher;
use hookgate_request::{AdminRequest, ApiError, ErrorCode, Limits};
use hookgate_transport::Reply;

/// Parts of the console that the endpoints need besides the gate.
pub(crate) struct ApiContext<'a> {
    pub(crate) addresses: &'a Addresses,
    pub(crate) fetcher: &'a Fetcher,
    pub(crate) limits: &'a Limits,
}

/// Answers a request below `/api/v1`.
pub(crate) async fn answer<S: Store + PeopleStore>(
    gate: &Arc<Gate<S>>,
    context: &ApiContext<'_>,
    request: AdminRequest,
    segments: &[&str],
) -> Result<Reply, ApiError> {
    let caller = Caller::of(gate, &request).await?;
    let recipient = caller.recipient;
    let _permit = context.limits.permit(recipient.account).await?;
    let reply = route(gate, context, &caller, request, segments).await?;
    Ok(streams::streamed(gate, context.limits, recipient, reply).await)
}

async fn route<S: Store + PeopleStore>(
    gate: &Arc<Gate<S>>,
    context: &ApiContext<'_>,
    caller: &Caller,
    request: AdminRequest,
    segments: &[&str],
) -> Result<Reply, ApiError> {
    let &ApiContext {
        addresses,
        fetcher,
        limits,
    } = context;
    let method = request.head.method.clone();
    let reading = matches!(method, Method::GET | Method::HEAD);
    match *segments {
        ["webhooks"] if reading => webhooks::list(gate, &request).await,
        ["webhooks"] if method == Method::POST => {
            webhooks::create(gate, caller, request, &addresses.gate).await
        }
        ["webhooks", handle] if reading => webhooks::show(gate, &request, handle).await,
        ["webhooks", handle] if method == Method::PATCH => {
            webhooks::edit(gate, caller, request, handle).await
        }
        ["webhooks", handle, "regenerate"] if method == Method::POST => {
            webhooks::regenerate(gate, caller, &request, handle, &addresses.gate).await
        }
        ["webhooks", handle, "revoke"] if method == Method::POST => {
            webhooks::revoke(gate, caller, &request, handle).await
        }
        ["webhooks", handle, "usage"] if reading => usage::show(gate, &request, handle).await,
        ["webhooks", handle, "allowlist", "preview"] if method == Method::POST => {
            usage::preview(gate, caller, request, handle).await
        }
        ["webhooks", _, "regenerate" | "revoke"] | ["webhooks", _, "allowlist", "preview"] => {
            Err(ApiError::method("POST"))
        }
        ["address-sets", ref rest @ ..] => address_set(gate, caller, request, fetcher, rest).await,
        ["webhooks", handle, "allowlist", "suggestion"] if reading => {
            usage::suggest(gate, caller, &request, handle).await
        }
        ["deliveries"] if reading => deliveries::list(gate, limits, caller, &request).await,
        ["deliveries", "export"] if reading => deliveries::export(gate, limits, caller, &request),
        ["deliveries", id] if reading => deliveries::show(gate, caller, id).await,
        ["incidents"] if reading => incidents::list(gate, caller, &request).await,
        ["incidents", id] if reading => incidents::show(gate, caller, &request, id).await,
        ["incidents", id] if method == Method::PATCH => incidents::act(gate, caller, request, id).await,
        ["incidents", id, "notes"] if method == Method::POST => {
            incidents::note(gate, caller, request, id).await
        }
        ["members"] if reading => members::list(gate, &request).await,
        ["members"] if method == Method::POST => members::add(gate, caller, request).await,
        ["members", id] if method == Method::PATCH => members::change(gate, caller, request, id).await,
        ["members", id] if method == Method::DELETE => members::remove(gate, caller, id).await,
        ["members", id, "sign-in-link"] if method == Method::POST => {
            members::sign_in_link(gate, caller, id, &addresses.console).await
        }
        ["members", _, "sign-in-link"] | ["incidents", _, "notes"] => Err(ApiError::method("POST")),
        ["members", id, "removal"] if reading => members::removal(gate, caller, id).await,
        ["members", _] => Err(ApiError::method("DELETE, PATCH")),
        ["tokens"] if reading => tokens::list(gate, caller, &request).await,
        ["tokens"] if method == Method::POST => tokens::create(gate, caller, request).await,
        ["tokens", id] if method == Method::DELETE => tokens::revoke(gate, caller, &request, id).await,
        ["tokens", _] => Err(ApiError::method("DELETE")),
        ["audit"] if reading => audit::list(gate, caller, &request).await,
        ["audit", "export"] if reading => audit::export(gate, limits, caller, &request).await,
        ["webhooks" | "members" | "tokens"] => Err(ApiError::method("GET, HEAD, POST")),
        ["webhooks" | "incidents", _] => Err(ApiError::method("GET, HEAD, PATCH")),
        ["incidents" | "audit" | "deliveries"]
        | ["audit", "export"]
        | ["members", _, "removal"]
        | ["deliveries", _]
        | ["webhooks", _, "usage"]
        | ["webhooks", _, "allowlist", "suggestion"] => Err(ApiError::method("GET, HEAD")),
        _ => Err(ErrorCode::NotFound.into()),
    }
}

/// Routes a request below `/api/v1/address-sets`.
async fn address_set<S: Store + PeopleStore>(
    gate: &Gate<S>,
    caller: &Caller,
    request: AdminRequest,
    fetcher: &Fetcher,
    segments: &[&str],
) -> Result<Reply, ApiError> {
    let method = request.head.method.clone();
    let reading = matches!(method, Method::GET | Method::HEAD);
    match *segments {
        [] if reading => address_sets::list(gate, &request).await,
        [] if method == Method::POST => address_sets::create(gate, caller, request, fetcher).await,
        [] => Err(ApiError::method("GET, HEAD, POST")),
        [name] if reading => address_sets::show(gate, &request, name).await,
        [name] if method == Method::PATCH => address_sets::edit(gate, caller, request, name).await,
        [name] if method == Method::DELETE => address_sets::remove(gate, caller, name).await,
        [_] => Err(ApiError::method("DELETE, GET, HEAD, PATCH")),
        [name, "versions"] if reading => address_sets::versions(gate, name).await,
        [_, "versions"] => Err(ApiError::method("GET, HEAD")),
        [name, "refresh"] if method == Method::POST => {
            address_sets::published::refresh(gate, caller, &request, fetcher, name).await
        }
        [name, "decide"] if method == Method::POST => {
            address_sets::published::decide(gate, caller, request, name).await
        }
        [name, "preview"] if method == Method::POST => {
            address_sets::preview::preview(gate, caller, request, name).await
        }
        [_, "refresh" | "decide" | "preview"] => Err(ApiError::method("POST")),
        _ => Err(ErrorCode::NotFound.into()),
    }
}
