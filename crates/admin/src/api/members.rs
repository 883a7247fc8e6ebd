//! `/api/v1/members`: the members of the organization.

use hookgate_gate::{Gate, PeopleStore, Store};
use hookgate_people::{MemberId, MemberName, Password, Permission, Role};
use hyper::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::caller::Caller;
use super::endpoint::{gone, made_before, read};
use super::envelope::Success;
use hookgate_request::{AdminRequest, ApiError, ErrorCode, filter, path_id};
use hookgate_transport::reply::{self, Reply};
use hookgate_wire::{self as wire, KnownWebhooks, Member, Page, RemovedMember, words};

/// A new member.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewMember {
    /// Name to sign in with: 1 to 100 characters.
    #[schema(value_type = words::Name)]
    name: String,
    /// `viewer`, `operator`, `admin` or `owner`.
    #[schema(value_type = words::Role)]
    role: String,
    /// Password of 8 to 200 characters. Without a password, a member can only sign in with a sign-in link. An API
    /// token can't set one (`FORBIDDEN`), because the account would outlive the token.
    #[schema(min_length = 8, max_length = 200, format = Password)]
    password: Option<String>,
}

/// A change of a member.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MemberChange {
    /// `viewer`, `operator`, `admin` or `owner`.
    #[schema(value_type = words::Role)]
    role: String,
}

/// Members in the order of their creation.
#[utoipa::path(
    get,
    path = "/api/v1/members",
    operation_id = "listMembers",
    tag = "people",
    params(
        ("limit" = Option<u16>, Query, description = "Rows per page", minimum = 1, maximum = 200),
        ("cursor" = Option<words::MemberId>, Query, description = "`next` of the previous page"),
    ),
    responses((status = 200, description = "A page", body = Success<Page<Member>>)),
)]
pub(crate) async fn list<S: Store + PeopleStore>(
    gate: &Gate<S>,
    request: &AdminRequest,
) -> Result<Reply, ApiError> {
    let query = request.query(&["limit", "cursor"])?;
    let size = filter::page_size(&query)?;
    let found = gate
        .store()
        .member_page(query.read("cursor")?, size.and_one())
        .await?;
    let (rows, next) = filter::page_of(found, size, |row| row.id);
    let items = rows.iter().map(Member::from).collect();
    Ok(reply::success(StatusCode::OK, &Page { items, next }))
}

/// Adds a member.
#[utoipa::path(
    post,
    path = "/api/v1/members",
    operation_id = "addMember",
    tag = "people",
    params(("Idempotency-Key" = Option<words::RequestKey>, Header, description = "Key that makes a repeated request safe")),
    request_body = NewMember,
    responses(
        (status = 201, description = "The member", body = Success<Member>),
        (status = 200, description = "An earlier request with this key created it", body = Success<Member>),
    ),
)]
pub(crate) async fn add<S: Store + PeopleStore>(
    gate: &Gate<S>,
    caller: &Caller,
    request: AdminRequest,
) -> Result<Reply, ApiError> {
    let (new, identity): (NewMember, _) = request.repeatable(gate).await?;
    let (actor, earlier) = caller.repeating(gate, identity).await?;
    if let Some(made) = earlier {
        let found = gate.store().member_by_id(made_before(&made)?).await?;
        let member = found.ok_or_else(gone)?;
        return Ok(reply::success(StatusCode::OK, &Member::from(&member)));
    }
    let name: MemberName = read("name", &new.name)?;
    let password = new
        .password
        .map(|text| read::<Password>("password", &text))
        .transpose()?;
    let member = gate
        .member_add(&actor, name, read("role", &new.role)?, password)
        .await?;
    Ok(reply::success(StatusCode::CREATED, &Member::from(&member)))
}

