//! Routes of the pages: the session of a request, then the page or the form at its path.

use hookgate_gate::{PeopleStore, Store};
use hookgate_pages::WebhookForm;
use hyper::Method;
use hyper::http::uri::PathAndQuery;

use super::list_forms::{self, ListForm, Submitted};
use super::next_path::{self, HOME, LIVE, SIGNED_IN, STRICT};
use super::page_context::PageContext;
use super::{
    account, address_sets, audit, deliveries, edit, enforce, failed, incidents, members, restore, search,
    session, sign_in, sign_in_link, tokens, webhook, webhook_lifecycle, webhooks,
};
use crate::console::Console;
use crate::signed_in::{FORM_TOKEN, PAGE_KEY, SignedIn};
use crate::{html, streams};
use hookgate_request::{AdminRequest, ApiError, ErrorCode, Fields, Form};
use hookgate_transport::Reply;

/// Answers a request for a page. An error is a page too.
pub(crate) async fn answer<S: Store + PeopleStore>(
    console: &Console<S>,
    request: AdminRequest,
    segments: &[&str],
) -> Reply {
    let id = request.id;
    let replied = route(console, request, segments).await;
    replied.unwrap_or_else(|fault| failed::bare(&fault, id))
}

/// Answers a request for a page under a foreign `Host`.
pub(crate) fn misdirected(request: &AdminRequest) -> Reply {
    failed::bare(&ErrorCode::MisdirectedRequest.into(), request.id)
}

async fn route<S: Store + PeopleStore>(
    console: &Console<S>,
    request: AdminRequest,
    segments: &[&str],
) -> Result<Reply, ApiError> {
    let method = request.head.method.clone();
    let reading = matches!(method, Method::GET | Method::HEAD);
    if !reading && method != Method::POST {
        return Err(ApiError::method("GET, HEAD, POST"));
    }
    match *segments {
        ["assets", _] if reading => {
            let found = hookgate_pages::asset(request.head.uri.path()).ok_or(ErrorCode::NotFound)?;
            return Ok(html::asset(found.content_type, found.bytes));
        }
        ["sign-in"] if reading => return sign_in::show(&request),
        ["sign-in"] => return sign_in::by_password(console, request).await,
        ["sign-in", secret] if reading => return sign_in_link::show(console, &request, secret).await,
        ["sign-in", secret] => return sign_in_link::sign_in(console, request, secret).await,
        _ => {}
    }
    // A live view reconnects by itself as long as its page is open.
    let signed_in = if segments.last() == Some(&LIVE) {
        SignedIn::without_use(&console.gate, &request).await?
    } else {
        SignedIn::of(&console.gate, &request).await?
    };
    let Some(signed_in) = signed_in else {
        return if reading {
            let uri = &request.head.uri;
            let next = uri.path_and_query().map_or(uri.path(), PathAndQuery::as_str);
            Ok(html::see_other(&next_path::sign_in_path(Some(next))))
        } else {
            sign_in::keep(console, request, segments).await
        };
    };
    let recipient = signed_in.recipient();
    let _permit = console.limits.permit(recipient.account).await?;
    let mut context = PageContext::new(console, signed_in, &request)?;
    let replied = if reading {
        shown(&mut context, segments).await
    } else {
        acted(&mut context, request, segments).await
    };
    let reply = replied.unwrap_or_else(|fault| match fault.code {
        // The session ended after it was checked.
        ErrorCode::Unauthenticated => html::see_other(&next_path::sign_in_path(None)),
        _ => failed::inside(&context, &fault, segments),
    });
    Ok(streams::streamed(&console.gate, &console.limits, recipient, reply).await)
}

/// Shows a page. Invalid parameters of its query are dropped.
async fn shown<S: Store + PeopleStore>(
    context: &mut PageContext<'_, S>,
    segments: &[&str],
) -> Result<Reply, ApiError> {
    let is_page = !segments.last().is_some_and(|last| STRICT.contains(last));
    if is_page {
        context.leave_secrets_out(segments);
        if context.done() == Some(SIGNED_IN) {
            context.add_failed_sign_in_notice().await;
        }
    }
    loop {
        let fault = match show(context, segments).await {
            Err(fault) if fault.code == ErrorCode::ValidationError => fault,
            replied => return replied,
        };
        // Each iteration drops at least one parameter.
        if !(is_page && context.leave_out(&fault)) {
            return Err(fault);
        }
    }
}

