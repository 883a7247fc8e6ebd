//! `hookgate token`: tokens of the admin API. A token is printed only when it is created.

use std::time::Duration;

use hookgate_domain::Timestamp;
use hookgate_gate::{Page, PageSize};
use hookgate_people::{Role, Token, TokenId, TokenName, TokenState};
use hookgate_wire as wire;
use serde_json::json;

use crate::app::{App, command_line_actor};
use crate::cli::{Options, PageArgs, TokenCommand};
use crate::effect::{Effect, require_output};
use crate::failure::Failure;
use crate::table::Table;
use crate::{output, people_output};

const DAY: Duration = Duration::from_hours(24);

pub(crate) async fn run(options: &Options, command: TokenCommand) -> Result<(), Failure> {
    let app = App::open(options).await?;
    match command {
        TokenCommand::Create { name, role, expires } => create(options.json, &app, name, role, expires).await,
        TokenCommand::List(page) => list(options.json, &app, &page).await,
        TokenCommand::Revoke { token } => {
            let id = find(&app, &token).await?;
            let revoked = app.gate.token_revoke(&command_line_actor(), id).await?;
            let now = app.gate.now();
            let printed = output::object(&wire::Token::new(&revoked, now))
                .and_then(|object| output::thing(options.json, &object, None));
            Effect::of(format!("the token {} was revoked", revoked.name)).report(printed)
        }
    }
}

async fn create(
    json: bool,
    app: &App,
    name: TokenName,
    role: Role,
    days: Option<u16>,
) -> Result<(), Failure> {
    let now = app.gate.now();
    let expires_at = days.map(|days| now.after(DAY * days.into()));
    require_output()?;
    let (secret, token) = app
        .gate
        .token_create(&command_line_actor(), name, role, expires_at)
        .await?;
    let effect = Effect::of(format!("the token {} ({}) was created", token.name, token.id)).or_else(format!(
        "its secret is lost; run `hookgate token revoke {}` and create another one",
        token.id
    ));
    effect.report(show_created(json, &token, secret.reveal(), now))
}

fn show_created(json: bool, token: &Token, secret: &str, now: Timestamp) -> Result<(), Failure> {
    let mut object = output::object(&wire::Token::new(token, now))?;
    object["token"] = json!(secret);
    output::thing(json, &object, None)
}

async fn list(json: bool, app: &App, page: &PageArgs) -> Result<(), Failure> {
    let size = page.limit;
    let after: Option<TokenId> = match &page.cursor {
        Some(cursor) => Some(
            cursor
                .parse()
                .map_err(|_| Failure::usage("not a cursor of `token list`"))?,
        ),
        None => None,
    };
    let found = app
        .gate
        .token_list(&command_line_actor(), after, size.and_one())
        .await?;
    let Page { items: tokens, next } = Page::new(found, size, |row| row.id, None);
    let next = next.map(|last| last.to_string());
    let now = app.gate.now();
    let object = |token| output::object(&wire::Token::new(token, now));
    let objects: Vec<_> = tokens.iter().map(object).collect::<Result<_, _>>()?;
    let table = Table::of(people_output::TOKEN_HEADER, &tokens, |token| {
        people_output::token_cells(token, now)
    });
    output::list(json, &objects, &table, next.as_deref(), "tokens")
}

/// The token that an argument names: by ID, or by a name that only one token has that is not revoked.
async fn find(app: &App, argument: &str) -> Result<TokenId, Failure> {
    if let Ok(id) = argument.parse() {
        return Ok(id);
    }
    let not_found = || Failure::not_found("no such token; `hookgate token list` shows them");
    let name: TokenName = argument.parse().map_err(|_| not_found())?;
    let (mut found, mut after): (Option<Token>, _) = (None, None);
    loop {
        let page = app
            .gate
            .token_list(&command_line_actor(), after, PageSize::MAX)
            .await?;
        let Some(last) = page.last() else { break };
        after = Some(last.id);
        let now = app.gate.now();
        let named = |token: &Token| token.name == name && token.state(now) != TokenState::Revoked;
        for token in page.into_iter().filter(named) {
            if found.replace(token).is_some() {
                return Err(Failure::usage(
                    "several tokens have this name; use the ID (`hookgate token list`)",
                ));
            }
        }
    }
    found.map(|token| token.id).ok_or_else(not_found)
}
