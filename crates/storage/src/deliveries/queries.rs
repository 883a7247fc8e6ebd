//! The history. Pages are found by key, never by an offset, so the last page costs as much as the first. Each
//! looks at a bounded number of rows.

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::Bool;
use hookgate_domain::networks::network_bounds;
use hookgate_gate::{DeliveryFilter, Outcome, PageSize, Seek};

use super::row::{DeliveryRow, SummaryRow};
use super::spans::{PERIOD_OF_ROW, Part, Span, parts, span_for_seek, whole};
use super::touched::deliveries_touching;
use super::window::span;
use crate::connection::{Connection, RunQueryDsl, columns, on};
use crate::schema::{deliveries, incidents, webhooks};

/// A record as lists show it, with handle and name of its webhook.
pub(crate) type JoinedSummary = (SummaryRow, String, String);
/// A record with handle and name of its webhook.
pub(crate) type JoinedDelivery = (DeliveryRow, String, String);

/// The record with this number.
pub(crate) fn delivery_by_id(connection: &mut Connection, id: i64) -> QueryResult<Option<JoinedDelivery>> {
    let query = deliveries::table
        .inner_join(webhooks::table)
        .filter(deliveries::id.eq(id));
    query
        .select((columns::<DeliveryRow>(), webhooks::handle, webhooks::name))
        .get_result(connection)
        .optional()
}

/// One page of the records that match the filter, and where it stopped to look if that is not the end.
pub(crate) fn delivery_page(
    connection: &mut Connection,
    filter: &DeliveryFilter,
    seek: Seek,
    size: PageSize,
) -> QueryResult<(Vec<JoinedSummary>, Option<i64>)> {
    let Some(span) = span(connection, filter, seek)? else {
        return Ok((Vec::new(), None));
    };
    let rows = page(connection, Wanted::Matching(filter), seek, span, size)?;
    Ok((rows, span.stopped))
}

/// One page of the records of an incident.
pub(crate) fn deliveries_of_incident(
    connection: &mut Connection,
    number: i64,
    seek: Seek,
    size: PageSize,
) -> QueryResult<Vec<JoinedSummary>> {
    let first = incidents::table.filter(incidents::number.eq(number));
    let first: Option<Option<i64>> = first
        .select(incidents::first_delivery)
        .get_result(connection)
        .optional()?;
    let span = span_for_seek(seek);
    let mut rows = page(connection, Wanted::Updates(number), seek, span, size)?;
    let most = size.rows().into();
    let touching = deliveries_touching(connection, number, span, is_forward(seek), most)?;
    if !touching.is_empty() {
        rows.append(&mut page(connection, Wanted::These(&touching), seek, span, size)?);
        sort(&mut rows, seek);
    }
    let is_there = |id: &i64| span.first <= *id && *id <= span.last;
    if let Some(id) = first.flatten().filter(is_there) {
        let only = Span {
            first: id,
            last: id,
            stopped: None,
        };
        rows.append(&mut page(connection, Wanted::All, seek, only, size)?);
        sort(&mut rows, seek);
    }
    rows.truncate(size.rows().into());
    Ok(rows)
}

/// Puts the records of several searches in order, each once.
fn sort(rows: &mut Vec<JoinedSummary>, seek: Seek) {
    rows.sort_by_key(|(row, ..)| row.id());
    rows.dedup_by_key(|(row, ..)| row.id());
    if !is_forward(seek) {
        rows.reverse();
    }
}

const fn is_forward(seek: Seek) -> bool {
    matches!(seek, Seek::After(_))
}

