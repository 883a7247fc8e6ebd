//! `hookgate audit`: who did what.

use hookgate_gate::{AuditFilter, PageSize};
use hookgate_transport::wire;

use crate::cli::{AuditCommand, Cli};
use crate::failure::Failure;
use crate::place::{Place, acting};
use crate::table::Table;
use crate::{output, people_output};

pub(crate) async fn run(cli: &Cli, command: AuditCommand) -> Result<(), Failure> {
    let AuditCommand::List { act, subject, page } = command;
    let place = Place::open(cli).await?;
    let size = PageSize::new(page.limit).unwrap_or_default();
    let before = match &page.cursor {
        Some(cursor) => Some(
            cursor
                .parse()
                .map_err(|_| Failure::usage("not a cursor of `audit list`"))?,
        ),
        None => None,
    };
    let filter = AuditFilter {
        act,
        subject,
        ..AuditFilter::default()
    };
    let entries = place.gate.audit_page(&acting(), &filter, before, size).await?;
    let next = entries
        .last()
        .filter(|_| entries.len() == usize::from(size.rows()))
        .map(|last| last.id.to_string());
    let object = |entry| output::object(&wire::AuditEntry::from(entry));
    let objects: Vec<_> = entries.iter().map(object).collect();
    let table = Table::of(people_output::AUDIT_HEADER, &entries, people_output::audit_cells);
    output::list(cli.json, &objects, &table, next.as_deref(), "events")
}
