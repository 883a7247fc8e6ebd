//! Ranges of record numbers for a page, with a bound on the rows that a search examines.

use diesel::prelude::*;
use diesel::sql_types::BigInt;
use hookgate_gate::{CLOCK_MARGIN, DeliveryFilter, Outcome, Seek};

use super::spans::{PERIOD_OF_ROW, Part, Span, ends, parts, span_for_seek, whole};
use crate::connection::{Connection, RunQueryDsl};
use crate::schema::{deliveries, webhooks};

/// Maximum number of rows that are examined for one page if no index finds the matching ones: some 20 ms.
const MAX_EXAMINED_DELIVERIES: i64 = 20_000;
/// Maximum number of rows that are examined for a request ID, whose records lie within a minute of the time in the ID:
/// some 200 ms.
const MAX_EXAMINED_FOR_REQUEST: i64 = 200_000;

/// The numbers that a page examines; `None` if nothing can match.
pub(crate) fn span(
    connection: &mut Connection,
    filter: &DeliveryFilter,
    seek: Seek,
) -> QueryResult<Option<Span>> {
    let mut span = span_for_seek(seek);
    let (from, to) = filter.times();
    if let Some(from) = from {
        let from = from.before(CLOCK_MARGIN).as_micros();
        span.first = span.first.max(first_from(connection, from)?);
    }
    if let Some(to) = to {
        let to = to.after(CLOCK_MARGIN).as_micros();
        span.last = span.last.min(first_from(connection, to)?.saturating_sub(1));
    }
    if span.first > span.last {
        return Ok(None);
    }
    if !has_to_look(filter) {
        return Ok(Some(span));
    }
    let webhook = match filter.webhook {
        None => None,
        Some(handle) => {
            let query = webhooks::table.filter(webhooks::handle.eq(handle.to_string()));
            let id: Option<i64> = query.select(webhooks::id).get_result(connection).optional()?;
            let Some(id) = id else {
                return Ok(None);
            };
            Some(id)
        }
    };
    let is_refused = filter.code.is_some() || filter.outcome == Some(Outcome::Refused);
    let is_forward = matches!(seek, Seek::After(_));
    let (mut edge, mut rows) = (None, 0);
    let parts = match webhook {
        Some(_) => parts(connection, span, is_forward)?,
        None => vec![whole(span)],
    };
    let look = filter
        .request_id
        .map_or(MAX_EXAMINED_DELIVERIES, |_| MAX_EXAMINED_FOR_REQUEST);
    for part in parts {
        let query = edge_query(webhook, is_refused, part, is_forward, look - rows);
        let found: Edge = diesel::sql_query(query).get_result(connection)?;
        (edge, rows) = (found.edge.or(edge), rows + found.rows);
        if rows == look {
            break;
        }
    }
    if let Some(edge) = edge.filter(|_| rows >= look) {
        span.stopped = Some(edge);
        *(if is_forward {
            &mut span.last
        } else {
            &mut span.first
        }) = edge;
    }
    Ok(Some(span))
}

/// The last number that a search examines, and the number of rows until there.
#[derive(QueryableByName)]
struct Edge {
    #[diesel(sql_type = diesel::sql_types::Nullable<BigInt>)]
    edge: Option<i64>,
    #[diesel(sql_type = BigInt)]
    rows: i64,
}

/// The query for the last number that a search examines: the last of `most` rows in the index of the page. It
/// holds numbers alone.
pub(crate) fn edge_query(
    webhook: Option<i64>,
    is_refused: bool,
    part: Part,
    is_forward: bool,
    most: i64,
) -> String {
    let equal = |column: &str, value: Option<i64>| {
        value.map_or_else(String::new, |value| format!("{column} = {value} AND "))
    };
    let (period, webhook) = (equal(PERIOD_OF_ROW, part.period), equal("webhook", webhook));
    let refused = if is_refused { "code IS NOT NULL AND " } else { "" };
    let (edge, order) = if is_forward {
        ("max", "ASC")
    } else {
        ("min", "DESC")
    };
    format!(
        "SELECT {edge}(id) AS edge, count(*) AS rows FROM (SELECT id FROM deliveries \
         WHERE {period}{webhook}{refused}id BETWEEN {first} AND {last} ORDER BY id {order} LIMIT {most}) AS seen",
        first = part.first,
        last = part.last
    )
}

/// `true` if rows must be examined to find those that match.
fn has_to_look(filter: &DeliveryFilter) -> bool {
    filter.source.is_some()
        || filter.code.is_some()
        || filter.outcome == Some(Outcome::Accepted)
        || filter.would_be_refused
        || filter.from.is_some()
        || filter.to.is_some()
        || filter.request_id.is_some()
}

/// The number of the first record that was received at this time or later, as far as records are in the order
/// of their times; one behind the last record if there is none.
fn first_from(connection: &mut Connection, at: i64) -> QueryResult<i64> {
    let Some((mut low, mut high)) = ends(connection)?.map(|(oldest, newest)| (oldest, newest + 1)) else {
        return Ok(0);
    };
    // Everything before `low` is earlier, and everything from `high` on is not.
    while low < high {
        let middle = low + (high - low) / 2;
        let query = deliveries::table
            .filter(deliveries::id.ge(middle))
            .order(deliveries::id)
            .limit(1);
        let row: Option<(i64, i64)> = query
            .select((deliveries::id, deliveries::received_at))
            .get_result(connection)
            .optional()?;
        match row {
            Some((id, received_at)) if received_at < at => low = id + 1,
            _ => high = middle,
        }
    }
    Ok(low)
}