/// Records of a page.
#[derive(Clone, Copy)]
enum Wanted<'a> {
    All,
    /// Records that match.
    Matching(&'a DeliveryFilter),
    /// Records that updated the incident with this number, as their first one.
    Updates(i64),
    /// Records with these numbers.
    These(&'a [i64]),
}

/// A page of the wanted records within these numbers, in the order of the search.
fn page(
    connection: &mut Connection,
    wanted: Wanted<'_>,
    seek: Seek,
    span: Span,
    size: PageSize,
) -> QueryResult<Vec<JoinedSummary>> {
    let parts = match wanted {
        Wanted::Matching(filter) if filter.webhook.is_some() => parts(connection, span, is_forward(seek))?,
        _ => vec![whole(span)],
    };
    let mut rows = Vec::new();
    for part in parts {
        let most = usize::from(size.rows()) - rows.len();
        if most == 0 {
            break;
        }
        rows.append(&mut page_part(connection, wanted, seek, part, most)?);
    }
    Ok(rows)
}

/// The rows of a page within one part.
fn page_part(
    connection: &mut Connection,
    wanted: Wanted<'_>,
    seek: Seek,
    part: Part,
    most: usize,
) -> QueryResult<Vec<JoinedSummary>> {
    on!(connection, c => {
        let query = deliveries::table
            .inner_join(webhooks::table)
            .select((columns::<SummaryRow>(), webhooks::handle, webhooks::name))
            .filter(deliveries::id.between(part.first, part.last))
            .limit(i64::try_from(most).unwrap_or(i64::MAX))
            .into_boxed();
        let mut query = if is_forward(seek) {
            query.order(deliveries::id.asc())
        } else {
            query.order(deliveries::id.desc())
        };
        if let Some(period) = part.period {
            query = query.filter(sql::<Bool>(&format!("{PERIOD_OF_ROW} = {period}")));
        }
        let filter = match wanted {
            Wanted::All => None,
            Wanted::Matching(filter) => Some(filter),
            Wanted::Updates(number) => {
                query = query
                    .filter(deliveries::incident.eq(number))
                    // A literal, as in the partial index, which is not used for a bound value.
                    .filter(sql::<Bool>("answer = 'updated'"));
                None
            }
            Wanted::These(ids) => {
                query = query.filter(deliveries::id.eq_any(ids.to_vec()));
                None
            }
        };
        if let Some(webhook) = filter.and_then(|filter| filter.webhook) {
            query = query.filter(webhooks::handle.eq(webhook.to_string()));
        }
        match filter.and_then(|filter| filter.outcome) {
            Some(Outcome::Accepted) => query = query.filter(deliveries::code.is_null()),
            Some(Outcome::Refused) => query = query.filter(deliveries::code.is_not_null()),
            None => {}
        }
        if let Some(code) = filter.and_then(|filter| filter.code) {
            // `IS NOT NULL` repeats the condition of the partial index of refusals.
            let is_code = deliveries::code.eq(code.as_str());
            query = query.filter(is_code.and(deliveries::code.is_not_null()));
        }
        if filter.is_some_and(|filter| filter.would_be_refused) {
            query = query.filter(deliveries::code.is_null().and(deliveries::trail.is_not_null()));
        }
        if let Some(network) = filter.and_then(|filter| filter.source) {
            let (lowest, highest) = network_bounds(network);
            query = query.filter(deliveries::source.between(lowest.to_vec(), highest.to_vec()));
        }
        let (from, to) = filter.map_or((None, None), DeliveryFilter::times);
        if let Some(from) = from {
            query = query.filter(deliveries::received_at.ge(from.as_micros()));
        }
        if let Some(to) = to {
            query = query.filter(deliveries::received_at.lt(to.as_micros()));
        }
        if let Some(id) = filter.and_then(|filter| filter.request_id) {
            query = query.filter(deliveries::request_id.eq(id.to_bytes().to_vec()));
        }
        diesel::RunQueryDsl::load(query, c)
    })
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use diesel::connection::{InstrumentationEvent, SimpleConnection};
    use diesel::{Connection as _, SqliteConnection, sql_query, sql_types};
    use hookgate_domain::{DeliveryId, RefusalCode};
    use hookgate_testkit::samples::{START, webhook};

    use super::super::touched::touching_query;
    use super::*;

    #[derive(QueryableByName)]
    struct Step {
        #[diesel(sql_type = sql_types::Text)]
        detail: String,
    }

    /// The plan of the query for a page.
    fn plan(connection: &mut Connection, wanted: Wanted<'_>, seek: Seek) -> String {
        let asked = Arc::new(Mutex::new(String::new()));
        let noted = Arc::clone(&asked);
        sqlite(connection).set_instrumentation(move |event: InstrumentationEvent<'_>| {
            if let InstrumentationEvent::StartQuery { query, .. } = event {
                *noted.lock().unwrap() = query.to_string();
            }
        });
        let of_webhook = matches!(wanted, Wanted::Matching(filter) if filter.webhook.is_some());
        page_part(connection, wanted, seek, part(seek, of_webhook), 50).unwrap();
        let text = asked.lock().unwrap().clone();
        plan_of(connection, &text)
    }

    fn part(seek: Seek, of_webhook: bool) -> Part {
        Part {
            period: of_webhook.then_some(7),
            ..whole(span_for_seek(seek))
        }
    }

    fn plan_of(connection: &mut Connection, text: &str) -> String {
        assert!(!text.contains("OFFSET"), "{text}");
        let steps = sql_query(format!("EXPLAIN QUERY PLAN {text}"));
        let steps = diesel::RunQueryDsl::load::<Step>(steps, sqlite(connection)).unwrap();
        let details = steps.into_iter().map(|step| step.detail);
        details.collect::<Vec<_>>().join("; ")
    }

    fn sqlite(connection: &mut Connection) -> &mut SqliteConnection {
        match connection {
            Connection::Sqlite(connection) => connection,
            Connection::Postgres(_) => panic!("not a file"),
        }
    }

    fn tables() -> Connection {
        let mut connection = SqliteConnection::establish(":memory:").unwrap();
        for migration in [
            include_str!("../../../../migrations/sqlite/0001_start/up.sql"),
            include_str!("../../../../migrations/sqlite/0003_usage/up.sql"),
            include_str!("../../../../migrations/sqlite/0006_trail/up.sql"),
            include_str!("../../../../migrations/sqlite/0008_periods/up.sql"),
            include_str!("../../../../migrations/sqlite/0009_notes/up.sql"),
            include_str!("../../../../migrations/sqlite/0010_record/up.sql"),
            include_str!("../../../../migrations/sqlite/0025_index_keys/up.sql"),
            include_str!("../../../../migrations/sqlite/0026_delivery_incidents/up.sql"),
        ] {
            connection.batch_execute(migration).unwrap();
        }
        Connection::Sqlite(connection)
    }

    /// Pages are found by an index, and none sorts.
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
                let plan = plan(&mut connection, Wanted::Matching(&filter), seek);
                assert!(plan.contains(index), "{filter:?} {seek:?}: {plan}");
                assert!(
                    !plan.contains("SCAN") && !plan.contains("TEMP B-TREE"),
                    "{filter:?} {seek:?}: {plan}"
                );
            }
        }
    }

    /// Pages of an incident and edges of windows are found by an index, and none sorts.
    #[test]
    fn incidents_and_windows_are_found_by_key() {
        let mut connection = tables();
        for seek in [Seek::Newest, Seek::After(None)] {
            let plan = plan(&mut connection, Wanted::Updates(7), seek);
            assert!(
                plan.contains("deliveries_updates") && !plan.contains("TEMP B-TREE"),
                "{plan}"
            );
            let text = touching_query(7, span_for_seek(seek), is_forward(seek), 50);
            let plan = plan_of(&mut connection, &text);
            assert!(
                plan.contains("delivery_incidents_incident")
                    && !plan.contains("SCAN")
                    && !plan.contains("TEMP B-TREE"),
                "{text}: {plan}"
            );
            for (webhook, is_refused, index) in [
                (None, false, "PRIMARY KEY"),
                (None, true, "deliveries_refused"),
                (Some(1), false, "deliveries_webhook "),
                (Some(1), true, "deliveries_webhook_refused"),
            ] {
                let part = part(seek, webhook.is_some());
                let text =
                    super::super::window::edge_query(webhook, is_refused, part, is_forward(seek), 20_000);
                let plan = plan_of(&mut connection, &text);
                assert!(
                    plan.contains(index) && !plan.contains("TEMP B-TREE"),
                    "{text}: {plan}"
                );
            }
        }
    }
}
