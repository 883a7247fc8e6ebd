//! Retention of what is about people: sessions and links that are over, and the end of the audit trail. What strangers cause
//! on it, failed sign-ins, has bounds of its own, so that it pushes out nothing else.

use std::time::Duration;

use diesel::result::QueryResult;
use hookgate_domain::{SESSION_IDLE, SESSION_LIFE, SIGN_IN_LINK_LIFE, Timestamp};
use hookgate_gate::{AUDIT_DAYS, AUDIT_FAILED_DAYS, AUDIT_FAILED_ROWS, AUDIT_ROWS};

use crate::connection::Connection;
use crate::write::audit::{
    audit_acts, audit_delete, audit_newest, failure_beyond, links_delete_over, oldest_acts, oldest_audit,
    oldest_failures, sessions_delete_over,
};
use crate::write::counters::{Counter, counter_set, counter_value};

const DAY: Duration = Duration::from_hours(24);

/// Removes one slice of at most so many rows of each kind. How many in all.
pub(super) fn prune_people(connection: &mut Connection, now: Timestamp, slice: i64) -> QueryResult<usize> {
    let before = |span| now.before(span).as_micros();
    let over = sessions_delete_over(connection, before(SESSION_IDLE), before(SESSION_LIFE), slice)?;
    let links = links_delete_over(connection, before(SIGN_IN_LINK_LIFE))?;
    let kept = |days: u64| before(DAY.saturating_mul(u32::try_from(days).unwrap_or(u32::MAX)));
    let failures = prune_failures(connection, kept(AUDIT_FAILED_DAYS), slice)?;
    let acts = prune_acts(connection, kept(AUDIT_DAYS), slice)?;
    Ok(over + links + failures + acts)
}

/// Removes failed sign-ins that are too old or too many.
fn prune_failures(connection: &mut Connection, too_old: i64, slice: i64) -> QueryResult<usize> {
    let surplus = failure_beyond(connection, AUDIT_FAILED_ROWS.into())?;
    let old: Vec<_> = oldest_failures(connection, slice)?
        .into_iter()
        .take_while(|(id, at)| *at < too_old || surplus.is_some_and(|surplus| *id <= surplus))
        .map(|(id, _)| id)
        .collect();
    audit_delete(connection, &old)
}

/// Removes entries that are too old, and entries that are no failed sign-ins if there are too many of them.
fn prune_acts(connection: &mut Connection, too_old: i64, slice: i64) -> QueryResult<usize> {
    let counted = counter_value(connection, Counter::AuditCounted)?;
    let end = audit_newest(connection)?.map_or(counted, |newest| counted.max(newest + 1));
    let known = counter_value(connection, Counter::AuditActs)?;
    let acts = known + audit_acts(connection, counted, end)?;
    let old: Vec<_> = oldest_audit(connection, slice)?
        .into_iter()
        .take_while(|(_, at)| *at < too_old)
        .map(|(id, _)| id)
        .collect();
    let gone = match (old.first(), old.last()) {
        (Some(first), Some(last)) => audit_acts(connection, *first, *last + 1)?,
        _ => 0,
    };
    let mut removed = audit_delete(connection, &old)?;
    let mut left = acts - gone;
    let most = i64::try_from(AUDIT_ROWS.get()).unwrap_or(i64::MAX);
    if left > most {
        let surplus = oldest_acts(connection, slice.min(left - most))?;
        let deleted = audit_delete(connection, &surplus)?;
        left -= i64::try_from(deleted).unwrap_or(i64::MAX);
        removed += deleted;
    }
    if end != counted {
        counter_set(connection, Counter::AuditCounted, end)?;
    }
    if left != known {
        counter_set(connection, Counter::AuditActs, left)?;
    }
    Ok(removed)
}
