//! Retention by size in a file: removes a slice of the history of the webhook that holds most. A delivery
//! that shows an unresolved incident stays, without its payload.

use diesel::result::QueryResult;
use hookgate_domain::Timestamp;
use hookgate_gate::Pruned;

use super::freed::Freed;
use super::holdings::holding_store_position;
use super::prune_candidates::{fill, prune_candidates};
use super::size_statements::DeliveryWeight;
use super::size_statements::deliveries_remove;
use super::size_statements::delivery_beyond;
use super::size_statements::list;
use super::size_statements::payloads_strip;
use super::size_statements::rows_from;
use super::size_statements::shown_rows;
use crate::connection::Connection;
use crate::counters::{Counter, counter_value};
use crate::usage::holdings::HoldingChange;

/// Bytes after which a slice ends, because the time to remove a row grows with its size.
const STEP_BYTES: i64 = 4 * 1024 * 1024;

/// Incidents of deliveries that touched several, after which a slice ends: more than one delivery can have.
const STEP_INCIDENTS: i64 = 1_024;

/// Removes up to `most` deliveries, oldest first. Those that are not counted yet stay, because no holding
/// includes them.
pub(super) fn prune_size(
    connection: &mut Connection,
    most: i64,
    (bytes, budget): (i64, i64),
    now: Timestamp,
) -> QueryResult<Pruned> {
    let end = counter_value(connection, Counter::Usage)?;
    let mut candidates = prune_candidates(connection, (bytes, budget), (now, end), 1)?;
    if !candidates.full.is_empty() {
        fill(connection, (bytes, budget), &candidates.full, now)?;
    }
    let Some(mut candidate) = candidates.prunable.pop() else {
        return Ok(Pruned::default());
    };
    let mut rows = rows_from(connection, candidate.webhook, candidate.next, end, most)?;
    let mut bytes = 0;
    let fits = rows
        .iter()
        .take_while(|row| {
            let fits = bytes < STEP_BYTES;
            bytes += row.weight;
            fits
        })
        .count();
    rows.truncate(fits);
    let ids: Vec<_> = rows.iter().map(|row| row.id).collect();
    if let Some(beyond) = delivery_beyond(connection, &list(&ids), STEP_INCIDENTS)? {
        rows.retain(|row| row.id < beyond);
    }
    let ids: Vec<_> = rows.iter().map(|row| row.id).collect();
    let shown = shown_rows(connection, &list(&ids))?;
    let (stay, go): (Vec<DeliveryWeight>, Vec<DeliveryWeight>) =
        rows.iter().copied().partition(|row| shown.contains(&row.id));
    let payloads = payloads_strip(connection, "deliveries", &list(&shown))?;
    let gone: Vec<_> = go.iter().map(|row| row.id).collect();
    let (deliveries, incidents) = deliveries_remove(connection, &list(&gone))?;
    let mut freed = Freed::default();
    freed.add([HoldingChange {
        webhook: candidate.webhook,
        bytes: stay
            .iter()
            .map(|row| row.payload)
            .chain(go.iter().map(|row| row.weight))
            .sum(),
        deliveries: i64::try_from(deliveries).unwrap_or(i64::MAX),
    }]);
    let removed = incidents.len();
    freed.add(incidents);
    freed.write(connection)?;
    if let Some(last) = ids.last() {
        candidate.next = last + 1;
        holding_store_position(connection, &candidate)?;
    }
    let count = |rows: usize| u64::try_from(rows).unwrap_or(u64::MAX);
    Ok(Pruned {
        deliveries: count(deliveries),
        payloads: count(payloads),
        incidents: count(removed),
        unfinished: true,
        ..Pruned::default()
    })
}
