//! The tables that deliveries lie in on a server: one for each stretch of numbers, which rise with time.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};

use super::counters::Counter;
use super::doomed::survivors_copy;
use crate::connection::{Connection, RunQueryDsl};
use crate::schema::deliveries;

/// Numbers in a stretch: more than a server takes in a day, and more stretches than days to come.
pub(crate) const PARTITION_SPAN: i64 = 1 << 33;
/// How often it is tried to remove a table. With the pauses it takes longer than the 10 seconds that a statement may run, so nobody
/// who reads all the time stops it.
const DROP_ATTEMPTS: u32 = 12;
/// Seconds between, in which those who wait go on: longer than an attempt lets them wait.
const DROP_PAUSE: u32 = 1;
/// The advisory lock of whoever removes a table, shared by those who count deliveries.
const TABLES_LOCK: i64 = 5_209_673_106;

#[derive(QueryableByName)]
struct Name {
    #[diesel(sql_type = Text)]
    name: String,
}

#[derive(QueryableByName)]
struct Bytes {
    #[diesel(sql_type = BigInt)]
    bytes: i64,
}

/// Which stretches have a table, oldest first.
pub(crate) fn partitions(connection: &mut Connection) -> QueryResult<Vec<i64>> {
    let query = "SELECT child.relname::text AS name FROM pg_inherits JOIN pg_class child ON child.oid = inhrelid \
                 WHERE inhparent = 'deliveries'::regclass";
    let names: Vec<Name> = diesel::sql_query(query).load(connection)?;
    let mut partitions: Vec<_> = names
        .iter()
        .filter_map(|row| row.name.strip_prefix("deliveries_")?.parse().ok())
        .collect();
    partitions.sort_unstable();
    Ok(partitions)
}

/// Makes the table of a stretch. Deliveries go on meanwhile: a table that is attached holds up nobody.
pub(crate) fn partition_make(connection: &mut Connection, partition: i64) -> QueryResult<()> {
    let (first, end) = (partition * PARTITION_SPAN, (partition + 1) * PARTITION_SPAN);
    connection.batch_execute(&format!(
        "CREATE TABLE deliveries_{partition} (LIKE deliveries INCLUDING ALL); \
         ALTER TABLE deliveries ATTACH PARTITION deliveries_{partition} FOR VALUES FROM ({first}) TO ({end})"
    ))
}

/// Removes the table of a stretch with all that is in it. Whoever reads right now is waited for, but not for long: those
/// who come after wait too. So it is tried again, after a pause that lets them go on, for longer than any statement reads.
///
/// From here on everybody waits for the end of the transaction, so what has to be written besides is listed before it, and written by
/// another one (see `leftovers`). What it locked before would keep the table from going: who reads deliveries may wait for it.
pub(crate) fn partition_drop(connection: &mut Connection, partition: i64) -> QueryResult<()> {
    connection.batch_execute(&format!(
        "SET LOCAL statement_timeout = '10min'; SET LOCAL lock_timeout = '500ms'; \
         DO $$ BEGIN FOR attempt IN 1..{DROP_ATTEMPTS} LOOP \
             BEGIN \
                 PERFORM pg_advisory_xact_lock({TABLES_LOCK}); DROP TABLE deliveries_{partition}; RETURN; \
             EXCEPTION WHEN lock_not_available THEN \
                 IF attempt = {DROP_ATTEMPTS} THEN RAISE; END IF; \
             END; \
             PERFORM pg_sleep({DROP_PAUSE}); \
         END LOOP; END $$; \
         SET LOCAL lock_timeout = '5s'"
    ))
}

/// Whether no table of deliveries is about to go, and none goes before the transaction ends.
pub(crate) fn tables_stay(connection: &mut Connection) -> QueryResult<bool> {
    try_lock(
        connection,
        &format!("pg_try_advisory_xact_lock_shared({TABLES_LOCK})"),
    )
}

