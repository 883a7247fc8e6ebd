//! The console's pages: sessions, routing, and redirects after forms.
//!
//! Every page needs a session, except the sign-in page and sign-in links. A form is accepted only from a page of the
//! same session, and answered with a redirect, so that reloading repeats nothing. A form that creates something does
//! so only once (`once`). A form that is sent without its session is shown again with its values (`restore`).

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

use hookgate_domain::leaks::may_hold_secret;
use hookgate_domain::policy::SealedSecret;
use hookgate_domain::webhook_id::holds_webhook_id;
use hookgate_domain::{RequestId, Timestamp};
use hookgate_gate::{Gate, LogInterval, PeopleStore, Store};
use hookgate_pages::{Flash, FlashKind, Problem, Shell, WebhookForm};
use hyper::header::HeaderName;
use hyper::http::uri::PathAndQuery;
use hyper::{Method, StatusCode};

use self::search::ListForm;
use super::Console;
use super::signed_in::{FORM_TOKEN, PAGE_KEY, SignedIn};
use super::{html, streams};
use hookgate_request::{AdminRequest, ApiError, ErrorCode, Fields, Form, InvalidField, cookie};
use hookgate_transport::Reply;

/// Pace of the log lines about pages that get no key because randomness is unavailable.
static NO_KEY: LogInterval = LogInterval::new();

/// Maximum size of an invalid value that a page repeats, in bytes.
const MAX_REPEATED: usize = 60;

/// The start page.
const HOME: &str = "/webhooks";
/// Value of `done` on the first page of a session if there were failed sign-ins before.
const SIGNED_IN: &str = "signed-in";
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
const FRAGMENT: HeaderName = HeaderName::from_static("x-fragment");

/// Last segments of paths that answer with a file or a stream instead of a page. An invalid filter is refused there:
/// without the filter, the answer would have more than was asked for, and nobody would notice.
const STRICT: [&str; 2] = ["export", LIVE];
/// Last segment of the path of a live view.
const LIVE: &str = "live";

/// Request ID and time of receipt.
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

/// Context of a page: the member, the request, and the console.
struct PageContext<'a, S> {
    console: &'a Console<S>,
    visitor: SignedIn,
    now: Timestamp,
    id: RequestId,
    path: String,
    query: String,
    /// The key of this page's forms, see [`PAGE_KEY`].
    page_key: String,
    /// Sealed secrets that this page may show, from the browser's cookie.
    sealed: Option<SealedSecret>,
    /// Notices above the page.
    notices: Vec<String>,
    /// `Last-Event-ID`: the last event that a reconnecting live view has received.
    last_event: Option<String>,
    /// `true` if the script asks for only a part of the page.
    fragment: bool,
}

impl<'a, S: Store + PeopleStore> PageContext<'a, S> {
    fn new(console: &'a Console<S>, visitor: SignedIn, call: &AdminRequest) -> Result<Self, ApiError> {
        Ok(Self {
            path: call.head.uri.path().to_owned(),
            query: call.query_text().to_owned(),
            sealed: cookie::shown_once(&call.head.headers),
            last_event: call.header(&LAST_EVENT_ID).map(str::to_owned),
            fragment: call.header(&FRAGMENT).is_some(),
            ..Self::arrived(console, visitor, Arrival::of(call))?
        })
    }

    /// Creates the context for a member who has just signed in, without anything from the request but its ID and
    /// time.
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

    /// The value of `done`, with which a redirect names the last act.
    fn done(&self) -> Option<&str> {
        self.query.split('&').find_map(|pair| pair.strip_prefix("done="))
    }

    /// Adds a notice about failed sign-ins with the member's name, if there were any. If they can't be read, the page
    /// is shown without the notice.
    async fn tell_of_failed_sign_ins(&mut self) {
        match account::failed_sign_ins(self.gate(), &self.visitor.session).await {
            Ok(failed) => self.notices.extend(failed.map(|failed| failed.text())),
            Err(error) => tracing::warn!(%error, "failed sign-ins can't be looked up"),
        }
    }

    /// The page frame: member, role, form keys and flash.
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

    /// Parses the parameters in `known`. Others are dropped.
    fn fields(&self, known: &[&str]) -> Result<Fields<'_>, ApiError> {
        Fields::of_page(self.query.as_bytes(), known)
    }

    /// Drops parameters that may hold a secret, and adds a notice, because links of the page would repeat them. The
    /// search page keeps a webhook URL, because it can search for it.
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

    /// Drops the parameters that an error is about, and adds a notice for each. Returns `true` if there was one.
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

/// The notice about an invalid parameter. A long value, or one that may be a secret, is not repeated.
fn unknown_value(name: &str, value: &str, problem: &str) -> String {
    let is_shown = value.len() <= MAX_REPEATED && !may_hold_secret(value.as_bytes());
    let value = if is_shown {
        format!("\"{value}\"")
    } else {
        "value".to_owned()
    };
    format!("Unknown {value} for \"{name}\": {problem}.")
}

/// Answers a request for a page. An error is a page too.
pub(super) async fn answer<S: Store + PeopleStore>(
    console: &Console<S>,
    call: AdminRequest,
    segments: &[&str],
) -> Reply {
    let id = call.id;
    let replied = route(console, call, segments).await;
    replied.unwrap_or_else(|fault| failed::bare(&fault, id))
}

/// Answers a request for a page under a foreign `Host`.
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
    // A live view reconnects by itself as long as its page is open.
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
        // The session ended after it was checked.
        ErrorCode::Unauthenticated => html::see_other(&sign_in::path(None)),
        _ => failed::inside(&screen, &fault, segments),
    });
    Ok(streams::held(&console.gate, &console.limits, recipient, reply).await)
}

/// Shows a page. Invalid parameters of its query are dropped.
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
        // Each iteration drops at least one parameter.
        if !(is_page && screen.leave_out(&fault)) {
            return Err(fault);
        }
    }
}

/// Handles a form from a page of this console. A form of another session is shown again, and does nothing.
async fn acted<S: Store + PeopleStore>(
    screen: &mut PageContext<'_, S>,
    call: AdminRequest,
    segments: &[&str],
) -> Result<Reply, ApiError> {
    let form = Form::read(call, &screen.console.host).await?;
    screen.query.clear();
    let fields = form.fields()?;
    let is_ours = fields.get(FORM_TOKEN) == Some(screen.visitor.form_token.as_str());
    // A page of an older version of the program had no key.
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

/// Routes GET requests.
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

/// Routes forms (POST).
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

/// Answers with a page (200).
#[expect(clippy::unnecessary_wraps, reason = "it is the last word of every handler")]
fn page(html: String) -> Result<Reply, ApiError> {
    Ok(html::page(StatusCode::OK, html))
}

/// Answers with a form and its problems (422).
#[expect(clippy::unnecessary_wraps, reason = "it is the last word of every handler")]
fn re_render(html: String) -> Result<Reply, ApiError> {
    Ok(html::page(StatusCode::UNPROCESSABLE_ENTITY, html))
}

/// The problems of a form's fields. Returns the error itself if it is not about fields.
fn problems(fault: ApiError) -> Result<Vec<Problem>, ApiError> {
    let fields = fault.field_faults();
    if fields.is_empty() {
        return Err(fault);
    }
    let problem = |field: &InvalidField| Problem {
        field: field.field.clone(),
        message: field.problem().into(),
    };
    Ok(fields.iter().map(problem).collect())
}

#[cfg(test)]
mod tests;
