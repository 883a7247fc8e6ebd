//! The console's pages: who may see which, and the way from a request to a page or to the next one.
//!
//! Every page but the two ways in needs a session. A form is taken only from a page of the same session, and answered
//! with a redirect, so that reloading repeats nothing. What a form creates it creates once (`once`), and a form that comes
//! without its session is shown again with what was typed (`restore`).

mod account;
mod address_sets;
mod audit;
mod conflict;
mod deliveries;
mod edit;
mod enforce;
mod failed;
mod flash;
mod incidents;
mod members;
mod models;
mod once;
mod payload_faults;
mod restore;
mod search;
mod sign_in;
mod tokens;
mod webhook;
mod webhook_lifecycle;
mod webhooks;

use hookgate_domain::{RequestId, SealedSecret, Timestamp, holds_webhook_id, may_hold_secret};
use hookgate_gate::{Gate, LogInterval, PeopleStore, Store};
use hookgate_pages::{Flash, FlashKind, Problem, Shell, WebhookForm};
use hyper::header::HeaderName;
use hyper::http::uri::PathAndQuery;
use hyper::{Method, StatusCode};

use self::search::ListForm;
use super::Console;
use super::admin_request::AdminRequest;
use super::api_error::{ApiError, ErrorCode};
use super::query::Fields;
use super::signed_in::{self, FORM_TOKEN, PAGE_KEY, SignedIn};
use super::{cookie, html, streams};
use hookgate_transport::Reply;

/// Pages for which there is no randomness.
static NO_KEY: LogInterval = LogInterval::new();

/// Most bytes of a wrong value that a page repeats.
const MAX_REPEATED: usize = 60;

/// Where people begin.
const HOME: &str = "/webhooks";
/// The word in the address of the first page of a session, if there is something to tell of those before.
const SIGNED_IN: &str = "signed-in";
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
const FRAGMENT: HeaderName = HeaderName::from_static("x-fragment");

/// Parts of a console that give no page: a wrong filter of theirs is refused, since a file or a stream with more than was
/// asked for would be taken for the answer.
const STRICT: [&str; 2] = ["export", LIVE];
/// The last segment of a live view's path.
const LIVE: &str = "live";

/// The name and the time of a request.
#[derive(Clone, Copy)]
struct Arrival {
    id: RequestId,
    now: Timestamp,
}

impl Arrival {
    fn of(call: &AdminRequest) -> Self {
        Self {
            id: call.id,
            now: call.now,
        }
    }
}

/// What a page is made from: who asks, when, and for what.
struct PageContext<'a, S> {
    console: &'a Console<S>,
    visitor: SignedIn,
    now: Timestamp,
    id: RequestId,
    path: String,
    query: String,
    /// The key of the forms of this page.
    page_key: String,
    /// Secrets that this page may show, as the browser brought them.
    sealed: Option<SealedSecret>,
    /// What to say above the page.
    notices: Vec<String>,
    /// The last event that a live view has, when its browser comes back.
    last_event: Option<String>,
    /// Whether only a part of the page is asked for.
    fragment: bool,
}

impl<'a, S: Store + PeopleStore> PageContext<'a, S> {
    fn new(console: &'a Console<S>, visitor: SignedIn, call: &AdminRequest) -> Result<Self, ApiError> {
        Ok(Self {
            path: call.head.uri.path().to_owned(),
            query: call.head.uri.query().unwrap_or_default().to_owned(),
            sealed: cookie::shown_once(&call.head.headers),
            last_event: call.header(&LAST_EVENT_ID).map(str::to_owned),
            fragment: call.header(&FRAGMENT).is_some(),
            ..Self::arrived(console, visitor, Arrival::of(call))?
        })
    }

    /// For somebody who has just signed in, without anything of the request.
    fn arrived(console: &'a Console<S>, visitor: SignedIn, came: Arrival) -> Result<Self, ApiError> {
        let page_key = console.gate.form_key().map_err(|error| {
            if let Some(left_out) = NO_KEY.line() {
                tracing::error!(%error, left_out, "a page can't have a key for its forms");
            }
            ErrorCode::Internal
        })?;
        Ok(Self {
            console,
            visitor,
            now: came.now,
            id: came.id,
            path: String::new(),
            query: String::new(),
            page_key,
            sealed: None,
            notices: Vec::new(),
            last_event: None,
            fragment: false,
        })
    }

