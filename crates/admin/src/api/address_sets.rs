//! `/api/v1/address-sets`: named lists of networks, own and published ones.

pub(crate) mod preview;
pub(crate) mod published;

use hookgate_domain::Timestamp;
use hookgate_domain::address_set::{AddressSetName, Provider, SetFilter};
use hookgate_gate::{Gate, PeopleStore, RefreshOutcome, Store};
use hookgate_people::Permission;
use hyper::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::caller::Caller;
use super::endpoint::{gone, read, tagged};
use super::envelope::Success;
use crate::set_source::{self, SetSource, networks_of};
use hookgate_outbound::Fetcher;
use hookgate_request::{AdminRequest, ApiError, ErrorCode, path_id};
use hookgate_transport::reply::{self, Reply};
use hookgate_wire::{AddressSet, AddressSetChange, AddressSetNetworks, AddressSetVersion, words};

/// A list without pages.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct All<T> {
    items: Vec<T>,
}

/// A new address set: of own networks, or of the list of a provider.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "office", "networks": ["192.0.2.0/24", "2001:db8::/32"]}))]
pub(crate) struct New {
    /// Name of the set. Allowlists use it as `@name`.
    #[schema(value_type = words::SetName)]
    name: String,
    /// Networks of the set; absent for a published set.
    #[schema(min_items = 1)]
    networks: Option<Vec<String>>,
    /// Provider of a published set.
    #[schema(value_type = Option<words::Provider>)]
    provider: Option<String>,
    /// Part of the published list to use, such as `service=EC2, region=eu-west-1`.
    filter: Option<String>,
    /// URL of the published list, if it is not the provider's usual one.
    url: Option<String>,
    /// The published document itself. Nothing is downloaded then.
    document: Option<String>,
}

/// Address sets by name.
#[utoipa::path(
    get,
    path = "/api/v1/address-sets",
    operation_id = "listAddressSets",
    tag = "address sets",
    responses((status = 200, description = "All of them", body = Success<All<AddressSet>>)),
)]
pub(crate) async fn list<S: Store>(gate: &Gate<S>, request: &AdminRequest) -> Result<Reply, ApiError> {
    request.query(&[])?;
    let sets = gate.store().address_sets().await?;
    let items = sets.iter().map(|set| AddressSet::new(set, request.now)).collect();
    Ok(reply::success(StatusCode::OK, &All { items }))
}

/// Creates an address set. A published list is downloaded immediately.
#[utoipa::path(
    post,
    path = "/api/v1/address-sets",
    operation_id = "createAddressSet",
    tag = "address sets",
    params(("Idempotency-Key" = Option<words::RequestKey>, Header, description = "Key that makes a repeated request safe")),
    request_body = New,
    responses(
        (status = 201, description = "Created", body = Success<AddressSet>),
        (status = 200, description = "An earlier request with this key created it", body = Success<AddressSet>),
    ),
)]
pub(crate) async fn create<S: Store + PeopleStore>(
    gate: &Gate<S>,
    caller: &Caller,
    request: AdminRequest,
    fetcher: &Fetcher,
) -> Result<Reply, ApiError> {
    let now = request.now;
    caller.actor.require(Permission::ManageWebhooks)?;
    let (new, identity): (New, _) = request.repeatable(gate).await?;
    let (actor, earlier) = caller.repeating(gate, identity).await?;
    if let Some(made) = earlier {
        let name = made.id.strip_prefix('@').and_then(|name| name.parse().ok());
        let (set, _) = gate.address_set(&name.ok_or_else(gone)?).await?;
        let reply = reply::success(StatusCode::OK, &AddressSet::new(&set, now));
        return Ok(tagged(reply, set.revision));
    }
    let name: AddressSetName = read("name", &new.name)?;
    let made = made_of(gate, &new, fetcher).await?;
    let set = gate
        .address_set_create(&actor, name, made.origin, made.networks, made.etag)
        .await?;
    let reply = reply::success(StatusCode::CREATED, &AddressSet::new(&set, now));
    Ok(tagged(reply, set.revision))
}

/// One address set with the networks of its active version, or of the version that was asked for.
#[utoipa::path(
    get,
    path = "/api/v1/address-sets/{name}",
    operation_id = "showAddressSet",
    tag = "address sets",
    params(
        ("name" = words::SetName, Path, description = "Name of a set"),
        ("version" = Option<i64>, Query, description = "A version other than the active one", minimum = 1),
    ),
    responses((status = 200, description = "The set", body = Success<AddressSetNetworks>)),
)]
pub(crate) async fn show<S: Store>(
    gate: &Gate<S>,
    request: &AdminRequest,
    name: &str,
) -> Result<Reply, ApiError> {
    let query = request.query(&["version"])?;
    let name = path_id(name)?;
    let (set, mut networks) = gate.address_set(&name).await?;
    if let Some(version) = query.read::<i64>("version")? {
        let other = gate.store().address_set_networks(&name, version).await?;
        networks = other.ok_or(ErrorCode::NotFound)?;
    }
    let shown = AddressSetNetworks::new(&set, &networks, request.now);
    Ok(tagged(reply::success(StatusCode::OK, &shown), set.revision))
}

