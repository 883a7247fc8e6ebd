//! Retention on a server. History that is too old is removed with its partition if the partition holds much,
//! which frees its space at once; otherwise row by row.

use diesel::result::QueryResult;
use hookgate_domain::Timestamp;
use hookgate_domain::idempotency::IDEMPOTENCY_WINDOW;
use hookgate_gate::{DAY_MICROS, Pruned, Retention};

use super::age_statements::oldest_deliveries;
use super::holdings::{held_query, holdings_sum};
use super::leftovers::{leftover_holdings, leftovers_exist, leftovers_remove};
use super::partitions::{
    PARTITION_SPAN, incidents_bytes, partition_begin, partition_bytes, partition_drop, partition_ends,
    partition_make, partitions,
};
use super::prune_candidates::{fill, prune_candidates};
use super::prune_file::{
    count, prune_counts, prune_deliveries, prune_incidents, prune_keys, prune_payloads, prune_people_slice,
    prune_touched,
};
use super::prune_server_size::{CANDIDATES_AT_ONCE, partition_share, prune_size_server};
use crate::connection::Connection;
use crate::counters::{Counter, counter_value};
use crate::locks::history::try_prune_lock;

/// Maximum number of rows of one kind that a slice removes. Senders wait only for the rows that it locks.
const SLICE: usize = 500;
/// Maximum number of incidents of removed deliveries that a slice removes. No sender needs these rows.
const MAX_TOUCHED: usize = 5_000;
/// Deliveries from which on a partition holds much: removing them row by row would leave more dead space than
/// it frees.
const LARGE_PARTITION: i64 = 100_000;

/// Lets no full webhook open incidents, including those in `unable`, and lets the others open them again.
/// Does nothing while another node prunes. It has a transaction of its own, because deliveries to these
/// webhooks wait for its end, and a slice takes long.
pub(crate) fn fill_server(
    connection: &mut Connection,
    retention: Retention,
    unable: &[i64],
    now: Timestamp,
) -> QueryResult<()> {
    // The holdings are right only once the leftovers are done.
    if !try_prune_lock(connection)? || leftovers_exist(connection)? {
        return Ok(());
    }
    let existing = partitions(connection)?;
    let budget = i64::try_from(retention.bytes.get()).unwrap_or(i64::MAX);
    let bytes = bytes(connection, &existing)?;
    let full = if bytes > budget {
        let end = counter_value(connection, Counter::Usage)?;
        let mut full = prune_candidates(connection, (bytes, budget), (now, end), CANDIDATES_AT_ONCE)?.full;
        full.extend_from_slice(unable);
        full
    } else {
        Vec::new()
    };
    fill(connection, (bytes, budget), &full, now)
}

/// Removes one slice, unless another node prunes. Also returns the webhooks that hold too much and have
/// nothing that may be removed.
pub(crate) fn prune_server(
    connection: &mut Connection,
    retention: Retention,
    now: Timestamp,
) -> QueryResult<(Pruned, Vec<i64>)> {
    if !try_prune_lock(connection)? {
        return Ok((Pruned::default(), Vec::new()));
    }
    if let Some(removed) = leftovers_remove(connection)? {
        let pruned = Pruned {
            keys: count(removed.keys),
            incidents: count(removed.incidents),
            unfinished: true,
            ..Pruned::default()
        };
        return Ok((pruned, Vec::new()));
    }
    let too_old = now.before(retention.deliveries).as_micros();
    let budget = i64::try_from(retention.bytes.get()).unwrap_or(i64::MAX);
    let current = counter_value(connection, Counter::Delivery)? / PARTITION_SPAN;
    let mut existing = partitions(connection)?;
    for ahead in [current, current + 1] {
        if !existing.contains(&ahead) {
            partition_make(connection, ahead)?;
        }
    }
    let dropped = drop_oldest(connection, &mut existing, current, too_old)?;
    if dropped > 0 {
        let pruned = Pruned {
            deliveries: dropped,
            ..Pruned::default()
        };
        return Ok((pruned, Vec::new()));
    }
    let bytes = bytes(connection, &existing)?;
    let mut unable = Vec::new();
    if bytes > budget {
        let (pruned, found) = prune_size_server(connection, &existing, (bytes, budget), now)?;
        if !pruned.is_empty() {
            return Ok((pruned, found));
        }
        unable = found;
    }
    Ok((
        prune_by_age(connection, retention, (current, existing.len()), now)?,
        unable,
    ))
}

