//! Spans of record numbers, and the periods into which an embedded store divides them.
//!
//! An embedded store indexes the records of a webhook for each period of numbers, so that new entries are
//! written in one place and old ones are removed from one. A search goes from period to period.

use diesel::prelude::*;
use hookgate_domain::DeliveryId;
use hookgate_gate::Seek;

use crate::connection::{Connection, RunQueryDsl};
use crate::schema::deliveries;

/// Numbers in a period, as the migration has it. A search takes a step for each period without a match, and a
/// batch of deliveries to many webhooks writes to all of the newest period's index: some 100 pages.
const PERIOD: i64 = 1 << 16;
/// The period of a row as the indexes have it: another expression with the same value would not find them.
pub(crate) const PERIOD_OF_ROW: &str = "deliveries.id >> 16";

/// A range of record numbers, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) first: i64,
    pub(crate) last: i64,
    /// The number at which the search stopped; `None` if nothing lies behind it.
    pub(crate) stopped: Option<i64>,
}

/// Numbers in which one search of an index finds the records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) first: i64,
    pub(crate) last: i64,
    /// Period of the numbers; `None` if the search needs none.
    pub(crate) period: Option<i64>,
}

/// The whole span as one part.
pub(crate) const fn whole(span: Span) -> Part {
    Part {
        first: span.first,
        last: span.last,
        period: None,
    }
}

/// The parts in which the records of one webhook are searched, in the order of the search.
pub(crate) fn parts(connection: &mut Connection, span: Span, is_forward: bool) -> QueryResult<Vec<Part>> {
    if matches!(connection, Connection::Postgres(_)) {
        return Ok(vec![whole(span)]);
    }
    let Some((oldest, newest)) = ends(connection)? else {
        return Ok(Vec::new());
    };
    let (first, last) = (span.first.max(oldest), span.last.min(newest));
    let part = |period| Part {
        first,
        last,
        period: Some(period),
    };
    let periods = first / PERIOD..=last / PERIOD;
    Ok(match (first <= last, is_forward) {
        (false, _) => Vec::new(),
        (true, true) => periods.map(part).collect(),
        (true, false) => periods.rev().map(part).collect(),
    })
}

/// The numbers that the place in the history allows.
pub(crate) fn span_for_seek(seek: Seek) -> Span {
    let (first, last) = match seek {
        Seek::Newest => (0, i64::MAX),
        Seek::Before(id) => (0, id.number() - 1),
        Seek::After(id) => (id.map_or(0, DeliveryId::number).saturating_add(1), i64::MAX),
    };
    Span {
        first,
        last,
        stopped: None,
    }
}

/// The numbers of the oldest and of the newest record.
pub(crate) fn ends(connection: &mut Connection) -> QueryResult<Option<(i64, i64)>> {
    let ids = deliveries::table.select(deliveries::id).limit(1);
    let oldest: Option<i64> = ids
        .order(deliveries::id.asc())
        .get_result(connection)
        .optional()?;
    let newest: Option<i64> = ids
        .order(deliveries::id.desc())
        .get_result(connection)
        .optional()?;
    Ok(oldest.zip(newest))
}
