//! `/api/v1/address-sets`: named sets of addresses, one's own and published ones.

use hookgate_domain::{AddressSetName, Networks, Provider, SetFilter, SetOrigin, Timestamp, parse_entry};
use hookgate_gate::{Gate, PeopleStore, PreviewDays, Published, Store, Taken, read_address_list};
use hyper::header::{ETAG, HeaderValue};
use hyper::{Method, StatusCode};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Caller, read};
use crate::console::call::Call;
use crate::console::fault::{Code, Fault};
use crate::fetch::{Fetcher, check_list_url};
use crate::reply::{self, Reply};
use crate::wire::{
    AddressSet, AddressSetChange, AddressSetNetworks, AddressSetPreview, AddressSetVersion, words,
};

/// All of a short list.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct All<T> {
    items: Vec<T>,
}

/// A new set: of networks, or of a list that somebody publishes.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "office", "networks": ["192.0.2.0/24", "2001:db8::/32"]}))]
pub(crate) struct New {
    /// What allowlists will call it, behind an `@`.
    #[schema(value_type = words::SetName)]
    name: String,
    /// Its networks, if they are written here.
    #[schema(min_items = 1)]
    networks: Option<Vec<String>>,
    /// Who publishes them otherwise.
    #[schema(value_type = Option<words::Provider>)]
    provider: Option<String>,
    /// Which part of what is published, such as `service=EC2, region=eu-west-1`.
    filter: Option<String>,
    /// Where it is published, if not where the provider usually does.
    url: Option<String>,
    /// The published document itself; it is not read from anywhere then.
    document: Option<String>,
}

/// Answers a request below `/api/v1/address-sets`.
pub(super) async fn answer<S: Store + PeopleStore>(
    gate: &Gate<S>,
    caller: &Caller,
    call: Call,
    fetcher: &Fetcher,
    segments: &[&str],
) -> Result<Reply, Fault> {
    let method = call.head.method.clone();
    let reading = matches!(method, Method::GET | Method::HEAD);
    match *segments {
        [] if reading => list(gate, &call).await,
        [] if method == Method::POST => create(gate, caller, call, fetcher).await,
        [] => Err(Fault::method("GET, HEAD, POST")),
        [name] if reading => show(gate, &call, name).await,
        [name] if method == Method::PATCH => edit(gate, caller, call, name).await,
        [name] if method == Method::DELETE => remove(gate, caller, name).await,
        [_] => Err(Fault::method("DELETE, GET, HEAD, PATCH")),
        [name, "versions"] if reading => versions(gate, name).await,
        [_, "versions"] => Err(Fault::method("GET, HEAD")),
        [name, "refresh"] if method == Method::POST => refresh(gate, caller, &call, fetcher, name).await,
        [name, "decide"] if method == Method::POST => decide(gate, caller, call, name).await,
        [name, "preview"] if method == Method::POST => preview(gate, caller, call, name).await,
        [_, "refresh" | "decide" | "preview"] => Err(Fault::method("POST")),
        _ => Err(Code::NotFound.into()),
    }
}

/// Address sets by name.
#[utoipa::path(
    get,
    path = "/api/v1/address-sets",
    operation_id = "listAddressSets",
    tag = "address sets",
    responses((status = 200, description = "All of them", body = super::document::Success<All<AddressSet>>)),
)]
pub(crate) async fn list<S: Store>(gate: &Gate<S>, call: &Call) -> Result<Reply, Fault> {
    call.query(&[])?;
    let sets = gate.store().address_sets().await?;
    let items = sets.iter().map(|set| AddressSet::new(set, call.now)).collect();
    Ok(reply::success(StatusCode::OK, &All { items }))
}

