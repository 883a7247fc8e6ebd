//! How much of the history each webhook holds, and the deliveries that it is.

use std::collections::BTreeMap;

use diesel::prelude::*;
use diesel::query_builder::QueryId;
use diesel::sql_types::BigInt;
use hookgate_domain::WebhookHandle;

use crate::connection::{Connection, RunQueryDsl, on};

use super::fragment::fragment;
use super::prune::oldest_deliveries;
use super::webhooks::{lock_policy, policy_bucket};
use crate::schema::{deliveries, holdings, webhooks};

/// What a record takes, in SQL: as it was weighed, or nearly so if an older version wrote it.
pub(crate) const WEIGHT: &str = "coalesce(deliveries.weight, 512 + coalesce(length(deliveries.payload), 0) + coalesce(length(deliveries.headers), 0))";
/// What a webhook holds more since a record came, in SQL.
pub(crate) const HELD: &str = "coalesce(deliveries.weight, 512 + coalesce(length(deliveries.payload), 0) + coalesce(length(deliveries.headers), 0)) + coalesce(deliveries.grown, 0)";
/// Deliveries whose period of numbers is told by this many bits less.
const PERIOD_BITS: u32 = 16;

/// What a webhook holds.
#[derive(Clone, Copy, Debug, Queryable, Selectable)]
#[diesel(table_name = holdings)]
pub(crate) struct Holding {
    pub(crate) webhook: i64,
    pub(crate) bytes: i64,
    /// Where removing goes on.
    pub(crate) next: i64,
    /// When it last began with the oldest.
    pub(crate) round_at: i64,
}

/// What comes to a holding, or goes from it if it is negative.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, QueryableByName)]
pub(crate) struct HoldingChange {
    #[diesel(sql_type = BigInt)]
    pub(crate) webhook: i64,
    #[diesel(sql_type = BigInt)]
    pub(crate) bytes: i64,
    #[diesel(sql_type = BigInt)]
    pub(crate) deliveries: i64,
}

/// Adds to what a webhook holds.
pub(crate) fn holding_add(connection: &mut Connection, held: &HoldingChange) -> QueryResult<()> {
    HoldingAdd(held).execute(connection).map(drop)
}

/// The statement in one piece, so that it stays prepared.
struct HoldingAdd<'a>(&'a HoldingChange);

impl QueryId for HoldingAdd<'_> {
    type QueryId = HoldingAdd<'static>;
    const HAS_STATIC_QUERY_ID: bool = true;
}

fragment!(HoldingAdd<'_>, self, out => {
    out.push_sql("INSERT INTO holdings (webhook, bytes, deliveries) VALUES (");
    out.push_bind_param::<BigInt, _>(&self.0.webhook)?;
    out.push_sql(", ");
    out.push_bind_param::<BigInt, _>(&self.0.bytes)?;
    out.push_sql(", ");
    out.push_bind_param::<BigInt, _>(&self.0.deliveries)?;
    // What an older version or another process removed is not known here, so it may be less than nothing.
    out.push_sql(
        ") ON CONFLICT (webhook) DO UPDATE SET \
         bytes = CASE WHEN holdings.bytes + excluded.bytes > 0 THEN holdings.bytes + excluded.bytes ELSE 0 END, \
         deliveries = CASE WHEN holdings.deliveries + excluded.deliveries > 0 \
             THEN holdings.deliveries + excluded.deliveries ELSE 0 END",
    );
    Ok(())
});

/// The webhooks that hold most, most first, without so many before them.
pub(crate) fn holdings_largest(
    connection: &mut Connection,
    behind: i64,
    most: i64,
) -> QueryResult<Vec<Holding>> {
    holdings::table
        .filter(holdings::bytes.gt(0))
        .order((holdings::bytes.desc(), holdings::webhook.asc()))
        .offset(behind)
        .limit(most)
        .select((
            holdings::webhook,
            holdings::bytes,
            holdings::next,
            holdings::round_at,
        ))
        .load(connection)
}

