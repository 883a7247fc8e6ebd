//! Retention by size on a server: rewrites a partition without the surplus of the webhooks that hold most,
//! which frees its space at once. A delivery that shows an unresolved incident stays, without its payload.

use diesel::result::QueryResult;
use hookgate_domain::Timestamp;
use hookgate_gate::Pruned;

use super::doomed::{Doomed, doomed_counts, doomed_drop, doomed_make};
use super::holdings::Holding;
use super::leftovers::list_leftovers;
use super::partitions::{PARTITION_SPAN, partition_begin, partition_bytes, partition_replace};
use super::prune_candidates::{PruneCandidates, prune_candidates, store_positions, surpluses};
use crate::connection::Connection;
use crate::counters::{Counter, counter_value};

/// Maximum number of webhooks that history is removed from at once: those that open incidents all the time have
/// something new to examine each time, and must not hide others.
pub(super) const CANDIDATES_AT_ONCE: usize = 256;
/// Part of the budget that is freed beyond the surplus, so that a partition is not rewritten for every
/// delivery.
const SLACK_PART: i64 = 16;
/// Part of the budget that one partition may take, so that dropping it does not remove the whole history.
const PARTITION_PART: i64 = 16;
/// With every further group of so many partitions, the next one may take one part more: old ones may have
/// little left, and every partition costs every query. So there are never many more than this number times
/// the parts.
const FEW_TABLES: i64 = 32;

/// Bytes that the current partition may take, with this number of partitions.
pub(super) fn partition_share(budget: i64, tables: usize) -> i64 {
    let parts = 1 + i64::try_from(tables).unwrap_or(i64::MAX) / FEW_TABLES;
    (budget / PARTITION_PART).saturating_mul(parts)
}

/// Removes the surplus from the oldest partition that has a part of it. Removes nothing if what is left shows
/// incidents, and then also returns the webhooks that could not give what they had to.
///
/// Rewriting a partition takes minutes, so nothing that others wait for is locked before that.
pub(super) fn prune_size_server(
    connection: &mut Connection,
    existing: &[i64],
    (bytes, budget): (i64, i64),
    now: Timestamp,
) -> QueryResult<(Pruned, Vec<i64>)> {
    let end = counter_value(connection, Counter::Usage)?;
    let current = counter_value(connection, Counter::Delivery)? / PARTITION_SPAN;
    let PruneCandidates {
        prunable: mut candidates,
        min_kept_bytes,
        ..
    } = prune_candidates(connection, (bytes, budget), (now, end), CANDIDATES_AT_ONCE)?;
    let held: Vec<_> = candidates
        .iter()
        .map(|candidate| candidate.bytes - min_kept_bytes)
        .collect();
    let surpluses = surpluses(&held, bytes.saturating_sub(budget - budget / SLACK_PART));
    let with_surplus = |candidates: &[Holding]| -> Vec<(i64, i64, i64)> {
        let with_surplus = candidates
            .iter()
            .zip(&surpluses)
            .filter(|(_, surplus)| **surplus > 0);
        with_surplus
            .map(|(candidate, surplus)| (candidate.webhook, *surplus, candidate.next))
            .collect()
    };
    let mut passed = false;
    for partition in existing {
        let with_surplus_now = with_surplus(&candidates);
        let behind = (partition + 1) * PARTITION_SPAN;
        if with_surplus_now.iter().all(|(.., next)| *next >= behind) {
            continue;
        }
        doomed_make(connection, *partition, &with_surplus_now, end)?;
        let counts = doomed_counts(connection)?;
        if counts.is_empty() {
            doomed_drop(connection)?;
            pass_over(&mut candidates, &surpluses, behind.min(end));
            passed = true;
            continue;
        }
        if *partition == current {
            // Numbers go on in the next partition, and the next slice rewrites this one while nobody waits
            // for it.
            doomed_drop(connection)?;
            store_positions(connection, candidates)?;
            let is_large = partition_bytes(connection, current)? > partition_share(budget, existing.len());
            if is_large {
                partition_begin(connection, current + 1)?;
            }
            let unfinished = Pruned {
                unfinished: is_large,
                ..Pruned::default()
            };
            let unable = if is_large {
                Vec::new()
            } else {
                unable(&with_surplus_now, &counts)
            };
            return Ok((unfinished, unable));
        }
        list_leftovers(connection)?;
        let payloads = partition_replace(connection, *partition)?;
        doomed_drop(connection)?;
        for candidate in &mut candidates {
            if let Some(count) = counts
                .iter()
                .find(|count| count.held.webhook == candidate.webhook)
            {
                candidate.next = count.last + 1;
            }
        }
        store_positions(connection, candidates)?;
        let deliveries = counts.iter().map(|count| count.held.deliveries).sum::<i64>();
        let pruned = Pruned {
            deliveries: deliveries.unsigned_abs(),
            payloads: u64::try_from(payloads).unwrap_or(u64::MAX),
            unfinished: true,
            ..Pruned::default()
        };
        return Ok((pruned, Vec::new()));
    }
    store_positions(connection, candidates)?;
    // Where nothing could be removed, the next slice looks for others.
    let unfinished = Pruned {
        unfinished: passed,
        ..Pruned::default()
    };
    Ok((unfinished, Vec::new()))
}

/// Webhooks that have less to give than they must, in the newest partition with deliveries of theirs.
fn unable(with_surplus: &[(i64, i64, i64)], counts: &[Doomed]) -> Vec<i64> {
    let gain = |webhook| {
        let of = counts.iter().find(|count| count.held.webhook == webhook);
        of.map_or(0, |count| count.held.bytes)
    };
    let unable = with_surplus
        .iter()
        .filter(|(webhook, surplus, _)| gain(*webhook) < *surplus);
    unable.map(|(webhook, ..)| *webhook).collect()
}

/// Moves the position of those that had to give something: nothing before this number can be removed in this
/// round.
fn pass_over(candidates: &mut [Holding], surpluses: &[i64], next: i64) {
    for (candidate, _) in candidates
        .iter_mut()
        .zip(surpluses)
        .filter(|(_, surplus)| **surplus > 0)
    {
        candidate.next = candidate.next.max(next);
    }
}