    fn gate(&self) -> &Gate<S> {
        &self.console.gate
    }

    /// The word for the last act, which its redirect brought.
    fn done(&self) -> Option<&str> {
        self.query.split('&').find_map(|pair| pair.strip_prefix("done="))
    }

    /// Says above the page how often others tried to sign in as its reader, if they did. A page is shown without it too.
    async fn tell_of_failed_sign_ins(&mut self) {
        match account::failed_sign_ins(self.gate(), &self.visitor.session).await {
            Ok(failed) => self.notices.extend(failed.map(|failed| failed.text())),
            Err(error) => tracing::warn!(%error, "failed sign-ins can't be looked up"),
        }
    }

    /// The frame of the page.
    fn shell(&self) -> Shell {
        let flash = if self.notices.is_empty() {
            self.done().and_then(flash::flash_text).map(|text| Flash {
                kind: FlashKind::Done,
                text: text.into(),
            })
        } else {
            Some(Flash {
                kind: FlashKind::Failed,
                text: self.notices.join(" ").into(),
            })
        };
        Shell {
            user: self.visitor.member.name.as_str().into(),
            role: self.visitor.member.role.as_str().to_owned(),
            organization: "default".into(),
            csrf: self.visitor.form_token.clone(),
            once: self.page_key.clone(),
            now: self.now,
            flash,
        }
    }

    /// The parameters of a page, of which only these are known; the others are left out.
    fn fields(&self, known: &[&str]) -> Result<Fields<'_>, ApiError> {
        Fields::of_page(self.query.as_bytes(), known)
    }

    /// Leaves the parameters out that may hold a secret, and says so above the page: links of the page would repeat them. The
    /// search page knows what to do with a whole URL.
    fn leave_secrets_out(&mut self, segments: &[&str]) {
        let is_kept = |value: &str| {
            search::may_be_in_address(value) || segments == ["search"] && holds_webhook_id(value.as_bytes())
        };
        let pairs = || form_urlencoded::parse(self.query.as_bytes());
        if pairs().all(|(_, value)| is_kept(&value)) {
            return;
        }
        let kept = pairs().filter(|(_, value)| is_kept(value));
        let query = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(kept)
            .finish();
        self.query = query;
        self.notices.push(search::SECRET_TYPED.to_owned());
    }

    /// Leaves the parameters out that a fault is about, and says so above the page. Whether there was one.
    fn leave_out(&mut self, fault: &ApiError) -> bool {
        let mut notices = Vec::new();
        for at_fault in fault.field_faults() {
            let given =
                form_urlencoded::parse(self.query.as_bytes()).find(|(name, _)| *name == at_fault.field);
            let Some((name, value)) = given else { continue };
            notices.push(unknown_value(&name, &value, &at_fault.problem()));
            let others = form_urlencoded::parse(self.query.as_bytes()).filter(|(other, _)| *other != name);
            let query = form_urlencoded::Serializer::new(String::new())
                .extend_pairs(others)
                .finish();
            self.query = query;
        }
        let is_any = !notices.is_empty();
        self.notices.append(&mut notices);
        is_any
    }
}

/// A value that a parameter does not take. One that may be a secret is not repeated.
fn unknown_value(name: &str, value: &str, problem: &str) -> String {
    let is_shown = value.len() <= MAX_REPEATED && !may_hold_secret(value.as_bytes());
    let value = if is_shown {
        format!("\"{value}\"")
    } else {
        "value".to_owned()
    };
    format!("Unknown {value} for \"{name}\": {problem}.")
}

/// Answers a request for a page. A failure is a page too.
pub(super) async fn answer<S: Store + PeopleStore>(
    console: &Console<S>,
    call: AdminRequest,
    segments: &[&str],
) -> Reply {
    let id = call.id;
    let replied = route(console, call, segments).await;
    replied.unwrap_or_else(|fault| failed::bare(&fault, id))
}

/// Answers a request for a page of another host.
pub(super) fn misdirected(call: &AdminRequest) -> Reply {
    failed::bare(&ErrorCode::MisdirectedRequest.into(), call.id)
}

