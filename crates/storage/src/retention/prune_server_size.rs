//! Retention by size on a server: rewrites a partition without the surplus of the webhooks that hold most,
//! which frees its space at once. A delivery that shows an unresolved incident stays, without its payload.

use diesel::result::QueryResult;
use hookgate_domain::Timestamp;
use hookgate_gate::Pruned;

use super::doomed::{Doomed, doomed_counts, doomed_drop, doomed_make};
use super::holdings::Holding;
use super::leftovers::list_leftovers;
use super::partitions::{PARTITION_SPAN, partition_begin, partition_bytes, partition_replace};
use super::payers::{Payers, go_on, payers, surpluses};
use crate::connection::Connection;
use crate::counters::{Counter, counter_value};

/// Webhooks that pay at once: those that open incidents all the time have something new to examine each time,
/// and must not hide others.
pub(super) const PAYERS: usize = 256;
/// Part of the budget that is freed beyond the surplus, so that a partition is not rewritten for every
/// delivery.
const SLACK: i64 = 16;
/// Part of the budget that one partition may take, so that dropping it does not remove the whole history.
const PARTS: i64 = 16;
/// With every further group of so many partitions, the next one may take one part more: old ones may have
/// little left, and every partition costs every query. So there are never many more than this number times
/// the parts.
const FEW_TABLES: i64 = 32;

/// Bytes that the current partition may take, with this number of partitions.
pub(super) fn partition_share(budget: i64, tables: usize) -> i64 {
    let parts = 1 + i64::try_from(tables).unwrap_or(i64::MAX) / FEW_TABLES;
    (budget / PARTS).saturating_mul(parts)
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
    let Payers {
        paying: mut payers,
        keeps,
        ..
    } = payers(connection, (bytes, budget), (now, end), PAYERS)?;
    let held: Vec<_> = payers.iter().map(|payer| payer.bytes - keeps).collect();
    let surpluses = surpluses(&held, bytes.saturating_sub(budget - budget / SLACK));
    let paying = |payers: &[Holding]| -> Vec<(i64, i64, i64)> {
        let paying = payers.iter().zip(&surpluses).filter(|(_, surplus)| **surplus > 0);
        paying
            .map(|(payer, surplus)| (payer.webhook, *surplus, payer.next))
            .collect()
    };
    let mut passed = false;
    for partition in existing {
        let now_paying = paying(&payers);
        let behind = (partition + 1) * PARTITION_SPAN;
        if now_paying.iter().all(|(.., next)| *next >= behind) {
            continue;
        }
        doomed_make(connection, *partition, &now_paying, end)?;
        let counts = doomed_counts(connection)?;
        if counts.is_empty() {
            doomed_drop(connection)?;
            pass_over(&mut payers, &surpluses, behind.min(end));
            passed = true;
            continue;
        }
        if *partition == current {
            // Numbers go on in the next partition, and the next slice rewrites this one while nobody waits
            // for it.
            doomed_drop(connection)?;
            go_on(connection, payers)?;
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
                unable(&now_paying, &counts)
            };
            return Ok((unfinished, unable));
        }
        list_leftovers(connection)?;
        let payloads = partition_replace(connection, *partition)?;
        doomed_drop(connection)?;
        for payer in &mut payers {
            if let Some(count) = counts.iter().find(|count| count.held.webhook == payer.webhook) {
                payer.next = count.last + 1;
            }
        }
        go_on(connection, payers)?;
        let deliveries = counts.iter().map(|count| count.held.deliveries).sum::<i64>();
        let pruned = Pruned {
            deliveries: deliveries.unsigned_abs(),
            payloads: u64::try_from(payloads).unwrap_or(u64::MAX),
            unfinished: true,
            ..Pruned::default()
        };
        return Ok((pruned, Vec::new()));
    }
    go_on(connection, payers)?;
    // Where nothing could be removed, the next slice looks for other payers.
    let unfinished = Pruned {
        unfinished: passed,
        ..Pruned::default()
    };
    Ok((unfinished, Vec::new()))
}

/// Webhooks that have less to give than they must, in the newest partition with deliveries of theirs.
fn unable(paying: &[(i64, i64, i64)], counts: &[Doomed]) -> Vec<i64> {
    let gain = |webhook| {
        let of = counts.iter().find(|count| count.held.webhook == webhook);
        of.map_or(0, |count| count.held.bytes)
    };
    let unable = paying
        .iter()
        .filter(|(webhook, surplus, _)| gain(*webhook) < *surplus);
    unable.map(|(webhook, ..)| *webhook).collect()
}

/// Moves the position of those that had to give something: nothing before this number can be removed in this
/// round.
fn pass_over(payers: &mut [Holding], surpluses: &[i64], next: i64) {
    for (payer, _) in payers
        .iter_mut()
        .zip(surpluses)
        .filter(|(_, surplus)| **surplus > 0)
    {
        payer.next = payer.next.max(next);
    }
}
