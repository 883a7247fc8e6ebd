//! Incidents.

use diesel::dsl::max;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text};

use super::conditions::{Resolved, Unresolved};
use super::row::{IncidentRow, NewIncident};
use crate::connection::{Connection, RunQueryDsl, columns};
use crate::schema::{incidents, webhooks};
use crate::statement::rows_insert::rows_insert;

/// Stores new incidents, in their order.
pub(crate) fn incidents_insert(
    connection: &mut SqliteConnection,
    rows: &[NewIncident<'_>],
) -> QueryResult<()> {
    if rows.iter().all(NewIncident::is_plain) {
        plain_incidents_insert(connection, rows)
    } else {
        other_incidents_insert(connection, rows)
    }
}

rows_insert! {
    /// Stores incidents that are [plain](NewIncident::is_plain), by a statement with the values that are the same
    /// in all of them, and without the columns that they leave empty.
    plain_incidents_insert(PlainIncidentInsert, NewIncident) into "incidents":
    number counts BigInt,
    webhook: BigInt,
    title: Text,
    description: Nullable<Text>,
    severity: Text,
    status = "'open'",
    service: Nullable<Text>,
    source_url: Nullable<Text>,
    metadata: Nullable<Text>,
    occurrences = "1",
    opened_at: BigInt,
    updated_at as opened_at,
    first_delivery: BigInt,
    weight: BigInt,
}

rows_insert! {
    /// Stores incidents of any kind.
    other_incidents_insert(OtherIncidentInsert, NewIncident) into "incidents":
    number: BigInt,
    webhook: BigInt,
    title: Text,
    description: Nullable<Text>,
    severity: Text,
    status: Text,
    service: Nullable<Text>,
    source_url: Nullable<Text>,
    dedup_key: Nullable<Text>,
    metadata: Nullable<Text>,
    occurrences: BigInt,
    opened_at: BigInt,
    updated_at: BigInt,
    first_delivery: BigInt,
    acknowledged_at: Nullable<BigInt>,
    weight: BigInt,
}

/// The unresolved incident of a webhook with this dedup key: at most one.
pub(crate) fn incident_unresolved(
    connection: &mut Connection,
    webhook: i64,
    dedup_key: &str,
) -> QueryResult<Option<IncidentRow>> {
    incidents::table
        .filter(incidents::webhook.eq(webhook))
        .filter(incidents::dedup_key.eq(dedup_key))
        .filter(Unresolved)
        .select(columns::<IncidentRow>())
        .get_result(connection)
        .optional()
}

/// The newest resolved incident of a webhook with this dedup key.
pub(crate) fn incident_resolved(
    connection: &mut Connection,
    webhook: i64,
    dedup_key: &str,
) -> QueryResult<Option<IncidentRow>> {
    let newest = incidents::table
        .filter(incidents::webhook.eq(webhook))
        .filter(incidents::dedup_key.eq(dedup_key))
        .filter(Resolved)
        .select(max(incidents::number));
    let newest: Option<i64> = newest.get_result(connection)?;
    let Some(newest) = newest else {
        return Ok(None);
    };
    incidents::table
        .filter(incidents::number.eq(newest))
        .select(columns::<IncidentRow>())
        .get_result(connection)
        .optional()
}

/// The incident with this number, and the handle of its webhook.
pub(crate) fn incident_by_number(
    connection: &mut Connection,
    number: i64,
) -> QueryResult<Option<(IncidentRow, String)>> {
    let query = incidents::table
        .inner_join(webhooks::table)
        .filter(incidents::number.eq(number));
    query
        .select((columns::<IncidentRow>(), webhooks::handle))
        .get_result(connection)
        .optional()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::open::{OpenMode, open_directory};
    use crate::statement::rows_insert::ROWS;

    const PLAIN: NewIncident<'_> = NewIncident {
        number: 0,
        organization: 1,
        webhook: 1,
        title: "t",
        description: None,
        severity: "high",
        status: "open",
        service: None,
        source_url: None,
        dedup_key: None,
        metadata: None,
        occurrences: 1,
        opened_at: 0,
        updated_at: 0,
        first_delivery: 0,
        acknowledged_at: None,
        weight: 0,
    };

    /// Numbers are bound for the first row of a statement alone, so a gap begins another.
    #[test]
    fn incidents_keep_their_numbers_and_times() {
        let directory = tempfile::tempdir().unwrap();
        let (_, mut connection) = open_directory(directory.path(), OpenMode::Create).unwrap();
        let numbers: Vec<i64> = (3..6)
            .chain([8])
            .chain(20..21 + i64::try_from(ROWS).unwrap())
            .collect();
        let rows: Vec<_> = numbers
            .iter()
            .map(|&number| NewIncident {
                number,
                opened_at: number * 10,
                updated_at: number * 10,
                first_delivery: number * 7,
                ..PLAIN
            })
            .collect();
        assert!(rows.iter().all(NewIncident::is_plain));
        incidents_insert(&mut connection, &rows).unwrap();
        let stored = incidents::table
            .select((
                incidents::number,
                incidents::opened_at,
                incidents::updated_at,
                incidents::first_delivery,
            ))
            .order(incidents::number);
        let stored: Vec<(i64, i64, i64, Option<i64>)> =
            diesel::RunQueryDsl::load(stored, &mut connection).unwrap();
        let expected = numbers.iter().map(|n| (*n, n * 10, n * 10, Some(n * 7)));
        assert_eq!(stored, expected.collect::<Vec<_>>());
        let moved = NewIncident {
            updated_at: 1,
            ..PLAIN
        };
        assert!(!moved.is_plain());
    }
}
