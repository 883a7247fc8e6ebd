//! Retention of sessions, sign-in links and the audit trail. Failed sign-ins, which strangers cause, have
//! bounds of their own, so that they push out no other entries.

use std::time::Duration;

use diesel::result::QueryResult;
use hookgate_domain::Timestamp;
use hookgate_gate::{AUDIT_DAYS, AUDIT_FAILED_DAYS, AUDIT_FAILED_ROWS, AUDIT_ROWS, LogInterval};
use hookgate_people::{SESSION_IDLE, SESSION_LIFE, SIGN_IN_LINK_LIFE};

use crate::audit::holdings::{holding_set, holdings_count, holdings_discount, largest_holding, oldest_held};
use crate::audit::statements::{
    audit_acts, audit_delete, audit_newest, failure_beyond, links_delete_over, oldest_audit, oldest_failures,
    sessions_delete_over,
};
use crate::connection::Connection;
use crate::counters::{Counter, counter_set, counter_value};

/// Log interval for entries that are removed before they are too old.
static EARLY: LogInterval = LogInterval::new();

const DAY: Duration = Duration::from_hours(24);

/// Removes one slice of the sessions that are over and of the audit trail, and all sign-in links that are
/// over. Returns the number of rows.
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

/// Removes entries that are too old. If there are too many others than failed sign-ins, it removes the oldest
/// ones of the actor and act with the most: nobody pushes out the entries of others, nor the other acts of
/// their own.
fn prune_acts(connection: &mut Connection, too_old: i64, slice: i64) -> QueryResult<usize> {
    let counted = counter_value(connection, Counter::AuditCounted)?;
    let end = audit_newest(connection)?.map_or(counted, |newest| counted.max(newest + 1));
    let known = counter_value(connection, Counter::AuditActs)?;
    let acts = known + audit_acts(connection, counted, end)?;
    holdings_count(connection, counted, end)?;
    let old: Vec<_> = oldest_audit(connection, slice)?
        .into_iter()
        .take_while(|(_, at)| *at < too_old)
        .map(|(id, _)| id)
        .collect();
    let gone = match (old.first(), old.last()) {
        (Some(first), Some(last)) => {
            holdings_discount(connection, *first, *last + 1)?;
            audit_acts(connection, *first, *last + 1)?
        }
        _ => 0,
    };
    let mut removed = audit_delete(connection, &old)?;
    let mut left = acts - gone;
    let most = i64::try_from(AUDIT_ROWS.get()).unwrap_or(i64::MAX);
    if left > most {
        let early = prune_largest(connection, slice.min(left - most))?;
        left -= i64::try_from(early).unwrap_or(i64::MAX);
        removed += early;
    }
    if end != counted {
        counter_set(connection, Counter::AuditCounted, end)?;
    }
    if left != known {
        counter_set(connection, Counter::AuditActs, left)?;
    }
    Ok(removed)
}

/// Removes up to `most` of the oldest entries of the actor and act with the most, and warns in the log.
/// Returns their number.
fn prune_largest(connection: &mut Connection, most: i64) -> QueryResult<usize> {
    let Some(holding) = largest_holding(connection)? else {
        return Ok(0);
    };
    let oldest = oldest_held(connection, &holding, most)?;
    let deleted = audit_delete(connection, &oldest)?;
    let gone = i64::try_from(deleted).unwrap_or(i64::MAX);
    // Fewer than requested: the holding has no more entries, whatever was counted.
    let left = if gone < most { 0 } else { holding.entries - gone };
    holding_set(connection, &holding, left)?;
    let early = counter_value(connection, Counter::AuditEarly)?;
    counter_set(connection, Counter::AuditEarly, early.saturating_add(gone))?;
    if let Some(left_out) = EARLY.line() {
        let (actor, act) = (&holding.actor, &holding.act);
        tracing::warn!(
            %actor, %act, left_out,
            "the audit trail is full: the oldest entries of the actor and act that has most are removed before two years"
        );
    }
    Ok(deleted)
}
