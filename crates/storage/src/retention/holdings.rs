//! Reads the holdings of webhooks, and stores the position of removal and the full webhooks.

use std::collections::BTreeMap;

use diesel::prelude::*;
use hookgate_domain::WebhookHandle;

use crate::connection::{Connection, RunQueryDsl, on};
use crate::locks::policies::{lock_policy, policy_bucket};
use crate::schema::{holdings, webhooks};
use crate::usage::holdings::{HoldingChange, WEIGHT};

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

/// Stores the position at which removal goes on. Writes nothing if it is unchanged.
pub(crate) fn holding_store_position(connection: &mut Connection, holding: &Holding) -> QueryResult<()> {
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
