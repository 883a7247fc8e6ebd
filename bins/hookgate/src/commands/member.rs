//! `hookgate member` and `hookgate sign-in-link`: members and their access to the console.

use std::io::IsTerminal;

use hookgate_domain::invisible::with_hidden_shown;
use hookgate_gate::{Page, PeopleStore, Removed};
use hookgate_people::{Member, MemberId, MemberName, Password, Role, SignInLink, SignInSecret};
use hookgate_wire as wire;
use serde_json::{Value, json};

use crate::app::{App, command_line_actor};
use crate::cli::{MemberCommand, Options, PageArgs};
use crate::effect::{Effect, require_output};
use crate::failure::Failure;
use crate::table::Table;
use crate::text_input::piped_line;
use crate::{output, people_output};

pub(crate) async fn run(options: &Options, command: MemberCommand) -> Result<(), Failure> {
    let app = App::open(options).await?;
    match command {
        MemberCommand::Add { name, role } => add(options.json, &app, name, role).await,
        MemberCommand::List(page) => list(options.json, &app, &page).await,
        MemberCommand::Role { name, role } => {
            let member = find(&app, &name).await?;
            let changed = app
                .gate
                .member_set_role(&command_line_actor(), member.id, role, None)
                .await?;
            Effect::of(format!("{} is {} now", changed.name, changed.role)).report(show(
                options.json,
                &changed,
                &[],
            ))
        }
        MemberCommand::Remove { name } => {
            let member = find(&app, &name).await?;
            let removed = app.gate.member_remove(&command_line_actor(), member.id).await?;
            Effect::of(format!("the member {} was removed", removed.member.name))
                .report(show_removed(options.json, &removed))
        }
    }
}

/// `hookgate sign-in-link`.
pub(crate) async fn sign_in_link(options: &Options, name: Option<&MemberName>) -> Result<(), Failure> {
    let app = App::open(options).await?;
    require_output()?;
    let (secret, link, member) = app.gate.sign_in_link(&command_line_actor(), name).await?;
    let text = if options.json {
        let mut object = json!({"member": output::object(&wire::Member::from(&member))?});
        for (name, value) in link_fields(&app, &secret, &link) {
            object[name] = value;
        }
        output::json(&object)?
    } else {
        wire::sign_in_url(&app.console_url, &secret)
    };
    Effect::of(format!("a sign-in link for {} was created", member.name))
        .or_else("run `hookgate sign-in-link` again; the lost link expires")
        .report(output::line(&text).map_err(Failure::from))
}

async fn add(json: bool, app: &App, name: MemberName, role: Role) -> Result<(), Failure> {
    let password = piped_password()?;
    let has_password = password.is_some();
    if !has_password {
        require_output()?;
    }
    let member = app
        .gate
        .member_add(&command_line_actor(), name, role, password)
        .await?;
    let effect = Effect::of(format!("the member {} was added", member.name));
    if has_password {
        return effect.report(show(json, &member, &[]));
    }
    let remedy = format!("run `hookgate sign-in-link {}` for another link", member.name);
    let effect = effect.or_else(remedy);
    let (secret, link, member) = match app
        .gate
        .sign_in_link(&command_line_actor(), Some(&member.name))
        .await
    {
        Ok(made) => made,
        Err(error) => return Err(effect.but("its sign-in link could not be created", error)),
    };
    effect.report(show(json, &member, &link_fields(app, &secret, &link)))
}

async fn list(json: bool, app: &App, page: &PageArgs) -> Result<(), Failure> {
    let size = page.limit;
    let after: Option<MemberId> = match &page.cursor {
        Some(cursor) => Some(
            cursor
                .parse()
                .map_err(|_| Failure::usage("not a cursor of `member list`"))?,
        ),
        None => None,
    };
    let found = app.gate.store().member_page(after, size.and_one()).await?;
    let Page { items: members, next } = Page::new(found, size, |row| row.id, None);
    let next = next.map(|last| last.to_string());
    let object = |member| output::object(&wire::Member::from(member));
    let objects: Vec<_> = members.iter().map(object).collect::<Result<_, _>>()?;
    let table = Table::of(
        people_output::MEMBER_HEADER,
        &members,
        people_output::member_cells,
    );
    output::list(json, &objects, &table, next.as_deref(), "members")
}

/// The member that an argument names, by ID or name.
async fn find(app: &App, argument: &str) -> Result<Member, Failure> {
    let not_found = || Failure::not_found("no such member; `hookgate member list` shows them");
    let store = app.gate.store();
    if let Ok(id) = argument.parse::<MemberId>() {
        return store.member_by_id(id).await?.ok_or_else(not_found);
    }
    let name: MemberName = argument.parse().map_err(|_| not_found())?;
    store.member_by_name(&name).await?.ok_or_else(not_found)
}

/// The password on standard input; none from a terminal, and none if nothing comes. An empty line is neither: a variable
/// that should hold the password is not set, for instance.
fn piped_password() -> Result<Option<Password>, Failure> {
    if std::io::stdin().is_terminal() {
        return Ok(None);
    }
    let Some(line) = piped_line().map_err(Failure::usage)? else {
        return Ok(None);
    };
    if line.is_empty() {
        return Err(Failure::usage(
            "the password on standard input is empty; for a sign-in link instead, use `< /dev/null`",
        ));
    }
    line.parse().map(Some).map_err(Failure::usage)
}

fn link_fields(app: &App, secret: &SignInSecret, link: &SignInLink) -> [(&'static str, Value); 2] {
    [
        ("sign_in", json!(wire::sign_in_url(&app.console_url, secret))),
        ("sign_in_expires_at", json!(wire::time(link.expires_at()))),
    ]
}

/// Prints a removed member, and the webhooks whose secrets the member still knows.
fn show_removed(json: bool, removed: &Removed) -> Result<(), Failure> {
    if json {
        let object = output::object(&wire::RemovedMember::from(removed))?;
        return Ok(output::line(&output::json(&object)?)?);
    }
    show(json, &removed.member, &[])?;
    let known = &removed.known;
    for webhook in &known.webhooks {
        output::line(&format!(
            "known: {}  {}…  {}",
            webhook.handle,
            webhook.hint,
            with_hidden_shown(webhook.name.as_str())
        ))?;
    }
    if known.count > 0 {
        output::remark(&format!(
            "This member was shown the URL or signing secret of {}. These URLs keep working and are marked. Regenerate them.",
            wire::counted(known.count, "webhook")
        ));
    }
    if known.others_unknown {
        output::remark("Some URLs are older than these records. This member may know them too.");
    }
    Ok(())
}

/// Prints a member, with fields that only this output shows.
fn show(json: bool, member: &Member, once: &[(&'static str, Value)]) -> Result<(), Failure> {
    let mut object = output::object(&wire::Member::from(member))?;
    for (name, value) in once {
        object[*name] = value.clone();
    }
    output::thing(json, &object, None)
}
