//! The history. Pages are found by key, never by counting rows, so the last one costs what the first one does.

use diesel::sqlite::Sqlite;
use diesel::{
    BoolExpressionMethods, ExpressionMethods, OptionalExtension, QueryDsl, QueryResult, SelectableHelper,
};
use diesel_async::RunQueryDsl;
use hookgate_domain::{DeliveryId, network_bounds};
use hookgate_gate::{DeliveryFilter, Outcome, PageSize, Seek};

use crate::connection::ReadConnection;
use crate::rows::DeliveryRow;
use crate::schema::{deliveries, webhooks};

/// A record with handle and name of its webhook.
pub(crate) type JoinedDelivery = (DeliveryRow, String, String);

/// The record with this number.
pub(crate) async fn delivery_by_id(
    connection: &mut ReadConnection,
    id: i64,
) -> QueryResult<Option<JoinedDelivery>> {
    let query = deliveries::table
        .inner_join(webhooks::table)
        .filter(deliveries::id.eq(id));
    query
        .select((DeliveryRow::as_select(), webhooks::handle, webhooks::name))
        .get_result(connection)
        .await
        .optional()
}

/// One page of the records that match the filter.
pub(crate) async fn delivery_page(
    connection: &mut ReadConnection,
    filter: &DeliveryFilter,
    seek: Seek,
    size: PageSize,
) -> QueryResult<Vec<JoinedDelivery>> {
    page_query(filter, seek, size).load(connection).await
}

/// Records with handle and name of their webhooks.
#[diesel::dsl::auto_type]
fn joined() -> _ {
    let columns: diesel::dsl::AsSelect<DeliveryRow, Sqlite> = DeliveryRow::as_select();
    deliveries::table
        .inner_join(webhooks::table)
        .select((columns, webhooks::handle, webhooks::name))
}

/// The query of a page, apart from its running, so that its plan can be looked at.
fn page_query(
    filter: &DeliveryFilter,
    seek: Seek,
    size: PageSize,
) -> diesel::dsl::IntoBoxed<'static, joined, Sqlite> {
    let mut query = joined().into_boxed().limit(size.rows().into());
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
    match seek {
        Seek::Newest => query.order(deliveries::id.desc()),
        Seek::Before(id) => query
            .filter(deliveries::id.lt(id.number()))
            .order(deliveries::id.desc()),
        Seek::After(id) => query
            .filter(deliveries::id.gt(id.map_or(0, DeliveryId::number)))
            .order(deliveries::id.asc()),
    }
}

#[cfg(test)]
mod tests {
    use diesel::connection::SimpleConnection;
    use diesel::{Connection, QueryableByName, SqliteConnection, sql_query, sql_types};
    use hookgate_domain::RefusalCode;
    use hookgate_testkit::samples::{START, webhook};

    use super::*;

    #[derive(QueryableByName)]
    struct Step {
        #[diesel(sql_type = sql_types::Text)]
        detail: String,
    }

    fn plan(connection: &mut SqliteConnection, filter: &DeliveryFilter, seek: Seek) -> String {
        let query = page_query(filter, seek, PageSize::default());
        let text = diesel::debug_query::<Sqlite, _>(&query).to_string();
        assert!(!text.contains("OFFSET"), "{text}");
        let steps =
            diesel::RunQueryDsl::load::<Step>(sql_query(format!("EXPLAIN QUERY PLAN {text}")), connection);
        steps
            .unwrap()
            .into_iter()
            .map(|step| step.detail)
            .collect::<Vec<_>>()
            .join("; ")
    }

    /// No page sorts, and what people ask for is found by an index.
    #[test]
    fn pages_are_found_by_key() {
        let mut connection = SqliteConnection::establish(":memory:").unwrap();
        connection
            .batch_execute(include_str!("../../../../migrations/sqlite/0001_start/up.sql"))
            .unwrap();
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
            for seek in [Seek::Before(id), Seek::After(Some(id)), Seek::After(None)] {
                let plan = plan(&mut connection, &filter, seek);
                assert!(plan.contains(index), "{filter:?} {seek:?}: {plan}");
                assert!(
                    !plan.contains("SCAN") && !plan.contains("TEMP B-TREE"),
                    "{filter:?} {seek:?}: {plan}"
                );
            }
            assert!(!plan(&mut connection, &filter, Seek::Newest).contains("TEMP B-TREE"));
        }
    }
}
