//! Incidents.

use diesel::{ExpressionMethods, OptionalExtension, QueryDsl, QueryResult, SelectableHelper};
use diesel_async::RunQueryDsl;
use hookgate_gate::IncidentFilter;

use crate::connection::ReadConnection;
use crate::rows::IncidentRow;
use crate::schema::{incidents, webhooks};

/// Most incidents that are looked at for one page of a webhook, which has no index of its own: an entry more for every
/// incident would cost senders more than this costs people.
const LOOK: i64 = 50_000;

/// Up to `most` incidents with a number below `before`, newest first, and the handles of their webhooks; and the number
/// below which nothing was looked at, if there is something.
pub(crate) async fn incident_page(
    connection: &mut ReadConnection,
    filter: IncidentFilter,
    before: i64,
    most: i64,
) -> QueryResult<(Vec<(IncidentRow, String)>, Option<i64>)> {
    let mut query = incidents::table
        .inner_join(webhooks::table)
        .select((IncidentRow::as_select(), webhooks::handle))
        .filter(incidents::number.lt(before))
        .order(incidents::number.desc())
        .limit(most)
        .into_boxed();
    if let Some(status) = filter.status {
        query = query.filter(incidents::status.eq(status.as_str()));
    }
    let Some(webhook) = filter.webhook else {
        return Ok((query.load(connection).await?, None));
    };
    let key = webhooks::table.filter(webhooks::handle.eq(webhook.to_string()));
    let key: Option<i64> = key.select(webhooks::id).get_result(connection).await.optional()?;
    let Some(key) = key else {
        return Ok((Vec::new(), None));
    };
    let newest = newest_below(connection, before).await?;
    let edge = newest.map_or(0, |newest| newest.saturating_sub(LOOK));
    let query = query
        .filter(incidents::number.gt(edge))
        .filter(incidents::webhook.eq(key));
    let rows = query.load(connection).await?;
    let older = newest_below(connection, edge.saturating_add(1)).await?;
    Ok((rows, older.map(|older| older.saturating_add(1))))
}

/// The newest incident below a number.
async fn newest_below(connection: &mut ReadConnection, before: i64) -> QueryResult<Option<i64>> {
    let query = incidents::table.filter(incidents::number.lt(before));
    query
        .select(incidents::number)
        .order(incidents::number.desc())
        .limit(1)
        .get_result(connection)
        .await
        .optional()
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
