//! Holdings: the bytes of history that each webhook holds, and the deliveries behind them. Counting adds to
//! them, and the removal of history subtracts from them.

use diesel::prelude::*;
use diesel::query_builder::QueryId;
use diesel::sql_types::BigInt;

use crate::connection::{Connection, RunQueryDsl};
use crate::schema::holdings;
use crate::statement::fragment::fragment;

/// Bytes of a record, in SQL: its stored weight, or an estimate if an older version wrote it.
pub(crate) const WEIGHT: &str = "coalesce(deliveries.weight, 512 + coalesce(length(deliveries.payload), 0) + coalesce(length(deliveries.headers), 0))";
/// Bytes by which a record made its webhook's holding grow, in SQL.
pub(crate) const HELD: &str = "coalesce(deliveries.weight, 512 + coalesce(length(deliveries.payload), 0) + coalesce(length(deliveries.headers), 0)) + coalesce(deliveries.grown, 0)";

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
