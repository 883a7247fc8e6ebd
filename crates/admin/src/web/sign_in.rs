//! Signing in by password.

use hookgate_gate::{Browser, PeopleStore, SignInError, Store};
use hookgate_pages::{KeptForm, SignIn};
use hookgate_people::{MemberName, Password};
use hyper::StatusCode;
use hyper::header::USER_AGENT;

use super::answers::{page, page_with, re_render};
use super::failed;
use super::next_path::local;
use super::page_context::{Arrival, PageContext};
use super::restore::{self, MAX_KEPT};
use super::session::{self, NO_TOKEN, begin, first_page};
use crate::console::Console;
use crate::html;
use crate::signed_in::SignedIn;
use hookgate_request::{AdminRequest, ApiError, ErrorCode, Fields, Form, cookie};
use hookgate_transport::Reply;

/// Problem: too many wrong passwords for a name, so only browsers with its device cookie may try.
const GUESSED: &str = "Too many wrong passwords for this name. Sign in with a browser that you have signed in with before, or ask an admin for a sign-in link.";
/// Problem: too many passwords wait to be checked.
const BUSY: &str = "Too many people are signing in right now. Your password was not checked.";

/// Maximum size of a sign-in form in bytes: the longest name and password, each character in twelve bytes, and a kept
/// form, encoded once more.
const MAX_SIGN_IN: usize = 64 * 1024;

/// Shows the page that asks for name and password.
pub(super) fn show(request: &AdminRequest) -> Result<Reply, ApiError> {
    let query = request.query_text();
    let query = Fields::of_page(query.as_bytes(), &["next"])?;
    page(model(query.text("next"), "").render())
}

/// Shows the same page for a form that was sent without a session. It keeps the typed values until the member has
/// signed in.
pub(super) async fn keep<S: Store + PeopleStore>(
    console: &Console<S>,
    request: AdminRequest,
    segments: &[&str],
) -> Result<Reply, ApiError> {
    if segments == ["sign-out"] {
        return Ok(html::see_other("/sign-in"));
    }
    let path = request.head.uri.path().to_owned();
    let (kept, problem) = match Form::read_anonymous(
        request,
        &console.host,
        &console.anonymous_forms,
        MAX_KEPT,
    )
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
    page_with(StatusCode::UNAUTHORIZED, page.render())
}

/// Signs in by name and password.
pub(super) async fn by_password<S: Store + PeopleStore>(
    console: &Console<S>,
    request: AdminRequest,
) -> Result<Reply, ApiError> {
    let (source, user_agent) = (request.source, request.header(&USER_AGENT).map(str::to_owned));
    let device = cookie::device(&request.head.headers);
    let earlier = SignedIn::of(&console.gate, &request).await?;
    let arrival = Arrival::of(&request);
    let form = Form::read_anonymous(request, &console.host, &console.anonymous_forms, MAX_SIGN_IN).await?;
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
            let device = console.gate.new_device_cookie(&member);
            let reply = match kept {
                Some(kept) => {
                    let signed_in = SignedIn::new(&token, member, session, source);
                    go_on(console, signed_in, arrival, &kept).await?
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
        Err(error) => return Err(session::failed(error)),
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
        let text = |field| fields.text(field);
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
        fields: fields.text("form").to_owned(),
    })
}

/// Shows the page of a kept form, with the typed values. The form does nothing before the member sends it again.
async fn go_on<S: Store + PeopleStore>(
    console: &Console<S>,
    signed_in: SignedIn,
    arrival: Arrival,
    kept: &KeptForm,
) -> Result<Reply, ApiError> {
    let mut context = PageContext::arrived(console, signed_in, arrival)?;
    context.notices.push(restore::NOTICE.to_owned());
    context.add_failed_sign_in_notice().await;
    let segments: Vec<&str> = kept.path.split('/').skip(1).collect();
    let fields = Fields::parse(kept.fields.as_bytes())?;
    let restored = restore::page(&context, &segments, &fields).await;
    // The session has begun, even if the form can't be shown.
    Ok(restored.unwrap_or_else(|fault| failed::inside(&context, &fault, &segments)))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_has_no_path_with_a_secret() {
        let id = hookgate_testkit::samples::webhook_id(1).expect("an ID");
        for url in [
            format!("/webhooks/custom/{}", id.reveal()),
            format!("/logs?q=wh%5F{}", &id.reveal()[3..]),
        ] {
            assert_eq!(model(&url, "").next, "");
        }
        assert_eq!(model("/logs", "").next, "/logs");
    }
}
