//! Who looks at a page, and the proof that a form was made by one of our pages for the session that sends it.

use std::net::IpAddr;

use hookgate_domain::{Member, Permission, Session, SessionToken};
use hookgate_gate::{Account, ActorContext, Credential, Gate, PeopleStore, Store};
use hyper::Request;

use super::admin_request::AdminRequest;
use super::api_error::{ApiError, ErrorCode};
use super::cookie;
use super::host::Host;
use super::query::Fields;
use super::stranger_forms::StrangerForms;
use super::streams::Recipient;

/// The hidden field of every form that shows its session.
pub(crate) const FORM_TOKEN: &str = "csrf";

/// The hidden field of every form that tells it from all others.
pub(crate) const PAGE_KEY: &str = "once";

/// A person who is signed in.
pub(crate) struct SignedIn {
    pub(crate) member: Member,
    pub(crate) session: Session,
    pub(crate) acting: ActorContext,
    pub(crate) form_token: String,
}

impl SignedIn {
    /// Whom the session cookie names, if the session lives. The session is used by this.
    pub(crate) async fn of<S: Store + PeopleStore>(
        gate: &Gate<S>,
        call: &AdminRequest,
    ) -> Result<Option<Self>, ApiError> {
        Self::by_cookie(gate, call, true).await
    }

    /// The same, for what a browser asks by itself: a page that is left open keeps no session alive.
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

    /// The member in this session.
    pub(crate) fn new(token: &SessionToken, member: Member, session: Session, source: IpAddr) -> Self {
        Self {
            acting: ActorContext::remote(&member, source).in_session(session.id),
            form_token: token.form_token(),
            member,
            session,
        }
    }

    /// Under whose limits an answer counts, and by what it is permitted.
    pub(crate) const fn recipient(&self) -> Recipient {
        Recipient {
            account: Account::Member(self.member.id),
            credential: Credential::Session(self.session.digest),
            role: self.member.role,
        }
    }

    /// Whether the person's role reaches so far.
    pub(crate) fn may(&self, permission: Permission) -> bool {
        self.member.role.may(permission)
    }

    /// Refuses what the person's role doesn't reach.
    pub(crate) fn require(&self, permission: Permission) -> Result<(), ApiError> {
        Ok(self.acting.require(permission)?)
    }
}

/// A form that one of our pages sent, of whatever session.
pub(crate) async fn form(call: AdminRequest, host: &Host) -> Result<Form, ApiError> {
    Ok(Form(of_our_page(call, host)?.bytes().await?))
}

/// A form that one of our pages sent for somebody who is not signed in. Anybody can send one, so it has `most` bytes.
/// None is read for long.
pub(crate) async fn anonymous_form(
    call: AdminRequest,
    host: &Host,
    forms: &StrangerForms,
    most: usize,
) -> Result<Form, ApiError> {
    let AdminRequest { body, source, .. } = of_our_page(call, host)?;
    Ok(Form(forms.read(body, source, most).await?))
}

/// The same call, if one of our pages made it.
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
    /// Its fields.
    pub(crate) fn fields(&self) -> Result<Fields<'_>, ApiError> {
        Fields::parse(&self.0)
    }
}
