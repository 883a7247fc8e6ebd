//! `/tokens`: API tokens.

use std::time::Duration;

use hookgate_domain::{Permission, Role, Timestamp, Token, TokenId, TokenName, TokenState};
use hookgate_gate::{PageSize, PeopleStore, Store};
use hookgate_pages::{Confirm, TokenMade, TokenRow, Tokens};

use super::members::roles_up_to;
use super::{Screen, again, page, problems};
use crate::console::fault::{Code, Fault};
use crate::console::html;
use crate::console::query::Fields;
use crate::reply::Reply;

const DAY: Duration = Duration::from_hours(24);

/// The list.
pub(super) async fn list<S: Store + PeopleStore>(screen: &Screen<'_, S>) -> Result<Reply, Fault> {
    page(model(screen).await?.render())
}

/// A new token, shown once.
pub(super) async fn create<S: Store + PeopleStore>(
    screen: &Screen<'_, S>,
    fields: &Fields<'_>,
) -> Result<Reply, Fault> {
    let (name, role, expires_at) = match read(fields, screen.now) {
        Ok(read) => read,
        Err(fault) => {
            let problems = problems(fault)?;
            let name = fields.get("name").unwrap_or_default().to_owned();
            return again(
                Tokens {
                    problems,
                    name,
                    ..model(screen).await?
                }
                .render(),
            );
        }
    };
    let (secret, token) = screen
        .gate()
        .token_create(&screen.visitor.acting, name, role, expires_at)
        .await?;
    let made = TokenMade {
        name: token.name.as_str().into(),
        token: secret.reveal().into(),
    };
    page(
        Tokens {
            made: Some(made),
            ..model(screen).await?
        }
        .render(),
    )
}

/// Revokes a token, after asking once more.
pub(super) async fn revoke<S: Store + PeopleStore>(
    screen: &Screen<'_, S>,
    id: &str,
    fields: &Fields<'_>,
) -> Result<Reply, Fault> {
    screen.visitor.require(Permission::ManagePeople)?;
    let token_id: TokenId = id.parse().map_err(|_| Code::NotFound)?;
    let token = screen.gate().store().token_by_id(token_id).await?;
    let token = token.ok_or(Code::NotFound)?;
    if !fields.is_set("confirm") {
        let confirm = Confirm {
            shell: screen.shell(),
            title: format!("Revoke the token {}?", token.name),
            consequences: vec!["Every program that uses it is refused at once. This is final.".into()],
            action: format!("/tokens/{id}/revoke"),
            fields: vec![("confirm".to_owned(), "yes".to_owned())],
            button: "Revoke the token".to_owned(),
            back: "/tokens".to_owned(),
        };
        return page(confirm.render());
    }
    screen
        .gate()
        .token_revoke(&screen.visitor.acting, token_id)
        .await?;
    Ok(html::see_other("/tokens?done=token-revoked"))
}

type Wanted = (TokenName, Role, Option<Timestamp>);

fn read(fields: &Fields<'_>, now: Timestamp) -> Result<Wanted, Fault> {
    let name = fields.read::<TokenName>("name")?;
    let name =
        name.ok_or_else(|| Fault::field("name", "required", "a name of 1 to 100 characters is needed"))?;
    let role = fields.read::<Role>("role")?;
    let role = role.ok_or_else(|| Fault::field("role", "required", "choose a role"))?;
    let days = fields.read::<u16>("expires_days")?;
    Ok((name, role, days.map(|days| now.after(DAY * days.into()))))
}

async fn model<S: Store + PeopleStore>(screen: &Screen<'_, S>) -> Result<Tokens, Fault> {
    let acting = &screen.visitor.acting;
    let mut tokens = screen.gate().token_list(acting, None, PageSize::MAX).await?;
    tokens.sort_by_key(|token| token.state(screen.now) != TokenState::Live);
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
        shell: screen.shell(),
        rows: tokens.iter().map(row).collect(),
        roles: roles_up_to(screen.visitor.member.role),
        name: String::new(),
        problems: Vec::new(),
        made: None,
    })
}
