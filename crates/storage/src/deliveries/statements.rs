//! Deliveries.

use diesel::prelude::*;
use diesel::query_builder::QueryId;
use diesel::sql_types::{BigInt, Binary, Nullable, Text};

use super::row::NewDelivery;
use crate::connection::{Connection, RunQueryDsl};
use crate::statement::fragment::fragment;
use crate::statement::rows_insert::rows_insert;

/// Stores the records of deliveries, in their order.
pub(crate) fn deliveries_insert(
    connection: &mut SqliteConnection,
    rows: &[NewDelivery<'_>],
) -> QueryResult<()> {
    if rows.iter().all(NewDelivery::is_opening) {
        return opening_deliveries_insert(connection, rows);
    }
    for alike in rows.chunk_by(|row, next| row.is_plain() == next.is_plain()) {
        if alike[0].is_plain() {
            plain_deliveries_insert(connection, alike)?;
        } else {
            other_deliveries_insert(connection, alike)?;
        }
    }
    Ok(())
}

rows_insert! {
    /// Stores records of deliveries that [opened an incident](NewDelivery::is_opening), by a statement with the
    /// values that are the same in all of them.
    opening_deliveries_insert(OpeningDeliveryInsert, NewDelivery) into "deliveries":
    id counts BigInt,
    webhook: BigInt,
    received_at: BigInt,
    source: Binary,
    user_agent: Nullable<Text>,
    answer = "'opened'",
    incident counts Nullable<BigInt>,
    count = "1",
    took_us: BigInt,
    headers: Nullable<Text>,
    payload: Nullable<Binary>,
    request_id: Nullable<Binary>,
    incident_status = "'open'",
    weight: BigInt,
    grown: BigInt,
}

rows_insert! {
    /// Stores records that are [plain](NewDelivery::is_plain), by a statement without the columns that they
    /// leave empty.
    plain_deliveries_insert(PlainDeliveryInsert, NewDelivery) into "deliveries":
    id: BigInt,
    webhook: BigInt,
    received_at: BigInt,
    source: Binary,
    user_agent: Nullable<Text>,
    answer: Text,
    incident: Nullable<BigInt>,
    count: BigInt,
    took_us: BigInt,
    headers: Nullable<Text>,
    payload: Nullable<Binary>,
    request_id: Nullable<Binary>,
    incident_status: Nullable<Text>,
    weight: BigInt,
    grown: BigInt,
}

rows_insert! {
    /// Stores records of any kind.
    other_deliveries_insert(OtherDeliveryInsert, NewDelivery) into "deliveries":
    id: BigInt,
    webhook: BigInt,
    received_at: BigInt,
    source: Binary,
    user_agent: Nullable<Text>,
    answer: Text,
    code: Nullable<Text>,
    incident: Nullable<BigInt>,
    count: BigInt,
    took_us: BigInt,
    headers: Nullable<Text>,
    payload: Nullable<Binary>,
    trail: Nullable<Text>,
    notes: Nullable<Text>,
    request_id: Nullable<Binary>,
    incident_status: Nullable<Text>,
    details: Nullable<Text>,
    retry_after: Nullable<BigInt>,
    no_payload: Nullable<Text>,
    payload_bytes: Nullable<BigInt>,
    weight: BigInt,
    grown: BigInt,
}

/// Adds to the number of deliveries of a record. A record that was pruned meanwhile is no loss.
pub(crate) fn delivery_count(connection: &mut Connection, id: i64, more: i64) -> QueryResult<()> {
    DeliveryCount { id, more }.execute(connection).map(drop)
}

/// A statement of its own, because diesel does not keep updates prepared.
struct DeliveryCount {
    id: i64,
    more: i64,
}

impl QueryId for DeliveryCount {
    type QueryId = Self;
    const HAS_STATIC_QUERY_ID: bool = true;
}

fragment!(DeliveryCount, self, out => {
    out.push_sql("UPDATE deliveries SET count = count + ");
    out.push_bind_param::<BigInt, _>(&self.more)?;
    out.push_sql(" WHERE id = ");
    out.push_bind_param::<BigInt, _>(&self.id)
});
