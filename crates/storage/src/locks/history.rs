//! Locks between counting the history and removing it.

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::Bool;

use crate::connection::{Connection, RunQueryDsl};

/// Advisory lock for dropping a partition, shared by transactions that count deliveries.
pub(crate) const TABLES_LOCK: i64 = 5_209_673_106;

/// `true` if no partition is about to be dropped, and none will be before the transaction ends.
pub(crate) fn tables_stay(connection: &mut Connection) -> QueryResult<bool> {
    try_lock(
        connection,
        &format!("pg_try_advisory_xact_lock_shared({TABLES_LOCK})"),
    )
}

/// `true` if this transaction is the only one that prunes.
pub(crate) fn prune_alone(connection: &mut Connection) -> QueryResult<bool> {
    try_lock(connection, "pg_try_advisory_xact_lock(5209673105)")
}

/// Tries to take an advisory lock. `true` if it was free.
fn try_lock(connection: &mut Connection, lock: &str) -> QueryResult<bool> {
    diesel::select(sql::<Bool>(lock)).get_result(connection)
}
