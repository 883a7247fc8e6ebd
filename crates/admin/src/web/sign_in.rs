//! Signing in by password and by link, and signing out.

use hookgate_domain::leaks::may_hold_secret;
use hookgate_domain::policy::SealedSecret;
use hookgate_gate::{Browser, LogInterval, PeopleStore, SignInError, Store};
use hookgate_pages::{KeptForm, SignIn, SignInLink};
use hookgate_people::{MemberName, Password, Session, SignInSecret};
use hyper::StatusCode;
use hyper::header::{SET_COOKIE, USER_AGENT};

use super::restore::{self, MAX_KEPT};
use super::{Arrival, HOME, PageContext, SIGNED_IN, STRICT, failed, page, re_render};
use crate::signed_in::SignedIn;
use crate::{Console, html};
use hookgate_request::{AdminRequest, ApiError, ErrorCode, Fields, Form, check_origin, cookie};
use hookgate_transport::Reply;

/// Pace of the log lines about sign-ins that fail by an error of the server.
static NO_SIGN_IN: LogInterval = LogInterval::new();

/// The empty CSRF token of forms without a session: these are checked by `Origin` alone.
const NO_TOKEN: &str = "";

/// Problem: too many wrong passwords for a name, so only browsers with its device cookie may try.
const GUESSED: &str = "Too many wrong passwords for this name. Sign in with a browser that you have signed in with before, or ask an admin for a sign-in link.";
/// Problem: too many passwords wait to be checked.
const BUSY: &str = "Too many people are signing in right now. Your password was not checked.";

/// Maximum size of a sign-in form in bytes: the longest name and password, each character in twelve bytes, and a kept
/// form, encoded once more.
const MAX_SIGN_IN: usize = 64 * 1024;

/// Maximum size of the path that a sign-in continues to, in bytes.
const MAX_NEXT: usize = 2 * 1024;

/// The path of the sign-in page, which continues to `next`. A `next` that may hold a secret, such as a webhook's URL
/// at the wrong port, is dropped, because the address of a page is kept in many places.
pub(super) fn path(next: Option<&str>) -> String {
    match next {
        None | Some("/") => "/sign-in".to_owned(),
        // The secret is in the browser's history already, and need not be there twice.
        Some(next) if next.len() > MAX_NEXT || may_hold_secret(next.as_bytes()) => "/sign-in".to_owned(),
        Some(next) => {
            let query = form_urlencoded::Serializer::new(String::new())
                .append_pair("next", next)
                .finish();
            format!("/sign-in?{query}")
        }
    }
}

/// Shows the page that asks for name and password.
pub(super) fn show(call: &AdminRequest) -> Result<Reply, ApiError> {
    let query = call.query_text();
    let query = Fields::of_page(query.as_bytes(), &["next"])?;
    page(model(query.get("next").unwrap_or_default(), "").render())
}

/// Shows the same page for a form that was sent without a session. It keeps the typed values until the member has
/// signed in.
pub(super) async fn keep<S: Store + PeopleStore>(
    console: &Console<S>,
    call: AdminRequest,
    segments: &[&str],
) -> Result<Reply, ApiError> {
    if segments == ["sign-out"] {
        return Ok(html::see_other("/sign-in"));
    }
    let path = call.head.uri.path().to_owned();
    let (kept, problem) = match Form::read_anonymous(call, &console.host, &console.anonymous_forms, MAX_KEPT)
        .await
    {
        Ok(form) => {
            let fields = restore::kept(&form.fields()?);
            let problem = "Your session has ended. Sign in to continue. What you typed is kept.";
            let path = local(&path).to_owned();
            (Some(KeptForm { path, fields }), problem)
        }
        Err(fault) if fault.code == ErrorCode::PayloadTooLarge => (
            None,
            "Your session has ended, and the form is too large to keep. Go back in the browser to copy it.",
        ),
        Err(fault) => return Err(fault),
    };
    let page = SignIn {
        kept,
        problem: Some(problem.into()),
        ..model("", "")
    };
    Ok(html::page(StatusCode::UNAUTHORIZED, page.render()))
}

