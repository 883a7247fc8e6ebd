//! The admin API: a function for each endpoint, a file for each resource. Members and tokens share a file, and
//! `usage` has the usage and the allowlist previews of webhooks.
//!
//! Every request needs `Authorization: Bearer hgt_…`. The gate checks the permissions of the token's role.

pub(crate) mod address_sets;
mod audit;
mod deliveries;
pub(crate) mod document;
mod incidents;
mod people;
mod usage;
mod webhooks;

use std::fmt::Display;
use std::str::FromStr;
use std::sync::Arc;

use hookgate_gate::{Account, ActorContext, Credential, Gate, IdempotentReplay, PeopleStore, Store};
use hookgate_people::{ApiToken, AuditRequest, AuditSubject, Permission};
use hyper::Method;
use hyper::header::{AUTHORIZATION, ETAG, HeaderValue};

use crate::Addresses;
use crate::streams::{self, Recipient};
use hookgate_outbound::Fetcher;
use hookgate_request::{AdminRequest, ApiError, ErrorCode, Limits};
use hookgate_transport::Reply;

/// The authenticated caller: a token.
pub(crate) struct Caller {
    pub(crate) acting: ActorContext,
    /// The account whose limits count the request, and the credential that a long answer is rechecked against.
    pub(crate) recipient: Recipient,
}

/// Dependencies of the endpoints, beside the gate.
pub(crate) struct Surroundings<'a> {
    pub(crate) addresses: &'a Addresses,
    pub(crate) fetcher: &'a Fetcher,
    pub(crate) limits: &'a Limits,
}

impl Caller {
    /// The actor with the identity of its request, and the object that an earlier request with the same
    /// `Idempotency-Key` created. The key with another request is an error.
    async fn repeating<S: Store + PeopleStore>(
        &self,
        gate: &Gate<S>,
        request: Option<AuditRequest>,
    ) -> Result<(ActorContext, Option<AuditSubject>), ApiError> {
        let acting = ActorContext {
            request,
            ..self.acting.clone()
        };
        match gate.repeated(&acting).await? {
            Some(IdempotentReplay::Other) => Err(ErrorCode::IdempotencyConflict.into()),
            Some(IdempotentReplay::Same(made)) => Ok((acting, Some(made))),
            None => Ok((acting, None)),
        }
    }

    /// Returns `true` if the caller's role has the permission.
    pub(crate) fn may(&self, permission: Permission) -> bool {
        self.acting.role().may(permission)
    }
}

/// Answers a request below `/api/v1`.
pub(crate) async fn answer<S: Store + PeopleStore>(
    gate: &Arc<Gate<S>>,
    surroundings: &Surroundings<'_>,
    call: AdminRequest,
    segments: &[&str],
) -> Result<Reply, ApiError> {
    let caller = authenticate(gate, &call).await?;
    let recipient = caller.recipient;
    let _turn = surroundings.limits.turn(recipient.account).await?;
    let reply = route(gate, surroundings, &caller, call, segments).await?;
    Ok(streams::held(gate, surroundings.limits, recipient, reply).await)
}