/// What all webhooks hold.
pub(crate) fn holdings_sum(connection: &mut Connection) -> QueryResult<i64> {
    let query = "SELECT CAST(0 AS BIGINT) AS webhook, CAST(coalesce(sum(bytes), 0) AS BIGINT) AS bytes, \
                 CAST(coalesce(sum(deliveries), 0) AS BIGINT) AS deliveries FROM holdings";
    let all: HoldingChange = diesel::sql_query(query).get_result(connection)?;
    Ok(all.bytes)
}

/// How many webhooks hold something.
pub(crate) fn holdings_count(connection: &mut Connection) -> QueryResult<i64> {
    let some = holdings::table.filter(holdings::bytes.gt(0));
    some.count().get_result(connection)
}

/// Whether nobody else writes what these webhooks hold until the transaction ends.
pub(crate) fn holdings_try_lock(connection: &mut Connection, held: &[HoldingChange]) -> QueryResult<bool> {
    let webhooks: Vec<_> = held.iter().map(|held| held.webhook).collect();
    let rows = holdings::table.filter(holdings::webhook.eq_any(webhooks));
    let Connection::Postgres(link) = connection else {
        // The transaction is the only one that writes.
        return Ok(true);
    };
    let there: i64 = diesel::RunQueryDsl::get_result(rows.clone().count(), &mut link.connection)?;
    let free = rows.select(holdings::webhook).for_update().skip_locked();
    let free: Vec<i64> = diesel::RunQueryDsl::load(free, &mut link.connection)?;
    Ok(i64::try_from(free.len()).is_ok_and(|free| free >= there))
}

/// Lets removing go on there. It writes nothing if it does so already.
pub(crate) fn holding_go_on(connection: &mut Connection, holding: &Holding) -> QueryResult<()> {
    let Holding {
        webhook,
        next,
        round_at,
        ..
    } = *holding;
    let moved = holdings::next.ne(next).or(holdings::round_at.ne(round_at));
    let row = holdings::table.filter(holdings::webhook.eq(webhook).and(moved));
    diesel::update(row)
        .set((holdings::next.eq(next), holdings::round_at.eq(round_at)))
        .execute(connection)
        .map(drop)
}

/// The webhooks that open no incidents and may again, because they hold no more than this.
pub(crate) fn webhooks_relieved(connection: &mut Connection, most: i64) -> QueryResult<Vec<i64>> {
    let full = webhooks::table.filter(webhooks::full_at.is_not_null());
    let full: Vec<i64> = full.select(webhooks::id).load(connection)?;
    let mut relieved = Vec::new();
    for webhook in full {
        let held = holdings::table.filter(holdings::webhook.eq(webhook));
        let held: Option<i64> = held.select(holdings::bytes).get_result(connection).optional()?;
        if held.unwrap_or(0) <= most {
            relieved.push(webhook);
        }
    }
    Ok(relieved)
}

/// Lets these webhooks open incidents again, and those none from now on. Whether that is new of one. Deliveries to them wait
/// until the transaction ends, so it ends soon.
pub(crate) fn webhooks_fill(
    connection: &mut Connection,
    relieved: &[i64],
    full: &[i64],
    now: i64,
) -> QueryResult<bool> {
    let changed = webhooks::id
        .eq_any(relieved.to_vec())
        .and(webhooks::full_at.is_not_null())
        .or(webhooks::id
            .eq_any(full.to_vec())
            .and(webhooks::full_at.is_null()));
    let query = webhooks::table.filter(changed).order(webhooks::id);
    let query = query.select((webhooks::id, webhooks::handle));
    let rows: Vec<(i64, String)> = on!(connection, c => diesel::RunQueryDsl::load(query, c))?;
    // In the order in which batches of deliveries take these locks, and each once.
    let handles = rows.iter().filter_map(|(_, handle)| handle.parse().ok());
    let buckets: BTreeMap<i32, WebhookHandle> =
        handles.map(|handle| (policy_bucket(handle), handle)).collect();
    for handle in buckets.into_values() {
        lock_policy(connection, handle)?;
    }
    for (webhook, _) in &rows {
        let full_at = full.contains(webhook).then_some(now);
        diesel::update(webhooks::table.filter(webhooks::id.eq(*webhook)))
            .set(webhooks::full_at.eq(full_at))
            .execute(connection)?;
    }
    Ok(rows.iter().any(|(webhook, _)| full.contains(webhook)))
}

