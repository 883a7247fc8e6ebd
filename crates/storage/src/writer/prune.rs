//! Retention inside a transaction: one small slice of whatever is too old or too much. Slices are small because senders
//! wait while one is removed.

use std::time::Duration;

use diesel::result::QueryResult;
use hookgate_domain::{IDEMPOTENCY_WINDOW, Timestamp};
use hookgate_gate::{DAY_MICROS, Pruned, Retention};

use super::prune_people::prune_people;
use crate::connection::Connection;
use crate::write::counters::{Counter, counter_set, counter_value};
use crate::write::prune::{
    deliveries_delete, incidents_delete, incidents_from, keys_delete, oldest_deliveries, oldest_keys,
    payloads_delete, payloads_from, sources_delete, usage, usage_delete, vacuum,
};
use crate::write::usage::{HOUR, MINUTE};

/// Most rows of one kind that a slice removes: a few milliseconds.
const SLICE: usize = 500;
/// Most rows that a slice looks at to find them.
const LOOK: i64 = 5_000;
/// Empty pages that are kept for what comes next: 16 MiB.
const SPARE_PAGES: i64 = 2_048;
/// Most pages that a slice gives back to the file system: 1 MiB.
const VACUUM_PAGES: i64 = 128;
/// How long counts by the minute are kept: the longest range that shows them, and one more for those who look at yesterday.
const MINUTES_KEPT: Duration = Duration::from_hours(48);

/// Removes one slice from a file, and gives back some of the space.
pub(crate) fn prune_file(
    connection: &mut Connection,
    retention: Retention,
    now: Timestamp,
) -> QueryResult<Pruned> {
    let too_old = now.before(retention.deliveries).as_micros();
    let too_large = is_too_large(connection, retention)?;
    let (deliveries, reached) = prune_deliveries(connection, too_old, too_large)?;
    let pruned = Pruned {
        deliveries,
        payloads: prune_payloads(connection, now.before(retention.payloads).as_micros())?,
        // An incident goes with the last delivery that told of it, whatever made that one go.
        incidents: prune_incidents(connection, too_old.max(reached))?,
        keys: prune_keys(connection, now.before(IDEMPOTENCY_WINDOW).as_micros())?,
        people: slice_of_people(connection, now)?,
        counts: prune_counts(connection, retention, now)?,
    };
    if usage(connection)?.free > SPARE_PAGES {
        vacuum(connection, VACUUM_PAGES)?;
    }
    Ok(pruned)
}

fn is_too_large(connection: &mut Connection, retention: Retention) -> QueryResult<bool> {
    let usage = usage(connection)?;
    let bytes = u64::try_from((usage.pages - usage.free).saturating_mul(usage.bytes)).unwrap_or(0);
    Ok(bytes > retention.bytes.get())
}

/// Removes the oldest deliveries, up to the first that is young enough, or a whole slice of them if they take too much
/// space. How many, and up to which time.
pub(super) fn prune_deliveries(
    connection: &mut Connection,
    too_old: i64,
    too_large: bool,
) -> QueryResult<(u64, i64)> {
    let most = i64::try_from(SLICE).unwrap_or(i64::MAX);
    let mut oldest = oldest_deliveries(connection, most)?;
    let old = oldest
        .iter()
        .take_while(|(_, received_at)| too_large || *received_at < too_old)
        .count();
    oldest.truncate(old);
    let Some((last, reached)) = oldest.last().copied() else {
        return Ok((0, i64::MIN));
    };
    Ok((
        count(deliveries_delete(connection, last)?),
        if too_large { reached } else { i64::MIN },
    ))
}

/// Removes payloads from where the last slice ended. What has none is stepped over, so it is looked at once only.
pub(super) fn prune_payloads(connection: &mut Connection, too_old: i64) -> QueryResult<u64> {
    let first = counter_value(connection, Counter::PayloadPrune)?;
    let (mut last, mut found) = (None, 0);
    for (id, received_at, has_payload) in payloads_from(connection, first, LOOK)? {
        if received_at >= too_old || found == SLICE {
            break;
        }
        (last, found) = (Some(id), found + usize::from(has_payload));
    }
    let Some(last) = last else {
        return Ok(0);
    };
    counter_set(connection, Counter::PayloadPrune, last + 1)?;
    if found == 0 {
        Ok(0)
    } else {
        payloads_delete(connection, first, last).map(count)
    }
}

/// Removes incidents that nothing has touched since. It goes round: an old incident may still be in use.
pub(super) fn prune_incidents(connection: &mut Connection, too_old: i64) -> QueryResult<u64> {
    let first = counter_value(connection, Counter::IncidentPrune)?;
    let rows = incidents_from(connection, first, LOOK)?;
    let (mut last, mut found, mut next) = (None, 0, 1);
    for (number, opened_at, updated_at) in rows.iter().copied() {
        if opened_at >= too_old {
            // So are all behind it: the next round begins.
            next = 1;
            break;
        }
        if found == SLICE {
            next = number;
            break;
        }
        (last, found, next) = (
            Some(number),
            found + usize::from(updated_at < too_old),
            number + 1,
        );
    }
    if rows.len() < usize::try_from(LOOK).unwrap_or(usize::MAX) && last == rows.last().map(|row| row.0) {
        next = 1;
    }
    if next != first {
        counter_set(connection, Counter::IncidentPrune, next)?;
    }
    match last {
        Some(last) if found > 0 => incidents_delete(connection, first, last, too_old).map(count),
        _ => Ok(0),
    }
}

/// Removes a slice of the idempotency keys that are over.
pub(super) fn prune_keys(connection: &mut Connection, too_old: i64) -> QueryResult<u64> {
    let oldest = oldest_keys(connection, too_old, i64::try_from(SLICE).unwrap_or(i64::MAX))?;
    oldest
        .last()
        .map_or(Ok(0), |last| keys_delete(connection, *last).map(count))
}

/// Removes a slice of what is about people.
pub(super) fn slice_of_people(connection: &mut Connection, now: Timestamp) -> QueryResult<u64> {
    prune_people(connection, now, i64::try_from(SLICE).unwrap_or(i64::MAX)).map(count)
}

/// Counts by the minute go after two days, the others with the deliveries.
pub(super) fn prune_counts(
    connection: &mut Connection,
    retention: Retention,
    now: Timestamp,
) -> QueryResult<u64> {
    let most = i64::try_from(SLICE).unwrap_or(i64::MAX);
    let too_old = now.before(retention.deliveries).as_micros();
    let minutes = usage_delete(connection, MINUTE, now.before(MINUTES_KEPT).as_micros(), most)?;
    let hours = usage_delete(connection, HOUR, too_old, most)?;
    // A day is over when its last moment is too old.
    let sources = sources_delete(connection, too_old.saturating_sub(DAY_MICROS), most)?;
    Ok(count(minutes + hours + sources))
}

fn count(rows: usize) -> u64 {
    u64::try_from(rows).unwrap_or(u64::MAX)
}
