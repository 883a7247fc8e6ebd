//! `hookgate audit`: the audit trail.

use hookgate_domain::Timestamp;
use hookgate_gate::{AuditQuery, Page, PageSize};
use hookgate_wire::{self as wire, ExportFormat};

use crate::app::{App, command_line_actor};
use crate::cli::{AuditArgs, AuditCommand, ExportArg, Options, PageArgs};
use crate::failure::{Failure, with_sources};
use crate::table::Table;
use crate::{output, people_output};

pub(crate) async fn run(options: &Options, command: AuditCommand) -> Result<(), Failure> {
    let app = App::open(options).await?;
    match command {
        AuditCommand::List { filter, page } => list(options.json, &app, filter, &page).await,
        AuditCommand::Export { format, filter } => export(&app, format, filter).await,
    }
}

async fn list(json: bool, app: &App, arguments: AuditArgs, page: &PageArgs) -> Result<(), Failure> {
    let size = page.limit;
    let before = match &page.cursor {
        Some(cursor) => Some(
            cursor
                .parse()
                .map_err(|_| Failure::usage("not a cursor of `audit list`"))?,
        ),
        None => None,
    };
    let query = query(arguments, app.gate.now());
    let filter = app.gate.audit_filter(&command_line_actor(), query).await?;
    let Page { items: entries, next } = app
        .gate
        .audit_page(&command_line_actor(), &filter, before, size)
        .await?;
    let next = next.map(|last| last.to_string());
    let object = |entry| output::object(&wire::AuditEntry::from(entry));
    let objects: Vec<_> = entries.iter().map(object).collect::<Result<_, _>>()?;
    let table = Table::of(people_output::AUDIT_HEADER, &entries, people_output::audit_cells);
    output::list(json, &objects, &table, next.as_deref(), "events")
}

/// Prints every matching entry, page by page, and records the export in the trail.
async fn export(app: &App, format: ExportArg, arguments: AuditArgs) -> Result<(), Failure> {
    let format = match format {
        ExportArg::Csv => ExportFormat::Csv,
        ExportArg::Excel => ExportFormat::Excel,
        ExportArg::Ndjson => ExportFormat::Ndjson,
    };
    let query = query(arguments, app.gate.now());
    let asked = asked(&query);
    let filter = app.gate.audit_filter(&command_line_actor(), query).await?;
    let actor = command_line_actor();
    app.gate.audit_export(&actor, format.as_str(), asked).await?;
    let (mut before, mut is_first, mut count) = (None, true, 0_usize);
    loop {
        let page = app.gate.audit_page(&actor, &filter, before, PageSize::MAX).await;
        let page = page.map_err(|error| {
            Failure::from(error).after(&format!(
                "the export stopped after {}",
                wire::counted(count, "entry")
            ))
        })?;
        let objects: Vec<_> = page.items.iter().map(wire::AuditEntry::from).collect();
        let piece = format.piece(&objects, is_first);
        output::raw(&piece.map_err(|error| Failure::failed(with_sources(&error)))?)?;
        (is_first, count, before) = (false, count + page.items.len(), page.next);
        if before.is_none() {
            return Ok(());
        }
    }
}

fn query(arguments: AuditArgs, now: Timestamp) -> AuditQuery {
    AuditQuery {
        actor: arguments.actor,
        subject: arguments.subject,
        acts: arguments.act,
        from: arguments.from.map(|from| from.start(now)),
        to: arguments.to.map(|to| to.end(now)),
    }
}

/// The filter as typed, for the entry of the export.
fn asked(query: &AuditQuery) -> Vec<(&'static str, String)> {
    let time = |at: Option<Timestamp>| at.map(wire::time);
    let asked = [
        ("actor", query.actor.clone()),
        ("act", query.acts.as_ref().map(ToString::to_string)),
        ("subject", query.subject.clone()),
        ("from", time(query.from)),
        ("to", time(query.to)),
    ];
    asked
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)))
        .collect()
}
