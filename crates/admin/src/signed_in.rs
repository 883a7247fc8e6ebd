//! The signed-in member, and the checks that a form was made by a page of this console for the session that sends it.

use std::net::IpAddr;

use hookgate_gate::{Account, ActorContext, Credential, Gate, PeopleStore, Store};
use hookgate_people::{Member, Permission, Session, SessionToken};
use hyper::Request;

use super::admin_request::AdminRequest;
use super::api_error::{ApiError, ErrorCode};
use super::cookie;
use super::host::Host;
use super::query::Fields;
use super::stranger_forms::StrangerForms;
use super::streams::Recipient;

/// Hidden field of every form with the session's CSRF token.
pub(crate) const FORM_TOKEN: &str = "csrf";

/// Hidden field of every form with the page's key, from which the idempotency key of the form is made.
pub(crate) const PAGE_KEY: &str = "once";

/// A signed-in member with the session.
pub(crate) struct SignedIn {
    pub(crate) member: Member,
    pub(crate) session: Session,
    pub(crate) acting: ActorContext,
    pub(crate) form_token: String,
}

impl SignedIn {
    /// The member of the session cookie, if the session is valid. Counts as use of the session.
    pub(crate) async fn of<S: Store + PeopleStore>(
        gate: &Gate<S>,
        call: &AdminRequest,
    ) -> Result<Option<Self>, ApiError> {
        Self::by_cookie(gate, call, true).await
    }

    /// The same for requests that a browser makes by itself. They don't count as use, so an open page keeps no
    /// session alive.
    pub(crate) async fn at_rest<S: Store + PeopleStore>(
        gate: &Gate<S>,
        call: &AdminRequest,
    ) -> Result<Option<Self>, ApiError> {
        Self::by_cookie(gate, call, false).await
    }

    async fn by_cookie<S: Store + PeopleStore>(
        gate: &Gate<S>,
        call: &AdminRequest,
        is_use: bool,
    ) -> Result<Option<Self>, ApiError> {
        let Some(token) =
            cookie::session(&call.head.headers).and_then(|text| text.parse::<SessionToken>().ok())
        else {
            return Ok(None);
        };
        let found = if is_use {
            gate.signed_in(&token, call.source).await?
        } else {
            gate.signed_in_at_rest(&token, call.source).await?
        };
        let Some((member, session)) = found else {
            return Ok(None);
        };
        Ok(Some(Self::new(&token, member, session, call.source)))
    }

    /// A member in a session.
    pub(crate) fn new(token: &SessionToken, member: Member, session: Session, source: IpAddr) -> Self {
        Self {
            acting: ActorContext::remote(&member, source).in_session(session.id),
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
        Ok(self.acting.require(permission)?)
    }
}

/// Reads a form that a page of this console sent, of any session.
pub(crate) async fn form(call: AdminRequest, host: &Host) -> Result<Form, ApiError> {
    Ok(Form(of_our_page(call, host)?.bytes().await?))
}

/// Reads a form that a page of this console sent without a session. Anybody can send one, so it has at most `most`
/// bytes, and reading it has a timeout.
pub(crate) async fn anonymous_form(
    call: AdminRequest,
    host: &Host,
    forms: &StrangerForms,
    most: usize,
) -> Result<Form, ApiError> {
    let AdminRequest { body, source, .. } = of_our_page(call, host)?;
    Ok(Form(forms.read(body, source, most).await?))
}

/// Returns the request if a page of this console sent it.
pub(crate) fn of_our_page(call: AdminRequest, host: &Host) -> Result<AdminRequest, ApiError> {
    let request = Request::from_parts(call.head, ());
    if !host.is_origin_of(&request) {
        return Err(ErrorCode::ForeignForm.into());
    }
    let (head, ()) = request.into_parts();
    Ok(AdminRequest { head, ..call })
}

/// The body of a form.
pub(crate) struct Form(bytes::Bytes);

impl Form {
    /// Parses the fields.
    pub(crate) fn fields(&self) -> Result<Fields<'_>, ApiError> {
        Fields::parse(&self.0)
    }
}
