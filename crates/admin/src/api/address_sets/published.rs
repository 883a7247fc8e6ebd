//! `/api/v1/address-sets/{name}/refresh` and `…/decide`: downloads of published lists, and the approval of pending
//! versions.

use hookgate_gate::{Gate, PeopleStore, Store};
use hookgate_people::Permission;
use hyper::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;

use super::changed;
use crate::api::caller::Caller;
use crate::api::endpoint::tagged;
use crate::api::envelope::Success;
use hookgate_outbound::Fetcher;
use hookgate_request::{AdminRequest, ApiError, path_id};
use hookgate_transport::reply::{self, Reply};
use hookgate_wire::{AddressSet, AddressSetChange, words};

/// Downloads a published list again, immediately.
#[utoipa::path(
    post,
    path = "/api/v1/address-sets/{name}/refresh",
    operation_id = "refreshAddressSet",
    tag = "address sets",
    params(("name" = words::SetName, Path, description = "Name of a set")),
    responses((status = 200, description = "What changed; `fault` says if it could not be read", body = Success<AddressSetChange>)),
)]
pub(crate) async fn refresh<S: Store + PeopleStore>(
    gate: &Gate<S>,
    caller: &Caller,
    request: &AdminRequest,
    fetcher: &Fetcher,
    name: &str,
) -> Result<Reply, ApiError> {
    caller.actor.require(Permission::ManageWebhooks)?;
    let name = path_id(name)?;
    let (set, _) = gate.address_set(&name).await?;
    let url = set
        .url()
        .ok_or_else(|| ApiError::conflict("this set has no URL to download from"))?;
    let published = fetcher.get(url, set.reading.etag.as_deref()).await;
    let taken = gate.address_set_refresh(&caller.actor, &name, published).await?;
    Ok(changed(&taken, request.now))
}

/// The decision about a pending version.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Decision {
    /// Number of the pending version.
    #[schema(minimum = 1)]
    version: i64,
    /// `true` approves the version, `false` rejects it.
    approve: bool,
}

/// Approves or rejects a pending version.
#[utoipa::path(
    post,
    path = "/api/v1/address-sets/{name}/decide",
    operation_id = "decideAddressSet",
    tag = "address sets",
    params(("name" = words::SetName, Path, description = "Name of a set")),
    request_body = Decision,
    responses((status = 200, description = "The set as it is now", body = Success<AddressSet>)),
)]
pub(crate) async fn decide<S: Store + PeopleStore>(
    gate: &Gate<S>,
    caller: &Caller,
    request: AdminRequest,
    name: &str,
) -> Result<Reply, ApiError> {
    let (name, now) = (path_id(name)?, request.now);
    let decision: Decision = request.json().await?;
    let set = gate
        .address_set_decide(&caller.actor, &name, decision.version, decision.approve)
        .await?;
    let reply = reply::success(StatusCode::OK, &AddressSet::new(&set, now));
    Ok(tagged(reply, set.revision))
}

#[cfg(test)]
mod tests;
