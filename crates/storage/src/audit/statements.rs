//! The audit trail, and the removal of its entries, of sessions and of links.

use diesel::dsl::max;
use diesel::prelude::*;
use hookgate_people::{AuditAct, NewAudit};

use super::row::NewAuditRow;
use crate::connection::{Connection, RunQueryDsl};
use crate::schema::people::{audit, sessions, sign_in_links};

/// The act whose entries strangers cause: a failed sign-in.
pub(crate) const FAILED: &str = AuditAct::SessionSignInFailed.as_str();

/// Stores an entry under the next number. A failed sign-in is counted on the entry of similar ones in its
/// hour.
pub(crate) fn audit_insert(connection: &mut Connection, entry: &NewAudit) -> QueryResult<()> {
    diesel::insert_into(audit::table)
        .values(NewAuditRow::from(entry))
        .on_conflict(audit::fold)
        .do_update()
        .set(audit::attempts.eq(audit::attempts + 1))
        .execute(connection)
        .map(drop)
}

/// The number of the newest entry.
pub(crate) fn audit_newest(connection: &mut Connection) -> QueryResult<Option<i64>> {
    audit::table.select(max(audit::id)).get_result(connection)
}

/// Number of entries from `first` to before `end`, without failed sign-ins.
pub(crate) fn audit_acts(connection: &mut Connection, first: i64, end: i64) -> QueryResult<i64> {
    audit::table
        .filter(audit::id.ge(first))
        .filter(audit::id.lt(end))
        .filter(audit::act.ne(FAILED))
        .count()
        .get_result(connection)
}

/// Numbers and times of the oldest entries.
pub(crate) fn oldest_audit(connection: &mut Connection, most: i64) -> QueryResult<Vec<(i64, i64)>> {
    let oldest = audit::table.select((audit::id, audit::at)).order(audit::id);
    oldest.limit(most).load(connection)
}

/// Numbers and times of the oldest failed sign-ins.
pub(crate) fn oldest_failures(connection: &mut Connection, most: i64) -> QueryResult<Vec<(i64, i64)>> {
    let failures = audit::table.filter(audit::act.eq(FAILED));
    let oldest = failures.select((audit::id, audit::at)).order(audit::id);
    oldest.limit(most).load(connection)
}

/// The number of the newest failed sign-in behind the `kept` newest ones.
pub(crate) fn failure_beyond(connection: &mut Connection, kept: i64) -> QueryResult<Option<i64>> {
    let failures = audit::table.filter(audit::act.eq(FAILED)).select(audit::id);
    failures
        .order(audit::id.desc())
        .offset(kept)
        .limit(1)
        .get_result(connection)
        .optional()
}

/// Removes the entries with these numbers.
pub(crate) fn audit_delete(connection: &mut Connection, ids: &[i64]) -> QueryResult<usize> {
    diesel::delete(audit::table.filter(audit::id.eq_any(ids))).execute(connection)
}

/// Ends up to `most` sessions that were last seen up to `seen` or began up to `begun`.
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

/// Removes the links that were made up to a time. They need no limit: there is one for each member at most.
pub(crate) fn links_delete_over(connection: &mut Connection, made: i64) -> QueryResult<usize> {
    diesel::delete(sign_in_links::table.filter(sign_in_links::created_at.le(made))).execute(connection)
}