/// Signs in by name and password.
pub(super) async fn by_password<S: Store + PeopleStore>(
    console: &Console<S>,
    call: AdminRequest,
) -> Result<Reply, ApiError> {
    let (source, user_agent) = (call.source, call.header(&USER_AGENT).map(str::to_owned));
    let device = cookie::device(&call.head.headers);
    let earlier = SignedIn::of(&console.gate, &call).await?;
    let came = Arrival::of(&call);
    let form = Form::read_anonymous(call, &console.host, &console.anonymous_forms, MAX_SIGN_IN).await?;
    let Typed {
        name,
        next,
        parsed,
        kept,
    } = Typed::of(&form.fields()?);
    // The form is freed now, because the password may wait long for its check.
    drop(form);
    let signed_in = match parsed {
        None => Err(SignInError::Wrong),
        Some((member, password)) => {
            let browser = Browser {
                from: source,
                user_agent: user_agent.as_deref(),
                device: device.as_ref(),
                held: held(&[&name, &next], user_agent.as_deref(), kept.as_ref()),
            };
            console.gate.sign_in(&member, password, browser).await
        }
    };
    let (problem, retry_after) = match signed_in {
        Ok((token, session, member)) => {
            let device = console.gate.device(&member);
            let reply = match kept {
                Some(kept) => {
                    let visitor = SignedIn::new(&token, member, session, source);
                    go_on(console, visitor, came, &kept).await?
                }
                None => html::see_other(&first_page(console, &session, local(&next)).await),
            };
            return begin(console, earlier, token.reveal(), device, reply).await;
        }
        Err(SignInError::Wrong) => ("The name or the password is wrong.", None),
        Err(SignInError::TooMany { retry_after }) => {
            ("Too many attempts from your address.", Some(retry_after))
        }
        Err(SignInError::Guessed { retry_after }) => (GUESSED, Some(retry_after)),
        Err(SignInError::Busy { retry_after }) => (BUSY, Some(retry_after)),
        Err(error) => return Err(failed(error)),
    };
    re_render(
        SignIn {
            kept,
            problem: Some(problem.into()),
            retry_after,
            ..model(&next, &name)
        }
        .render(),
    )
}

/// Values of a sign-in form.
struct Typed {
    name: String,
    next: String,
    /// Name and password, if both are well-formed. Others are answered like a wrong password.
    parsed: Option<(MemberName, Password)>,
    kept: Option<KeptForm>,
}

impl Typed {
    fn of(fields: &Fields<'_>) -> Self {
        let text = |field| fields.get(field).unwrap_or_default();
        let password = fields.get("password").and_then(|text| text.parse().ok());
        Self {
            name: text("name").to_owned(),
            next: text("next").to_owned(),
            parsed: text("name").parse().ok().zip(password),
            kept: kept(fields),
        }
    }
}

/// Bytes that a sign-in holds while its password waits for the check.
fn held(texts: &[&str], user_agent: Option<&str>, kept: Option<&KeptForm>) -> usize {
    let kept = kept.map_or(0, |kept| kept.path.len() + kept.fields.len());
    let texts = texts.iter().copied().chain(user_agent).map(str::len);
    texts.sum::<usize>() + kept
}

/// The form that was kept during the sign-in.
fn kept(fields: &Fields<'_>) -> Option<KeptForm> {
    let path = fields.get("form_path").map(local)?;
    Some(KeptForm {
        path: path.to_owned(),
        fields: fields.get("form").unwrap_or_default().to_owned(),
    })
}

