//! Locks between counting the history and removing it.

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::Bool;

use crate::connection::{Connection, RunQueryDsl};

/// Advisory lock for dropping a partition, shared by transactions that count deliveries.
pub(crate) const TABLES_LOCK: i64 = 5_209_673_106;

/// Keeps partitions from being dropped before the transaction ends. `true` if none is about to be dropped.
pub(crate) fn try_keep_partitions(connection: &mut Connection) -> QueryResult<bool> {
    try_lock(
        connection,
        &format!("pg_try_advisory_xact_lock_shared({TABLES_LOCK})"),
    )
}

/// Takes the lock of pruning for the transaction. `true` if no other one has it.
pub(crate) fn try_prune_lock(connection: &mut Connection) -> QueryResult<bool> {
    try_lock(connection, "pg_try_advisory_xact_lock(5209673105)")
}

/// Tries to take an advisory lock. `true` if it was free.
fn try_lock(connection: &mut Connection, lock: &str) -> QueryResult<bool> {
    diesel::select(sql::<Bool>(lock)).get_result(connection)
}
