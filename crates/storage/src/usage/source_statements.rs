//! Counts of each source, by day.

use diesel::prelude::*;
use diesel::query_builder::QueryId;
use diesel::sql_types::{BigInt, Binary, Text};

use crate::connection::{Connection, RunQueryDsl};
use crate::schema::sources;
use crate::statement::fragment::fragment;
use crate::statement::row_insert::row_insert;

/// Counts to add for a source and a day. An empty source stands for all that are not counted separately.
pub(crate) struct SourceRow<'a> {
    pub(crate) webhook: i64,
    pub(crate) day: i64,
    pub(crate) source: &'a [u8],
    pub(crate) address: &'a [u8],
    pub(crate) accepted: i64,
    pub(crate) refused: i64,
    pub(crate) first_at: i64,
    pub(crate) last_at: i64,
}

/// A number of refused deliveries with one code, to add for a source and a day.
pub(crate) struct SourceCodeRow<'a> {
    pub(crate) webhook: i64,
    pub(crate) day: i64,
    pub(crate) source: &'a [u8],
    pub(crate) code: &'a str,
    pub(crate) count: i64,
}

/// The word for deliveries that passed only because their webhook observes.
pub(crate) const OBSERVED: &str = "observed";

/// Adds to the codes of a source on a day.
pub(crate) fn source_code_add(connection: &mut Connection, row: &SourceCodeRow<'_>) -> QueryResult<()> {
    SourceCodeAdd(row).execute(connection).map(drop)
}

/// The first delivery of a source, and the last day on which it was seen.
pub(crate) struct KnownSource<'a> {
    pub(crate) webhook: i64,
    pub(crate) source: &'a [u8],
    pub(crate) first_at: i64,
    pub(crate) last_day: i64,
}

/// Adds to the counts of a source on a day. `false` if there is no row for them yet.
pub(crate) fn source_add(connection: &mut Connection, row: &SourceRow<'_>) -> QueryResult<bool> {
    SourceAdd(row).execute(connection).map(|rows| rows > 0)
}

/// Stores the first counts of a source on a day.
pub(crate) fn source_insert(connection: &mut Connection, row: &SourceRow<'_>) -> QueryResult<()> {
    SourceInsert(row).execute(connection).map(drop)
}

/// Stores that a source was seen on a day.
pub(crate) fn source_seen(connection: &mut Connection, row: &KnownSource<'_>) -> QueryResult<()> {
    SourceSeen(row).execute(connection).map(drop)
}

/// Number of sources of a webhook that are counted separately on a day: those that passed, or the others.
pub(crate) fn source_count(
    connection: &mut Connection,
    webhook: i64,
    day: i64,
    passed: bool,
) -> QueryResult<i64> {
    let query = sources::table.filter(sources::webhook.eq(webhook));
    query
        .filter(sources::day.eq(day))
        .filter(sources::accepted.gt(0).eq(passed))
        .count()
        .get_result(connection)
}

row_insert! {
    SourceInsert(SourceRow) into "sources":
    webhook: BigInt,
    day: BigInt,
    source: Binary,
    address: Binary,
    accepted: BigInt,
    refused: BigInt,
    first_at: BigInt,
    last_at: BigInt,
}

row_insert! {
    SourceCodeAdd(SourceCodeRow) into "source_codes":
    webhook: BigInt,
    day: BigInt,
    source: Binary,
    code: Text,
    count: BigInt;
    then "ON CONFLICT (webhook, day, source, code) DO UPDATE SET count = source_codes.count + excluded.count"
}

row_insert! {
    SourceSeen(KnownSource) into "known_sources":
    webhook: BigInt,
    source: Binary,
    first_at: BigInt,
    last_day: BigInt;
    then "ON CONFLICT (webhook, source) DO UPDATE SET \
          first_at = CASE WHEN excluded.first_at < known_sources.first_at THEN excluded.first_at ELSE known_sources.first_at END, \
          last_day = CASE WHEN excluded.last_day > known_sources.last_day THEN excluded.last_day ELSE known_sources.last_day END"
}

/// A statement of its own, because diesel does not keep updates prepared.
struct SourceAdd<'a>(&'a SourceRow<'a>);

impl QueryId for SourceAdd<'_> {
    type QueryId = SourceAdd<'static>;
    const HAS_STATIC_QUERY_ID: bool = true;
}

fragment!(SourceAdd<'_>, self, out => {
    let row = self.0;
    // An address that passed says more about the source than a refused one.
    out.push_sql("UPDATE sources SET address = CASE WHEN accepted = 0 OR 0 < ");
    out.push_bind_param::<BigInt, _>(&row.accepted)?;
    out.push_sql(" THEN ");
    out.push_bind_param::<Binary, _>(row.address)?;
    out.push_sql(" ELSE address END, accepted = accepted + ");
    out.push_bind_param::<BigInt, _>(&row.accepted)?;
    out.push_sql(", refused = refused + ");
    out.push_bind_param::<BigInt, _>(&row.refused)?;
    out.push_sql(", first_at = CASE WHEN ");
    out.push_bind_param::<BigInt, _>(&row.first_at)?;
    out.push_sql(" < first_at THEN ");
    out.push_bind_param::<BigInt, _>(&row.first_at)?;
    out.push_sql(" ELSE first_at END, last_at = CASE WHEN ");
    out.push_bind_param::<BigInt, _>(&row.last_at)?;
    out.push_sql(" > last_at THEN ");
    out.push_bind_param::<BigInt, _>(&row.last_at)?;
    out.push_sql(" ELSE last_at END WHERE webhook = ");
    out.push_bind_param::<BigInt, _>(&row.webhook)?;
    out.push_sql(" AND day = ");
    out.push_bind_param::<BigInt, _>(&row.day)?;
    out.push_sql(" AND source = ");
    out.push_bind_param::<Binary, _>(row.source)
});