async fn route<S: Store + PeopleStore>(
    gate: &Arc<Gate<S>>,
    surroundings: &Surroundings<'_>,
    caller: &Caller,
    call: AdminRequest,
    segments: &[&str],
) -> Result<Reply, ApiError> {
    let &Surroundings {
        addresses,
        fetcher,
        limits,
    } = surroundings;
    let method = call.head.method.clone();
    let reading = matches!(method, Method::GET | Method::HEAD);
    match *segments {
        ["webhooks"] if reading => webhooks::list(gate, &call).await,
        ["webhooks"] if method == Method::POST => webhooks::create(gate, caller, call, &addresses.gate).await,
        ["webhooks", handle] if reading => webhooks::show(gate, &call, handle).await,
        ["webhooks", handle] if method == Method::PATCH => webhooks::edit(gate, caller, call, handle).await,
        ["webhooks", handle, "regenerate"] if method == Method::POST => {
            webhooks::regenerate(gate, caller, &call, handle, &addresses.gate).await
        }
        ["webhooks", handle, "revoke"] if method == Method::POST => {
            webhooks::revoke(gate, caller, &call, handle).await
        }
        ["webhooks", handle, "usage"] if reading => usage::show(gate, &call, handle).await,
        ["webhooks", handle, "allowlist", "preview"] if method == Method::POST => {
            usage::preview(gate, caller, call, handle).await
        }
        ["webhooks", _, "regenerate" | "revoke"] | ["webhooks", _, "allowlist", "preview"] => {
            Err(ApiError::method("POST"))
        }
        ["address-sets", ref rest @ ..] => address_sets::answer(gate, caller, call, fetcher, rest).await,
        ["webhooks", handle, "allowlist", "suggestion"] if reading => {
            usage::suggest(gate, caller, &call, handle).await
        }
        ["deliveries"] if reading => deliveries::list(gate, limits, caller, &call).await,
        ["deliveries", "export"] if reading => deliveries::export(gate, limits, caller, &call),
        ["deliveries", id] if reading => deliveries::show(gate, caller, id).await,
        ["incidents"] if reading => incidents::list(gate, caller, &call).await,
        ["incidents", id] if reading => incidents::show(gate, caller, &call, id).await,
        ["incidents", id] if method == Method::PATCH => incidents::act(gate, caller, call, id).await,
        ["incidents", id, "notes"] if method == Method::POST => incidents::note(gate, caller, call, id).await,
        ["members"] if reading => people::members(gate, &call).await,
        ["members"] if method == Method::POST => people::member_add(gate, caller, call).await,
        ["members", id] if method == Method::PATCH => people::member_change(gate, caller, call, id).await,
        ["members", id] if method == Method::DELETE => people::member_remove(gate, caller, id).await,
        ["members", id, "sign-in-link"] if method == Method::POST => {
            people::sign_in_link(gate, caller, id, &addresses.console).await
        }
        ["members", _, "sign-in-link"] | ["incidents", _, "notes"] => Err(ApiError::method("POST")),
        ["members", id, "removal"] if reading => people::removal(gate, caller, id).await,
        ["members", _] => Err(ApiError::method("DELETE, PATCH")),
        ["tokens"] if reading => people::tokens(gate, caller, &call).await,
        ["tokens"] if method == Method::POST => people::token_create(gate, caller, call).await,
        ["tokens", id] if method == Method::DELETE => people::token_revoke(gate, caller, &call, id).await,
        ["tokens", _] => Err(ApiError::method("DELETE")),
        ["audit"] if reading => audit::list(gate, caller, &call).await,
        ["audit", "export"] if reading => audit::export(gate, limits, caller, &call).await,
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

/// The ID of the object that an earlier request created.
fn made_before<T: FromStr>(made: &AuditSubject) -> Result<T, ApiError> {
    made.id.parse().map_err(|_| gone())
}

/// The error of a repeated request whose object no longer exists.
fn gone() -> ApiError {
    ApiError::conflict("what this request created no longer exists")
}

/// Parses a field of a body.
fn read<T: FromStr<Err: Display>>(field: &str, text: &str) -> Result<T, ApiError> {
    text.parse()
        .map_err(|error: T::Err| ApiError::field(field, "form", error.to_string()))
}

/// Adds the revision as `ETag`, for the `If-Match` of a later change.
fn tagged(mut reply: Reply, revision: i64) -> Reply {
    if let Ok(tag) = HeaderValue::try_from(format!("\"{revision}\"")) {
        reply.headers_mut().insert(ETAG, tag);
    }
    reply
}

async fn authenticate<S: Store + PeopleStore>(
    gate: &Gate<S>,
    call: &AdminRequest,
) -> Result<Caller, ApiError> {
    let text = call.header(&AUTHORIZATION).ok_or(ErrorCode::Unauthenticated)?;
    let (scheme, secret) = text.split_once(' ').ok_or(ErrorCode::Unauthenticated)?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(ErrorCode::Unauthenticated.into());
    }
    let token: ApiToken = secret.trim().parse().map_err(|_| ErrorCode::Unauthenticated)?;
    let token = gate
        .authenticate(&token, call.source)
        .await?
        .ok_or(ErrorCode::Unauthenticated)?;
    Ok(Caller {
        acting: ActorContext::remote(&token, call.source),
        recipient: Recipient {
            account: Account::from(&token),
            credential: Credential::Token(token.digest),
            role: token.role,
        },
    })
}

#[cfg(test)]
mod tests;
