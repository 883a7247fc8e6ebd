//! Counts of usage.

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};

use super::holdings::HELD;
use crate::connection::{Connection, RunQueryDsl};
use crate::schema::deliveries;
use crate::statement::row_insert::row_insert;

/// The key that stands for all webhooks together.
pub(crate) const ALL_WEBHOOKS: i64 = 0;
/// The word for deliveries that passed.
pub(crate) const PASSED: &str = "";
/// The finer step of counts, in seconds.
pub(crate) const MINUTE: i64 = 60;
/// The coarser step of counts, in seconds.
pub(crate) const HOUR: i64 = 3_600;

/// A count to add.
pub(crate) struct UsageRow<'a> {
    pub(crate) webhook: i64,
    pub(crate) step: i64,
    pub(crate) at: i64,
    pub(crate) code: &'a str,
    pub(crate) count: i64,
}

/// Adds to a count.
pub(crate) fn usage_add(connection: &mut Connection, row: &UsageRow<'_>) -> QueryResult<()> {
    UsageAdd(row).execute(connection).map(drop)
}

row_insert! {
    UsageAdd(UsageRow) into "usage":
    webhook: BigInt,
    step: BigInt,
    at: BigInt,
    code: Text,
    count: BigInt;
    then "ON CONFLICT (webhook, step, at, code) DO UPDATE SET count = usage.count + excluded.count"
}

/// The columns of a record for usage: number, webhook, time, source, code, count of deliveries, presence of a
/// trail, and the bytes by which the holding of its webhook grew.
pub(crate) type Recorded = (i64, i64, i64, Vec<u8>, Option<String>, i64, bool, i64);

/// Up to `most` records from `first` to before `end`.
pub(crate) fn recorded(
    connection: &mut Connection,
    first: i64,
    end: i64,
    most: i64,
) -> QueryResult<Vec<Recorded>> {
    let query = deliveries::table
        .filter(deliveries::id.ge(first))
        .filter(deliveries::id.lt(end));
    query
        .order(deliveries::id)
        .limit(most)
        .select((
            deliveries::id,
            deliveries::webhook,
            deliveries::received_at,
            deliveries::source,
            deliveries::code,
            deliveries::count,
            deliveries::trail.is_not_null(),
            // The same bytes that removal subtracts, also for rows of an older version, and the growth of the
            // incident.
            sql::<BigInt>(HELD),
        ))
        .load(connection)
}
