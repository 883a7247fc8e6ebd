//! Begin and end of a session in the browser.

use hookgate_domain::policy::SealedSecret;
use hookgate_gate::{LogInterval, PeopleStore, SignInError, Store};
use hookgate_people::Session;
use hyper::header::SET_COOKIE;

use super::next_path::{HOME, SIGNED_IN, is_page};
use super::page_context::PageContext;
use crate::console::Console;
use crate::html;
use crate::signed_in::SignedIn;
use hookgate_request::{ApiError, ErrorCode, cookie};
use hookgate_transport::Reply;

/// Log interval for sign-ins that fail by an error of the server.
static NO_SIGN_IN: LogInterval = LogInterval::new();

/// The empty CSRF token of forms without a session: these are checked by `Origin` alone.
pub(super) const NO_TOKEN: &str = "";

/// Sets the cookies of the new session. Ends the browser's earlier session, because the browser loses its cookie and
/// could not end it later.
pub(super) async fn begin<S: Store + PeopleStore>(
    console: &Console<S>,
    earlier: Option<SignedIn>,
    session: &str,
    device: Option<SealedSecret>,
    mut reply: Reply,
) -> Result<Reply, ApiError> {
    if let Some(earlier) = earlier {
        console.gate.sign_out(&earlier.actor, &earlier.session).await?;
    }
    let cookie = cookie::begin(session).ok_or(ErrorCode::Internal)?;
    reply.headers_mut().insert(SET_COOKIE, cookie);
    if let Some(device) = device.as_ref().and_then(cookie::mark_device) {
        reply.headers_mut().append(SET_COOKIE, device);
    }
    Ok(reply)
}

/// The path of the first page of a session. It gets `done=signed-in` if there were failed sign-ins, or if the store
/// can't tell, so that the page reports them.
pub(super) async fn first_page<S: Store + PeopleStore>(
    console: &Console<S>,
    session: &Session,
    next: &str,
) -> String {
    let path = if next == "/" { HOME } else { next };
    let store = console.gate.store();
    let failed = store.failed_sign_ins(session.member, session.id).await;
    let must_report = !matches!(failed, Ok(None));
    if must_report && is_page(path) {
        let sign = if path.contains('?') { '&' } else { '?' };
        format!("{path}{sign}done={SIGNED_IN}")
    } else {
        path.to_owned()
    }
}

/// Ends the session.
pub(super) async fn sign_out<S: Store + PeopleStore>(
    context: &PageContext<'_, S>,
) -> Result<Reply, ApiError> {
    let visitor = &context.signed_in;
    context.gate().sign_out(&visitor.actor, &visitor.session).await?;
    let mut reply = html::see_other("/sign-in");
    reply.headers_mut().insert(SET_COOKIE, cookie::end());
    Ok(reply)
}

/// The error for a sign-in that fails by an error of the server, or by a bound.
pub(super) fn failed(error: SignInError) -> ApiError {
    match error {
        SignInError::Wrong => ErrorCode::Unauthenticated.into(),
        SignInError::TooMany { retry_after } | SignInError::Guessed { retry_after } => {
            ApiError::too_many(retry_after)
        }
        SignInError::Busy { retry_after } => ApiError::password_queue_full(retry_after),
        SignInError::Store(error) => error.into(),
        error @ (SignInError::Passwords(_) | SignInError::Entropy(_)) => {
            if let Some(left_out) = NO_SIGN_IN.line() {
                tracing::error!(%error, left_out, "nobody can sign in");
            }
            ErrorCode::Internal.into()
        }
    }
}
