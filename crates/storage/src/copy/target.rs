//! The target of a copy: it must be fresh, and its partitions and sequences follow the copied rows.

use diesel::prelude::*;
use diesel::sql_types::BigInt;

use super::tables::Table;
use crate::connection::{Connection, RunQueryDsl};
use crate::counters::{Counter, counter_value};
use crate::query_error::QueryError;
use crate::retention::partitions::{PARTITION_SPAN, partition_make, partitions};

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

/// `true` if a store has only the rows that its migrations insert.
pub(super) fn is_fresh(connection: &mut Connection) -> Result<bool, QueryError> {
    for name in [
        "webhooks",
        "members",
        "tokens",
        "deliveries",
        "incidents",
        "audit",
    ] {
        let query = format!("SELECT count(*) AS count FROM (SELECT 1 FROM {name} LIMIT 1) AS one");
        let found: Count = diesel::sql_query(query).get_result(connection)?;
        if found.count > 0 {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Removes the rows that the migrations insert, because the source has its own.
pub(super) fn clear(connection: &mut Connection, table: &Table) -> QueryResult<()> {
    connection.batch_execute(&format!("DELETE FROM {} WHERE {}", table.name, table.only))
}

/// Creates the partitions for deliveries up to the number `last`, on PostgreSQL.
pub(super) fn make_room(connection: &mut Connection, last: i64) -> QueryResult<()> {
    if let Connection::Sqlite(_) = connection {
        return Ok(());
    }
    let existing = partitions(connection)?;
    for partition in 0..=last / PARTITION_SPAN + 1 {
        if !existing.contains(&partition) {
            partition_make(connection, partition)?;
        }
    }
    Ok(())
}

/// Moves sequences and partitions behind the copied rows, on PostgreSQL, so that new rows get new numbers.
pub(super) fn finish(connection: &mut Connection) -> Result<(), QueryError> {
    if let Connection::Postgres(_) = connection {
        for name in ["webhooks", "audit", "address_sets", "incident_events"] {
            connection.batch_execute(&format!(
                "SELECT setval(pg_get_serial_sequence('{name}', 'id'), greatest(1, (SELECT max(id) FROM {name})))"
            ))?;
        }
        let next = counter_value(connection, Counter::Delivery)?;
        make_room(connection, next)?;
    }
    Ok(())
}
