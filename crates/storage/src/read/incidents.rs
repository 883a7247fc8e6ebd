//! Incidents.

use diesel::{ExpressionMethods, OptionalExtension, QueryDsl, QueryResult, SelectableHelper};
use diesel_async::RunQueryDsl;

use crate::connection::ReadConnection;
use crate::rows::IncidentRow;
use crate::schema::{incidents, webhooks};

/// Up to `most` incidents with a number below `before`, newest first, and the handles of their webhooks.
pub(crate) async fn incident_page(
    connection: &mut ReadConnection,
    status: Option<&'static str>,
    before: i64,
    most: i64,
) -> QueryResult<Vec<(IncidentRow, String)>> {
    let mut query = incidents::table
        .inner_join(webhooks::table)
        .select((IncidentRow::as_select(), webhooks::handle))
        .filter(incidents::number.lt(before))
        .order(incidents::number.desc())
        .limit(most)
        .into_boxed();
    if let Some(status) = status {
        query = query.filter(incidents::status.eq(status));
    }
    query.load(connection).await
}

/// The incident with this number, and the handle of its webhook.
pub(crate) async fn incident_by_number(
    connection: &mut ReadConnection,
    number: i64,
) -> QueryResult<Option<(IncidentRow, String)>> {
    let query = incidents::table
        .inner_join(webhooks::table)
        .filter(incidents::number.eq(number));
    query
        .select((IncidentRow::as_select(), webhooks::handle))
        .get_result(connection)
        .await
        .optional()
}
