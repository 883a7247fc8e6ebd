//! Statements of removal by size: the records that a webhook can spare, and their removal.

use diesel::prelude::*;
use diesel::sql_types::BigInt;

use super::age_statements::{incidents_remove, oldest_deliveries};
use crate::connection::{Connection, RunQueryDsl, on};
use crate::deliveries::spans::PERIOD_OF_ROW;
use crate::schema::deliveries;
use crate::usage::holdings::{HoldingChange, WEIGHT};

/// Bits by which the number of a delivery is shifted to get its period.
const PERIOD_BITS: u32 = 16;
/// Condition that delivery `d` is the first or the last one of incident `i`.
pub(crate) const SHOWS: &str = "(i.first_delivery = d.id OR (NOT EXISTS (SELECT 1 FROM deliveries later \
    WHERE later.incident = i.number AND later.answer = 'updated' AND later.id > d.id) \
    AND NOT EXISTS (SELECT 1 FROM delivery_incidents later WHERE later.incident = i.number AND later.delivery > d.id)))";

/// The first delivery of a webhook between two numbers, the second excluded.
pub(crate) fn first_delivery(
    connection: &mut Connection,
    webhook: i64,
    first: i64,
    end: i64,
) -> QueryResult<Option<i64>> {
    let within = deliveries::table
        .filter(deliveries::webhook.eq(webhook))
        .filter(deliveries::id.ge(first))
        .filter(deliveries::id.lt(end))
        .select(deliveries::id);
    if let Connection::Postgres(_) = connection {
        return on!(connection, c => diesel::RunQueryDsl::get_result(within.order(deliveries::id).limit(1), c)).optional();
    }
    let oldest = oldest_deliveries(connection, 1)?
        .first()
        .map_or(end, |(id, _)| *id);
    let first = first.max(oldest);
    // The index has the deliveries by period, so each period needs a query.
    for period in first >> PERIOD_BITS..=end >> PERIOD_BITS {
        let found = rows_in_period(connection, webhook, period, first, end, 1)?;
        if let Some(row) = found.first() {
            return Ok(Some(row.id));
        }
    }
    Ok(None)
}

/// A delivery that may be removed: its number, its bytes, and the bytes of its payload among them.
#[derive(Clone, Copy, Debug, QueryableByName)]
pub(crate) struct DeliveryWeight {
    #[diesel(sql_type = BigInt)]
    pub(crate) id: i64,
    #[diesel(sql_type = BigInt)]
    pub(crate) weight: i64,
    #[diesel(sql_type = BigInt)]
    pub(crate) payload: i64,
}

/// Deliveries of a webhook from a number on, within its period, in an embedded store.
pub(crate) fn rows_from(
    connection: &mut Connection,
    webhook: i64,
    first: i64,
    end: i64,
    most: i64,
) -> QueryResult<Vec<DeliveryWeight>> {
    rows_in_period(connection, webhook, first >> PERIOD_BITS, first, end, most)
}

fn rows_in_period(
    connection: &mut Connection,
    webhook: i64,
    period: i64,
    first: i64,
    end: i64,
    most: i64,
) -> QueryResult<Vec<DeliveryWeight>> {
    let query = format!(
        "SELECT id, {WEIGHT} AS weight, coalesce(length(payload), 0) AS payload FROM deliveries \
         WHERE {PERIOD_OF_ROW} = {period} AND webhook = {webhook} AND id >= {first} AND id < {end} ORDER BY id LIMIT {most}"
    );
    diesel::sql_query(query).load(connection)
}

/// The ones among these deliveries that show an unresolved incident: its first and its last one.
pub(crate) fn shown_rows(connection: &mut Connection, ids: &str) -> QueryResult<Vec<i64>> {
    let query = format!(
        "SELECT d.id AS number FROM deliveries d CROSS JOIN incidents i \
         WHERE d.id IN ({ids}) AND i.number = d.incident AND i.status <> 'resolved' AND {SHOWS} \
         UNION SELECT d.id FROM deliveries d CROSS JOIN delivery_incidents touched CROSS JOIN incidents i \
         WHERE d.id IN ({ids}) AND touched.delivery = d.id AND i.number = touched.incident \
         AND i.status <> 'resolved' AND {SHOWS}"
    );
    numbers(connection, query)
}

