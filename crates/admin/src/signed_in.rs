//! The signed-in member: the session of a cookie, and the hidden fields by which a form shows its session and page.

use std::net::IpAddr;

use hookgate_gate::{Account, ActorContext, Credential, Gate, PeopleStore, Store};
use hookgate_people::{Member, Permission, Session, SessionToken};

use super::streams::Recipient;
use hookgate_request::{AdminRequest, ApiError, cookie};

/// Hidden field of every form with the session's CSRF token.
pub(crate) const FORM_TOKEN: &str = "csrf";

/// Hidden field of every form with the page's key, from which the idempotency key of the form is made.
pub(crate) const PAGE_KEY: &str = "once";

/// A signed-in member with the session.
pub(crate) struct SignedIn {
    pub(crate) member: Member,
    pub(crate) session: Session,
    pub(crate) actor: ActorContext,
    pub(crate) form_token: String,
}

impl SignedIn {
    /// The member of the session cookie, if the session is valid. Counts as use of the session.
    pub(crate) async fn of<S: Store + PeopleStore>(
        gate: &Gate<S>,
        request: &AdminRequest,
    ) -> Result<Option<Self>, ApiError> {
        Self::by_cookie(gate, request, true).await
    }

    /// The same for requests that a browser makes by itself. They don't count as use, so an open page keeps no
    /// session alive.
    pub(crate) async fn without_use<S: Store + PeopleStore>(
        gate: &Gate<S>,
        request: &AdminRequest,
    ) -> Result<Option<Self>, ApiError> {
        Self::by_cookie(gate, request, false).await
    }

    async fn by_cookie<S: Store + PeopleStore>(
        gate: &Gate<S>,
        request: &AdminRequest,
        is_use: bool,
    ) -> Result<Option<Self>, ApiError> {
        let Some(token) =
            cookie::session(&request.head.headers).and_then(|text| text.parse::<SessionToken>().ok())
        else {
            return Ok(None);
        };
        let found = if is_use {
            gate.signed_in(&token, request.source).await?
        } else {
            gate.signed_in_without_use(&token, request.source).await?
        };
        let Some((member, session)) = found else {
            return Ok(None);
        };
        Ok(Some(Self::new(&token, member, session, request.source)))
    }

    /// A member in a session.
    pub(crate) fn new(token: &SessionToken, member: Member, session: Session, source: IpAddr) -> Self {
        Self {
            actor: ActorContext::remote(&member, source).in_session(session.id),
            form_token: token.form_token(),
            member,
            session,
        }
    }

    /// The account whose limits count an answer, and the credential that a long answer is rechecked against.
    pub(crate) const fn recipient(&self) -> Recipient {
        Recipient {
            account: Account::Member(self.member.id),
            credential: Credential::Session(self.session.digest),
            role: self.member.role,
        }
    }

    /// Returns `true` if the member's role has the permission.
    pub(crate) fn may(&self, permission: Permission) -> bool {
        self.member.role.may(permission)
    }

    /// Refuses an action that the member's role does not permit.
    pub(crate) fn require(&self, permission: Permission) -> Result<(), ApiError> {
        Ok(self.actor.require(permission)?)
    }
}