/// Removes a slice of the history that is too old and is not dropped with its partition.
fn prune_by_age(
    connection: &mut Connection,
    retention: Retention,
    (current, tables): (i64, usize),
    now: Timestamp,
) -> QueryResult<Pruned> {
    let too_old = now.before(retention.deliveries).as_micros();
    let budget = i64::try_from(retention.bytes.get()).unwrap_or(i64::MAX);
    let is_full = is_full(connection, current, partition_share(budget, tables), now)?;
    let oldest = oldest_deliveries(connection, 1)?.first().copied();
    let deliveries = match oldest {
        Some((id, _)) if !is_much(connection, id / PARTITION_SPAN)? => {
            prune_deliveries(connection, SLICE, too_old)?
        }
        _ => 0,
    };
    let payloads = prune_payloads(connection, SLICE, now.before(retention.payloads).as_micros())?;
    let incidents = prune_incidents(connection, SLICE, too_old)?;
    let touched = prune_touched(connection, MAX_TOUCHED)?;
    let pruned = Pruned {
        deliveries,
        payloads: payloads.removed,
        incidents: incidents.removed,
        keys: prune_keys(connection, SLICE, now.before(IDEMPOTENCY_WINDOW).as_micros())?,
        people: prune_people_slice(connection, SLICE, now)?,
        counts: prune_counts(connection, SLICE, retention, now)?,
        unfinished: payloads.went_on || incidents.went_on || touched,
    };
    if is_full {
        // Last, because every delivery waits for this counter.
        partition_begin(connection, current + 1)?;
    }
    Ok(pruned)
}

/// Drops the oldest partition if all its deliveries are too old. Returns the size of their range of numbers,
/// an upper bound of their number.
fn drop_oldest(
    connection: &mut Connection,
    existing: &mut Vec<i64>,
    current: i64,
    too_old: i64,
) -> QueryResult<u64> {
    let Some(oldest) = existing.first().copied().filter(|oldest| *oldest < current) else {
        return Ok(0);
    };
    let ends = partition_ends(connection, oldest)?;
    if ends.is_some_and(|(_, (_, received_at))| received_at >= too_old) {
        return Ok(0);
    }
    if ends.is_some() {
        let held = held_query(&format!("id < {}", (oldest + 1) * PARTITION_SPAN), false);
        leftover_holdings(connection, &held)?;
    }
    partition_drop(connection, oldest)?;
    existing.remove(0);
    Ok(ends.map_or(0, |((first, _), (last, _))| (last - first + 1).unsigned_abs()))
}

/// Bytes of the history on a server.
pub(crate) fn server_bytes(connection: &mut Connection) -> QueryResult<i64> {
    let existing = partitions(connection)?;
    bytes(connection, &existing)
}

/// Bytes of the history on disk. The tables of incidents never shrink, and keep old versions of rows until
/// they are vacuumed: only what webhooks hold of them counts, because the rest can't be removed from any webhook.
fn bytes(connection: &mut Connection, existing: &[i64]) -> QueryResult<i64> {
    let mut bytes = 0_i64;
    for partition in existing {
        bytes = bytes.saturating_add(partition_bytes(connection, *partition)?);
    }
    let held = holdings_sum(connection)?.saturating_sub(bytes).max(0);
    Ok(bytes.saturating_add(incidents_bytes(connection)?.min(held)))
}

/// `true` if the current partition holds enough to be dropped by itself one day: much and since a day, or a
/// good part of the budget.
fn is_full(connection: &mut Connection, current: i64, part: i64, now: Timestamp) -> QueryResult<bool> {
    if partition_bytes(connection, current)? > part {
        return Ok(true);
    }
    let ends = partition_ends(connection, current)?;
    let is_old = ends.is_some_and(|((_, began), _)| began < now.as_micros() - DAY_MICROS);
    Ok(is_old && is_much(connection, current)?)
}

fn is_much(connection: &mut Connection, partition: i64) -> QueryResult<bool> {
    let ends = partition_ends(connection, partition)?;
    Ok(ends.is_some_and(|((first, _), (last, _))| last - first >= LARGE_PARTITION))
}
