//! Which webhooks give up history when the store is full: those that hold most. A webhook that holds less than its fair share
//! loses nothing, whatever others send.

use std::collections::BTreeMap;
use std::time::Duration;

use diesel::result::QueryResult;
use hookgate_domain::Timestamp;

use crate::connection::Connection;
use crate::write::holdings::{
    Held, Holding, first_delivery, holding_add, holding_go_on, holdings_count, holdings_largest,
    webhooks_fill, webhooks_relieved,
};

/// Webhooks that are looked at, most first.
const LOOKS: i64 = 16;
/// A webhook whose unresolved incidents take more than this part of the budget opens no more of them.
const FULL_PART: i64 = 2;
/// As long as less than this part of the budget is free, it stays so.
const RELIEF_PART: i64 = 16;
/// How long what was passed over, because it shows an incident that is not resolved, is not looked at again.
const ROUND: Duration = Duration::from_hours(1);

/// Who pays.
#[derive(Debug, Default)]
pub(super) struct Payers {
    /// The webhooks that have something to pay with, most first: each with where its deliveries begin that were not looked at in this
    /// round, which is not written yet.
    pub(super) paying: Vec<Holding>,
    /// The one whose unresolved incidents fill most of the store.
    pub(super) full: Option<i64>,
}

/// Who pays, at most so many. It writes nothing.
pub(super) fn payers(
    connection: &mut Connection,
    budget: i64,
    (now, end): (Timestamp, i64),
    most: usize,
) -> QueryResult<Payers> {
    let mut payers = Payers::default();
    let mut fair_share = None;
    for mut holding in holdings_largest(connection, LOOKS)? {
        if payers.paying.len() == most || fair_share.is_some_and(|share| holding.bytes <= share) {
            break;
        }
        let mut first = first_delivery(connection, holding.webhook, holding.next, end)?;
        if first.is_none() && holding.next > 0 && holding.round_at <= now.before(ROUND).as_micros() {
            first = first_delivery(connection, holding.webhook, 0, end)?;
            holding.round_at = now.as_micros();
        }
        if let Some(first) = first {
            holding.next = first;
            payers.paying.push(holding);
        } else if fair_share.is_none() {
            // What it holds shows incidents that are not resolved. Others pay for it down to what is theirs, and no further.
            payers.full = (holding.bytes > budget / FULL_PART).then_some(holding.webhook);
            fair_share = Some(budget / holdings_count(connection)?.max(1));
        }
    }
    Ok(payers)
}

/// Lets webhooks open incidents again, if there is room for them, and this one none from now on.
pub(super) fn fill(
    connection: &mut Connection,
    (bytes, budget): (i64, i64),
    full: Option<i64>,
    now: Timestamp,
) -> QueryResult<()> {
    let has_room = bytes < budget - budget / RELIEF_PART;
    let relieved = webhooks_relieved(connection, if has_room { i64::MAX } else { budget / FULL_PART })?;
    if webhooks_fill(connection, &relieved, full, now.as_micros())? {
        tracing::warn!(
            "incidents of one webhook that are not resolved fill most of the store; it opens no more of them"
        );
    }
    Ok(())
}

/// Lets removing go on there, in the order of the webhooks.
pub(super) fn go_on(connection: &mut Connection, mut payers: Vec<Holding>) -> QueryResult<()> {
    payers.sort_unstable_by_key(|payer| payer.webhook);
    payers
        .iter()
        .try_for_each(|payer| holding_go_on(connection, payer))
}

/// How far each of them, most first, has to come down to free so many bytes: all to the same level. What each has to give.
pub(super) fn surpluses(holdings: &[i64], excess: i64) -> Vec<i64> {
    let mut sum = 0_i64;
    let mut level = 0;
    for (place, bytes) in holdings.iter().enumerate() {
        sum = sum.saturating_add(*bytes);
        let count = i64::try_from(place + 1).unwrap_or(i64::MAX);
        level = (sum.saturating_sub(excess) / count).max(0);
        if holdings.get(place + 1).is_none_or(|next| *next <= level) {
            break;
        }
    }
    holdings.iter().map(|bytes| (bytes - level).max(0)).collect()
}

/// What a transaction frees, by webhook. It is written at its end, in the order of the webhooks. Who counts skips what is locked, so it
/// waits for nothing here.
#[derive(Debug, Default)]
pub(super) struct Freed(BTreeMap<i64, Held>);

impl Freed {
    /// Adds what goes.
    pub(super) fn add(&mut self, held: impl IntoIterator<Item = Held>) {
        for one in held {
            let all = self.0.entry(one.webhook).or_default();
            all.bytes += one.bytes;
            all.deliveries += one.deliveries;
        }
    }

    /// Takes it from the holdings.
    pub(super) fn write(self, connection: &mut Connection) -> QueryResult<()> {
        for (webhook, held) in self.0 {
            let gone = Held {
                webhook,
                bytes: -held.bytes,
                deliveries: -held.deliveries,
            };
            holding_add(connection, &gone)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::surpluses;

    #[test]
    fn the_loudest_pay_down_to_one_level() {
        assert_eq!(surpluses(&[100, 10, 1], 50), [50, 0, 0]);
        assert_eq!(surpluses(&[100, 90, 1], 50), [30, 20, 0]);
        assert_eq!(surpluses(&[10, 10, 10], 15), [5, 5, 5]);
        assert_eq!(surpluses(&[10, 5], 1_000), [10, 5]);
        assert!(surpluses(&[], 1).is_empty());
    }
}
