//! The console's pages: who may see which, and the way from a request to a page or to the next one.
//!
//! Every page but the two ways in needs a session. A form is taken only from a page of the same session, and answered
//! with a redirect, so that reloading repeats nothing.

mod account;
mod address_sets;
mod audit;
mod deliveries;
mod edit;
mod incidents;
mod issue;
mod members;
mod models;
mod search;
mod sign_in;
mod tokens;
mod webhook;
mod webhooks;

use hookgate_domain::Timestamp;
use hookgate_gate::{Gate, PeopleStore, Store};
use hookgate_pages::{ErrorPage, Flash, FlashKind, Problem, Shell};
use hyper::header::HeaderName;
use hyper::{Method, StatusCode};

use super::Console;
use super::call::Call;
use super::fault::{Code, Fault};
use super::html;
use super::query::Fields;
use super::visitor::{self, Form, Visitor};
use crate::reply::{self, Reply};

/// Where people begin.
const HOME: &str = "/webhooks";
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
const FRAGMENT: HeaderName = HeaderName::from_static("x-fragment");

/// What a page is made from: who asks, when, and for what.
struct Screen<'a, S> {
    console: &'a Console<S>,
    visitor: Visitor,
    now: Timestamp,
    query: String,
    /// The last event that a live view has, when its browser comes back.
    last_event: Option<String>,
    /// Whether only a part of the page is asked for.
    fragment: bool,
}

impl<S: Store + PeopleStore> Screen<'_, S> {
    fn gate(&self) -> &Gate<S> {
        &self.console.gate
    }

    /// The frame of the page.
    fn shell(&self) -> Shell {
        let done = self.query.split('&').find_map(|pair| pair.strip_prefix("done="));
        Shell {
            user: self.visitor.member.name.as_str().into(),
            role: self.visitor.member.role.as_str().to_owned(),
            organization: "default".into(),
            csrf: self.visitor.form_token.clone(),
            now: self.now,
            flash: done.and_then(said).map(|text| Flash {
                kind: FlashKind::Done,
                text: text.into(),
            }),
        }
    }

    /// The parameters of a list, of which only these are known.
    fn fields(&self, known: &[&str]) -> Result<Fields<'_>, Fault> {
        let known: Vec<&str> = known.iter().copied().chain(["done"]).collect();
        Fields::parse(self.query.as_bytes())?.only(&known)
    }
}

/// Answers a request for a page. What fails is told by a page too.
pub(super) async fn answer<S: Store + PeopleStore>(
    console: &Console<S>,
    call: Call,
    segments: &[&str],
) -> Reply {
    let id = call.id;
    route(console, call, segments).await.unwrap_or_else(|fault| {
        let status = fault.code.status();
        let page = ErrorPage {
            status: status.as_u16(),
            title: status.canonical_reason().unwrap_or("Error").to_owned(),
            sentence: fault.sentence().into(),
            request_id: id.to_string().into(),
        };
        let mut reply = html::page(status, page.render());
        if let Some(wait) = fault.retry_after {
            reply::come_again(&mut reply, wait);
        }
        reply
    })
}

async fn route<S: Store + PeopleStore>(
    console: &Console<S>,
    call: Call,
    segments: &[&str],
) -> Result<Reply, Fault> {
    let method = call.head.method.clone();
    let reading = matches!(method, Method::GET | Method::HEAD);
    if !reading && method != Method::POST {
        return Err(Fault::method("GET, HEAD, POST"));
    }
    match *segments {
        ["assets", _] if reading => {
            let found = hookgate_pages::asset(call.head.uri.path()).ok_or(Code::NotFound)?;
            return Ok(html::asset(found.content_type, found.bytes));
        }
        ["sign-in"] if reading => return sign_in::show(&call),
        ["sign-in"] => return sign_in::by_password(console, call).await,
        ["sign-in", secret] if reading => return sign_in::link(console, &call, secret).await,
        ["sign-in", secret] => return sign_in::by_link(console, call, secret).await,
        _ => {}
    }
    let Some(visitor) = Visitor::of(&console.gate, &call).await? else {
        return Ok(html::see_other(&sign_in::path(
            reading.then(|| call.head.uri.path()),
        )));
    };
    let mut screen = Screen {
        console,
        visitor,
        now: call.now,
        query: call.head.uri.query().unwrap_or_default().to_owned(),
        last_event: call.header(&LAST_EVENT_ID).map(str::to_owned),
        fragment: call.header(&FRAGMENT).is_some(),
    };
    if reading {
        return show(&screen, segments).await;
    }
    let form = visitor::form(call, &console.host, &screen.visitor).await?;
    screen.query.clear();
    act(&screen, segments, &form).await
}

