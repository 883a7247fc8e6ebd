//! Incidents.

use diesel::{ExpressionMethods, OptionalExtension, QueryDsl, QueryResult};
use hookgate_domain::IncidentStatus;
use hookgate_gate::IncidentFilter;

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
            query = query.filter(incidents::status.eq(status.as_str()));
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
         (SELECT severity FROM incidents WHERE status = '{}' ORDER BY number DESC LIMIT {most}) AS newest GROUP BY severity",
        status.as_str()
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