/// New networks for an own set.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"networks": ["192.0.2.0/24", "203.0.113.7"]}))]
pub(crate) struct Networking {
    /// All networks of the set.
    #[schema(min_items = 1)]
    networks: Vec<String>,
}

/// Replaces the networks of an own set. The new networks are in effect when the answer is sent.
#[utoipa::path(
    patch,
    path = "/api/v1/address-sets/{name}",
    operation_id = "editAddressSet",
    tag = "address sets",
    params(
        ("name" = words::SetName, Path, description = "Name of a set"),
        ("If-Match" = words::Tag, Header, description = "The `ETag` that was read, or `*` to overwrite any revision"),
    ),
    request_body = Networking,
    responses((status = 200, description = "What changed", body = Success<AddressSetChange>)),
)]
pub(crate) async fn edit<S: Store + PeopleStore>(
    gate: &Gate<S>,
    caller: &Caller,
    request: AdminRequest,
    name: &str,
) -> Result<Reply, ApiError> {
    let (name, now, tags) = (path_id(name)?, request.now, request.if_match()?);
    let wanted: Networking = request.json().await?;
    let networks = networks_of(&wanted.networks)?;
    caller.actor.require(Permission::ManageWebhooks)?;
    let (set, _) = gate.address_set(&name).await?;
    let revision = tags.check(set.revision)?;
    let taken = gate
        .address_set_edit(&caller.actor, &name, revision, networks)
        .await?;
    Ok(changed(&taken, now))
}

/// Removes an address set that no allowlist uses.
#[utoipa::path(
    delete,
    path = "/api/v1/address-sets/{name}",
    operation_id = "removeAddressSet",
    tag = "address sets",
    params(("name" = words::SetName, Path, description = "Name of a set")),
    responses((status = 200, description = "Removed", body = Success<Removed>)),
)]
pub(crate) async fn remove<S: Store + PeopleStore>(
    gate: &Gate<S>,
    caller: &Caller,
    name: &str,
) -> Result<Reply, ApiError> {
    let name = path_id(name)?;
    gate.address_set_remove(&caller.actor, &name).await?;
    let removed = Removed {
        name: name.to_string(),
    };
    Ok(reply::success(StatusCode::OK, &removed))
}

/// A removed address set.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Removed {
    /// Name of the set.
    name: String,
}

/// The stored versions of an address set, newest first.
#[utoipa::path(
    get,
    path = "/api/v1/address-sets/{name}/versions",
    operation_id = "listAddressSetVersions",
    tag = "address sets",
    params(("name" = words::SetName, Path, description = "Name of a set")),
    responses((status = 200, description = "The versions", body = Success<All<AddressSetVersion>>)),
)]
pub(crate) async fn versions<S: Store>(gate: &Gate<S>, name: &str) -> Result<Reply, ApiError> {
    let name = path_id(name)?;
    gate.address_set(&name).await?;
    let versions = gate.store().address_set_versions(&name).await?;
    let items = versions.iter().map(AddressSetVersion::from).collect();
    Ok(reply::success(
        StatusCode::OK,
        &All::<AddressSetVersion> { items },
    ))
}

/// The content of a new set: own networks, or a published list.
async fn made_of<S: Store>(gate: &Gate<S>, new: &New, fetcher: &Fetcher) -> Result<SetSource, ApiError> {
    match (&new.networks, &new.provider) {
        (Some(networks), None) if new.url.is_none() && new.document.is_none() => SetSource::own(networks),
        (None, Some(provider)) => {
            let provider: Provider = read("provider", provider)?;
            let filter: SetFilter = new
                .filter
                .as_deref()
                .map_or(Ok(SetFilter::default()), |filter| read("filter", filter))?;
            let (url, document) = (new.url.as_deref(), new.document.as_deref());
            set_source::published(gate, fetcher, provider, filter, url, document).await
        }
        _ => Err(ApiError::field(
            "networks",
            "form",
            "either networks or a provider",
        )),
    }
}

/// The answer with what an edit or a download changed.
fn changed(taken: &RefreshOutcome, now: Timestamp) -> Reply {
    let reply = reply::success(
        StatusCode::OK,
        &AddressSetChange::new(&taken.set, &taken.changes, now),
    );
    tagged(reply, taken.set.revision)
}

#[cfg(test)]
mod tests;