/// Makes a set. A published list is read at once.
#[utoipa::path(
    post,
    path = "/api/v1/address-sets",
    operation_id = "createAddressSet",
    tag = "address sets",
    params(("Idempotency-Key" = Option<words::RequestKey>, Header, description = "What a repetition is known by")),
    request_body = New,
    responses(
        (status = 201, description = "It is made", body = super::document::Success<AddressSet>),
        (status = 200, description = "It was made by the same request before", body = super::document::Success<AddressSet>),
    ),
)]
pub(crate) async fn create<S: Store + PeopleStore>(
    gate: &Gate<S>,
    caller: &Caller,
    call: Call,
    fetcher: &Fetcher,
) -> Result<Reply, Fault> {
    let now = call.now;
    caller
        .acting
        .require(hookgate_domain::Permission::ManageWebhooks)?;
    let (new, request): (New, _) = call.repeatable().await?;
    let (acting, made_before) = caller.repeating(gate, request).await?;
    if let Some(made) = made_before {
        let name = made.id.strip_prefix('@').and_then(|name| name.parse().ok());
        let (set, _) = gate.address_set(&name.ok_or_else(super::gone)?).await?;
        let reply = reply::success(StatusCode::OK, &AddressSet::new(&set, now));
        return Ok(tagged(reply, set.revision));
    }
    let name: AddressSetName = read("name", &new.name)?;
    let made = made_of(&new, fetcher).await?;
    let set = gate
        .address_set_create(&acting, name, made.origin, made.networks, made.etag)
        .await?;
    let reply = reply::success(StatusCode::CREATED, &AddressSet::new(&set, now));
    Ok(tagged(reply, set.revision))
}

/// What a new set is made of.
pub(crate) struct Made {
    pub(crate) origin: SetOrigin,
    pub(crate) networks: Networks,
    pub(crate) etag: Option<String>,
}

async fn made_of(new: &New, fetcher: &Fetcher) -> Result<Made, Fault> {
    match (&new.networks, &new.provider) {
        (Some(networks), None) if new.url.is_none() && new.document.is_none() => Ok(Made {
            origin: SetOrigin::Own,
            networks: networks_of(networks)?,
            etag: None,
        }),
        (None, Some(provider)) => {
            let provider: Provider = read("provider", provider)?;
            let filter: SetFilter = read("filter", new.filter.as_deref().unwrap_or_default())?;
            published(
                fetcher,
                provider,
                filter,
                new.url.as_deref(),
                new.document.as_deref(),
            )
            .await
        }
        _ => Err(Fault::field("networks", "form", "either networks or a provider")),
    }
}

/// A published list: as it was handed over, or as it is where it is published.
pub(crate) async fn published(
    fetcher: &Fetcher,
    provider: Provider,
    filter: SetFilter,
    url: Option<&str>,
    document: Option<&str>,
) -> Result<Made, Fault> {
    filter
        .check(provider)
        .map_err(|error| Fault::field("filter", "form", error.to_string()))?;
    let read_list = |bytes: &[u8]| {
        read_address_list(provider, &filter, bytes)
            .map_err(|error| Fault::field("document", "form", error.to_string()))
    };
    if let Some(document) = document {
        let networks = read_list(document.as_bytes())?;
        let origin = SetOrigin::Published {
            provider,
            filter,
            url: None,
        };
        return Ok(Made {
            origin,
            networks,
            etag: None,
        });
    }
    let url = url
        .or(provider.url())
        .ok_or_else(|| Fault::field("url", "required", "a plain list is published anywhere: say where"))?;
    check_list_url(url).map_err(|problem| Fault::field("url", "form", problem))?;
    let (bytes, etag) = match fetcher.get(url, None).await {
        Published::Document { bytes, etag } => (bytes, etag),
        Published::Unchanged => (Vec::new(), None),
        Published::Failed(problem) => return Err(Fault::field("url", "reachable", problem)),
    };
    let networks = read_list(&bytes)?;
    Ok(Made {
        origin: SetOrigin::Published {
            provider,
            filter,
            url: Some(url.into()),
        },
        networks,
        etag,
    })
}

/// One set with its networks, or those of another of its versions.
#[utoipa::path(
    get,
    path = "/api/v1/address-sets/{name}",
    operation_id = "showAddressSet",
    tag = "address sets",
    params(
        ("name" = words::SetName, Path, description = "Name of a set"),
        ("version" = Option<i64>, Query, description = "Another version than the one that counts", minimum = 1),
    ),
    responses((status = 200, description = "The set", body = super::document::Success<AddressSetNetworks>)),
)]
pub(crate) async fn show<S: Store>(gate: &Gate<S>, call: &Call, name: &str) -> Result<Reply, Fault> {
    let query = call.query(&["version"])?;
    let name = read_name(name)?;
    let (set, mut networks) = gate.address_set(&name).await?;
    if let Some(version) = query.read::<i64>("version")? {
        let other = gate.store().address_set_networks(&name, version).await?;
        networks = other.ok_or(Code::NotFound)?;
    }
    let shown = AddressSetNetworks::new(&set, &networks, call.now);
    Ok(tagged(reply::success(StatusCode::OK, &shown), set.revision))
}

