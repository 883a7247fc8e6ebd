//! Retention inside a transaction: removes a short slice of the history that is too old or too much. Slices
//! are short, because senders wait while one is removed.

use std::time::Duration;

use diesel::result::QueryResult;
use hookgate_domain::Timestamp;
use hookgate_domain::idempotency::IDEMPOTENCY_WINDOW;
use hookgate_gate::{DAY_MICROS, Pruned, Retention};

use super::age_statements::{
    deliveries_delete, incidents_delete, incidents_from, keys_delete, oldest_deliveries, oldest_keys,
    payloads_delete, payloads_from, sources_delete, touched_delete, usage, usage_delete, vacuum,
};
use super::freed::Freed;
use super::holdings::held_where;
use super::prune_candidates::fill;
use super::prune_file_size::prune_size;
use super::prune_people::prune_people;
use crate::connection::Connection;
use crate::counters::{Counter, counter_set, counter_value};
use crate::incidents::events::events_delete;
use crate::usage::statements::{HOUR, MINUTE};

/// Maximum number of rows of one kind that a slice removes. It may write a page for each, and then it takes as long as
/// the commit that senders wait for anyway.
const STEP: usize = 32;
/// The same for rows that are few beside the history.
const SMALL_STEP: usize = 8;
/// Steps of a slice if the store is far too large: deliveries come faster than the history is removed. Some
/// milliseconds.
const URGENT_STEPS: usize = 32;
/// Part of its budget by which a store is far too large.
const URGENT_PART: u64 = 64;
/// Empty pages that stay in the file for new rows: 16 MiB.
const SPARE_PAGES: i64 = 2_048;
/// Maximum number of pages that a slice gives back to the file system. Each may cost two others that are moved.
const VACUUM_PAGES: i64 = 32;
/// Rows that may be examined for each that may be removed.
const EXAMINED_PER_ROW: usize = 10;
/// Retention of counts by the minute: the longest range that shows them, and one more to look at yesterday.
const MINUTES_KEPT: Duration = Duration::from_hours(48);

/// Removes one slice from a file. Space goes back to the file system once nothing is left to remove: until
/// then new rows can use it.
pub(crate) fn prune_file(
    connection: &mut Connection,
    retention: Retention,
    now: Timestamp,
) -> QueryResult<Pruned> {
    let (bytes, budget) = (bytes_in_use(connection)?, retention.bytes.get());
    let is_far_too_large = bytes > budget.saturating_add(budget / URGENT_PART);
    fill(connection, (signed(bytes), signed(budget)), &[], now)?;
    let steps = if is_far_too_large { URGENT_STEPS } else { 1 };
    let mut pruned = Pruned {
        keys: prune_keys(connection, SMALL_STEP, now.before(IDEMPOTENCY_WINDOW).as_micros())?,
        people: prune_people_slice(connection, SMALL_STEP, now)?,
        counts: prune_counts(connection, SMALL_STEP, retention, now)?,
        ..Pruned::default()
    };
    for _ in 0..steps {
        let step = prune_history(connection, retention, now)?;
        pruned.deliveries += step.deliveries;
        pruned.payloads += step.payloads;
        pruned.incidents += step.incidents;
        pruned.unfinished = !step.is_empty();
        if step.is_empty() {
            break;
        }
    }
    if pruned.is_empty() && usage(connection)?.free > SPARE_PAGES {
        vacuum(connection, VACUUM_PAGES)?;
        pruned.unfinished = true;
    }
    Ok(pruned)
}

/// Removes a few rows of each part of the history.
fn prune_history(connection: &mut Connection, retention: Retention, now: Timestamp) -> QueryResult<Pruned> {
    let too_old = now.before(retention.deliveries).as_micros();
    let deliveries = prune_deliveries(connection, STEP, too_old)?;
    let payloads = prune_payloads(connection, STEP, now.before(retention.payloads).as_micros())?;
    let incidents = prune_incidents(connection, STEP, too_old)?;
    let touched = prune_touched(connection, STEP * EXAMINED_PER_ROW)?;
    let budget = retention.bytes.get();
    let bytes = bytes_in_use(connection)?;
    let too_much = if bytes > budget {
        prune_size(connection, rows(STEP), (signed(bytes), signed(budget)), now)?
    } else {
        Pruned::default()
    };
    Ok(Pruned {
        deliveries: deliveries + too_much.deliveries,
        payloads: payloads.removed + too_much.payloads,
        incidents: incidents.removed + too_much.incidents,
        unfinished: payloads.went_on || incidents.went_on || touched || too_much.unfinished,
        ..Pruned::default()
    })
}

/// Result of a walk over rows in their order, each examined once, or once in a round.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Walk {
    pub(super) removed: u64,
    /// `true` if rows were examined and more may follow.
    pub(super) went_on: bool,
}

/// Bytes of a file that are in use.
pub(crate) fn bytes_in_use(connection: &mut Connection) -> QueryResult<u64> {
    let usage = usage(connection)?;
    Ok(u64::try_from((usage.pages - usage.free).saturating_mul(usage.bytes)).unwrap_or(0))
}