async fn route<S: Store + PeopleStore>(
    console: &Console<S>,
    call: AdminRequest,
    segments: &[&str],
) -> Result<Reply, ApiError> {
    let method = call.head.method.clone();
    let reading = matches!(method, Method::GET | Method::HEAD);
    if !reading && method != Method::POST {
        return Err(ApiError::method("GET, HEAD, POST"));
    }
    match *segments {
        ["assets", _] if reading => {
            let found = hookgate_pages::asset(call.head.uri.path()).ok_or(ErrorCode::NotFound)?;
            return Ok(html::asset(found.content_type, found.bytes));
        }
        ["sign-in"] if reading => return sign_in::show(&call),
        ["sign-in"] => return sign_in::by_password(console, call).await,
        ["sign-in", secret] if reading => return sign_in::link(console, &call, secret).await,
        ["sign-in", secret] => return sign_in::by_link(console, call, secret).await,
        _ => {}
    }
    // A live view comes back by itself, for ever.
    let visitor = if segments.last() == Some(&LIVE) {
        SignedIn::at_rest(&console.gate, &call).await?
    } else {
        SignedIn::of(&console.gate, &call).await?
    };
    let Some(visitor) = visitor else {
        return if reading {
            let uri = &call.head.uri;
            let next = uri.path_and_query().map_or(uri.path(), PathAndQuery::as_str);
            Ok(html::see_other(&sign_in::path(Some(next))))
        } else {
            sign_in::keep(console, call, segments).await
        };
    };
    let recipient = visitor.recipient();
    let _turn = console.limits.turn(recipient.account).await?;
    let mut screen = PageContext::new(console, visitor, &call)?;
    let replied = if reading {
        shown(&mut screen, segments).await
    } else {
        acted(&mut screen, call, segments).await
    };
    let reply = replied.unwrap_or_else(|fault| match fault.code {
        // The session ended after it had been looked at.
        ErrorCode::Unauthenticated => html::see_other(&sign_in::path(None)),
        _ => failed::inside(&screen, &fault, segments),
    });
    Ok(streams::held(&console.gate, &console.limits, recipient, reply).await)
}

/// A page, without those parameters of its query that it does not take.
async fn shown<S: Store + PeopleStore>(
    screen: &mut PageContext<'_, S>,
    segments: &[&str],
) -> Result<Reply, ApiError> {
    let is_page = !segments.last().is_some_and(|last| STRICT.contains(last));
    if is_page {
        screen.leave_secrets_out(segments);
        if screen.done() == Some(SIGNED_IN) {
            screen.tell_of_failed_sign_ins().await;
        }
    }
    loop {
        let fault = match show(screen, segments).await {
            Err(fault) if fault.code == ErrorCode::ValidationError => fault,
            replied => return replied,
        };
        // Each turn leaves out one parameter at least.
        if !(is_page && screen.leave_out(&fault)) {
            return Err(fault);
        }
    }
}

/// A form that a page of ours sent. One of another session is shown again, and nothing is done.
async fn acted<S: Store + PeopleStore>(
    screen: &mut PageContext<'_, S>,
    call: AdminRequest,
    segments: &[&str],
) -> Result<Reply, ApiError> {
    let form = signed_in::form(call, &screen.console.host).await?;
    screen.query.clear();
    let fields = form.fields()?;
    let is_ours = fields.get(FORM_TOKEN) == Some(screen.visitor.form_token.as_str());
    // A page of an older version had no key.
    if is_ours && fields.get(PAGE_KEY).is_some() {
        return match ListForm::at(segments) {
            Some(form) => search::submit(screen, form, &fields).await,
            None => act(screen, segments, &fields).await,
        };
    }
    screen.notices.push(restore::NOTICE.to_owned());
    let mut reply = restore::page(screen, segments, &fields).await?;
    *reply.status_mut() = ErrorCode::ForeignForm.status();
    Ok(reply)
}