/// Pages that are looked at.
async fn show<S: Store + PeopleStore>(screen: &Screen<'_, S>, segments: &[&str]) -> Result<Reply, Fault> {
    match *segments {
        [""] => Ok(html::see_other(HOME)),
        ["webhooks"] => webhooks::list(screen).await,
        ["webhooks", "new"] => edit::new(screen),
        ["webhooks", handle] => webhook::show(screen, handle).await,
        ["webhooks", handle, "edit"] => edit::show(screen, handle).await,
        ["webhooks", handle, "live"] => deliveries::live(screen, Some(handle)).await,
        ["webhooks", handle, "regenerate"] => issue::ask_regenerate(screen, handle).await,
        ["webhooks", handle, "revoke"] => issue::ask_revoke(screen, handle).await,
        ["logs"] => deliveries::logs(screen).await,
        ["logs", "live"] => deliveries::live(screen, None).await,
        ["logs", "export"] => deliveries::export(screen),
        ["deliveries", id] => deliveries::show(screen, id).await,
        ["address-sets"] => address_sets::list(screen).await,
        ["address-sets", name] => address_sets::show(screen, name).await,
        ["incidents"] => incidents::list(screen).await,
        ["incidents", id] => incidents::show(screen, id).await,
        ["members"] => members::list(screen).await,
        ["tokens"] => tokens::list(screen).await,
        ["account"] => account::show(screen).await,
        ["audit"] => audit::list(screen).await,
        ["search"] => search::results(screen).await,
        ["audit", "export"] => audit::export(screen).await,
        _ => Err(Code::NotFound.into()),
    }
}

/// Forms that are sent.
async fn act<S: Store + PeopleStore>(
    screen: &Screen<'_, S>,
    segments: &[&str],
    form: &Form,
) -> Result<Reply, Fault> {
    let fields = form.fields()?;
    match *segments {
        ["sign-out"] => sign_in::out(screen).await,
        ["search"] => search::submit(screen, &fields).await,
        ["webhooks", "filter"] => search::filter_webhooks(screen, &fields).await,
        ["webhooks", "new"] | ["webhooks"] => issue::create(screen, &fields).await,
        ["webhooks", handle, "edit"] => edit::save(screen, handle, &fields).await,
        ["webhooks", handle, "preview"] => edit::preview(screen, handle, &fields).await,
        ["webhooks", handle, "suggest"] => edit::suggest(screen, handle, &fields).await,
        ["address-sets"] => address_sets::create(screen, &fields).await,
        ["address-sets", name, "edit"] => address_sets::edit(screen, name, &fields).await,
        ["address-sets", name, "preview"] => address_sets::preview(screen, name, &fields).await,
        ["address-sets", name, "refresh"] => address_sets::refresh(screen, name).await,
        ["address-sets", name, "decide"] => address_sets::decide(screen, name, &fields).await,
        ["address-sets", name, "remove"] => address_sets::remove(screen, name, &fields).await,
        ["webhooks", handle, "regenerate"] => issue::regenerate(screen, handle).await,
        ["webhooks", handle, "revoke"] => issue::revoke(screen, handle, &fields).await,
        ["incidents", id, word @ ("acknowledge" | "resolve")] => incidents::act(screen, id, word).await,
        ["members"] => members::add(screen, &fields).await,
        ["members", id, "role"] => members::role(screen, id, &fields).await,
        ["members", id, "link"] => members::link(screen, id).await,
        ["members", id, "remove"] => members::remove(screen, id, &fields).await,
        ["tokens"] => tokens::create(screen, &fields).await,
        ["tokens", id, "revoke"] => tokens::revoke(screen, id, &fields).await,
        ["account", "password"] => account::password(screen, &fields).await,
        ["account", "sessions", id, "end"] => account::end(screen, id).await,
        _ => Err(Fault::method("GET, HEAD")),
    }
}

/// A page that is found.
#[expect(clippy::unnecessary_wraps, reason = "it is the last word of every handler")]
fn page(html: String) -> Result<Reply, Fault> {
    Ok(html::page(StatusCode::OK, html))
}

/// A form again, with what is wrong with it.
#[expect(clippy::unnecessary_wraps, reason = "it is the last word of every handler")]
fn again(html: String) -> Result<Reply, Fault> {
    Ok(html::page(StatusCode::UNPROCESSABLE_ENTITY, html))
}

/// What is wrong with the fields of a form; the fault itself if it is not about fields.
fn problems(fault: Fault) -> Result<Vec<Problem>, Fault> {
    let fields = fault.field_problems();
    if fields.is_empty() {
        return Err(fault);
    }
    let problem = |(field, message): (String, String)| Problem {
        field,
        message: message.into(),
    };
    Ok(fields.into_iter().map(problem).collect())
}

/// What the last act came to, by the word in the redirect.
fn said(word: &str) -> Option<&'static str> {
    Some(match word {
        "url-live" => "That URL belongs to this webhook, and it works.",
        "url-retired" => "That URL belonged to this webhook. It no longer works.",
        "edited" => "The webhook is changed.",
        "set-created" => "The address set is made.",
        "set-changed" => "The address set is changed, for every allowlist that names it.",
        "set-refreshed" => "The published list was read.",
        "set-approved" => "The version is approved and counts from now on.",
        "set-rejected" => "The version is rejected; nothing changes.",
        "set-removed" => "The address set is removed.",
        "revoked" => "The webhook is revoked: every request to it is refused from now on.",
        "acknowledged" => "The incident is acknowledged.",
        "resolved" => "The incident is resolved.",
        "member-added" => "The member is added. Make a sign-in link to let them in.",
        "member-changed" => "The member has another role.",
        "member-removed" => "The member is removed.",
        "token-revoked" => "The token is revoked.",
        "password-set" => "The password is set. Other sessions are signed out.",
        "session-ended" => "The session is signed out.",
        _ => return None,
    })
}
