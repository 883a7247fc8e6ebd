//! `/account`: the sessions and the password of the signed-in member.

use hookgate_gate::{PeopleError, PeopleStore, Store};
use hookgate_pages::{Account, Problem, SessionRow};
use hookgate_people::{MIN_PASSWORD_CHARACTERS, Password, Session, SessionId};

use super::answers::{page, problems, re_render};
use super::page_context::PageContext;
use crate::html;
use hookgate_request::{ApiError, Fields, path_id};
use hookgate_transport::Reply;

/// Shows the page.
pub(super) async fn show<S: Store + PeopleStore>(context: &PageContext<'_, S>) -> Result<Reply, ApiError> {
    page(model(context, Vec::new()).await?.render())
}

/// Sets a new password.
pub(super) async fn password<S: Store + PeopleStore>(
    context: &PageContext<'_, S>,
    fields: &Fields<'_>,
) -> Result<Reply, ApiError> {
    let new = fields.read::<Password>("password").and_then(|new| {
        let new = new.ok_or_else(|| ApiError::field("password", "required", "a new password is needed"))?;
        if fields.get("again") == Some(new.reveal()) {
            Ok(new)
        } else {
            Err(ApiError::field("again", "same", "the two passwords do not match"))
        }
    });
    let new = match new {
        Ok(new) => new,
        Err(fault) => return re_render(model(context, problems(fault)?).await?.render()),
    };
    let visitor = &context.signed_in;
    let current = fields
        .get("current")
        .and_then(|text| text.parse::<Password>().ok());
    let set = context
        .gate()
        .set_password(
            &visitor.actor,
            visitor.member.id,
            Some(&visitor.session),
            current,
            new,
        )
        .await;
    match set {
        Ok(_) => Ok(html::see_other("/account?done=password-set")),
        Err(PeopleError::WrongPassword) => {
            let problem = Problem {
                field: "current".to_owned(),
                message: "The current password is wrong.".into(),
            };
            re_render(model(context, vec![problem]).await?.render())
        }
        Err(error) => Err(error.into()),
    }
}

/// Ends one of the sessions.
pub(super) async fn end<S: Store + PeopleStore>(
    context: &PageContext<'_, S>,
    id: &str,
) -> Result<Reply, ApiError> {
    let id: SessionId = path_id(id)?;
    context.gate().session_end(&context.signed_in.actor, id).await?;
    Ok(html::see_other("/account?done=session-ended"))
}

async fn model<S: Store + PeopleStore>(
    context: &PageContext<'_, S>,
    problems: Vec<Problem>,
) -> Result<Account, ApiError> {
    let visitor = &context.signed_in;
    let sessions = context.gate().sessions(&visitor.actor, visitor.member.id).await?;
    let row = |session: &Session| SessionRow {
        id: session.id.to_string(),
        started_at: session.created_at,
        last_seen: session.last_seen_at,
        source: session.source,
        user_agent: session.user_agent.as_deref().map(Into::into),
        is_this: session.id == visitor.session.id,
    };
    Ok(Account {
        shell: context.shell(),
        failed: context.failed_sign_ins().await?,
        has_password: visitor.member.password.is_some()
            && !visitor.session.resets_password(context.gate().now()),
        password_least: u16::try_from(MIN_PASSWORD_CHARACTERS).unwrap_or(u16::MAX),
        problems,
        sessions: sessions.iter().map(row).collect(),
    })
}

#[cfg(test)]
mod tests;
