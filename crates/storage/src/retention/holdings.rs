//! Holdings: the bytes of history that each webhook holds, and the deliveries behind them.

use std::collections::BTreeMap;

use diesel::prelude::*;
use diesel::query_builder::QueryId;
use diesel::sql_types::BigInt;
use hookgate_domain::WebhookHandle;

use super::statements::oldest_deliveries;
use crate::connection::{Connection, RunQueryDsl, on};
use crate::locks::policies::{lock_policy, policy_bucket};
use crate::schema::{deliveries, holdings, webhooks};
use crate::statement::fragment::fragment;

/// Bytes of a record, in SQL: its stored weight, or an estimate if an older version wrote it.
pub(crate) const WEIGHT: &str = "coalesce(deliveries.weight, 512 + coalesce(length(deliveries.payload), 0) + coalesce(length(deliveries.headers), 0))";
/// Bytes by which a record made its webhook's holding grow, in SQL.
pub(crate) const HELD: &str = "coalesce(deliveries.weight, 512 + coalesce(length(deliveries.payload), 0) + coalesce(length(deliveries.headers), 0)) + coalesce(deliveries.grown, 0)";
/// Bits by which the number of a delivery is shifted to get its period.
const PERIOD_BITS: u32 = 16;

/// The holding of a webhook.
#[derive(Clone, Copy, Debug, Queryable, Selectable)]
#[diesel(table_name = holdings)]
pub(crate) struct Holding {
    pub(crate) webhook: i64,
    pub(crate) bytes: i64,
    /// The number at which removal goes on.
    pub(crate) next: i64,
    /// Time at which removal last began with the oldest delivery.
    pub(crate) round_at: i64,
}

/// The change of a holding, negative for a removal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, QueryableByName)]
pub(crate) struct HoldingChange {
    #[diesel(sql_type = BigInt)]
    pub(crate) webhook: i64,
    #[diesel(sql_type = BigInt)]
    pub(crate) bytes: i64,
    #[diesel(sql_type = BigInt)]
    pub(crate) deliveries: i64,
}

/// Adds to the holding of a webhook.
pub(crate) fn holding_add(connection: &mut Connection, held: &HoldingChange) -> QueryResult<()> {
    HoldingAdd(held).execute(connection).map(drop)
}

/// A statement of its own, so that it stays prepared.
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
    // Removals by an older version or by another process are unknown here, so the sum could be negative.
    out.push_sql(
        ") ON CONFLICT (webhook) DO UPDATE SET \
         bytes = CASE WHEN holdings.bytes + excluded.bytes > 0 THEN holdings.bytes + excluded.bytes ELSE 0 END, \
         deliveries = CASE WHEN holdings.deliveries + excluded.deliveries > 0 \
             THEN holdings.deliveries + excluded.deliveries ELSE 0 END",
    );
    Ok(())
});

/// The largest holdings, largest first, without the first `behind` of them.
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

/// Bytes that all webhooks hold.
pub(crate) fn holdings_sum(connection: &mut Connection) -> QueryResult<i64> {
    let query = "SELECT CAST(0 AS BIGINT) AS webhook, CAST(coalesce(sum(bytes), 0) AS BIGINT) AS bytes, \
                 CAST(coalesce(sum(deliveries), 0) AS BIGINT) AS deliveries FROM holdings";
    let all: HoldingChange = diesel::sql_query(query).get_result(connection)?;
    Ok(all.bytes)
}

/// Number of webhooks that hold something.
pub(crate) fn holdings_count(connection: &mut Connection) -> QueryResult<i64> {
    let some = holdings::table.filter(holdings::bytes.gt(0));
    some.count().get_result(connection)
}