/// Writes the table of a stretch anew without the deliveries that are doomed, and without the payloads of those of them that stay.
/// How many these are. Deliveries go on meanwhile: the table in use is another one. What is counted on a record meanwhile is lost.
pub(crate) fn partition_replace(connection: &mut Connection, partition: i64) -> QueryResult<usize> {
    let (first, end) = (partition * PARTITION_SPAN, (partition + 1) * PARTITION_SPAN);
    let name = format!("deliveries_{partition}_kept");
    connection.batch_execute(&format!(
        "SET LOCAL statement_timeout = '10min'; CREATE TABLE {name} (LIKE deliveries INCLUDING ALL); \
         ALTER TABLE {name} ADD CONSTRAINT within CHECK (id >= {first} AND id < {end})"
    ))?;
    let stripped = survivors_copy(connection, partition, &name)?;
    partition_drop(connection, partition)?;
    // The constraint says what would have to be looked up otherwise, while everybody waits.
    connection.batch_execute(&format!(
        "ALTER TABLE {name} RENAME TO deliveries_{partition}; \
         ALTER TABLE deliveries ATTACH PARTITION deliveries_{partition} FOR VALUES FROM ({first}) TO ({end}); \
         ALTER TABLE deliveries_{partition} DROP CONSTRAINT within"
    ))?;
    Ok(stripped)
}

/// Number and time of a delivery.
type End = (i64, i64);

/// The first and the last delivery of a stretch.
pub(crate) fn partition_ends(connection: &mut Connection, partition: i64) -> QueryResult<Option<(End, End)>> {
    let within = deliveries::table
        .filter(deliveries::id.ge(partition * PARTITION_SPAN))
        .filter(deliveries::id.lt((partition + 1) * PARTITION_SPAN))
        .select((deliveries::id, deliveries::received_at))
        .limit(1);
    let first = within
        .order(deliveries::id.asc())
        .get_result(connection)
        .optional()?;
    let last = within
        .order(deliveries::id.desc())
        .get_result(connection)
        .optional()?;
    Ok(first.zip(last))
}

/// Bytes on disk of a stretch, with its indexes.
pub(crate) fn partition_bytes(connection: &mut Connection, partition: i64) -> QueryResult<i64> {
    bytes_of(connection, &format!("deliveries_{partition}"))
}

/// Bytes on disk of the incidents and of what happened to them, with their indexes.
pub(crate) fn incidents_bytes(connection: &mut Connection) -> QueryResult<i64> {
    Ok(bytes_of(connection, "incidents")?.saturating_add(bytes_of(connection, "incident_events")?))
}

/// Lets the numbers of deliveries go on at this stretch, if they are not there yet.
pub(crate) fn partition_begin(connection: &mut Connection, partition: i64) -> QueryResult<()> {
    let first = partition * PARTITION_SPAN;
    let query = format!(
        "UPDATE counters SET next = {first} WHERE name = '{}' AND next < {first}",
        Counter::Delivery.name()
    );
    diesel::sql_query(query).execute(connection).map(drop)
}

/// Whether this transaction is the only one that prunes.
pub(crate) fn prune_alone(connection: &mut Connection) -> QueryResult<bool> {
    try_lock(connection, "pg_try_advisory_xact_lock(5209673105)")
}

/// Whether a table of this name is there.
pub(crate) fn table_exists(connection: &mut Connection, table: &str) -> QueryResult<bool> {
    is_so(connection, &format!("to_regclass('{table}') IS NOT NULL"))
}

/// Whether such a lock could be taken.
fn try_lock(connection: &mut Connection, lock: &str) -> QueryResult<bool> {
    is_so(connection, lock)
}

fn is_so(connection: &mut Connection, condition: &str) -> QueryResult<bool> {
    #[derive(QueryableByName)]
    struct Answer {
        #[diesel(sql_type = diesel::sql_types::Bool)]
        is_so: bool,
    }
    let row: Answer = diesel::sql_query(format!("SELECT {condition} AS is_so")).get_result(connection)?;
    Ok(row.is_so)
}

fn bytes_of(connection: &mut Connection, table: &str) -> QueryResult<i64> {
    let query = format!("SELECT pg_total_relation_size('{table}') AS bytes");
    let row: Bytes = diesel::sql_query(query).get_result(connection)?;
    Ok(row.bytes)
}