/// Other networks for a set of one's own.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"networks": ["192.0.2.0/24", "203.0.113.7"]}))]
pub(crate) struct Networking {
    /// All of its networks.
    #[schema(min_items = 1)]
    networks: Vec<String>,
}

/// Gives a set of one's own other networks. They count when this is answered.
#[utoipa::path(
    patch,
    path = "/api/v1/address-sets/{name}",
    operation_id = "editAddressSet",
    tag = "address sets",
    params(
        ("name" = words::SetName, Path, description = "Name of a set"),
        ("If-Match" = words::Tag, Header, description = "The `ETag` that was read"),
    ),
    request_body = Networking,
    responses((status = 200, description = "What changed", body = super::document::Success<AddressSetChange>)),
)]
pub(crate) async fn edit<S: Store + PeopleStore>(
    gate: &Gate<S>,
    caller: &Caller,
    call: Call,
    name: &str,
) -> Result<Reply, Fault> {
    let (name, now, revision) = (read_name(name)?, call.now, call.if_match()?);
    let wanted: Networking = call.json().await?;
    let networks = networks_of(&wanted.networks)?;
    let taken = gate
        .address_set_edit(&caller.acting, &name, Some(revision), networks)
        .await?;
    Ok(changed(&taken, now))
}

/// Removes a set that no allowlist names.
#[utoipa::path(
    delete,
    path = "/api/v1/address-sets/{name}",
    operation_id = "removeAddressSet",
    tag = "address sets",
    params(("name" = words::SetName, Path, description = "Name of a set")),
    responses((status = 200, description = "It is removed", body = super::document::Success<Removed>)),
)]
pub(crate) async fn remove<S: Store + PeopleStore>(
    gate: &Gate<S>,
    caller: &Caller,
    name: &str,
) -> Result<Reply, Fault> {
    let name = read_name(name)?;
    gate.address_set_remove(&caller.acting, &name).await?;
    let removed = Removed {
        name: name.to_string(),
    };
    Ok(reply::success(StatusCode::OK, &removed))
}

/// What was removed.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Removed {
    /// Name of the set.
    name: String,
}

/// The versions of a set that are kept, newest first.
#[utoipa::path(
    get,
    path = "/api/v1/address-sets/{name}/versions",
    operation_id = "listAddressSetVersions",
    tag = "address sets",
    params(("name" = words::SetName, Path, description = "Name of a set")),
    responses((status = 200, description = "The versions", body = super::document::Success<All<AddressSetVersion>>)),
)]
pub(crate) async fn versions<S: Store>(gate: &Gate<S>, name: &str) -> Result<Reply, Fault> {
    let name = read_name(name)?;
    gate.address_set(&name).await?;
    let versions = gate.store().address_set_versions(&name).await?;
    let items = versions.iter().map(AddressSetVersion::from).collect();
    Ok(reply::success(
        StatusCode::OK,
        &All::<AddressSetVersion> { items },
    ))
}

/// Reads a published list again, now.
#[utoipa::path(
    post,
    path = "/api/v1/address-sets/{name}/refresh",
    operation_id = "refreshAddressSet",
    tag = "address sets",
    params(("name" = words::SetName, Path, description = "Name of a set")),
    responses((status = 200, description = "What changed; `fault` says if it could not be read", body = super::document::Success<AddressSetChange>)),
)]
pub(crate) async fn refresh<S: Store + PeopleStore>(
    gate: &Gate<S>,
    caller: &Caller,
    call: &Call,
    fetcher: &Fetcher,
    name: &str,
) -> Result<Reply, Fault> {
    caller
        .acting
        .require(hookgate_domain::Permission::ManageWebhooks)?;
    let name = read_name(name)?;
    let (set, _) = gate.address_set(&name).await?;
    let url = set
        .url()
        .ok_or_else(|| Fault::conflict("it is not read from anywhere"))?;
    let published = fetcher.get(url, set.reading.etag.as_deref()).await;
    let taken = gate.address_set_refresh(&caller.acting, &name, published).await?;
    Ok(changed(&taken, call.now))
}

/// What becomes of a version that waits for approval.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Decision {
    /// The version that waits.
    #[schema(minimum = 1)]
    version: i64,
    /// Whether it shall count.
    approve: bool,
}

