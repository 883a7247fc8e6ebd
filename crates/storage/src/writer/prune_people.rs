//! Retention of what is about people: sessions and links that are over, and the end of the audit trail.

use std::time::Duration;

use diesel::result::QueryResult;
use hookgate_domain::{AuditAct, SESSION_IDLE, SESSION_LIFE, SIGN_IN_LINK_LIFE, Timestamp};
use hookgate_gate::{AUDIT_DAYS, AUDIT_FAILED_DAYS, AUDIT_ROWS};

use crate::connection::Connection;
use crate::write::audit::{
    audit_delete, audit_newest, links_delete_over, oldest_audit, sessions_delete_over,
};

const DAY: Duration = Duration::from_hours(24);

/// Removes one slice of at most so many rows of each kind. How many in all.
pub(super) fn prune_people(connection: &mut Connection, now: Timestamp, slice: i64) -> QueryResult<usize> {
    let before = |span| now.before(span).as_micros();
    let over = sessions_delete_over(connection, before(SESSION_IDLE), before(SESSION_LIFE), slice)?;
    let links = links_delete_over(connection, before(SIGN_IN_LINK_LIFE))?;
    let rows = i64::try_from(AUDIT_ROWS.get()).unwrap_or(i64::MAX);
    let surplus = audit_newest(connection)?.map_or(0, |newest| newest.saturating_sub(rows));
    let kept = |days: u64| before(DAY.saturating_mul(u32::try_from(days).unwrap_or(u32::MAX)));
    let failed = Some(AuditAct::SessionSignInFailed);
    let mut removed = over + links;
    for (act, too_old, up_to) in [
        (failed, kept(AUDIT_FAILED_DAYS), 0),
        (None, kept(AUDIT_DAYS), surplus),
    ] {
        let old: Vec<_> = oldest_audit(connection, act, slice)?
            .into_iter()
            .take_while(|(id, at)| *at < too_old || *id <= up_to)
            .map(|(id, _)| id)
            .collect();
        removed += audit_delete(connection, &old)?;
    }
    Ok(removed)
}
