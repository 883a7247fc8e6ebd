//! The history. Pages are found by key, never by counting rows, so the last one costs what the first one does; and for
//! each a bounded number of rows is looked at.

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::Bool;
use diesel::sqlite::Sqlite;
use hookgate_domain::network_bounds;
use hookgate_gate::{DeliveryFilter, Outcome, PageSize, Seek};

use super::window::{Span, span, span_of};
use crate::rows::{DeliveryRow, SummaryRow};
use crate::schema::{deliveries, incidents, webhooks};

/// What lists show of a record, with handle and name of its webhook.
pub(crate) type JoinedSummary = (SummaryRow, String, String);
/// A record with handle and name of its webhook.
pub(crate) type JoinedDelivery = (DeliveryRow, String, String);

/// The record with this number.
pub(crate) fn delivery_by_id(
    connection: &mut SqliteConnection,
    id: i64,
) -> QueryResult<Option<JoinedDelivery>> {
    let query = deliveries::table
        .inner_join(webhooks::table)
        .filter(deliveries::id.eq(id));
    query
        .select((DeliveryRow::as_select(), webhooks::handle, webhooks::name))
        .get_result(connection)
        .optional()
}

/// One page of the records that match the filter, and where it stopped to look if that is not the end.
pub(crate) fn delivery_page(
    connection: &mut SqliteConnection,
    filter: &DeliveryFilter,
    seek: Seek,
    size: PageSize,
) -> QueryResult<(Vec<JoinedSummary>, Option<i64>)> {
    let Some(span) = span(connection, filter, seek)? else {
        return Ok((Vec::new(), None));
    };
    let rows = page_query(filter, seek, span, size).load(connection)?;
    Ok((rows, span.stopped))
}

/// One page of the records of an incident.
pub(crate) fn deliveries_of_incident(
    connection: &mut SqliteConnection,
    number: i64,
    seek: Seek,
    size: PageSize,
) -> QueryResult<Vec<JoinedSummary>> {
    let first = incidents::table.filter(incidents::number.eq(number));
    let first: Option<Option<i64>> = first
        .select(incidents::first_delivery)
        .get_result(connection)
        .optional()?;
    let span = span_of(seek);
    let mut rows: Vec<JoinedSummary> = updates_query(number, seek, span, size).load(connection)?;
    let is_there = |id: &i64| span.first <= *id && *id <= span.last;
    if let Some(id) = first.flatten().filter(is_there) {
        let opened = joined()
            .filter(deliveries::id.eq(id))
            .get_result(connection)
            .optional()?;
        let place = if is_forward(seek) { 0 } else { rows.len() };
        rows.splice(place..place, opened);
        rows.truncate(size.rows().into());
    }
    Ok(rows)
}

/// What lists show of records, with handle and name of their webhooks.
#[diesel::dsl::auto_type]
fn joined() -> _ {
    let columns: diesel::dsl::AsSelect<SummaryRow, Sqlite> = SummaryRow::as_select();
    deliveries::table
        .inner_join(webhooks::table)
        .select((columns, webhooks::handle, webhooks::name))
}

/// A page within these numbers, whatever else is asked for.
fn within(seek: Seek, span: Span, size: PageSize) -> diesel::dsl::IntoBoxed<'static, joined, Sqlite> {
    let query = joined().into_boxed().limit(size.rows().into());
    let query = query.filter(deliveries::id.between(span.first, span.last));
    if is_forward(seek) {
        query.order(deliveries::id.asc())
    } else {
        query.order(deliveries::id.desc())
    }
}

const fn is_forward(seek: Seek) -> bool {
    matches!(seek, Seek::After(_))
}

/// The query of the deliveries that updated an incident.
fn updates_query(
    number: i64,
    seek: Seek,
    span: Span,
    size: PageSize,
) -> diesel::dsl::IntoBoxed<'static, joined, Sqlite> {
    within(seek, span, size)
        .filter(deliveries::incident.eq(number))
        // Word for word as in the index, which is not used for a bound value.
        .filter(sql::<Bool>("answer = 'updated'"))
}

/// The query of a page, apart from its running, so that its plan can be looked at.
fn page_query(
    filter: &DeliveryFilter,
    seek: Seek,
    span: Span,
    size: PageSize,
) -> diesel::dsl::IntoBoxed<'static, joined, Sqlite> {
    let mut query = within(seek, span, size);
    if let Some(webhook) = filter.webhook {
        query = query.filter(webhooks::handle.eq(webhook.to_string()));
    }
    query = match filter.outcome {
        Some(Outcome::Accepted) => query.filter(deliveries::code.is_null()),
        Some(Outcome::Refused) => query.filter(deliveries::code.is_not_null()),
        None => query,
    };
    if let Some(code) = filter.code {
        // Both, because the index over refusals is found by the second.
        query = query.filter(
            deliveries::code
                .eq(code.as_str())
                .and(deliveries::code.is_not_null()),
        );
    }
    if let Some(network) = filter.source {
        let (lowest, highest) = network_bounds(network);
        query = query.filter(deliveries::source.between(lowest.to_vec(), highest.to_vec()));
    }
    if let Some(from) = filter.from {
        query = query.filter(deliveries::received_at.ge(from.as_micros()));
    }
    if let Some(to) = filter.to {
        query = query.filter(deliveries::received_at.lt(to.as_micros()));
    }
    query
}