/// Removes the oldest deliveries that are too old. Returns their number.
pub(super) fn prune_deliveries(connection: &mut Connection, most: usize, too_old: i64) -> QueryResult<u64> {
    let oldest = oldest_deliveries(connection, rows(most))?;
    let old = oldest
        .iter()
        .take_while(|(_, received_at)| *received_at < too_old);
    let Some((last, _)) = old.last().copied() else {
        return Ok(0);
    };
    let mut freed = Freed::default();
    freed.add(held_where(connection, &format!("id <= {last}"), false)?);
    let removed = count(deliveries_delete(connection, last)?);
    freed.write(connection)?;
    Ok(removed)
}

/// Removes the incidents of removed deliveries that touched several. They are many for one delivery, so they are
/// removed in slices of their own. `true` if more may follow.
pub(super) fn prune_touched(connection: &mut Connection, most: usize) -> QueryResult<bool> {
    // Deliveries from this number on may be in transactions that are not committed yet.
    let next = counter_value(connection, Counter::Delivery)?;
    let oldest = oldest_deliveries(connection, 1)?
        .first()
        .map_or(next, |(id, _)| *id);
    Ok(touched_delete(connection, oldest.min(next), rows(most))? == most)
}

/// Removes payloads, beginning where the last slice ended. Deliveries without one are passed over, so that
/// each is examined only once.
pub(super) fn prune_payloads(connection: &mut Connection, most: usize, too_old: i64) -> QueryResult<Walk> {
    let first = counter_value(connection, Counter::PayloadPrune)?;
    let (mut last, mut found) = (None, 0);
    for (id, received_at, has_payload) in payloads_from(connection, first, rows(most * EXAMINED_PER_ROW))? {
        if received_at >= too_old || found == most {
            break;
        }
        (last, found) = (Some(id), found + usize::from(has_payload));
    }
    let Some(last) = last else {
        return Ok(Walk::default());
    };
    counter_set(connection, Counter::PayloadPrune, last + 1)?;
    let removed = if found == 0 {
        0
    } else {
        let mut freed = Freed::default();
        freed.add(held_where(
            connection,
            &format!("id BETWEEN {first} AND {last}"),
            true,
        )?);
        let removed = count(payloads_delete(connection, first, last)?);
        freed.write(connection)?;
        removed
    };
    Ok(Walk {
        removed,
        went_on: true,
    })
}

/// Removes incidents that have not changed since a time. The walk goes in rounds, because an old incident may
/// still be in use.
pub(super) fn prune_incidents(connection: &mut Connection, most: usize, too_old: i64) -> QueryResult<Walk> {
    let first = counter_value(connection, Counter::IncidentPrune)?;
    let looks = most * EXAMINED_PER_ROW;
    let seen = incidents_from(connection, first, rows(looks))?;
    let (mut last, mut found, mut next) = (None, 0, 1);
    for (number, opened_at, updated_at) in seen.iter().copied() {
        if opened_at >= too_old {
            // All later incidents are too young too: the next round begins.
            next = 1;
            break;
        }
        if found == most {
            next = number;
            break;
        }
        (last, found, next) = (
            Some(number),
            found + usize::from(updated_at < too_old),
            number + 1,
        );
    }
    if seen.len() < looks && last == seen.last().map(|row| row.0) {
        next = 1;
    }
    if next != first {
        counter_set(connection, Counter::IncidentPrune, next)?;
    }
    let removed = match last {
        Some(last) if found > 0 => {
            let removed = incidents_delete(connection, first, last, too_old)?;
            events_delete(connection, first, last)?;
            let count = count(removed.len());
            let mut freed = Freed::default();
            freed.add(removed);
            freed.write(connection)?;
            count
        }
        _ => 0,
    };
    // A round that begins again has examined all incidents.
    let went_on = next > first;
    Ok(Walk { removed, went_on })
}

/// Removes a slice of the expired idempotency keys.
pub(super) fn prune_keys(connection: &mut Connection, most: usize, too_old: i64) -> QueryResult<u64> {
    let oldest = oldest_keys(connection, rows(most))?;
    let old = oldest.iter().take_while(|(_, created_at)| *created_at <= too_old);
    old.last()
        .map_or(Ok(0), |(last, _)| keys_delete(connection, *last).map(count))
}

/// Removes a slice of sessions, sign-in links and the audit trail.
pub(super) fn prune_people_slice(
    connection: &mut Connection,
    most: usize,
    now: Timestamp,
) -> QueryResult<u64> {
    prune_people(connection, now, rows(most)).map(count)
}

/// Removes a slice of counts: those by the minute after two days, the others with the deliveries.
pub(super) fn prune_counts(
    connection: &mut Connection,
    most: usize,
    retention: Retention,
    now: Timestamp,
) -> QueryResult<u64> {
    let most = rows(most);
    let too_old = now.before(retention.deliveries).as_micros();
    let minutes = usage_delete(connection, MINUTE, now.before(MINUTES_KEPT).as_micros(), most)?;
    let hours = usage_delete(connection, HOUR, too_old, most)?;
    // A day is over when its last moment is too old.
    let sources = sources_delete(connection, too_old.saturating_sub(DAY_MICROS), most)?;
    Ok(count(minutes + hours + sources))
}

fn signed(bytes: u64) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

fn rows(most: usize) -> i64 {
    i64::try_from(most).unwrap_or(i64::MAX)
}

pub(super) fn count(rows: usize) -> u64 {
    u64::try_from(rows).unwrap_or(u64::MAX)
}
