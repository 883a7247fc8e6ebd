//! `/tokens`: API tokens.

use std::fmt::Display;
use std::time::Duration;

use hookgate_domain::Timestamp;
use hookgate_gate::{PageSize, PeopleStore, Store};
use hookgate_pages::{Confirm, Problem, TokenMade, TokenRow, Tokens};
use hookgate_people::{Permission, Role, Token, TokenId, TokenName, TokenState};

use super::answers::{page, problems, re_render};
use super::confirm;
use super::members::roles_up_to;
use super::once::Done;
use super::page_context::PageContext;
use crate::html;
use hookgate_request::{ApiError, ErrorCode, Fields, path_id};
use hookgate_transport::Reply;

/// Default lifetime of a new token, in days.
const LIFE: &str = "90";

const DAY: Duration = Duration::from_hours(24);

/// Shows the list.
pub(super) async fn list<S: Store + PeopleStore>(context: &PageContext<'_, S>) -> Result<Reply, ApiError> {
    page(model(context).await?.render())
}

/// Shows the list with the form of a new token as it was typed.
pub(super) async fn restore<S: Store + PeopleStore>(
    context: &PageContext<'_, S>,
    fields: &Fields<'_>,
) -> Result<Reply, ApiError> {
    page(typed(context, fields, Vec::new()).await?.render())
}

/// Creates a token. The next page shows its secret, once.
pub(super) async fn create<S: Store + PeopleStore>(
    context: &PageContext<'_, S>,
    fields: &Fields<'_>,
) -> Result<Reply, ApiError> {
    let made = context.once(fields, async |actor| -> Result<_, ApiError> {
        let (name, role, expires_at) = read(fields, context.now)?;
        Ok(context.gate().token_create(actor, name, role, expires_at).await?)
    });
    match made.await? {
        Done::Now((secret, token)) => context.show_once(&made_page(&token.id), &[secret.reveal()]),
        Done::Before(made) => Ok(context.done_already(&made_page(&made.id))),
        Done::Refused(fault) => re_render(typed(context, fields, problems(fault)?).await?.render()),
    }
}

/// Shows the list with the secret of a new token, once.
pub(super) async fn shown<S: Store + PeopleStore>(
    context: &PageContext<'_, S>,
    id: &str,
) -> Result<Reply, ApiError> {
    context.signed_in.require(Permission::ManagePeople)?;
    let id: TokenId = path_id(id)?;
    let token = context
        .gate()
        .store()
        .token_by_id(id)
        .await?
        .ok_or(ErrorCode::NotFound)?;
    let made = TokenMade {
        name: token.name.as_str().into(),
        token: context
            .shown_once()
            .and_then(|values| Some(values.first()?.as_str().into())),
    };
    let model = Tokens {
        made: Some(made),
        ..model(context).await?
    };
    context.once_page(model.render())
}

/// The path of the page that shows a new token.
fn made_page(id: &impl Display) -> String {
    format!("/tokens/{id}/made")
}

async fn typed<S: Store + PeopleStore>(
    context: &PageContext<'_, S>,
    fields: &Fields<'_>,
    problems: Vec<Problem>,
) -> Result<Tokens, ApiError> {
    let text = |name| fields.text(name).to_owned();
    let model = model(context).await?;
    Ok(Tokens {
        problems,
        name: text("name"),
        role: fields.get("role").map_or(model.role, str::to_owned),
        expires: text("expires_days"),
        ..model
    })
}

/// Revokes a token, after a confirmation.
pub(super) async fn revoke<S: Store + PeopleStore>(
    context: &PageContext<'_, S>,
    id: &str,
    fields: &Fields<'_>,
) -> Result<Reply, ApiError> {
    context.signed_in.require(Permission::ManagePeople)?;
    let token_id: TokenId = path_id(id)?;
    let token = context.gate().store().token_by_id(token_id).await?;
    let token = token.ok_or(ErrorCode::NotFound)?;
    if !confirm::is_given(fields) {
        let title = format!("Revoke the token {}?", token.name);
        let action = format!("/tokens/{id}/revoke");
        let confirm = Confirm {
            consequences: vec!["Programs that use it are refused immediately. This can't be undone.".into()],
            ..confirm::question(context, title, "Revoke token", action, "/tokens")
        };
        return page(confirm.render());
    }
    context
        .gate()
        .token_revoke(&context.signed_in.actor, token_id)
        .await?;
    Ok(html::see_other("/tokens?done=token-revoked"))
}

type Wanted = (TokenName, Role, Option<Timestamp>);

fn read(fields: &Fields<'_>, now: Timestamp) -> Result<Wanted, ApiError> {
    fields.complete(&["name", "role", "expires_days"], &[])?;
    let name = fields.required("name", "a name of 1 to 100 characters is needed")?;
    let role = fields.required("role", "choose a role")?;
    let days = fields.read::<u16>("expires_days")?;
    Ok((name, role, days.map(|days| now.after(DAY * days.into()))))
}

async fn model<S: Store + PeopleStore>(context: &PageContext<'_, S>) -> Result<Tokens, ApiError> {
    let actor = &context.signed_in.actor;
    let mut tokens = context.gate().token_list(actor, None, PageSize::MAX).await?;
    tokens.sort_by_key(|token| token.state(context.now) != TokenState::Live);
    let row = |token: &Token| TokenRow {
        id: token.id.to_string(),
        name: token.name.as_str().into(),
        role: token.role.as_str().to_owned(),
        made_by: token.created_by.as_str().into(),
        made_at: token.created_at,
        expires_at: token.expires_at,
        last_used: token.last_used_at,
        revoked_at: token.revoked_at,
    };
    Ok(Tokens {
        shell: context.shell(),
        rows: tokens.iter().map(row).collect(),
        roles: roles_up_to(context.signed_in.member.role),
        name: String::new(),
        role: Role::Viewer.as_str().to_owned(),
        expires: LIFE.to_owned(),
        problems: Vec::new(),
        made: None,
    })
}

#[cfg(test)]
mod tests;