/// Shows the page of a kept form, with the typed values. The form does nothing before the member sends it again.
async fn go_on<S: Store + PeopleStore>(
    console: &Console<S>,
    visitor: SignedIn,
    came: Arrival,
    kept: &KeptForm,
) -> Result<Reply, ApiError> {
    let mut screen = PageContext::arrived(console, visitor, came)?;
    screen.notices.push(restore::NOTICE.to_owned());
    screen.tell_of_failed_sign_ins().await;
    let segments: Vec<&str> = kept.path.split('/').skip(1).collect();
    let fields = Fields::parse(kept.fields.as_bytes())?;
    let restored = restore::page(&screen, &segments, &fields).await;
    // The session has begun, even if the form can't be shown.
    Ok(restored.unwrap_or_else(|fault| failed::inside(&screen, &fault, &segments)))
}

/// The path of the first page of a session. It gets `done=signed-in` if there were failed sign-ins, or if the store
/// can't tell, so that the page reports them.
async fn first_page<S: Store + PeopleStore>(console: &Console<S>, session: &Session, next: &str) -> String {
    let path = if next == "/" { HOME } else { next };
    let is_told = !matches!(console.gate.failed_sign_ins(session).await, Ok(None));
    if is_told && is_page(path) {
        let sign = if path.contains('?') { '&' } else { '?' };
        format!("{path}{sign}done={SIGNED_IN}")
    } else {
        path.to_owned()
    }
}

/// Returns `true` if the path leads to a page, which can show notices, and has no fragment, behind which no parameter
/// can be added.
fn is_page(path: &str) -> bool {
    let plain = path.split(['?', '#']).next().unwrap_or_default();
    !path.contains('#') && !STRICT.contains(&plain.rsplit('/').next().unwrap_or_default())
}

/// Shows the page of a sign-in link, with its button.
pub(super) async fn link<S: Store + PeopleStore>(
    console: &Console<S>,
    call: &AdminRequest,
    secret: &str,
) -> Result<Reply, ApiError> {
    let found = match secret.parse::<SignInSecret>() {
        Ok(secret) => console.gate.sign_in_link_of(&secret, call.source).await?,
        Err(_) => None,
    };
    let member = found.map(|(_, member)| member.name.to_string());
    let status = if member.is_some() {
        StatusCode::OK
    } else {
        StatusCode::GONE
    };
    Ok(html::page(status, link_model(secret, member).render()))
}

/// Signs in by a link, after its button was pressed.
pub(super) async fn by_link<S: Store + PeopleStore>(
    console: &Console<S>,
    call: AdminRequest,
    secret: &str,
) -> Result<Reply, ApiError> {
    let (source, user_agent) = (call.source, call.header(&USER_AGENT).map(str::to_owned));
    let earlier = SignedIn::of(&console.gate, &call).await?;
    // The fields of the form are not used.
    check_origin(call, &console.host)?;
    let signed_in = match secret.parse::<SignInSecret>() {
        Ok(secret) => {
            console
                .gate
                .sign_in_by_link(&secret, source, user_agent.as_deref())
                .await
        }
        Err(_) => Err(SignInError::Wrong),
    };
    match signed_in {
        Ok((token, session, member)) => {
            let device = console.gate.device(&member);
            let reply = html::see_other(&first_page(console, &session, HOME).await);
            begin(console, earlier, token.reveal(), device, reply).await
        }
        Err(SignInError::Wrong) => Ok(html::page(StatusCode::GONE, link_model(secret, None).render())),
        Err(error) => Err(failed(error)),
    }
}

/// Ends the session.
pub(super) async fn out<S: Store + PeopleStore>(screen: &PageContext<'_, S>) -> Result<Reply, ApiError> {
    let visitor = &screen.visitor;
    screen.gate().sign_out(&visitor.acting, &visitor.session).await?;
    let mut reply = html::see_other("/sign-in");
    reply.headers_mut().insert(SET_COOKIE, cookie::end());
    Ok(reply)
}