/// Handles a form from a page of this console. A form of another session is shown again, and does nothing.
async fn acted<S: Store + PeopleStore>(
    context: &mut PageContext<'_, S>,
    request: AdminRequest,
    segments: &[&str],
) -> Result<Reply, ApiError> {
    let form = Form::read(request, &context.console.host).await?;
    context.query.clear();
    let fields = form.fields()?;
    let is_ours = fields.get(FORM_TOKEN) == Some(context.signed_in.form_token.as_str());
    // A page of an older version of the program had no key.
    if is_ours && fields.get(PAGE_KEY).is_some() {
        return match ListForm::at(segments) {
            Some(form) => match list_forms::submit(context, form, &fields).await? {
                Submitted::Redirected(reply) => Ok(reply),
                Submitted::NotSearched(status) => {
                    let mut reply = shown(context, &[form.list()]).await?;
                    *reply.status_mut() = status;
                    Ok(reply)
                }
            },
            None => act(context, segments, &fields).await,
        };
    }
    context.notices.push(restore::NOTICE.to_owned());
    let mut reply = restore::page(context, segments, &fields).await?;
    *reply.status_mut() = ErrorCode::ForeignForm.status();
    Ok(reply)
}

/// Routes GET requests.
async fn show<S: Store + PeopleStore>(
    context: &PageContext<'_, S>,
    segments: &[&str],
) -> Result<Reply, ApiError> {
    match *segments {
        [""] => Ok(html::see_other(HOME)),
        ["webhooks"] => webhooks::list(context).await,
        ["webhooks", "new"] => edit::new(context, WebhookForm::default()),
        ["webhooks", handle] => webhook::show(context, handle).await,
        ["webhooks", handle, "edit"] => edit::show(context, handle).await,
        ["webhooks", handle, "url"] => webhook_lifecycle::shown(context, handle).await,
        ["webhooks", handle, "live"] => deliveries::live(context, Some(handle)).await,
        ["webhooks", handle, "regenerate"] => webhook_lifecycle::ask_regenerate(context, handle).await,
        ["webhooks", handle, "revoke"] => webhook_lifecycle::ask_revoke(context, handle).await,
        ["webhooks", handle, "enforce"] => enforce::ask(context, handle).await,
        ["logs"] => deliveries::logs(context).await,
        ["logs", "live"] => deliveries::live(context, None).await,
        ["logs", "export"] => deliveries::export(context),
        ["deliveries", id] => deliveries::show(context, id).await,
        ["address-sets"] => address_sets::list(context).await,
        ["address-sets", name] => address_sets::show(context, name).await,
        ["incidents"] => incidents::list(context).await,
        ["incidents", id] => incidents::show(context, id).await,
        ["members"] => members::list(context).await,
        ["members", id, "link"] => members::shown(context, id).await,
        ["tokens"] => tokens::list(context).await,
        ["tokens", id, "made"] => tokens::shown(context, id).await,
        ["account"] => account::show(context).await,
        ["audit"] => audit::list(context).await,
        ["search"] => search::results(context).await,
        ["audit", "export"] => audit::export(context).await,
        _ => Err(ErrorCode::NotFound.into()),
    }
}

/// Routes forms (POST).
async fn act<S: Store + PeopleStore>(
    context: &PageContext<'_, S>,
    segments: &[&str],
    fields: &Fields<'_>,
) -> Result<Reply, ApiError> {
    match *segments {
        ["sign-out"] => session::sign_out(context).await,
        ["webhooks", "new"] | ["webhooks"] => webhook_lifecycle::create(context, fields).await,
        ["webhooks", handle, "edit"] => edit::save(context, handle, fields).await,
        ["webhooks", handle, "preview"] => edit::preview(context, handle, fields).await,
        ["webhooks", handle, "enforce"] => enforce::enforce(context, handle, fields).await,
        ["webhooks", handle, "suggest"] => edit::suggest(context, handle, fields).await,
        ["address-sets"] => address_sets::create::create(context, fields).await,
        ["address-sets", name, "edit"] => address_sets::networks::edit(context, name, fields).await,
        ["address-sets", name, "preview"] => address_sets::networks::preview(context, name, fields).await,
        ["address-sets", name, "refresh"] => address_sets::refresh(context, name).await,
        ["address-sets", name, "decide"] => address_sets::decide(context, name, fields).await,
        ["address-sets", name, "remove"] => address_sets::remove(context, name, fields).await,
        ["webhooks", handle, "regenerate"] => webhook_lifecycle::regenerate(context, handle, fields).await,
        ["webhooks", handle, "revoke"] => webhook_lifecycle::revoke(context, handle, fields).await,
        ["incidents", id, word @ ("acknowledge" | "resolve" | "reopen")] => {
            incidents::act(context, id, word).await
        }
        ["incidents", id, "note"] => incidents::note(context, id, fields).await,
        ["members"] => members::add(context, fields).await,
        ["members", id, "role"] => members::role(context, id, fields).await,
        ["members", id, "link"] => members::link(context, id, fields).await,
        ["members", id, "remove"] => members::remove(context, id, fields).await,
        ["tokens"] => tokens::create(context, fields).await,
        ["tokens", id, "revoke"] => tokens::revoke(context, id, fields).await,
        ["account", "password"] => account::password(context, fields).await,
        ["account", "sessions", id, "end"] => account::end(context, id).await,
        _ => Err(ApiError::method("GET, HEAD")),
    }
}
