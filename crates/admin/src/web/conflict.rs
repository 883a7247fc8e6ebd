//! Edit conflicts: a form whose object was changed by another person after it was opened.

use hookgate_gate::{ActorContext, AuditFilter, PageSize, PeopleStore, Store, SubjectMatch};
use hookgate_pages::{Conflict, ConflictRow, UserText};

use super::page_context::PageContext;
use hookgate_request::{ApiError, Fields};

/// The revision that a form was opened with.
pub(super) fn opened_with(fields: &Fields<'_>) -> Result<i64, ApiError> {
    fields.complete(&["revision"], &[])?;
    fields.required("revision", "load the page again")
}

/// The conflict to show: the other person's values, name and time.
pub(super) async fn conflict<S: Store + PeopleStore>(
    context: &PageContext<'_, S>,
    subject: String,
    revision: i64,
    theirs: String,
    rows: Vec<ConflictRow>,
) -> Result<Conflict, ApiError> {
    let filter = AuditFilter {
        subject: Some(SubjectMatch::Ids(vec![subject])),
        ..AuditFilter::default()
    };
    // A member who may edit the object may also know its last editor, so the trail is read as the system.
    let mut page = context
        .gate()
        .audit_page(&ActorContext::system(), &filter, None, PageSize::ONE)
        .await?;
    let last = page.items.pop();
    Ok(Conflict {
        by: last.as_ref().map(|entry| entry.actor.name().into()),
        at: last.map(|entry| entry.at),
        now: context.now,
        revision,
        rows,
        theirs,
    })
}

/// A form value as text to show; an empty one as "(empty)".
pub(super) fn shown_value(value: &str) -> UserText {
    if value.trim().is_empty() { "(empty)" } else { value }.into()
}
