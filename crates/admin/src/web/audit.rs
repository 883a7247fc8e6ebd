//! `/audit`: the audit trail.

use hookgate_gate::{KnownActor, PageSize, PeopleStore, Store};
use hookgate_pages::{AuditActor, AuditFilter as Narrowed, AuditRow, AuditTrail, Paging};
use hookgate_people::ActorKind;

use super::answers::{page, problems};
use super::page_context::PageContext;
use crate::audit_export;
use hookgate_request::filter::{self, AuditNames};
use hookgate_request::{ApiError, Fields};
use hookgate_transport::Reply;

const NAMES: AuditNames = AuditNames {
    actor: "who",
    acts: "what",
    subject: "about",
};
/// Parameters of the filter.
pub(super) const FILTER: [&str; 5] = ["who", "what", "about", "from", "to"];

/// Shows the trail, newest first. A filter that names an unknown object is reported on the page.
pub(super) async fn list<S: Store + PeopleStore>(context: &PageContext<'_, S>) -> Result<Reply, ApiError> {
    let query = context.fields(&[&FILTER[..], &["cursor"]].concat())?;
    let text = |name| query.text(name).to_owned();
    let known = context.gate().audit_actors(&context.signed_in.actor).await;
    let mut model = AuditTrail {
        shell: context.shell(),
        filter: Narrowed {
            who: text("who"),
            what: text("what"),
            about: text("about"),
            from: text("from"),
            to: text("to"),
        },
        actors: choices(known.map_err(|error| NAMES.fault(error))?),
        problems: Vec::new(),
        rows: Vec::new(),
        paging: Paging::default(),
    };
    match rows(context, &query).await {
        Ok((rows, older)) => {
            model.rows = rows;
            model.paging.older = older;
        }
        Err(fault) => model.problems = problems(fault)?,
    }
    page(model.render())
}

/// Exports the trail as a file.
pub(super) async fn export<S: Store + PeopleStore>(context: &PageContext<'_, S>) -> Result<Reply, ApiError> {
    let query = context.fields(&[&FILTER[..], &["format"]].concat())?;
    let asked = filter::audit(&query, &NAMES)?;
    audit_export::reply(
        &context.console.gate,
        &context.signed_in.actor,
        &query,
        asked,
        &NAMES,
        &context.console.limits,
        context.signed_in.recipient(),
    )
    .await
}

/// The rows of a page, and the cursor of the next one.
async fn rows<S: Store + PeopleStore>(
    context: &PageContext<'_, S>,
    query: &Fields<'_>,
) -> Result<(Vec<AuditRow>, Option<String>), ApiError> {
    let (gate, actor, size) = (context.gate(), &context.signed_in.actor, PageSize::default());
    let filter = gate.audit_filter(actor, filter::audit(query, &NAMES)?).await;
    let filter = filter.map_err(|error| NAMES.fault(error))?;
    let found = gate
        .audit_page(actor, &filter, query.read("cursor")?, size)
        .await?;
    let older = found.next.map(|id| id.to_string());
    Ok((found.items.iter().map(AuditRow::from).collect(), older))
}

/// Actors to choose from: members, then tokens, then users of the command line, then Hookgate itself. All users of
/// the command line together are a choice too.
fn choices(known: Vec<KnownActor>) -> Vec<AuditActor> {
    let choice = |value: String, label: String| AuditActor {
        value,
        label: label.into(),
    };
    let mut choices: Vec<AuditActor> = Vec::with_capacity(known.len() + 1);
    let mut has_command_line = false;
    for KnownActor { kind, name } in known {
        if kind == ActorKind::CommandLine && !has_command_line {
            has_command_line = true;
            choices.push(choice("command-line".to_owned(), "command line".to_owned()));
        }
        choices.push(match kind {
            ActorKind::Member => choice(format!("member:{name}"), name),
            ActorKind::Token => choice(format!("token:{name}"), format!("{name} (token)")),
            ActorKind::CommandLine => {
                choice(format!("command-line:{name}"), format!("{name} (command line)"))
            }
            ActorKind::System => choice("system".to_owned(), "system".to_owned()),
        });
    }
    choices
}

#[cfg(test)]
mod tests;
