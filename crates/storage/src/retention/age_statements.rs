//! Rows that pruning finds and removes, a slice at a time.

use diesel::prelude::*;
use diesel::sql_types::BigInt;

use crate::connection::{Connection, RunQueryDsl};
use crate::schema::{deliveries, idempotency_keys, incidents};
use crate::usage::holdings::HoldingChange;

/// Pages of the database file, in use and free.
#[derive(Clone, Copy, QueryableByName)]
pub(crate) struct Usage {
    /// Pages of the file.
    #[diesel(sql_type = BigInt)]
    pub(crate) pages: i64,
    /// Pages that hold nothing.
    #[diesel(sql_type = BigInt)]
    pub(crate) free: i64,
    /// Bytes of a page.
    #[diesel(sql_type = BigInt)]
    pub(crate) bytes: i64,
}

/// The pages of the database file.
pub(crate) fn usage(connection: &mut Connection) -> QueryResult<Usage> {
    let query = "SELECT page_count AS pages, freelist_count AS free, page_size AS bytes \
                 FROM pragma_page_count, pragma_freelist_count, pragma_page_size";
    diesel::sql_query(query).get_result(connection)
}

/// Gives up to `pages` empty pages back to the file system.
pub(crate) fn vacuum(connection: &mut Connection, pages: i64) -> QueryResult<()> {
    connection.batch_execute(&format!("PRAGMA incremental_vacuum({pages})"))
}

/// Numbers and times of the oldest deliveries.
pub(crate) fn oldest_deliveries(connection: &mut Connection, most: i64) -> QueryResult<Vec<(i64, i64)>> {
    let query = deliveries::table.select((deliveries::id, deliveries::received_at));
    query.order(deliveries::id).limit(most).load(connection)
}

/// Removes the deliveries up to this number.
pub(crate) fn deliveries_delete(connection: &mut Connection, last: i64) -> QueryResult<usize> {
    diesel::delete(deliveries::table.filter(deliveries::id.le(last))).execute(connection)
}

/// Removes up to `most` rows of `delivery_incidents` of the deliveries before this number.
pub(crate) fn touched_delete(connection: &mut Connection, before: i64, most: i64) -> QueryResult<usize> {
    let query = format!(
        "DELETE FROM delivery_incidents WHERE (delivery, position) IN (SELECT delivery, position \
         FROM delivery_incidents WHERE delivery < {before} ORDER BY delivery, position LIMIT {most})"
    );
    diesel::sql_query(query).execute(connection)
}

/// Numbers and times of the deliveries from this number on; the last value is `true` if there is a payload.
pub(crate) fn payloads_from(
    connection: &mut Connection,
    first: i64,
    most: i64,
) -> QueryResult<Vec<(i64, i64, bool)>> {
    let query = deliveries::table.select((
        deliveries::id,
        deliveries::received_at,
        deliveries::payload.is_not_null(),
    ));
    query
        .filter(deliveries::id.ge(first))
        .order(deliveries::id)
        .limit(most)
        .load(connection)
}

/// Removes the payloads of the deliveries between these numbers, both included.
pub(crate) fn payloads_delete(connection: &mut Connection, first: i64, last: i64) -> QueryResult<usize> {
    let query = format!(
        "UPDATE deliveries SET weight = weight - length(payload), payload = NULL \
         WHERE id BETWEEN {first} AND {last} AND payload IS NOT NULL"
    );
    diesel::sql_query(query).execute(connection)
}

/// Numbers and times (opened, updated) of the incidents from this number on.
pub(crate) fn incidents_from(
    connection: &mut Connection,
    first: i64,
    most: i64,
) -> QueryResult<Vec<(i64, i64, i64)>> {
    let query = incidents::table.select((incidents::number, incidents::opened_at, incidents::updated_at));
    query
        .filter(incidents::number.ge(first))
        .order(incidents::number)
        .limit(most)
        .load(connection)
}

/// Removes the incidents between these numbers, both included, that have not changed since a time. Returns
/// the bytes of each.
pub(crate) fn incidents_delete(
    connection: &mut Connection,
    first: i64,
    last: i64,
    since: i64,
) -> QueryResult<Vec<HoldingChange>> {
    let condition = format!("number BETWEEN {first} AND {last} AND updated_at < {since}");
    incidents_remove(connection, &condition)
}

/// Removes the incidents that meet a condition. Returns the bytes of each.
pub(crate) fn incidents_remove(
    connection: &mut Connection,
    condition: &str,
) -> QueryResult<Vec<HoldingChange>> {
    let query = format!(
        "DELETE FROM incidents WHERE {condition} RETURNING webhook, weight AS bytes, CAST(0 AS BIGINT) AS deliveries"
    );
    diesel::sql_query(query).load(connection)
}

/// Deliveries and times of the oldest idempotency keys.
pub(crate) fn oldest_keys(connection: &mut Connection, most: i64) -> QueryResult<Vec<(i64, i64)>> {
    idempotency_keys::table
        .select((idempotency_keys::delivery, idempotency_keys::created_at))
        .order(idempotency_keys::delivery)
        .limit(most)
        .load(connection)
}

/// Removes the idempotency keys of the deliveries up to this number.
pub(crate) fn keys_delete(connection: &mut Connection, last: i64) -> QueryResult<usize> {
    diesel::delete(idempotency_keys::table.filter(idempotency_keys::delivery.le(last))).execute(connection)
}

/// Removes up to `most` counts of this step from before a time.
pub(crate) fn usage_delete(
    connection: &mut Connection,
    step: i64,
    before: i64,
    most: i64,
) -> QueryResult<usize> {
    let query = format!(
        "DELETE FROM usage WHERE (webhook, step, at, code) IN \
         (SELECT webhook, step, at, code FROM usage WHERE step = {step} AND at < {before} LIMIT {most})"
    );
    diesel::sql_query(query).execute(connection)
}

/// Removes up to `most` rows each of sources and codes of earlier days, and of sources that were last seen
/// before.
pub(crate) fn sources_delete(connection: &mut Connection, before: i64, most: i64) -> QueryResult<usize> {
    let days = format!(
        "DELETE FROM sources WHERE (webhook, day, source) IN \
         (SELECT webhook, day, source FROM sources WHERE day < {before} LIMIT {most})"
    );
    let codes = format!(
        "DELETE FROM source_codes WHERE (webhook, day, source, code) IN \
         (SELECT webhook, day, source, code FROM source_codes WHERE day < {before} LIMIT {most})"
    );
    let known = format!(
        "DELETE FROM known_sources WHERE (webhook, source) IN \
         (SELECT webhook, source FROM known_sources WHERE last_day < {before} LIMIT {most})"
    );
    let mut removed = 0;
    for query in [days, codes, known] {
        removed += diesel::sql_query(query).execute(connection)?;
    }
    Ok(removed)
}
