//! Periods of the records of a webhook. An embedded store indexes them for each period of numbers, so that
//! new entries are written in one place and old ones are removed from one. A search goes from period to
//! period.

use diesel::QueryResult;

use super::window::{Span, ends};
use crate::connection::Connection;

/// Numbers in a period, as the migration has it. A search takes a step for each period without a match, and a
/// batch of deliveries to many webhooks writes to all of the newest period's index: some 100 pages.
const PERIOD: i64 = 1 << 16;

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