/// Sets the cookies of the new session. Ends the browser's earlier session, because the browser loses its cookie and
/// could not end it later.
async fn begin<S: Store + PeopleStore>(
    console: &Console<S>,
    earlier: Option<SignedIn>,
    session: &str,
    device: Option<SealedSecret>,
    mut reply: Reply,
) -> Result<Reply, ApiError> {
    if let Some(earlier) = earlier {
        console.gate.sign_out(&earlier.acting, &earlier.session).await?;
    }
    let cookie = cookie::begin(session).ok_or(ErrorCode::Internal)?;
    reply.headers_mut().insert(SET_COOKIE, cookie);
    if let Some(device) = device.as_ref().and_then(cookie::mark_device) {
        reply.headers_mut().append(SET_COOKIE, device);
    }
    Ok(reply)
}

/// The path to continue to, with its query: `next` if it is a path of this console, the start page otherwise.
/// Browsers read `//` and a backslash as the beginning of another host, and drop control characters.
fn local(next: &str) -> &str {
    let is_path = next.starts_with('/') && !next.starts_with("//") && next.len() <= MAX_NEXT;
    let is_plain = next.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    let is_secret = may_hold_secret(next.as_bytes());
    if is_path && is_plain && !is_secret {
        next
    } else {
        HOME
    }
}

fn model(next: &str, name: &str) -> SignIn {
    SignIn {
        csrf: NO_TOKEN.to_owned(),
        name: name.to_owned(),
        // The page contains only a path that the sign-in can continue to.
        next: if local(next) == next {
            next.to_owned()
        } else {
            String::new()
        },
        kept: None,
        problem: None,
        retry_after: None,
    }
}

fn link_model(secret: &str, member: Option<String>) -> SignInLink {
    let problem = "This link is invalid, expired or already used. Ask an admin for a new one.";
    SignInLink {
        csrf: NO_TOKEN.to_owned(),
        secret: secret.into(),
        problem: member.is_none().then(|| problem.into()),
        member: member.unwrap_or_default().into(),
    }
}

fn failed(error: SignInError) -> ApiError {
    match error {
        SignInError::Wrong => ErrorCode::Unauthenticated.into(),
        SignInError::TooMany { retry_after } | SignInError::Guessed { retry_after } => {
            ApiError::too_many(retry_after)
        }
        SignInError::Busy { retry_after } => ApiError::no_turn(retry_after),
        SignInError::Store(error) => error.into(),
        error @ (SignInError::Passwords(_) | SignInError::Entropy(_)) => {
            if let Some(left_out) = NO_SIGN_IN.line() {
                tracing::error!(%error, left_out, "nobody can sign in");
            }
            ErrorCode::Internal.into()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_sent_elsewhere_after_signing_in() {
        assert_eq!(local("/logs?code=INVALID_JSON"), "/logs?code=INVALID_JSON");
        for next in [
            "",
            "//evil.example",
            "https://evil.example",
            "/\u{e9}",
            "/a\u{7f}",
            "/\t/evil.example",
            " //evil.example",
            "/\\evil.example",
            "/a\r\nx",
        ] {
            assert_eq!(local(next), HOME, "{next:?}");
        }
        assert_eq!(local(&format!("/{}", "a".repeat(MAX_NEXT))), HOME);
        assert!(is_page("/logs?code=INVALID_JSON") && is_page("/webhooks"));
        for part in ["/logs/export?format=csv", "/logs/live", "/webhooks#top"] {
            assert!(!is_page(part), "{part}");
        }
        assert_eq!(path(Some("/search?q=wh%5F77")), "/sign-in");
        let id = hookgate_testkit::samples::webhook_id(1).expect("an ID");
        for url in [
            format!("/webhooks/custom/{}", id.reveal()),
            format!("/logs?q=wh%5F{}", &id.reveal()[3..]),
        ] {
            assert_eq!((local(&url), path(Some(&url)).as_str()), (HOME, "/sign-in"));
            assert_eq!(model(&url, "").next, "");
        }
        assert_eq!(path(Some("/webhooks/hk_1")), "/sign-in?next=%2Fwebhooks%2Fhk_1");
        let query = path(Some("/logs?outcome=refused&code=INVALID_JSON"));
        assert_eq!(
            query,
            "/sign-in?next=%2Flogs%3Foutcome%3Drefused%26code%3DINVALID_JSON"
        );
    }
}
