//! The deliveries of one partition on a server that are removed because their webhooks hold too much. The
//! list is a table that exists during one transaction. Only one transaction prunes at a time.

use diesel::prelude::*;
use diesel::sql_types::BigInt;

use super::size_statements::{SHOWS, payloads_strip};
use crate::connection::{Connection, RunQueryDsl};
use crate::usage::holdings::HoldingChange;
use crate::usage::holdings::WEIGHT;

/// The removed part of a webhook's history.
pub(crate) struct Doomed {
    pub(crate) held: HoldingChange,
    /// The last of its deliveries that is removed or loses its payload.
    pub(crate) last: i64,
}

/// Lists the deliveries that are removed: for each (webhook, surplus, next), the oldest from `next` to before
/// `end`, until `surplus` bytes are freed.
pub(crate) fn doomed_make(
    connection: &mut Connection,
    partition: i64,
    candidates: &[(i64, i64, i64)],
    end: i64,
) -> QueryResult<()> {
    let candidates: Vec<_> = candidates
        .iter()
        .map(|(webhook, surplus, next)| format!("({webhook}::bigint, {surplus}::bigint, {next}::bigint)"))
        .collect();
    let weight = WEIGHT.replace("deliveries.", "d.");
    connection.batch_execute(&format!(
        "CREATE UNLOGGED TABLE deliveries_doomed AS \
         SELECT id, webhook, incident, keeps, gain FROM ( \
             SELECT *, sum(gain) OVER (PARTITION BY webhook ORDER BY id) - gain AS before FROM ( \
                 SELECT d.id, d.webhook, d.incident, candidate.surplus, \
                     i.number IS NOT NULL OR shown.delivery IS NOT NULL AS keeps, \
                     CASE WHEN i.number IS NULL AND shown.delivery IS NULL THEN {weight} ELSE coalesce(length(d.payload), 0) END AS gain \
                 FROM deliveries_{partition} d \
                 JOIN (VALUES {}) AS candidate (webhook, surplus, next) ON candidate.webhook = d.webhook AND d.id >= candidate.next \
                 LEFT JOIN incidents i ON i.number = d.incident AND i.status <> 'resolved' AND {SHOWS} \
                 LEFT JOIN (SELECT DISTINCT d.delivery FROM ( \
                     SELECT delivery, delivery AS id, incident FROM delivery_incidents \
                     WHERE delivery BETWEEN (SELECT min(id) FROM deliveries_{partition}) \
                         AND (SELECT max(id) FROM deliveries_{partition})) AS d \
                     JOIN incidents i ON i.number = d.incident AND i.status <> 'resolved' AND {SHOWS}) AS shown \
                     ON shown.delivery = d.id \
                 WHERE d.id < {end}) AS weighed \
             WHERE gain > 0) AS ranked \
         WHERE before < surplus",
        candidates.join(", ")
    ))
}

/// Sums of the list, by webhook.
pub(crate) fn doomed_counts(connection: &mut Connection) -> QueryResult<Vec<Doomed>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(embed)]
        held: HoldingChange,
        #[diesel(sql_type = BigInt)]
        last: i64,
    }
    let query = "SELECT webhook, sum(gain)::bigint AS bytes, count(*) FILTER (WHERE NOT keeps) AS deliveries, max(id) AS last \
                 FROM deliveries_doomed GROUP BY webhook";
    let rows: Vec<Row> = diesel::sql_query(query).load(connection)?;
    let doomed = |Row { held, last }| Doomed { held, last };
    Ok(rows.into_iter().map(doomed).collect())
}

/// Drops the list.
pub(crate) fn doomed_drop(connection: &mut Connection) -> QueryResult<()> {
    connection.batch_execute("DROP TABLE deliveries_doomed")
}

/// Condition that a delivery `d` is on the list. The parenthesis is open for more conditions.
pub(crate) const IS_DOOMED: &str = "EXISTS (SELECT 1 FROM deliveries_doomed AS doomed WHERE doomed.id = d.id";

/// Copies the remaining deliveries of a partition into another table, some without their payloads. Returns
/// the number of the latter.
pub(crate) fn survivors_copy(connection: &mut Connection, partition: i64, into: &str) -> QueryResult<usize> {
    connection.batch_execute(&format!(
        "INSERT INTO {into} SELECT d.* FROM deliveries_{partition} d WHERE NOT {IS_DOOMED}); \
         CREATE UNLOGGED TABLE deliveries_stripped AS SELECT d.* FROM deliveries_{partition} d WHERE {IS_DOOMED} AND doomed.keeps)"
    ))?;
    let stripped = payloads_strip(
        connection,
        "deliveries_stripped",
        "SELECT id FROM deliveries_stripped",
    )?;
    connection.batch_execute(&format!(
        "INSERT INTO {into} SELECT * FROM deliveries_stripped; DROP TABLE deliveries_stripped"
    ))?;
    Ok(stripped)
}
