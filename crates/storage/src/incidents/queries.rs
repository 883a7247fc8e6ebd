//! Incidents.

use diesel::dsl::sql;
use diesel::sql_types::Bool;
use diesel::{ExpressionMethods, OptionalExtension, QueryDsl, QueryResult};
use hookgate_domain::IncidentStatus;
use hookgate_gate::IncidentFilter;

use super::conditions::of_status;
use super::row::IncidentRow;
use crate::connection::{Connection, RunQueryDsl, columns, on};
use crate::schema::{incidents, webhooks};

/// Maximum number of incidents that a page of one webhook examines. No index has incidents by webhook: an entry more
/// for every incident would cost senders more than the search costs people.
const MAX_EXAMINED_INCIDENTS: i64 = 50_000;

/// An incident with the handle of its webhook.
type JoinedIncident = (IncidentRow, String);

/// Up to `most` incidents with a number below `before`, newest first, and the handles of their webhooks. The
/// last value is the number below which nothing was examined, if there is something.
pub(crate) fn incident_page(
    connection: &mut Connection,
    filter: IncidentFilter,
    before: i64,
    most: i64,
) -> QueryResult<(Vec<JoinedIncident>, Option<i64>)> {
    let Some(webhook) = filter.webhook else {
        let rows = page(connection, filter, 0, before, None, most)?;
        return Ok((rows, None));
    };
    let key = webhooks::table.filter(webhooks::handle.eq(webhook.to_string()));
    let key: Option<i64> = key.select(webhooks::id).get_result(connection).optional()?;
    let Some(key) = key else {
        return Ok((Vec::new(), None));
    };
    let newest = newest_below(connection, before)?;
    let edge = newest.map_or(0, |newest| newest.saturating_sub(MAX_EXAMINED_INCIDENTS));
    let rows = page(connection, filter, edge, before, Some(key), most)?;
    let older = newest_below(connection, edge.saturating_add(1))?;
    Ok((rows, older.map(|older| older.saturating_add(1))))
}

/// Up to `most` incidents with numbers between these, both excluded, of the webhook with this key or of any.
fn page(
    connection: &mut Connection,
    filter: IncidentFilter,
    after: i64,
    before: i64,
    webhook: Option<i64>,
    most: i64,
) -> QueryResult<Vec<JoinedIncident>> {
    on!(connection, c => {
        let mut query = incidents::table
            .inner_join(webhooks::table)
            .select((columns::<IncidentRow>(), webhooks::handle))
            .filter(incidents::number.gt(after))
            .filter(incidents::number.lt(before))
            .order(incidents::number.desc())
            .limit(most)
            .into_boxed();
        if let Some(status) = filter.status {
            query = query.filter(sql::<Bool>(of_status(status)));
        }
        if let Some(webhook) = webhook {
            query = query.filter(incidents::webhook.eq(webhook));
        }
        diesel::RunQueryDsl::load(query, c)
    })
}

/// Numbers of incidents with this status, by severity, among the newest `most`.
pub(crate) fn incident_counts(
    connection: &mut Connection,
    status: IncidentStatus,
    most: u32,
) -> QueryResult<Vec<SeverityCount>> {
    let query = format!(
        "SELECT severity, count(*) AS count FROM \
         (SELECT severity FROM incidents WHERE {} ORDER BY number DESC LIMIT {most}) AS newest GROUP BY severity",
        of_status(status)
    );
    diesel::sql_query(query).load(connection)
}

/// Number of incidents of a severity.
#[derive(diesel::QueryableByName)]
pub(crate) struct SeverityCount {
    #[diesel(sql_type = diesel::sql_types::Text)]
    pub(crate) severity: String,
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    pub(crate) count: i64,
}

/// The number of the newest incident below a number.
fn newest_below(connection: &mut Connection, before: i64) -> QueryResult<Option<i64>> {
    let query = incidents::table.filter(incidents::number.lt(before));
    query
        .select(incidents::number)
        .order(incidents::number.desc())
        .limit(1)
        .get_result(connection)
        .optional()
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use diesel::connection::InstrumentationEvent;
    use diesel::{Connection as _, QueryableByName, sql_query, sql_types};

    use super::*;
    use crate::open::{OpenMode, open_directory};

    #[derive(QueryableByName)]
    struct Step {
        #[diesel(sql_type = sql_types::Text)]
        detail: String,
    }

    /// Plans of the statements that this work runs.
    fn plans(connection: &mut Connection, work: impl FnOnce(&mut Connection)) -> Vec<String> {
        let asked = Arc::new(Mutex::new(Vec::new()));
        let noted = Arc::clone(&asked);
        sqlite(connection).set_instrumentation(move |event: InstrumentationEvent<'_>| {
            if let InstrumentationEvent::StartQuery { query, .. } = event {
                noted.lock().unwrap().push(query.to_string());
            }
        });
        work(connection);
        let asked = std::mem::take(&mut *asked.lock().unwrap());
        let plan = |text: &String| {
            let steps = sql_query(format!("EXPLAIN QUERY PLAN {text}"));
            let steps = diesel::RunQueryDsl::load::<Step>(steps, sqlite(connection)).unwrap();
            let details = steps.into_iter().map(|step| step.detail);
            details.collect::<Vec<_>>().join("; ")
        };
        asked.iter().map(plan).collect()
    }

    fn sqlite(connection: &mut Connection) -> &mut diesel::SqliteConnection {
        match connection {
            Connection::Sqlite(connection) => connection,
            Connection::Postgres(_) => panic!("not a file"),
        }
    }

    /// A page reads no more incidents than it shows, however many have another status, and sorts none.
    #[test]
    fn incidents_of_a_status_are_found_by_an_index() {
        let directory = tempfile::tempdir().unwrap();
        let (_, connection) = open_directory(directory.path(), OpenMode::Create).unwrap();
        let mut connection = Connection::Sqlite(connection);
        for (status, index) in [
            (None, "INTEGER PRIMARY KEY"),
            (Some(IncidentStatus::Open), "incidents_open"),
            (Some(IncidentStatus::Acknowledged), "incidents_not_open"),
            (Some(IncidentStatus::Resolved), "incidents_not_open"),
        ] {
            let filter = IncidentFilter {
                status,
                ..IncidentFilter::default()
            };
            let found = plans(&mut connection, |connection| {
                incident_page(connection, filter, 70, 50).unwrap();
                if let Some(status) = status {
                    incident_counts(connection, status, 50).unwrap();
                }
            });
            assert_eq!(found.len(), 1 + usize::from(status.is_some()));
            for plan in found {
                assert!(
                    plan.contains(&format!("incidents USING INDEX {index}"))
                        || plan.contains(&format!("incidents USING {index}")),
                    "{plan}"
                );
                assert!(!plan.contains("TEMP B-TREE FOR ORDER BY"), "{plan}");
            }
        }
    }
}
