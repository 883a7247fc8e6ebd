//! The caller of an endpoint: the token of a request.

use hookgate_gate::{Account, ActorContext, Credential, Gate, IdempotentReplay, PeopleStore, Store};
use hookgate_people::{ApiToken, AuditRequest, AuditSubject, Permission};
use hyper::header::AUTHORIZATION;

use crate::streams::Recipient;
use hookgate_request::{AdminRequest, ApiError, ErrorCode};

/// The authenticated caller: a token.
pub(crate) struct Caller {
    pub(crate) actor: ActorContext,
    /// The account whose limits count the request, and the credential that a long answer is rechecked against.
    pub(crate) recipient: Recipient,
}

impl Caller {
    /// The caller whose token is in `Authorization`.
    pub(super) async fn of<S: Store + PeopleStore>(
        gate: &Gate<S>,
        request: &AdminRequest,
    ) -> Result<Self, ApiError> {
        let text = request.header(&AUTHORIZATION).ok_or(ErrorCode::Unauthenticated)?;
        let (scheme, secret) = text.split_once(' ').ok_or(ErrorCode::Unauthenticated)?;
        if !scheme.eq_ignore_ascii_case("bearer") {
            return Err(ErrorCode::Unauthenticated.into());
        }
        let token: ApiToken = secret.trim().parse().map_err(|_| ErrorCode::Unauthenticated)?;
        let token = gate
            .authenticate(&token, request.source)
            .await?
            .ok_or(ErrorCode::Unauthenticated)?;
        Ok(Self {
            actor: ActorContext::remote(&token, request.source),
            recipient: Recipient {
                account: Account::from(&token),
                credential: Credential::Token(token.digest),
                role: token.role,
            },
        })
    }

    /// The actor with the identity of its request, and the object that an earlier request with the same
    /// `Idempotency-Key` created. The key with another request is an error.
    pub(super) async fn repeating<S: Store + PeopleStore>(
        &self,
        gate: &Gate<S>,
        identity: Option<AuditRequest>,
    ) -> Result<(ActorContext, Option<AuditSubject>), ApiError> {
        let actor = ActorContext {
            request: identity,
            ..self.actor.clone()
        };
        match gate.repeated(&actor).await? {
            Some(IdempotentReplay::Other) => Err(ErrorCode::IdempotencyConflict.into()),
            Some(IdempotentReplay::Same(made)) => Ok((actor, Some(made))),
            None => Ok((actor, None)),
        }
    }

    /// Returns `true` if the caller's role has the permission.
    pub(crate) fn may(&self, permission: Permission) -> bool {
        self.actor.role().may(permission)
    }
}