/// Approves a version that waits, or rejects it.
#[utoipa::path(
    post,
    path = "/api/v1/address-sets/{name}/decide",
    operation_id = "decideAddressSet",
    tag = "address sets",
    params(("name" = words::SetName, Path, description = "Name of a set")),
    request_body = Decision,
    responses((status = 200, description = "The set as it is now", body = super::document::Success<AddressSet>)),
)]
pub(crate) async fn decide<S: Store + PeopleStore>(
    gate: &Gate<S>,
    caller: &Caller,
    call: Call,
    name: &str,
) -> Result<Reply, Fault> {
    let (name, now) = (read_name(name)?, call.now);
    let decision: Decision = call.json().await?;
    let set = gate
        .address_set_decide(&caller.acting, &name, decision.version, decision.approve)
        .await?;
    let reply = reply::success(StatusCode::OK, &AddressSet::new(&set, now));
    Ok(tagged(reply, set.revision))
}

/// Other networks to look at before they are saved.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SetProposal {
    /// All networks that the set would have; absent: those of the version that waits.
    #[schema(min_items = 1)]
    networks: Option<Vec<String>>,
    /// How many days of deliveries to look at: 7 (the default) or 30.
    #[schema(value_type = Option<words::PreviewDays>)]
    days: Option<u16>,
}

/// Which senders of the last days would stop passing if the set held other networks. Nothing is changed.
#[utoipa::path(
    post,
    path = "/api/v1/address-sets/{name}/preview",
    operation_id = "previewAddressSet",
    tag = "address sets",
    params(("name" = words::SetName, Path, description = "Name of a set")),
    request_body = SetProposal,
    responses((status = 200, description = "What would change", body = super::document::Success<AddressSetPreview>)),
)]
pub(crate) async fn preview<S: Store + PeopleStore>(
    gate: &Gate<S>,
    caller: &Caller,
    call: Call,
    name: &str,
) -> Result<Reply, Fault> {
    caller
        .acting
        .require(hookgate_domain::Permission::ManageWebhooks)?;
    let name = read_name(name)?;
    let proposal: SetProposal = call.json().await?;
    let days = match proposal.days {
        None | Some(7) => PreviewDays::Week,
        Some(30) => PreviewDays::Month,
        Some(_) => return Err(Fault::field("days", "one_of", "7, 30")),
    };
    let (set, _) = gate.address_set(&name).await?;
    let networks = if let Some(networks) = &proposal.networks {
        networks_of(networks)?
    } else {
        let nothing = || Fault::field("networks", "required", "nothing waits for approval");
        let pending = set.pending.ok_or_else(nothing)?;
        let waiting = gate.store().address_set_networks(&name, pending).await?;
        (*waiting.ok_or(Code::NotFound)?).clone()
    };
    let (all, previews) = gate.address_set_preview(&name, &networks, days).await?;
    let preview = AddressSetPreview::new(all, &previews, days);
    Ok(reply::success(StatusCode::OK, &preview))
}

/// What is no name names nothing.
fn read_name(text: &str) -> Result<AddressSetName, Fault> {
    text.parse().map_err(|_| Code::NotFound.into())
}

/// The networks of these entries, read as strictly as those of an allowlist.
pub(crate) fn networks_of(entries: &[String]) -> Result<Networks, Fault> {
    let fault = |problem: String| Fault::field("networks", "form", problem);
    let networks: Vec<_> = entries
        .iter()
        .enumerate()
        .map(|(index, entry)| {
            parse_entry(entry.trim()).map_err(|error| fault(format!("entry {}: {error}", index + 1)))
        })
        .collect::<Result<_, _>>()?;
    let networks = Networks::of(networks).map_err(|error| fault(error.to_string()))?;
    if networks.as_slice().is_empty() {
        return Err(fault("at least one network is needed".to_owned()));
    }
    Ok(networks)
}

fn changed(taken: &Taken, now: Timestamp) -> Reply {
    let reply = reply::success(
        StatusCode::OK,
        &AddressSetChange::new(&taken.set, &taken.changes, now),
    );
    tagged(reply, taken.set.revision)
}

fn tagged(mut reply: Reply, revision: i64) -> Reply {
    if let Ok(tag) = HeaderValue::try_from(format!("\"{revision}\"")) {
        reply.headers_mut().insert(ETAG, tag);
    }
    reply
}