/// The first delivery of a webhook between two numbers, the second excluded.
pub(crate) fn first_delivery(
    connection: &mut Connection,
    webhook: i64,
    first: i64,
    end: i64,
) -> QueryResult<Option<i64>> {
    let within = deliveries::table
        .filter(deliveries::webhook.eq(webhook))
        .filter(deliveries::id.ge(first))
        .filter(deliveries::id.lt(end))
        .select(deliveries::id);
    if let Connection::Postgres(_) = connection {
        return on!(connection, c => diesel::RunQueryDsl::get_result(within.order(deliveries::id).limit(1), c)).optional();
    }
    let oldest = oldest_deliveries(connection, 1)?
        .first()
        .map_or(end, |(id, _)| *id);
    let first = first.max(oldest);
    // The index is over the deliveries of each period, so each is asked.
    for period in first >> PERIOD_BITS..=end >> PERIOD_BITS {
        let found = rows_of(connection, webhook, period, first, end, 1)?;
        if let Some(row) = found.first() {
            return Ok(Some(row.id));
        }
    }
    Ok(None)
}

/// A delivery that may go: its number, what it takes, and what its payload takes of that.
#[derive(Clone, Copy, Debug, QueryableByName)]
pub(crate) struct Row {
    #[diesel(sql_type = BigInt)]
    pub(crate) id: i64,
    #[diesel(sql_type = BigInt)]
    pub(crate) weight: i64,
    #[diesel(sql_type = BigInt)]
    pub(crate) payload: i64,
}

/// Deliveries of a webhook from a number on, within its period, in an embedded store.
pub(crate) fn rows_from(
    connection: &mut Connection,
    webhook: i64,
    first: i64,
    end: i64,
    most: i64,
) -> QueryResult<Vec<Row>> {
    rows_of(connection, webhook, first >> PERIOD_BITS, first, end, most)
}

fn rows_of(
    connection: &mut Connection,
    webhook: i64,
    period: i64,
    first: i64,
    end: i64,
    most: i64,
) -> QueryResult<Vec<Row>> {
    let query = format!(
        "SELECT id, {WEIGHT} AS weight, coalesce(length(payload), 0) AS payload FROM deliveries \
         WHERE period = {period} AND webhook = {webhook} AND id >= {first} AND id < {end} ORDER BY id LIMIT {most}"
    );
    diesel::sql_query(query).load(connection)
}

/// Which of these deliveries show an incident that is not resolved: its first and its last one.
pub(crate) fn shown_rows(connection: &mut Connection, ids: &str) -> QueryResult<Vec<i64>> {
    let query = format!(
        "SELECT d.id AS number FROM deliveries d CROSS JOIN incidents i \
         WHERE d.id IN ({ids}) AND i.number = d.incident AND i.status <> 'resolved' AND {SHOWS}"
    );
    numbers(connection, query)
}

/// Whether delivery `d` is the first or the last one of incident `i`.
pub(crate) const SHOWS: &str = "(i.first_delivery = d.id OR NOT EXISTS (SELECT 1 FROM deliveries later \
    WHERE later.incident = d.incident AND later.answer = 'updated' AND later.id > d.id))";

