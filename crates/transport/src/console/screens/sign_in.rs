//! The two ways in, and the way out.

use hookgate_domain::{MemberName, Password, SignInSecret};
use hookgate_gate::{PeopleStore, SignInError, Store};
use hookgate_pages::{SignIn, SignInLink};
use hyper::StatusCode;
use hyper::header::{SET_COOKIE, USER_AGENT};

use super::{HOME, Screen, again, page};
use crate::console::call::Call;
use crate::console::fault::{Code, Fault};
use crate::console::visitor::Visitor;
use crate::console::{Console, cookie, html, visitor};
use crate::reply::Reply;

/// Forms before there is a session are told by their origin alone; their token is empty.
const NO_TOKEN: &str = "";

/// The path of the sign-in page, which goes on to `next`.
pub(super) fn path(next: Option<&str>) -> String {
    match next {
        None | Some("/") => "/sign-in".to_owned(),
        Some(next) => {
            let query = form_urlencoded::Serializer::new(String::new())
                .append_pair("next", next)
                .finish();
            format!("/sign-in?{query}")
        }
    }
}

/// The page that asks for name and password.
pub(super) fn show(call: &Call) -> Result<Reply, Fault> {
    let query = call.query(&["next"])?;
    page(model(query.get("next").unwrap_or_default(), "").render())
}

/// Name and password.
pub(super) async fn by_password<S: Store + PeopleStore>(
    console: &Console<S>,
    call: Call,
) -> Result<Reply, Fault> {
    let (source, user_agent) = (call.source, call.header(&USER_AGENT).map(str::to_owned));
    let earlier = Visitor::of(&console.gate, &call).await?;
    let form = visitor::form_of_stranger(call, &console.host).await?;
    let fields = form.fields()?;
    let (name, next) = (
        fields.get("name").unwrap_or_default(),
        fields.get("next").unwrap_or_default(),
    );
    // What can't be a name or a password is answered like a wrong one.
    let parsed = name.parse::<MemberName>().ok().zip(
        fields
            .get("password")
            .and_then(|text| text.parse::<Password>().ok()),
    );
    let signed_in = match parsed {
        None => Err(SignInError::Wrong),
        Some((name, password)) => {
            let gate = &console.gate;
            gate.sign_in(&name, password, source, user_agent.as_deref()).await
        }
    };
    let (problem, retry_after) = match signed_in {
        Ok((token, ..)) => return begin(console, earlier, token.reveal(), local(next)).await,
        Err(SignInError::Wrong) => ("The name or the password is wrong.", None),
        Err(SignInError::TooMany { retry_after }) => {
            ("Too many attempts from your address.", Some(retry_after))
        }
        Err(error) => return Err(failed(error)),
    };
    again(
        SignIn {
            problem: Some(problem.into()),
            retry_after,
            ..model(next, name)
        }
        .render(),
    )
}

/// The page with the button of a sign-in link.
pub(super) async fn link<S: Store + PeopleStore>(
    console: &Console<S>,
    call: &Call,
    secret: &str,
) -> Result<Reply, Fault> {
    let found = match secret.parse::<SignInSecret>() {
        Ok(secret) => {
            console
                .gate
                .store()
                .sign_in_link_by_digest(&secret.digest())
                .await?
        }
        Err(_) => None,
    };
    let member = found
        .filter(|(link, _)| !link.is_over(call.now))
        .map(|(_, member)| member.name.to_string());
    let status = if member.is_some() {
        StatusCode::OK
    } else {
        StatusCode::GONE
    };
    Ok(html::page(status, link_model(secret, member).render()))
}

/// The button was pressed.
pub(super) async fn by_link<S: Store + PeopleStore>(
    console: &Console<S>,
    call: Call,
    secret: &str,
) -> Result<Reply, Fault> {
    let (source, user_agent) = (call.source, call.header(&USER_AGENT).map(str::to_owned));
    let earlier = Visitor::of(&console.gate, &call).await?;
    // Nothing in the form counts.
    visitor::of_our_page(call, &console.host)?;
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
        Ok((token, ..)) => begin(console, earlier, token.reveal(), HOME).await,
        Err(SignInError::Wrong) => Ok(html::page(StatusCode::GONE, link_model(secret, None).render())),
        Err(error) => Err(failed(error)),
    }
}

/// Ends the session.
pub(super) async fn out<S: Store + PeopleStore>(screen: &Screen<'_, S>) -> Result<Reply, Fault> {
    let visitor = &screen.visitor;
    screen.gate().sign_out(&visitor.acting, &visitor.session).await?;
    let mut reply = html::see_other("/sign-in");
    reply.headers_mut().insert(SET_COOKIE, cookie::end());
    Ok(reply)
}

/// Gives the browser the new session. The one that it had ends: nobody could end it from there any more.
async fn begin<S: Store + PeopleStore>(
    console: &Console<S>,
    earlier: Option<Visitor>,
    session: &str,
    next: &str,
) -> Result<Reply, Fault> {
    if let Some(earlier) = earlier {
        console.gate.sign_out(&earlier.acting, &earlier.session).await?;
    }
    let mut reply = html::see_other(next);
    let cookie = cookie::begin(session).ok_or(Code::Internal)?;
    reply.headers_mut().insert(SET_COOKIE, cookie);
    Ok(reply)
}

/// Where to go on to: a path of this console, or its start.
fn local(next: &str) -> &str {
    let ours = next.starts_with('/') && !next.starts_with("//") && !next.contains(['\\', '\t', '\r', '\n']);
    if ours { next } else { HOME }
}

fn model(next: &str, name: &str) -> SignIn {
    SignIn {
        csrf: NO_TOKEN.to_owned(),
        name: name.to_owned(),
        next: next.to_owned(),
        problem: None,
        retry_after: None,
    }
}

fn link_model(secret: &str, member: Option<String>) -> SignInLink {
    let problem = "This link was used already, is too old, or is not whole. Ask for another one: \
                   hookgate sign-in-link prints it.";
    SignInLink {
        csrf: NO_TOKEN.to_owned(),
        secret: secret.into(),
        problem: member.is_none().then(|| problem.into()),
        member: member.unwrap_or_default().into(),
    }
}

fn failed(error: SignInError) -> Fault {
    match error {
        SignInError::Wrong => Code::Unauthenticated.into(),
        SignInError::TooMany { retry_after } => Fault::too_many(retry_after),
        SignInError::Store(error) => error.into(),
        error @ (SignInError::Passwords(_) | SignInError::Entropy(_)) => {
            tracing::error!(%error, "nobody can sign in");
            Code::Internal.into()
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
            "/\\evil.example",
            "/a\r\nx",
        ] {
            assert_eq!(local(next), HOME, "{next:?}");
        }
        assert_eq!(path(Some("/webhooks/hk_1")), "/sign-in?next=%2Fwebhooks%2Fhk_1");
    }
}
