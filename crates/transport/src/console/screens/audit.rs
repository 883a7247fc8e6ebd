//! `/audit`: who did what.

use hookgate_domain::{AuditAct, AuditEntry};
use hookgate_gate::{AuditFilter, PageSize, PeopleStore, Store};
use hookgate_pages::{AuditFilter as Narrowed, AuditRow, AuditTrail, Paging};

use super::{Screen, page};
use crate::console::fault::Fault;
use crate::console::filter;
use crate::reply::Reply;

/// The trail, newest first.
pub(super) async fn list<S: Store + PeopleStore>(screen: &Screen<'_, S>) -> Result<Reply, Fault> {
    let query = screen.fields(&["who", "what", "cursor"])?;
    let narrowed = Narrowed {
        who: query.get("who").unwrap_or_default().to_owned(),
        what: query.get("what").unwrap_or_default().to_owned(),
    };
    let filter = AuditFilter {
        act: query.read::<AuditAct>("what")?,
        actor: query.get("who").map(str::to_owned),
        request: None,
        subject: None,
    };
    let size = PageSize::default();
    let acting = &screen.visitor.acting;
    let entries = screen
        .gate()
        .audit_page(acting, &filter, query.read("cursor")?, size)
        .await?;
    let older = filter::next(&entries, size, |entry| entry.id.to_string());
    page(
        AuditTrail {
            shell: screen.shell(),
            filter: narrowed,
            rows: entries.iter().map(row).collect(),
            paging: Paging { newer: None, older },
        }
        .render(),
    )
}

fn row(entry: &AuditEntry) -> AuditRow {
    let subject = match (entry.subject.name.as_str(), entry.subject.id.as_str()) {
        ("", "") => None,
        ("", id) => Some(id.into()),
        (name, _) => Some(name.into()),
    };
    AuditRow {
        at: entry.at,
        who: entry.actor.name().into(),
        source: entry.from,
        what: entry.act.as_str().into(),
        object: subject,
        before: entry.before.as_deref().map(Into::into),
        after: entry.after.as_deref().map(Into::into),
    }
}
