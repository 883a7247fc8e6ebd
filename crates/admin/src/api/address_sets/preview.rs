//! `/api/v1/address-sets/{name}/preview`: the senders that would stop passing if a set had other networks.

use hookgate_gate::{Gate, PeopleStore, Store};
use hookgate_people::Permission;
use hyper::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::api::caller::Caller;
use crate::api::envelope::Success;
use crate::change;
use crate::set_source::networks_of;
use hookgate_request::{AdminRequest, ApiError, ErrorCode, path_id};
use hookgate_transport::reply::{self, Reply};
use hookgate_wire::{AddressSetPreview, words};

/// Networks to preview before they are saved.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SetProposal {
    /// All networks that the set would have. Absent: the networks of the pending version.
    #[schema(min_items = 1)]
    networks: Option<Vec<String>>,
    /// Number of days of deliveries to check: 7 (the default) or 30.
    #[schema(value_type = Option<words::PreviewDays>)]
    days: Option<u16>,
}

/// Previews other networks for an address set: the senders of the last days that would stop passing. Changes nothing.
#[utoipa::path(
    post,
    path = "/api/v1/address-sets/{name}/preview",
    operation_id = "previewAddressSet",
    tag = "address sets",
    params(("name" = words::SetName, Path, description = "Name of a set")),
    request_body = SetProposal,
    responses((status = 200, description = "What would change", body = Success<AddressSetPreview>)),
)]
pub(crate) async fn preview<S: Store + PeopleStore>(
    gate: &Gate<S>,
    caller: &Caller,
    request: AdminRequest,
    name: &str,
) -> Result<Reply, ApiError> {
    caller.actor.require(Permission::ManageWebhooks)?;
    let name = path_id(name)?;
    let proposal: SetProposal = request.json().await?;
    let days = change::preview_days(proposal.days)?;
    let (set, _) = gate.address_set(&name).await?;
    let networks = if let Some(networks) = &proposal.networks {
        networks_of(networks)?
    } else {
        let nothing = || ApiError::field("networks", "required", "no version needs approval");
        let pending = set.pending.ok_or_else(nothing)?;
        let waiting = gate.store().address_set_networks(&name, pending).await?;
        (*waiting.ok_or(ErrorCode::NotFound)?).clone()
    };
    let (all, previews) = gate
        .address_set_preview(&caller.actor, &name, &networks, days)
        .await?;
    let preview = AddressSetPreview::new(all, &previews, days);
    Ok(reply::success(StatusCode::OK, &preview))
}

#[cfg(test)]
mod tests;
