//! `/api/v1/tokens`: API tokens.

use std::num::NonZeroU16;
use std::time::Duration;

use hookgate_gate::{Gate, PeopleStore, Store};
use hookgate_people::{Role, TokenId, TokenName};
use hyper::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::caller::Caller;
use super::endpoint::{gone, made_before, read};
use super::envelope::Success;
use hookgate_request::{AdminRequest, ApiError, filter, path_id};
use hookgate_transport::reply::{self, Reply};
use hookgate_wire::{Page, Token, words};

const DAY: Duration = Duration::from_hours(24);

/// A new token.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewToken {
    /// Name of the token: 1 to 100 characters.
    #[schema(value_type = words::Name)]
    name: String,
    /// `viewer`, `operator`, `admin` or `owner`; at most the role of the caller.
    #[schema(value_type = words::Role)]
    role: String,
    /// Number of days after which the token expires; absent is never.
    #[schema(value_type = Option<u16>, minimum = 1, maximum = 65_535)]
    expires_days: Option<NonZeroU16>,
}

/// A token with its secret.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MadeToken {
    #[serde(flatten)]
    made: Token,
    /// The secret, `hgt_…`. It is shown only once: null in the answer to a repeated request.
    #[schema(required)]
    token: Option<String>,
}

/// Tokens in the order of their creation, expired and revoked ones too.
#[utoipa::path(
    get,
    path = "/api/v1/tokens",
    operation_id = "listTokens",
    tag = "people",
    params(
        ("limit" = Option<u16>, Query, description = "Rows per page", minimum = 1, maximum = 200),
        ("cursor" = Option<words::TokenId>, Query, description = "`next` of the previous page"),
    ),
    responses((status = 200, description = "A page", body = Success<Page<Token>>)),
)]
pub(crate) async fn list<S: Store + PeopleStore>(
    gate: &Gate<S>,
    caller: &Caller,
    request: &AdminRequest,
) -> Result<Reply, ApiError> {
    let query = request.query(&["limit", "cursor"])?;
    let size = filter::page_size(&query)?;
    let found = gate
        .token_list(&caller.actor, query.read("cursor")?, size.and_one())
        .await?;
    let (rows, next) = filter::page_of(found, size, |row| row.id);
    let items = rows.iter().map(|row| Token::new(row, request.now)).collect();
    Ok(reply::success(StatusCode::OK, &Page { items, next }))
}

/// Creates a token. Its secret is in this answer and nowhere else.
#[utoipa::path(
    post,
    path = "/api/v1/tokens",
    operation_id = "createToken",
    tag = "people",
    params(("Idempotency-Key" = Option<words::RequestKey>, Header, description = "Key that makes a repeated request safe")),
    request_body = NewToken,
    responses(
        (status = 201, description = "Created", body = Success<MadeToken>),
        (status = 200, description = "An earlier request with this key created it", body = Success<MadeToken>),
    ),
)]
pub(crate) async fn create<S: Store + PeopleStore>(
    gate: &Gate<S>,
    caller: &Caller,
    request: AdminRequest,
) -> Result<Reply, ApiError> {
    let now = request.now;
    let (new, identity): (NewToken, _) = request.repeatable(gate).await?;
    let (actor, earlier) = caller.repeating(gate, identity).await?;
    if let Some(made) = earlier {
        let found = gate.store().token_by_id(made_before(&made)?).await?;
        let made = MadeToken {
            made: Token::new(&found.ok_or_else(gone)?, now),
            token: None,
        };
        return Ok(reply::success(StatusCode::OK, &made));
    }
    let (name, role): (TokenName, Role) = (read("name", &new.name)?, read("role", &new.role)?);
    let expires = new
        .expires_days
        .map(|days| now.after(DAY * u32::from(days.get())));
    let (secret, token) = gate.token_create(&actor, name, role, expires).await?;
    let made = MadeToken {
        made: Token::new(&token, now),
        token: Some(secret.reveal().to_owned()),
    };
    Ok(reply::success(StatusCode::CREATED, &made))
}

/// Revokes a token, immediately.
#[utoipa::path(
    delete,
    path = "/api/v1/tokens/{id}",
    operation_id = "revokeToken",
    tag = "people",
    params(("id" = words::TokenId, Path, description = "ID of a token")),
    responses((status = 200, description = "The token as it is now", body = Success<Token>)),
)]
pub(crate) async fn revoke<S: Store + PeopleStore>(
    gate: &Gate<S>,
    caller: &Caller,
    request: &AdminRequest,
    id: &str,
) -> Result<Reply, ApiError> {
    let id: TokenId = path_id(id)?;
    let token = gate.token_revoke(&caller.actor, id).await?;
    Ok(reply::success(StatusCode::OK, &Token::new(&token, request.now)))
}

#[cfg(test)]
mod tests;
