//! Idempotency of forms: each creates something at most once, and the next page shows the new secret, once.
//!
//! A form contains the key of its page. The audit entry of the act stores a digest of the key, the path and the
//! fields, and a unique index refuses the same form a second time: after a double click, a reload, or on a second
//! node. The secret goes to the next page in a sealed cookie, which that page deletes. Until then, the second answer
//! of a double click sets the cookie again.

use hookgate_gate::{ActorContext, IdempotentReplay, PeopleStore, ShownOnce, Store};
use hookgate_pages::RenderError;
use hookgate_people::AuditSubject;
use hyper::header::SET_COOKIE;

use super::answers::page;
use super::page_context::PageContext;
use crate::html;
use crate::signed_in::{FORM_TOKEN, PAGE_KEY};
use hookgate_request::{ApiError, ErrorCode, Fields, audit_request, cookie};
use hookgate_transport::Reply;

/// Digits of a page's key.
const KEY_DIGITS: usize = 32;

/// Outcome of a form.
pub(super) enum Done<T, E> {
    /// Done now.
    Now(T),
    /// Done by the same form before, to this object.
    Before(AuditSubject),
    /// Not done.
    Refused(E),
}

impl<S: Store + PeopleStore> PageContext<'_, S> {
    /// The member as actor, with the identity of this form as idempotency key.
    fn acting_once(&self, fields: &Fields<'_>) -> Result<ActorContext, ApiError> {
        fields.complete(&[PAGE_KEY], &[])?;
        let key = fields.text(PAGE_KEY);
        if key.len() != KEY_DIGITS || !key.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(ApiError::field(PAGE_KEY, "form", "load the page again"));
        }
        // A form with another path or other values is another form, even if it comes from the same page.
        let mut text = form_urlencoded::Serializer::new(String::new());
        text.append_pair("path", &self.path);
        text.extend_pairs(fields.pairs().filter(|(name, _)| *name != FORM_TOKEN));
        let text = text.finish();
        let request = audit_request(self.gate(), text.as_bytes(), text.as_bytes())?;
        Ok(ActorContext {
            request: Some(request),
            ..self.signed_in.actor.clone()
        })
    }

    /// Does what a form asks for, unless the same form did it before. Two equal forms at the same time do it once: an
    /// act that fails because the other form was stored first has the outcome of the first one.
    pub(super) async fn once<T, E>(
        &self,
        fields: &Fields<'_>,
        act: impl AsyncFnOnce(&ActorContext) -> Result<T, E>,
    ) -> Result<Done<T, E>, ApiError> {
        let actor = self.acting_once(fields)?;
        if let Some(subject) = self.done_before(&actor).await? {
            return Ok(Done::Before(subject));
        }
        Ok(match act(&actor).await {
            Ok(done) => Done::Now(done),
            Err(error) => match self.done_before(&actor).await? {
                Some(subject) => Done::Before(subject),
                None => Done::Refused(error),
            },
        })
    }

    /// The object that the same form created or changed before.
    async fn done_before(&self, actor: &ActorContext) -> Result<Option<AuditSubject>, ApiError> {
        Ok(match self.gate().repeated(actor).await? {
            Some(IdempotentReplay::Same(subject)) => Some(subject),
            Some(IdempotentReplay::Other) | None => None,
        })
    }

    /// Redirects to the page at `path`, which shows `values` once.
    pub(super) fn show_once(&self, path: &str, values: &[&str]) -> Result<Reply, ApiError> {
        let sealed = self
            .gate()
            .seal_shown_once(self.signed_in.session.id, path, values);
        let sealed = sealed.map_err(|error| {
            tracing::error!(%error, "a secret can't be sealed for its page");
            ErrorCode::Internal
        })?;
        let mut reply = html::see_other(path);
        let cookie = cookie::show_once(&sealed, path).ok_or(ErrorCode::Internal)?;
        reply.headers_mut().insert(SET_COOKIE, cookie);
        self.console
            .unshown_secrets
            .keep(self.signed_in.session.id, path, sealed, self.now);
        Ok(reply)
    }

    /// Redirects to the page at `path`, with a flash that the second request changed nothing. If the page has not
    /// shown its secret yet, because a double click made the browser drop the first answer, the page shows it now.
    pub(super) fn done_already(&self, path: &str) -> Reply {
        let mut reply = html::see_other(&format!("{path}?done=repeated"));
        let sealed = self
            .console
            .unshown_secrets
            .find(self.signed_in.session.id, path, self.now);
        if let Some(cookie) = sealed.and_then(|sealed| cookie::show_once(&sealed, path)) {
            reply.headers_mut().insert(SET_COOKIE, cookie);
        }
        reply
    }

    /// The values that this page shows once. `None` if the browser has no valid cookie for the page.
    pub(super) fn shown_once(&self) -> Option<ShownOnce> {
        let sealed = self.sealed.as_ref()?;
        let session = self.signed_in.session.id;
        let opened = self.gate().open_shown_once(session, &self.path, sealed)?;
        self.console.unshown_secrets.forget(session, &self.path);
        Some(opened)
    }

    /// A page that may show secrets. Deletes their cookie from the browser.
    pub(super) fn once_page(&self, html: Result<String, RenderError>) -> Result<Reply, ApiError> {
        let mut reply = page(html)?;
        if self.sealed.is_some() {
            let cookie = cookie::forget_shown(&self.path).ok_or(ErrorCode::Internal)?;
            reply.headers_mut().insert(SET_COOKIE, cookie);
        }
        Ok(reply)
    }
}