/// Gives a member another role.
#[utoipa::path(
    patch,
    path = "/api/v1/members/{id}",
    operation_id = "changeMember",
    tag = "people",
    params(("id" = words::MemberId, Path, description = "ID of a member")),
    request_body = MemberChange,
    responses((status = 200, description = "The member", body = Success<Member>)),
)]
pub(crate) async fn change<S: Store + PeopleStore>(
    gate: &Gate<S>,
    caller: &Caller,
    request: AdminRequest,
    id: &str,
) -> Result<Reply, ApiError> {
    let id: MemberId = path_id(id)?;
    let change: MemberChange = request.json().await?;
    let role: Role = read("role", &change.role)?;
    let member = gate.member_set_role(&caller.actor, id, role, None).await?;
    Ok(reply::success(StatusCode::OK, &Member::from(&member)))
}

/// The URLs and signing secrets in use that a member was shown. Removing the member marks them as due.
#[utoipa::path(
    get,
    path = "/api/v1/members/{id}/removal",
    operation_id = "previewRemoval",
    tag = "people",
    params(("id" = words::MemberId, Path, description = "ID of a member")),
    responses((status = 200, description = "URLs and signing secrets that the member was shown", body = Success<KnownWebhooks>)),
)]
pub(crate) async fn removal<S: Store + PeopleStore>(
    gate: &Gate<S>,
    caller: &Caller,
    id: &str,
) -> Result<Reply, ApiError> {
    let id: MemberId = path_id(id)?;
    let known = gate.member_known(&caller.actor, id).await?;
    Ok(reply::success(StatusCode::OK, &KnownWebhooks::from(&known)))
}

/// Removes a member. The member's sessions and tokens end immediately. The URLs that the member was shown keep
/// working and are marked as due.
#[utoipa::path(
    delete,
    path = "/api/v1/members/{id}",
    operation_id = "removeMember",
    tag = "people",
    params(("id" = words::MemberId, Path, description = "ID of a member")),
    responses((status = 200, description = "The removed member, and the URLs and signing secrets that the member was shown", body = Success<RemovedMember>)),
)]
pub(crate) async fn remove<S: Store + PeopleStore>(
    gate: &Gate<S>,
    caller: &Caller,
    id: &str,
) -> Result<Reply, ApiError> {
    let id: MemberId = path_id(id)?;
    let removed = gate.member_remove(&caller.actor, id).await?;
    Ok(reply::success(StatusCode::OK, &RemovedMember::from(&removed)))
}

/// A sign-in link.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MadeLink {
    /// The member that the link signs in.
    member: Member,
    /// The link. It works once and is shown only once.
    sign_in: String,
    /// Time at which an unused link expires.
    #[schema(format = DateTime)]
    sign_in_expires_at: String,
}

/// Creates a link that signs a member in, once.
///
/// Only members and the command line can create one: an API token is refused (`FORBIDDEN`), because the session of a
/// link would outlive the token.
#[utoipa::path(
    post,
    path = "/api/v1/members/{id}/sign-in-link",
    operation_id = "createSignInLink",
    tag = "people",
    params(("id" = words::MemberId, Path, description = "ID of a member")),
    responses((status = 201, description = "The link", body = Success<MadeLink>)),
)]
pub(crate) async fn sign_in_link<S: Store + PeopleStore>(
    gate: &Gate<S>,
    caller: &Caller,
    id: &str,
    console: &str,
) -> Result<Reply, ApiError> {
    caller.actor.require(Permission::ManagePeople)?;
    let id: MemberId = path_id(id)?;
    let member = gate.store().member_by_id(id).await?.ok_or(ErrorCode::NotFound)?;
    let (secret, link, member) = gate.sign_in_link(&caller.actor, Some(&member.name)).await?;
    let made = MadeLink {
        member: Member::from(&member),
        sign_in: wire::sign_in_url(console, &secret),
        sign_in_expires_at: wire::time(link.expires_at()),
    };
    Ok(reply::success(StatusCode::CREATED, &made))
}

#[cfg(test)]
mod tests;
