//! Partitions of the deliveries on a server: a table for each range of numbers, which rise with time.

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Text};

use super::doomed::survivors_copy;
use crate::connection::{Connection, RunQueryDsl};
use crate::counters::Counter;
use crate::locks::history::TABLES_LOCK;
use crate::schema::deliveries;

/// Numbers in a partition: more than a server takes in a day, and more partitions than days to come.
pub(crate) const PARTITION_SPAN: i64 = 1 << 33;
/// Attempts to drop a partition. With the pauses they take longer than the 10 seconds that a statement may
/// run, so a steady reader can't prevent it.
const DROP_ATTEMPTS: u32 = 12;
/// Seconds between attempts, in which waiting transactions proceed: longer than an attempt makes them wait.
const DROP_PAUSE: u32 = 1;

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

/// The existing partitions, oldest first.
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

/// Creates a partition. Deliveries go on meanwhile: attaching a table blocks none.
pub(crate) fn partition_make(connection: &mut Connection, partition: i64) -> QueryResult<()> {
    let (first, end) = (partition * PARTITION_SPAN, (partition + 1) * PARTITION_SPAN);
    connection.batch_execute(&format!(
        "CREATE TABLE deliveries_{partition} (LIKE deliveries INCLUDING ALL); \
         ALTER TABLE deliveries ATTACH PARTITION deliveries_{partition} FOR VALUES FROM ({first}) TO ({end})"
    ))
}

/// Drops a partition with its deliveries. It waits for readers, but not for long, because all later
/// transactions wait too. It tries again after a pause that lets them proceed, for longer than any statement
/// reads.
///
/// From here on all other transactions wait for the end of this one, so its other writes are listed before,
/// and done by another transaction (see `leftovers`). It must hold no other lock: a reader of deliveries that
/// waits for it would keep the partition from being dropped.
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

/// Rewrites a partition without the doomed deliveries, and without the payloads of the doomed ones that stay.
/// Returns the number of the latter. Deliveries go on meanwhile, because they use another partition. Counts
/// that are added to its records meanwhile are lost.
pub(crate) fn partition_replace(connection: &mut Connection, partition: i64) -> QueryResult<usize> {
    let (first, end) = (partition * PARTITION_SPAN, (partition + 1) * PARTITION_SPAN);
    let name = format!("deliveries_{partition}_kept");
    connection.batch_execute(&format!(
        "SET LOCAL statement_timeout = '10min'; CREATE TABLE {name} (LIKE deliveries INCLUDING ALL); \
         ALTER TABLE {name} ADD CONSTRAINT within CHECK (id >= {first} AND id < {end})"
    ))?;
    let stripped = survivors_copy(connection, partition, &name)?;
    partition_drop(connection, partition)?;
    // The constraint saves PostgreSQL from scanning the table while all others wait.
    connection.batch_execute(&format!(
        "ALTER TABLE {name} RENAME TO deliveries_{partition}; \
         ALTER TABLE deliveries ATTACH PARTITION deliveries_{partition} FOR VALUES FROM ({first}) TO ({end}); \
         ALTER TABLE deliveries_{partition} DROP CONSTRAINT within"
    ))?;
    Ok(stripped)
}

/// Number and time of a delivery.
type End = (i64, i64);

/// Number and time of the first and of the last delivery of a partition.
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

/// Bytes on disk of a partition, with its indexes.
pub(crate) fn partition_bytes(connection: &mut Connection, partition: i64) -> QueryResult<i64> {
    table_bytes(connection, &format!("deliveries_{partition}"))
}

/// Bytes on disk of the incidents, their events and their deliveries, with their indexes.
pub(crate) fn incidents_bytes(connection: &mut Connection) -> QueryResult<i64> {
    let mut bytes = 0_i64;
    for table in ["incidents", "incident_events", "delivery_incidents"] {
        bytes = bytes.saturating_add(table_bytes(connection, table)?);
    }
    Ok(bytes)
}

/// Moves the next number of a delivery to this partition, if it is lower.
pub(crate) fn partition_begin(connection: &mut Connection, partition: i64) -> QueryResult<()> {
    let first = partition * PARTITION_SPAN;
    let query = format!(
        "UPDATE counters SET next = {first} WHERE name = '{}' AND next < {first}",
        Counter::Delivery.name()
    );
    diesel::sql_query(query).execute(connection).map(drop)
}

/// `true` if a table of this name exists.
pub(crate) fn table_exists(connection: &mut Connection, table: &str) -> QueryResult<bool> {
    diesel::select(sql::<Bool>(&format!("to_regclass('{table}') IS NOT NULL"))).get_result(connection)
}

fn table_bytes(connection: &mut Connection, table: &str) -> QueryResult<i64> {
    let query = format!("SELECT pg_total_relation_size('{table}') AS bytes");
    let row: Bytes = diesel::sql_query(query).get_result(connection)?;
    Ok(row.bytes)
}