/// Removes the payloads of these deliveries and says why.
pub(crate) fn payloads_strip(connection: &mut Connection, table: &str, ids: &str) -> QueryResult<usize> {
    let weight = WEIGHT.replace("deliveries.", "");
    let query = format!(
        "UPDATE {table} SET weight = {weight} - length(payload), payload = NULL, payload_bytes = NULL, no_payload = 'space' \
         WHERE payload IS NOT NULL AND id IN ({ids})"
    );
    diesel::sql_query(query).execute(connection)
}

/// Removes these deliveries with their idempotency keys, and the resolved incidents that none is left of. How many deliveries, and
/// what the incidents took.
pub(crate) fn deliveries_remove(
    connection: &mut Connection,
    ids: &str,
) -> QueryResult<(usize, Vec<HoldingChange>)> {
    let query = format!(
        "SELECT DISTINCT incident AS number FROM deliveries WHERE id IN ({ids}) AND incident IS NOT NULL"
    );
    let incidents = list(&numbers(connection, query)?);
    let removed =
        diesel::sql_query(format!("DELETE FROM deliveries WHERE id IN ({ids})")).execute(connection)?;
    diesel::sql_query(format!("DELETE FROM idempotency_keys WHERE delivery IN ({ids})"))
        .execute(connection)?;
    Ok((removed, incidents_remove_told(connection, &incidents)?))
}

/// Removes those of these incidents that are resolved and have no delivery. What each of them took.
pub(crate) fn incidents_remove_told(
    connection: &mut Connection,
    incidents: &str,
) -> QueryResult<Vec<HoldingChange>> {
    let removed = incidents_remove(
        connection,
        &format!(
            "number IN ({incidents}) AND status = 'resolved' \
         AND NOT EXISTS (SELECT 1 FROM deliveries WHERE deliveries.incident = incidents.number AND answer = 'updated') \
         AND NOT EXISTS (SELECT 1 FROM deliveries WHERE deliveries.id = incidents.first_delivery)"
        ),
    )?;
    diesel::sql_query(format!(
        "DELETE FROM incident_events WHERE incident IN ({incidents}) \
         AND NOT EXISTS (SELECT 1 FROM incidents WHERE incidents.number = incident_events.incident)"
    ))
    .execute(connection)?;
    Ok(removed)
}

/// Removes the incidents for which this condition holds. What each of them took.
pub(crate) fn incidents_remove(
    connection: &mut Connection,
    condition: &str,
) -> QueryResult<Vec<HoldingChange>> {
    let query = format!(
        "DELETE FROM incidents WHERE {condition} RETURNING webhook, weight AS bytes, CAST(0 AS BIGINT) AS deliveries"
    );
    diesel::sql_query(query).load(connection)
}

/// What the deliveries for which this condition holds take, by webhook; of their payloads only, if that is all that goes.
pub(crate) fn held_where(
    connection: &mut Connection,
    condition: &str,
    only_payloads: bool,
) -> QueryResult<Vec<HoldingChange>> {
    diesel::sql_query(held_query(condition, only_payloads)).load(connection)
}

/// The query of that.
pub(crate) fn held_query(condition: &str, only_payloads: bool) -> String {
    let (bytes, rows) = if only_payloads {
        ("coalesce(length(payload), 0)", "0")
    } else {
        (WEIGHT, "count(*)")
    };
    format!(
        "SELECT webhook, CAST(sum({bytes}) AS BIGINT) AS bytes, CAST({rows} AS BIGINT) AS deliveries FROM deliveries \
         WHERE {condition} GROUP BY webhook"
    )
}

/// Numbers as a list of SQL.
pub(crate) fn list(numbers: &[i64]) -> String {
    let texts: Vec<_> = numbers.iter().map(ToString::to_string).collect();
    texts.join(", ")
}

fn numbers(connection: &mut Connection, query: String) -> QueryResult<Vec<i64>> {
    #[derive(QueryableByName)]
    struct Number {
        #[diesel(sql_type = BigInt)]
        number: i64,
    }
    let rows: Vec<Number> = diesel::sql_query(query).load(connection)?;
    Ok(rows.into_iter().map(|row| row.number).collect())
}
