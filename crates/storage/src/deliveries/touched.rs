//! Rows of `delivery_incidents`: the incidents of deliveries that touched several.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use hookgate_domain::IncidentNumber;
use hookgate_gate::Touched;

use super::spans::Span;
use crate::connection::{Connection, RunQueryDsl, columns};
use crate::query_error::CorruptRow;
use crate::schema::delivery_incidents;
use crate::statement::rows_insert::rows_insert;

const TABLE: &str = "delivery_incidents";

/// Bytes of a row, with its entry in the index.
pub(crate) const ROW_BYTES: i64 = 128;

/// A row as it is read.
#[derive(Queryable, Selectable)]
#[diesel(table_name = delivery_incidents, check_for_backend(diesel::sqlite::Sqlite, diesel::pg::Pg))]
pub(crate) struct TouchedRow {
    delivery: i64,
    incident: i64,
    status: String,
}

impl TouchedRow {
    /// Number of the delivery.
    pub(crate) const fn delivery(&self) -> i64 {
        self.delivery
    }

    /// The incident.
    pub(crate) fn read(&self) -> Result<Touched, CorruptRow> {
        let corrupt = |column| move || CorruptRow::at(TABLE, self.delivery, column);
        Ok(Touched {
            number: IncidentNumber::new(self.incident).ok_or_else(corrupt("incident"))?,
            status: self.status.parse().ok().ok_or_else(corrupt("status"))?,
        })
    }
}

impl NewTouched<'_> {
    /// The incident.
    pub(crate) fn read(&self) -> Option<Touched> {
        Some(Touched {
            number: IncidentNumber::new(self.incident)?,
            status: self.status.parse().ok()?,
        })
    }
}

/// A row to write.
pub(crate) struct NewTouched<'a> {
    pub(crate) delivery: i64,
    pub(crate) position: i64,
    pub(crate) organization: i64,
    pub(crate) incident: i64,
    pub(crate) status: &'a str,
}

rows_insert! {
    /// Stores the incidents of deliveries.
    touched_insert(TouchedInsert, NewTouched) into "delivery_incidents":
    delivery: BigInt,
    position: BigInt,
    incident: BigInt,
    status: Text,
}

/// The incidents of a delivery that touched several, in the order of its changes; empty for any other one.
pub(crate) fn touched_by_delivery(
    connection: &mut Connection,
    delivery: i64,
) -> QueryResult<Vec<TouchedRow>> {
    delivery_incidents::table
        .filter(delivery_incidents::delivery.eq(delivery))
        .order(delivery_incidents::position)
        .select(columns::<TouchedRow>())
        .load(connection)
}

/// Numbers of the deliveries in a span that touched an incident and others.
pub(crate) fn deliveries_touching(
    connection: &mut Connection,
    incident: i64,
    span: Span,
    is_forward: bool,
    most: i64,
) -> QueryResult<Vec<i64>> {
    let rows: Vec<Number> =
        diesel::sql_query(touching_query(incident, span, is_forward, most)).load(connection)?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}

/// The query of [`deliveries_touching`]. It holds numbers alone, so there is nothing to quote. Rows of removed
/// deliveries are passed over: retention removes them later.
pub(super) fn touching_query(incident: i64, span: Span, is_forward: bool, most: i64) -> String {
    let order = if is_forward { "ASC" } else { "DESC" };
    let Span { first, last, .. } = span;
    format!(
        "SELECT touched.delivery AS id FROM delivery_incidents AS touched \
         CROSS JOIN deliveries WHERE deliveries.id = touched.delivery AND touched.incident = {incident} \
         AND touched.delivery >= {first} AND touched.delivery <= {last} ORDER BY touched.delivery {order} LIMIT {most}"
    )
}

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    id: i64,
}
