//! The webhooks that history is removed from when the store is full: those that hold most. A webhook that holds less
//! than its fair share loses nothing, whatever others send.

use std::time::Duration;

use diesel::result::QueryResult;
use hookgate_domain::Timestamp;

use super::holdings::{
    Holding, holding_store_position, holdings_count, holdings_largest, webhooks_fill, webhooks_relieved,
};
use super::size_statements::first_delivery;
use crate::connection::Connection;

/// Holdings that one query reads, largest first.
const HOLDINGS_PER_QUERY: i64 = 16;
/// Divisor of the budget: a webhook whose unresolved incidents take more than this part opens no more of
/// them.
const FULL_PART: i64 = 2;
/// Divisor of the budget: once more than this part is free, all webhooks may open incidents again.
const RELIEF_PART: i64 = 16;
/// Time for which deliveries that were passed over, because they show an unresolved incident, are not
/// examined again.
const ROUND_DURATION: Duration = Duration::from_hours(1);

/// The webhooks that history is removed from.
#[derive(Debug, Default)]
pub(super) struct PruneCandidates {
    /// The webhooks with deliveries that may be removed, largest first. The `next` of each is the first delivery
    /// that this round has not examined; it is not written yet.
    pub(super) prunable: Vec<Holding>,
    /// Bytes that each of them keeps at least.
    pub(super) min_kept_bytes: i64,
    /// Webhooks that open no more incidents: their unresolved ones fill the store.
    pub(super) full: Vec<i64>,
}

/// Up to `most` webhooks that history is removed from. It writes nothing.
///
/// Each webhook that holds more than its fair share is examined: otherwise a few that have nothing to
/// remove would hide the others.
pub(super) fn prune_candidates(
    connection: &mut Connection,
    (bytes, budget): (i64, i64),
    (now, end): (Timestamp, i64),
    most: usize,
) -> QueryResult<PruneCandidates> {
    let mut candidates = PruneCandidates::default();
    let (mut exhausted, mut behind) = (Vec::<Holding>::new(), 0);
    'all: loop {
        let largest = holdings_largest(connection, behind, HOLDINGS_PER_QUERY)?;
        let is_last = largest.is_empty();
        for mut holding in largest {
            if candidates.prunable.len() == most || holding.bytes <= candidates.min_kept_bytes {
                break 'all;
            }
            if has_prunable_delivery(connection, &mut holding, (now, end))? {
                candidates.prunable.push(holding);
                continue;
            }
            if exhausted.is_empty() {
                // Its deliveries show unresolved incidents. Others lose history instead, down to their fair share, and
                // no further.
                candidates.min_kept_bytes = fair_share(connection, budget)?;
            }
            exhausted.push(holding);
        }
        if is_last {
            break;
        }
        behind += HOLDINGS_PER_QUERY;
    }
    candidates.full = if candidates.prunable.is_empty() {
        largest_exhausted(&exhausted, bytes.saturating_sub(budget - budget / RELIEF_PART))
    } else {
        let first = exhausted
            .first()
            .filter(|holding| holding.bytes > budget / FULL_PART);
        first.map(|holding| holding.webhook).into_iter().collect()
    };
    Ok(candidates)
}

/// `true` if a webhook has deliveries that this round has not examined.
fn has_prunable_delivery(
    connection: &mut Connection,
    holding: &mut Holding,
    (now, end): (Timestamp, i64),
) -> QueryResult<bool> {
    let mut first = first_delivery(connection, holding.webhook, holding.next, end)?;
    if first.is_none() && holding.next > 0 && holding.round_at <= now.before(ROUND_DURATION).as_micros() {
        first = first_delivery(connection, holding.webhook, 0, end)?;
        holding.round_at = now.as_micros();
    }
    if let Some(first) = first {
        holding.next = first;
    }
    Ok(first.is_some())
}

/// Webhooks that would have to come down to one level to free `excess` bytes. One that holds little beside
/// the others is not among them.
fn largest_exhausted(exhausted: &[Holding], excess: i64) -> Vec<i64> {
    let held: Vec<_> = exhausted.iter().map(|holding| holding.bytes).collect();
    let largest = exhausted.iter().zip(surpluses(&held, excess));
    largest
        .filter(|(_, surplus)| *surplus > 0)
        .map(|(holding, _)| holding.webhook)
        .collect()
}

fn fair_share(connection: &mut Connection, budget: i64) -> QueryResult<i64> {
    Ok(budget / holdings_count(connection)?.max(1))
}

/// Lets webhooks open incidents again if there is room for them, and those in `full` none from now on.
pub(super) fn fill(
    connection: &mut Connection,
    (bytes, budget): (i64, i64),
    full: &[i64],
    now: Timestamp,
) -> QueryResult<()> {
    let most = if bytes < budget - budget / RELIEF_PART {
        i64::MAX
    } else if bytes <= budget {
        budget / FULL_PART
    } else {
        // A webhook that held much and resolved its incidents waits until others have lost some too.
        fair_share(connection, budget)?
    };
    let relieved = webhooks_relieved(connection, most)?;
    if webhooks_fill(connection, &relieved, full, now.as_micros())? {
        tracing::warn!(
            "incidents that are not resolved fill the store; the webhooks that hold most open no more of them"
        );
    }
    Ok(())
}

/// Stores the positions at which removal goes on, in the order of the webhooks.
pub(super) fn store_positions(connection: &mut Connection, mut candidates: Vec<Holding>) -> QueryResult<()> {
    candidates.sort_unstable_by_key(|candidate| candidate.webhook);
    candidates
        .iter()
        .try_for_each(|candidate| holding_store_position(connection, candidate))
}

/// Bytes that each of these holdings, largest first, has to give: all come down to the same level, and
/// `excess` bytes are freed.
pub(super) fn surpluses(holdings: &[i64], excess: i64) -> Vec<i64> {
    let mut sum = 0_i64;
    let mut level = 0;
    for (index, bytes) in holdings.iter().enumerate() {
        sum = sum.saturating_add(*bytes);
        let count = i64::try_from(index + 1).unwrap_or(i64::MAX);
        level = (sum.saturating_sub(excess) / count).max(0);
        if holdings.get(index + 1).is_none_or(|next| *next <= level) {
            break;
        }
    }
    holdings.iter().map(|bytes| (bytes - level).max(0)).collect()
}

#[cfg(test)]
mod tests {
    use super::surpluses;

    #[test]
    fn the_largest_come_down_to_one_level() {
        assert_eq!(surpluses(&[100, 10, 1], 50), [50, 0, 0]);
        assert_eq!(surpluses(&[100, 90, 1], 50), [30, 20, 0]);
        assert_eq!(surpluses(&[10, 10, 10], 15), [5, 5, 5]);
        assert_eq!(surpluses(&[10, 5], 1_000), [10, 5]);
        assert!(surpluses(&[], 1).is_empty());
    }
}