/// Pages that are looked at.
async fn show<S: Store + PeopleStore>(
    screen: &PageContext<'_, S>,
    segments: &[&str],
) -> Result<Reply, ApiError> {
    match *segments {
        [""] => Ok(html::see_other(HOME)),
        ["webhooks"] => webhooks::list(screen).await,
        ["webhooks", "new"] => edit::new(screen, WebhookForm::default()),
        ["webhooks", handle] => webhook::show(screen, handle).await,
        ["webhooks", handle, "edit"] => edit::show(screen, handle).await,
        ["webhooks", handle, "url"] => webhook_lifecycle::shown(screen, handle).await,
        ["webhooks", handle, "live"] => deliveries::live(screen, Some(handle)).await,
        ["webhooks", handle, "regenerate"] => webhook_lifecycle::ask_regenerate(screen, handle).await,
        ["webhooks", handle, "revoke"] => webhook_lifecycle::ask_revoke(screen, handle).await,
        ["webhooks", handle, "enforce"] => enforce::ask(screen, handle).await,
        ["logs"] => deliveries::logs(screen).await,
        ["logs", "live"] => deliveries::live(screen, None).await,
        ["logs", "export"] => deliveries::export(screen),
        ["deliveries", id] => deliveries::show(screen, id).await,
        ["address-sets"] => address_sets::list(screen).await,
        ["address-sets", name] => address_sets::show(screen, name).await,
        ["incidents"] => incidents::list(screen).await,
        ["incidents", id] => incidents::show(screen, id).await,
        ["members"] => members::list(screen).await,
        ["members", id, "link"] => members::shown(screen, id).await,
        ["tokens"] => tokens::list(screen).await,
        ["tokens", id, "made"] => tokens::shown(screen, id).await,
        ["account"] => account::show(screen).await,
        ["audit"] => audit::list(screen).await,
        ["search"] => search::results(screen).await,
        ["audit", "export"] => audit::export(screen).await,
        _ => Err(ErrorCode::NotFound.into()),
    }
}

/// Forms that are sent.
async fn act<S: Store + PeopleStore>(
    screen: &PageContext<'_, S>,
    segments: &[&str],
    fields: &Fields<'_>,
) -> Result<Reply, ApiError> {
    match *segments {
        ["sign-out"] => sign_in::out(screen).await,
        ["webhooks", "new"] | ["webhooks"] => webhook_lifecycle::create(screen, fields).await,
        ["webhooks", handle, "edit"] => edit::save(screen, handle, fields).await,
        ["webhooks", handle, "preview"] => edit::preview(screen, handle, fields).await,
        ["webhooks", handle, "enforce"] => enforce::enforce(screen, handle, fields).await,
        ["webhooks", handle, "suggest"] => edit::suggest(screen, handle, fields).await,
        ["address-sets"] => address_sets::create(screen, fields).await,
        ["address-sets", name, "edit"] => address_sets::edit(screen, name, fields).await,
        ["address-sets", name, "preview"] => address_sets::preview(screen, name, fields).await,
        ["address-sets", name, "refresh"] => address_sets::refresh(screen, name).await,
        ["address-sets", name, "decide"] => address_sets::decide(screen, name, fields).await,
        ["address-sets", name, "remove"] => address_sets::remove(screen, name, fields).await,
        ["webhooks", handle, "regenerate"] => webhook_lifecycle::regenerate(screen, handle, fields).await,
        ["webhooks", handle, "revoke"] => webhook_lifecycle::revoke(screen, handle, fields).await,
        ["incidents", id, word @ ("acknowledge" | "resolve" | "reopen")] => {
            incidents::act(screen, id, word).await
        }
        ["incidents", id, "note"] => incidents::note(screen, id, fields).await,
        ["members"] => members::add(screen, fields).await,
        ["members", id, "role"] => members::role(screen, id, fields).await,
        ["members", id, "link"] => members::link(screen, id, fields).await,
        ["members", id, "remove"] => members::remove(screen, id, fields).await,
        ["tokens"] => tokens::create(screen, fields).await,
        ["tokens", id, "revoke"] => tokens::revoke(screen, id, fields).await,
        ["account", "password"] => account::password(screen, fields).await,
        ["account", "sessions", id, "end"] => account::end(screen, id).await,
        _ => Err(ApiError::method("GET, HEAD")),
    }
}

/// A page that is found.
#[expect(clippy::unnecessary_wraps, reason = "it is the last word of every handler")]
fn page(html: String) -> Result<Reply, ApiError> {
    Ok(html::page(StatusCode::OK, html))
}

/// A form again, with what is wrong with it.
#[expect(clippy::unnecessary_wraps, reason = "it is the last word of every handler")]
fn re_render(html: String) -> Result<Reply, ApiError> {
    Ok(html::page(StatusCode::UNPROCESSABLE_ENTITY, html))
}

/// What is wrong with the fields of a form; the fault itself if it is not about fields.
fn problems(fault: ApiError) -> Result<Vec<Problem>, ApiError> {
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