/// Locks the holdings of these webhooks until the transaction ends. `false` if another transaction has one of
/// them locked.
pub(crate) fn holdings_try_lock(connection: &mut Connection, held: &[HoldingChange]) -> QueryResult<bool> {
    let webhooks: Vec<_> = held.iter().map(|held| held.webhook).collect();
    let rows = holdings::table.filter(holdings::webhook.eq_any(webhooks));
    let Connection::Postgres(link) = connection else {
        // SQLite runs one writing transaction at a time.
        return Ok(true);
    };
    let there: i64 = diesel::RunQueryDsl::get_result(rows.clone().count(), &mut link.connection)?;
    let free = rows.select(holdings::webhook).for_update().skip_locked();
    let free: Vec<i64> = diesel::RunQueryDsl::load(free, &mut link.connection)?;
    Ok(i64::try_from(free.len()).is_ok_and(|free| free >= there))
}

/// Stores the position at which removal goes on. Writes nothing if it is unchanged.
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

/// The full webhooks that hold no more than this, and so may open incidents again.
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

/// Lets the webhooks in `relieved` open incidents again, and those in `full` none from now on. `true` if one
/// of the latter was not full before. Deliveries to these webhooks wait until the transaction ends, so it
/// must be short.
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
    // Batches of deliveries take these locks in this order, and each once.
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
    // The index has the deliveries by period, so each period needs a query.
    for period in first >> PERIOD_BITS..=end >> PERIOD_BITS {
        let found = rows_of(connection, webhook, period, first, end, 1)?;
        if let Some(row) = found.first() {
            return Ok(Some(row.id));
        }
    }
    Ok(None)
}

/// A delivery that may be removed: its number, its bytes, and the bytes of its payload among them.
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

/// The ones among these deliveries that show an unresolved incident: its first and its last one.
pub(crate) fn shown_rows(connection: &mut Connection, ids: &str) -> QueryResult<Vec<i64>> {
    let query = format!(
        "SELECT d.id AS number FROM deliveries d CROSS JOIN incidents i \
         WHERE d.id IN ({ids}) AND i.number = d.incident AND i.status <> 'resolved' AND {SHOWS}"
    );
    numbers(connection, query)
}

/// Condition that delivery `d` is the first or the last one of incident `i`.
pub(crate) const SHOWS: &str = "(i.first_delivery = d.id OR NOT EXISTS (SELECT 1 FROM deliveries later \
    WHERE later.incident = d.incident AND later.answer = 'updated' AND later.id > d.id))";

/// Removes the payloads of these deliveries, and records lack of space as the reason.
pub(crate) fn payloads_strip(connection: &mut Connection, table: &str, ids: &str) -> QueryResult<usize> {
    let weight = WEIGHT.replace("deliveries.", "");
    let query = format!(
        "UPDATE {table} SET weight = {weight} - length(payload), payload = NULL, payload_bytes = NULL, no_payload = 'space' \
         WHERE payload IS NOT NULL AND id IN ({ids})"
    );
    diesel::sql_query(query).execute(connection)
}

/// Removes these deliveries with their idempotency keys, and the resolved incidents that have no delivery
/// left. Returns the number of deliveries, and the bytes of the incidents.
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

/// Removes those of these incidents that are resolved and have no delivery. Returns the bytes of each.
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

/// Removes the incidents that meet a condition. Returns the bytes of each.
pub(crate) fn incidents_remove(
    connection: &mut Connection,
    condition: &str,
) -> QueryResult<Vec<HoldingChange>> {
    let query = format!(
        "DELETE FROM incidents WHERE {condition} RETURNING webhook, weight AS bytes, CAST(0 AS BIGINT) AS deliveries"
    );
    diesel::sql_query(query).load(connection)
}

/// Bytes and number of the deliveries that meet a condition, by webhook; with `only_payloads`, only the bytes
/// of their payloads.
pub(crate) fn held_where(
    connection: &mut Connection,
    condition: &str,
    only_payloads: bool,
) -> QueryResult<Vec<HoldingChange>> {
    diesel::sql_query(held_query(condition, only_payloads)).load(connection)
}

/// The query of [`held_where`].
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

/// Numbers as a list in SQL.
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
