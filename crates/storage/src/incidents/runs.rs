//! Runs of the deliveries that updated an incident: one query finds the ends of all.

use std::fmt::Write as _;

use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Nullable};
use hookgate_domain::{DeliveryId, Timestamp};
use hookgate_gate::{RunBounds, RunEnds};

use crate::connection::{Connection, RunQueryDsl};
use crate::query_error::QueryError;

/// A run, by its place in the request, and its ends.
#[derive(QueryableByName)]
struct RunRow {
    #[diesel(sql_type = BigInt)]
    place: i64,
    #[diesel(sql_type = Nullable<BigInt>)]
    first: Option<i64>,
    #[diesel(sql_type = Nullable<BigInt>)]
    first_at: Option<i64>,
    #[diesel(sql_type = Nullable<BigInt>)]
    last_at: Option<i64>,
}

impl RunRow {
    fn ends(&self) -> Option<RunEnds> {
        Some(RunEnds {
            first: self.first.and_then(DeliveryId::from_number)?,
            first_at: Timestamp::from_micros(self.first_at?),
            last_at: Timestamp::from_micros(self.last_at?),
        })
    }
}

/// The ends of the runs of an incident, in the order asked for.
pub(crate) fn incident_runs(
    connection: &mut Connection,
    number: i64,
    runs: &[RunBounds],
) -> Result<Vec<Option<RunEnds>>, QueryError> {
    if runs.is_empty() {
        return Ok(Vec::new());
    }
    let rows: Vec<RunRow> = diesel::sql_query(runs_query(number, runs)).load(connection)?;
    let mut ends = vec![None; runs.len()];
    for row in rows {
        let place = usize::try_from(row.place).ok();
        if let Some(slot) = place.and_then(|place| ends.get_mut(place)) {
            *slot = row.ends();
        }
    }
    Ok(ends)
}

/// The query for the ends of the runs. It holds numbers alone, so there is nothing to quote. Each end is one
/// entry of the index over updates, or one of the index over deliveries that touched several incidents.
fn runs_query(number: i64, runs: &[RunBounds]) -> String {
    let end = |column, order| {
        format!(
            "(SELECT {column} FROM (\
                 SELECT * FROM (SELECT id, received_at FROM deliveries WHERE incident = {number} AND answer = 'updated' \
                     AND id > runs.low AND id < runs.high ORDER BY id {order} LIMIT 1) AS alone \
                 UNION ALL \
                 SELECT * FROM (SELECT deliveries.id, deliveries.received_at FROM delivery_incidents AS touched \
                     CROSS JOIN deliveries WHERE deliveries.id = touched.delivery AND touched.incident = {number} \
                     AND touched.delivery > runs.low AND touched.delivery < runs.high AND touched.delivery <> \
                         coalesce((SELECT first_delivery FROM incidents WHERE number = {number}), 0) \
                     ORDER BY touched.delivery {order} LIMIT 1) AS among) AS ends ORDER BY id {order} LIMIT 1)"
        )
    };
    let mut values = String::new();
    for (place, run) in runs.iter().enumerate() {
        let low = run.after.map_or(0, DeliveryId::number);
        let high = run.before.map_or(i64::MAX, DeliveryId::number);
        let comma = if place == 0 { "" } else { ", " };
        // Writing to a string never fails.
        let _ = write!(values, "{comma}({place}, {low}, {high})");
    }
    format!(
        "WITH runs (place, low, high) AS (VALUES {values}) \
         SELECT CAST(place AS BIGINT) AS place, {} AS first, {} AS first_at, {} AS last_at FROM runs",
        end("id", "ASC"),
        end("received_at", "ASC"),
        end("received_at", "DESC")
    )
}