#[cfg(test)]
mod tests {
    use diesel::connection::SimpleConnection;
    use diesel::{sql_query, sql_types};
    use hookgate_domain::{DeliveryId, RefusalCode};
    use hookgate_testkit::samples::{START, webhook};

    use super::*;

    #[derive(QueryableByName)]
    struct Step {
        #[diesel(sql_type = sql_types::Text)]
        detail: String,
    }

    fn plan(connection: &mut SqliteConnection, filter: &DeliveryFilter, seek: Seek) -> String {
        let query = page_query(filter, seek, span_of(seek), PageSize::default());
        plan_of(connection, &diesel::debug_query::<Sqlite, _>(&query).to_string())
    }

    fn plan_of(connection: &mut SqliteConnection, text: &str) -> String {
        assert!(!text.contains("OFFSET"), "{text}");
        let steps = sql_query(format!("EXPLAIN QUERY PLAN {text}")).load::<Step>(connection);
        steps
            .unwrap()
            .into_iter()
            .map(|step| step.detail)
            .collect::<Vec<_>>()
            .join("; ")
    }

    fn tables() -> SqliteConnection {
        let mut connection = SqliteConnection::establish(":memory:").unwrap();
        for migration in [
            include_str!("../../../../migrations/sqlite/0001_start/up.sql"),
            include_str!("../../../../migrations/sqlite/0003_usage/up.sql"),
        ] {
            connection.batch_execute(migration).unwrap();
        }
        connection
    }

    /// No page sorts, and what people ask for is found by an index.
    #[test]
    fn pages_are_found_by_key() {
        let mut connection = tables();
        let all = DeliveryFilter::default();
        let of_webhook = DeliveryFilter {
            webhook: Some(webhook(1).handle),
            ..all.clone()
        };
        let refused = |filter: &DeliveryFilter| DeliveryFilter {
            outcome: Some(Outcome::Refused),
            ..filter.clone()
        };
        let code = |filter: &DeliveryFilter| DeliveryFilter {
            code: Some(RefusalCode::InvalidJson),
            ..filter.clone()
        };
        let id = DeliveryId::from_number(START.as_micros()).unwrap();
        let cases = [
            (all.clone(), "PRIMARY KEY"),
            (refused(&all), "deliveries_refused"),
            (code(&all), "deliveries_refused"),
            (of_webhook.clone(), "deliveries_webhook "),
            (refused(&of_webhook), "deliveries_webhook_refused"),
            (code(&of_webhook), "deliveries_webhook_refused"),
        ];
        for (filter, index) in cases {
            for seek in [
                Seek::Newest,
                Seek::Before(id),
                Seek::After(Some(id)),
                Seek::After(None),
            ] {
                let plan = plan(&mut connection, &filter, seek);
                assert!(plan.contains(index), "{filter:?} {seek:?}: {plan}");
                assert!(
                    !plan.contains("SCAN") && !plan.contains("TEMP B-TREE"),
                    "{filter:?} {seek:?}: {plan}"
                );
            }
        }
    }

    /// Nor do those of an incident, nor the search for where to stop.
    #[test]
    fn incidents_and_windows_are_found_by_key() {
        let mut connection = tables();
        for seek in [Seek::Newest, Seek::After(None)] {
            let query = updates_query(7, seek, span_of(seek), PageSize::default());
            let plan = plan_of(
                &mut connection,
                &diesel::debug_query::<Sqlite, _>(&query).to_string(),
            );
            assert!(
                plan.contains("deliveries_updates") && !plan.contains("TEMP B-TREE"),
                "{plan}"
            );
            for (webhook, is_refused, index) in [
                (None, false, "PRIMARY KEY"),
                (None, true, "deliveries_refused"),
                (Some(1), false, "deliveries_webhook "),
                (Some(1), true, "deliveries_webhook_refused"),
            ] {
                let text =
                    super::super::window::edge_query(webhook, is_refused, span_of(seek), is_forward(seek));
                let plan = plan_of(&mut connection, &text);
                assert!(
                    plan.contains(index) && !plan.contains("TEMP B-TREE"),
                    "{text}: {plan}"
                );
            }
        }
    }
}