/// Removes the payloads of these deliveries, and records lack of space as the reason.
pub(crate) fn payloads_strip(connection: &mut Connection, table: &str, ids: &str) -> QueryResult<usize> {
    let weight = WEIGHT.replace("deliveries.", "");
    let query = format!(
        "UPDATE {table} SET weight = {weight} - length(payload), payload = NULL, payload_bytes = NULL, no_payload = 'space' \
         WHERE payload IS NOT NULL AND id IN ({ids})"
    );
    diesel::sql_query(query).execute(connection)
}

/// Removes these deliveries with their idempotency keys, and the resolved incidents that have no delivery
/// left. Returns the number of deliveries, and the bytes of the incidents.
pub(crate) fn deliveries_remove(
    connection: &mut Connection,
    ids: &str,
) -> QueryResult<(usize, Vec<HoldingChange>)> {
    let query = format!(
        "SELECT DISTINCT incident AS number FROM deliveries WHERE id IN ({ids}) AND incident IS NOT NULL"
    );
    let mut incidents = numbers(connection, query)?;
    incidents.extend(touched_remove_returning(connection, ids)?);
    let incidents = list(&incidents);
    let removed =
        diesel::sql_query(format!("DELETE FROM deliveries WHERE id IN ({ids})")).execute(connection)?;
    diesel::sql_query(format!("DELETE FROM idempotency_keys WHERE delivery IN ({ids})"))
        .execute(connection)?;
    Ok((removed, incidents_remove_returning(connection, &incidents)?))
}

/// Removes those of these incidents that are resolved and have no delivery. Returns the bytes of each.
pub(crate) fn incidents_remove_returning(
    connection: &mut Connection,
    incidents: &str,
) -> QueryResult<Vec<HoldingChange>> {
    let removed = incidents_remove(
        connection,
        &format!(
            "number IN ({incidents}) AND status = 'resolved' \
         AND NOT EXISTS (SELECT 1 FROM deliveries WHERE deliveries.incident = incidents.number AND answer = 'updated') \
         AND NOT EXISTS (SELECT 1 FROM delivery_incidents WHERE delivery_incidents.incident = incidents.number) \
         AND NOT EXISTS (SELECT 1 FROM deliveries WHERE deliveries.id = incidents.first_delivery)"
        ),
    )?;
    diesel::sql_query(format!(
        "DELETE FROM incident_events WHERE incident IN ({incidents}) \
         AND NOT EXISTS (SELECT 1 FROM incidents WHERE incidents.number = incident_events.incident)"
    ))
    .execute(connection)?;
    Ok(removed)
}

/// The first of these deliveries, in their order, that touched more than `most` incidents together with those before it.
pub(crate) fn delivery_beyond(connection: &mut Connection, ids: &str, most: i64) -> QueryResult<Option<i64>> {
    let query = format!(
        "SELECT delivery AS number FROM delivery_incidents WHERE delivery IN ({ids}) \
         ORDER BY delivery, position LIMIT 1 OFFSET {most}"
    );
    Ok(numbers(connection, query)?.first().copied())
}

/// Removes the rows of these deliveries in `delivery_incidents`. Returns the incidents.
pub(crate) fn touched_remove_returning(connection: &mut Connection, ids: &str) -> QueryResult<Vec<i64>> {
    let query =
        format!("DELETE FROM delivery_incidents WHERE delivery IN ({ids}) RETURNING incident AS number");
    numbers(connection, query)
}

/// Numbers as a list in SQL.
pub(crate) fn list(numbers: &[i64]) -> String {
    let texts: Vec<_> = numbers.iter().map(ToString::to_string).collect();
    texts.join(", ")
}

fn numbers(connection: &mut Connection, query: String) -> QueryResult<Vec<i64>> {
    #[derive(QueryableByName)]
    struct Number {
        #[diesel(sql_type = BigInt)]
        number: i64,
    }
    let rows: Vec<Number> = diesel::sql_query(query).load(connection)?;
    Ok(rows.into_iter().map(|row| row.number).collect())
}
