//! A form over something that somebody else changed meanwhile: by which revision that is noticed, and what is shown of it.

use hookgate_gate::{ActorContext, AuditFilter, PageSize, PeopleStore, Store, SubjectMatch};
use hookgate_pages::{Conflict, ConflictRow, UserText};

use super::PageContext;
use crate::api_error::ApiError;
use crate::query::Fields;

/// The revision that a form was opened with.
pub(super) fn opened_with(fields: &Fields<'_>) -> Result<i64, ApiError> {
    fields.complete(&["revision"], &[])?;
    let revision = fields.read("revision")?;
    revision.ok_or_else(|| ApiError::field("revision", "required", "load the page again"))
}

/// What somebody else saved, with who it was.
pub(super) async fn conflict<S: Store + PeopleStore>(
    screen: &PageContext<'_, S>,
    subject: String,
    revision: i64,
    theirs: String,
    rows: Vec<ConflictRow>,
) -> Result<Conflict, ApiError> {
    let filter = AuditFilter {
        subject: Some(SubjectMatch::Ids(vec![subject])),
        ..AuditFilter::default()
    };
    let one = PageSize::new(1).unwrap_or_default();
    // Who changed what is edited here is no secret to anybody who may edit it.
    let mut page = screen
        .gate()
        .audit_page(&ActorContext::system(), &filter, None, one)
        .await?;
    let last = page.items.pop();
    Ok(Conflict {
        by: last.as_ref().map(|entry| entry.actor.name().into()),
        at: last.map(|entry| entry.at),
        now: screen.now,
        revision,
        rows,
        theirs,
    })
}

/// A value of a form, to be read.
pub(super) fn shown_value(value: &str) -> UserText {
    if value.trim().is_empty() { "(empty)" } else { value }.into()
}
