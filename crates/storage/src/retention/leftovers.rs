//! Deferred work after a partition of deliveries is dropped on a server. All other transactions wait for the
//! one that drops it, so it does no more than it must. The rest is listed in tables before, and done in
//! slices afterwards: nothing is lost if the server or this process stops in between, and any node can go on
//! with it.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable};

use super::freed::Freed;
use super::partitions::table_exists;
use super::size_statements::incidents_remove_returning;
use super::size_statements::{list, touched_remove_returning};
use crate::connection::{Connection, RunQueryDsl};
use crate::usage::holdings::HoldingChange;
use crate::usage::holdings::holding_add;

/// Rows of a list that one slice handles: rows that senders need are locked meanwhile.
const MAX_LEFTOVERS: usize = 1_000;
/// List of the removed deliveries, with their incidents.
const DELIVERIES: &str = "leftover_deliveries";
/// List of the parts that holdings lose.
const HOLDINGS: &str = "leftover_holdings";

/// Numbers of rows that a slice removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Removed {
    pub(crate) keys: usize,
    pub(crate) incidents: usize,
}

/// Lists the deferred work for the doomed deliveries: their idempotency keys, resolved incidents without a
/// remaining delivery, and the parts that holdings lose.
pub(crate) fn list_leftovers(connection: &mut Connection) -> QueryResult<()> {
    connection.batch_execute(&format!(
        "CREATE TABLE {DELIVERIES} AS SELECT id, incident FROM deliveries_doomed WHERE NOT keeps; \
         ALTER TABLE {DELIVERIES} ADD PRIMARY KEY (id)"
    ))?;
    leftover_holdings(
        connection,
        "SELECT webhook, sum(gain)::bigint AS bytes, count(*) FILTER (WHERE NOT keeps) AS deliveries \
         FROM deliveries_doomed GROUP BY webhook",
    )
}

/// Lists the parts that holdings lose, from a query.
pub(crate) fn leftover_holdings(connection: &mut Connection, held: &str) -> QueryResult<()> {
    connection.batch_execute(&format!(
        "CREATE TABLE {HOLDINGS} AS {held}; ALTER TABLE {HOLDINGS} ADD PRIMARY KEY (webhook)"
    ))
}

/// `true` if deferred work is listed.
pub(crate) fn leftovers_exist(connection: &mut Connection) -> QueryResult<bool> {
    Ok(table_exists(connection, HOLDINGS)? || table_exists(connection, DELIVERIES)?)
}

/// Does a slice of the deferred work, and drops a finished list. Returns the numbers of removed rows; `None`
/// if nothing was listed.
pub(crate) fn leftovers_remove(connection: &mut Connection) -> QueryResult<Option<Removed>> {
    if table_exists(connection, HOLDINGS)? {
        // First, because the holdings decide from which webhooks history is removed next.
        holdings_slice(connection)?;
        return Ok(Some(Removed::default()));
    }
    if table_exists(connection, DELIVERIES)? {
        return deliveries_slice(connection).map(Some);
    }
    Ok(None)
}

fn holdings_slice(connection: &mut Connection) -> QueryResult<()> {
    let mut slice: Vec<HoldingChange> = diesel::sql_query(format!(
        "DELETE FROM {HOLDINGS} WHERE webhook IN (SELECT webhook FROM {HOLDINGS} ORDER BY webhook LIMIT {MAX_LEFTOVERS}) \
         RETURNING webhook, -bytes AS bytes, -deliveries AS deliveries"
    ))
    .load(connection)?;
    slice.sort_unstable_by_key(|less| less.webhook);
    slice.iter().try_for_each(|less| holding_add(connection, less))?;
    end_if_done(connection, HOLDINGS, slice.len())
}

fn deliveries_slice(connection: &mut Connection) -> QueryResult<Removed> {
    #[derive(QueryableByName)]
    struct Gone {
        #[diesel(sql_type = BigInt)]
        id: i64,
        #[diesel(sql_type = Nullable<BigInt>)]
        incident: Option<i64>,
    }
    let slice: Vec<Gone> = diesel::sql_query(format!(
        "DELETE FROM {DELIVERIES} WHERE id IN (SELECT id FROM {DELIVERIES} ORDER BY id LIMIT {MAX_LEFTOVERS}) \
         RETURNING id, incident"
    ))
    .load(connection)?;
    let mut removed = Removed::default();
    // Batches of deliveries lock incidents in this order.
    let ids: Vec<_> = slice.iter().map(|gone| gone.id).collect();
    let mut incidents: Vec<_> = slice.iter().filter_map(|gone| gone.incident).collect();
    if !ids.is_empty() {
        incidents.extend(touched_remove_returning(connection, &list(&ids))?);
    }
    incidents.sort_unstable();
    incidents.dedup();
    if !incidents.is_empty() {
        let gone = incidents_remove_returning(connection, &list(&incidents))?;
        removed.incidents = gone.len();
        let mut freed = Freed::default();
        freed.add(gone);
        freed.write(connection)?;
    }
    if !ids.is_empty() {
        let keys = format!("DELETE FROM idempotency_keys WHERE delivery IN ({})", list(&ids));
        removed.keys = diesel::sql_query(keys).execute(connection)?;
    }
    end_if_done(connection, DELIVERIES, slice.len())?;
    Ok(removed)
}

fn end_if_done(connection: &mut Connection, list: &str, done: usize) -> QueryResult<()> {
    if done < MAX_LEFTOVERS {
        connection.batch_execute(&format!("DROP TABLE {list}"))?;
    }
    Ok(())
}
