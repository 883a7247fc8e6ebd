//! Who looks at a page, and the proof that a form was made by one of our pages for the session that sends it.

use hookgate_domain::{Member, Permission, Session, SessionToken};
use hookgate_gate::{Acting, Gate, PeopleStore, Store};
use hyper::Request;

use super::call::Call;
use super::cookie;
use super::fault::{Code, Fault};
use super::host::Host;
use super::query::Fields;

/// The hidden field of every form.
pub(crate) const FORM_TOKEN: &str = "csrf";

/// A person who is signed in.
pub(crate) struct Visitor {
    pub(crate) member: Member,
    pub(crate) session: Session,
    pub(crate) acting: Acting,
    pub(crate) form_token: String,
}

impl Visitor {
    /// Whom the session cookie names, if the session lives.
    pub(crate) async fn of<S: Store + PeopleStore>(
        gate: &Gate<S>,
        call: &Call,
    ) -> Result<Option<Self>, Fault> {
        let Some(token) =
            cookie::session(&call.head.headers).and_then(|text| text.parse::<SessionToken>().ok())
        else {
            return Ok(None);
        };
        let Some((member, session)) = gate.signed_in(&token).await? else {
            return Ok(None);
        };
        Ok(Some(Self {
            acting: Acting::remote(&member, call.source),
            form_token: token.form_token(),
            member,
            session,
        }))
    }

    /// Whether the person's role reaches so far.
    pub(crate) fn may(&self, permission: Permission) -> bool {
        self.member.role.may(permission)
    }

    /// Refuses what the person's role doesn't reach.
    pub(crate) fn require(&self, permission: Permission) -> Result<(), Fault> {
        Ok(self.acting.require(permission)?)
    }
}

/// A form that one of our pages sent; with a visitor, a page of that visitor's session.
pub(crate) async fn form(call: Call, host: &Host, visitor: Option<&Visitor>) -> Result<Form, Fault> {
    let bytes = {
        let (head, body) = (call.head, call.body);
        let request = Request::from_parts(head, ());
        if !host.is_origin_of(&request) {
            return Err(Code::ForeignForm.into());
        }
        let (head, ()) = request.into_parts();
        Call { head, body, ..call }.bytes().await?
    };
    let form = Form(bytes);
    if let Some(visitor) = visitor {
        let fields = form.fields()?;
        if fields.get(FORM_TOKEN) != Some(visitor.form_token.as_str()) {
            return Err(Code::ForeignForm.into());
        }
    }
    Ok(form)
}

/// The body of a form.
pub(crate) struct Form(bytes::Bytes);

impl Form {
    /// Its fields.
    pub(crate) fn fields(&self) -> Result<Fields<'_>, Fault> {
        Fields::parse(&self.0)
    }
}
