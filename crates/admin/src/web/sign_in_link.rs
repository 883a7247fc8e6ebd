//! Signing in by a one-time link.

use hookgate_gate::{PeopleStore, SignInError, Store};
use hookgate_pages::{SignInLink, UserText};
use hookgate_people::SignInSecret;
use hyper::StatusCode;
use hyper::header::USER_AGENT;

use super::answers::page_with;
use super::next_path::HOME;
use super::session::{NO_TOKEN, begin, failed, first_page};
use crate::console::Console;
use crate::html;
use crate::signed_in::SignedIn;
use hookgate_request::{AdminRequest, ApiError, check_origin};
use hookgate_transport::Reply;

/// Shows the page of a sign-in link, with its button.
pub(super) async fn show<S: Store + PeopleStore>(
    console: &Console<S>,
    request: &AdminRequest,
    secret: &str,
) -> Result<Reply, ApiError> {
    let found = match secret.parse::<SignInSecret>() {
        Ok(secret) => console.gate.find_sign_in_link(&secret, request.source).await?,
        Err(_) => None,
    };
    let member = found.map(|(_, member)| member.name.to_string());
    let status = if member.is_some() {
        StatusCode::OK
    } else {
        StatusCode::GONE
    };
    page_with(status, model(secret, member.as_deref()).render())
}

/// Signs in by a link, after its button was pressed.
pub(super) async fn sign_in<S: Store + PeopleStore>(
    console: &Console<S>,
    request: AdminRequest,
    secret: &str,
) -> Result<Reply, ApiError> {
    let (source, user_agent) = (request.source, request.header(&USER_AGENT).map(str::to_owned));
    let earlier = SignedIn::of(&console.gate, &request).await?;
    // The fields of the form are not used.
    check_origin(request, &console.host)?;
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
            let device = console.gate.new_device_cookie(&member);
            let reply = html::see_other(&first_page(console, &session, HOME).await);
            begin(console, earlier, token.reveal(), device, reply).await
        }
        Err(SignInError::Wrong) => page_with(StatusCode::GONE, model(secret, None).render()),
        Err(error) => Err(failed(error)),
    }
}

fn model(secret: &str, member: Option<&str>) -> SignInLink {
    let problem = "This link is invalid, expired or already used. Ask an admin for a new one.";
    SignInLink {
        csrf: NO_TOKEN.to_owned(),
        secret: secret.into(),
        problem: member.is_none().then(|| problem.into()),
        member: member.map_or_else(UserText::default, Into::into),
    }
}
