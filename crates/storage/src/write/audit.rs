//! The audit trail, and the end of it and of sessions and links.

use diesel::dsl::max;
use diesel::prelude::*;
use hookgate_domain::{AuditAct, NewAudit};

use crate::connection::{Connection, RunQueryDsl};

use crate::rows::NewAuditRow;
use crate::schema::people::{audit, sessions, sign_in_links};

/// Stores an entry. Its number is the next one.
pub(crate) fn audit_insert(connection: &mut Connection, entry: &NewAudit) -> QueryResult<()> {
    diesel::insert_into(audit::table)
        .values(NewAuditRow::from(entry))
        .execute(connection)
        .map(drop)
}

/// The number of the newest entry.
pub(crate) fn audit_newest(connection: &mut Connection) -> QueryResult<Option<i64>> {
    audit::table.select(max(audit::id)).get_result(connection)
}

/// Number and time of the oldest entries, of one act or of any.
pub(crate) fn oldest_audit(
    connection: &mut Connection,
    act: Option<AuditAct>,
    most: i64,
) -> QueryResult<Vec<(i64, i64)>> {
    let oldest = audit::table
        .select((audit::id, audit::at))
        .order(audit::id)
        .limit(most);
    match act {
        Some(act) => oldest.filter(audit::act.eq(act.as_str())).load(connection),
        None => oldest.load(connection),
    }
}

/// Removes the entries with these numbers.
pub(crate) fn audit_delete(connection: &mut Connection, ids: &[i64]) -> QueryResult<usize> {
    diesel::delete(audit::table.filter(audit::id.eq_any(ids))).execute(connection)
}

/// Ends the sessions that were last seen up to `seen` or began up to `begun`, at most so many.
pub(crate) fn sessions_delete_over(
    connection: &mut Connection,
    seen: i64,
    begun: i64,
    most: i64,
) -> QueryResult<usize> {
    let over = sessions::table
        .filter(sessions::last_seen_at.le(seen).or(sessions::created_at.le(begun)))
        .select(sessions::id)
        .limit(most);
    let ids: Vec<String> = over.load(connection)?;
    diesel::delete(sessions::table.filter(sessions::id.eq_any(ids))).execute(connection)
}

/// Removes the links that were made up to then: there is one for each member at most.
pub(crate) fn links_delete_over(connection: &mut Connection, made: i64) -> QueryResult<usize> {
    diesel::delete(sign_in_links::table.filter(sign_in_links::created_at.le(made))).execute(connection)
}
