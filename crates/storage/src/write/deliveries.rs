//! Deliveries.

use diesel::prelude::*;

use crate::rows::NewDelivery;
use crate::schema::deliveries;

/// Stores the record of a delivery.
pub(crate) fn delivery_insert(connection: &mut SqliteConnection, row: &NewDelivery<'_>) -> QueryResult<()> {
    diesel::insert_into(deliveries::table)
        .values(row)
        .execute(connection)
        .map(drop)
}

/// Lets a record stand for so many more deliveries. A record that was pruned meanwhile is no loss.
pub(crate) fn delivery_count(connection: &mut SqliteConnection, id: i64, more: i64) -> QueryResult<()> {
    let row = deliveries::table.filter(deliveries::id.eq(id));
    diesel::update(row)
        .set(deliveries::count.eq(deliveries::count + more))
        .execute(connection)
        .map(drop)
}
