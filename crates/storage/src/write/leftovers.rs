//! The rest of the work when a table of deliveries goes on a server. Everybody waits for the transaction that removes the table, so it
//! does no more than it must. The rest is listed in tables that it makes before, and done in slices after it: nothing is forgotten
//! if the server or this process stops in between, and any node goes on with it.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable};

use super::freed::Freed;
use super::holdings::{HoldingChange, holding_add, incidents_remove_told, list};
use super::partitions::table_exists;
use crate::connection::{Connection, RunQueryDsl};

/// Rows of a list that one slice works off: some of what senders write is locked as long as that takes.
const MOST_LEFTOVERS: usize = 1_000;
/// The deliveries that went, with their incidents.
const DELIVERIES: &str = "leftover_deliveries";
/// What webhooks hold less.
const HOLDINGS: &str = "leftover_holdings";

/// What a slice removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Removed {
    pub(crate) keys: usize,
    pub(crate) incidents: usize,
}

/// Lists what goes with the doomed deliveries: their idempotency keys, resolved incidents that none is left of, and what their
/// webhooks hold less.
pub(crate) fn leftovers_of_doomed(connection: &mut Connection) -> QueryResult<()> {
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

/// Lists what webhooks hold less, by the query that tells it.
pub(crate) fn leftover_holdings(connection: &mut Connection, held: &str) -> QueryResult<()> {
    connection.batch_execute(&format!(
        "CREATE TABLE {HOLDINGS} AS {held}; ALTER TABLE {HOLDINGS} ADD PRIMARY KEY (webhook)"
    ))
}

/// Whether some are listed.
pub(crate) fn leftovers_exist(connection: &mut Connection) -> QueryResult<bool> {
    Ok(table_exists(connection, HOLDINGS)? || table_exists(connection, DELIVERIES)?)
}

/// Works off a slice of the lists, and ends those that are done. What it removed, if there was something to do.
pub(crate) fn leftovers_remove(connection: &mut Connection) -> QueryResult<Option<Removed>> {
    if table_exists(connection, HOLDINGS)? {
        // First, because who pays next is told by it.
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
        "DELETE FROM {HOLDINGS} WHERE webhook IN (SELECT webhook FROM {HOLDINGS} ORDER BY webhook LIMIT {MOST_LEFTOVERS}) \
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
        "DELETE FROM {DELIVERIES} WHERE id IN (SELECT id FROM {DELIVERIES} ORDER BY id LIMIT {MOST_LEFTOVERS}) \
         RETURNING id, incident"
    ))
    .load(connection)?;
    let mut removed = Removed::default();
    // In the order in which batches of deliveries lock them.
    let mut incidents: Vec<_> = slice.iter().filter_map(|gone| gone.incident).collect();
    incidents.sort_unstable();
    incidents.dedup();
    if !incidents.is_empty() {
        let gone = incidents_remove_told(connection, &list(&incidents))?;
        removed.incidents = gone.len();
        let mut freed = Freed::default();
        freed.add(gone);
        freed.write(connection)?;
    }
    let ids: Vec<_> = slice.iter().map(|gone| gone.id).collect();
    if !ids.is_empty() {
        let keys = format!("DELETE FROM idempotency_keys WHERE delivery IN ({})", list(&ids));
        removed.keys = diesel::sql_query(keys).execute(connection)?;
    }
    end_if_done(connection, DELIVERIES, slice.len())?;
    Ok(removed)
}

fn end_if_done(connection: &mut Connection, list: &str, done: usize) -> QueryResult<()> {
    if done < MOST_LEFTOVERS {
        connection.batch_execute(&format!("DROP TABLE {list}"))?;
    }
    Ok(())
}
