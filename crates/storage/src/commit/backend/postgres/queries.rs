//! The reads and locks of a batch of deliveries on PostgreSQL. Each is one statement, however many deliveries
//! there are, and none needs the answer of another one, so that all of them take one round trip. Rows are
//! locked in the order of their keys, so that two batches never deadlock.

use diesel::pg::Pg;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::result::QueryResult;
use diesel::sql_types::{Array, Text};
use diesel::{Expression, ExpressionMethods, QueryDsl};
use diesel_async::methods::LoadQuery;
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use crate::connection::columns;
use crate::deliveries::idempotency_keys::KeyRow;
use crate::deliveries::touched::TouchedRow;
use crate::incidents::row::IncidentRow;
use crate::schema::{counters, idempotency_keys, incidents, new_incidents, webhooks};
use crate::webhooks::statements::Target;

/// Pairs of a webhook's handle and a key.
#[derive(Default)]
pub(super) struct KeysOfWebhooks {
    handles: Vec<String>,
    keys: Vec<String>,
}

impl FromIterator<(String, String)> for KeysOfWebhooks {
    fn from_iter<T: IntoIterator<Item = (String, String)>>(pairs: T) -> Self {
        let (handles, keys) = pairs.into_iter().unzip();
        Self { handles, keys }
    }
}

/// The webhooks with these handles, locked against changes until the transaction ends.
pub(super) async fn lock_targets(
    connection: &AsyncPgConnection,
    handles: &[String],
) -> QueryResult<Vec<(String, Target)>> {
    let query = webhooks::table
        .filter(webhooks::handle.eq_any(handles))
        .order(webhooks::id)
        .select((webhooks::handle, columns::<Target>()))
        .for_share();
    query.load(&mut &*connection).await
}

/// Names and values of these counters, locked until the transaction ends.
pub(super) async fn lock_counters(
    connection: &AsyncPgConnection,
    names: &[&str],
) -> QueryResult<Vec<(String, i64)>> {
    let query = counters::table
        .filter(counters::name.eq_any(names))
        .order(counters::name)
        .select((counters::name, counters::next))
        .for_update();
    query.load(&mut &*connection).await
}

/// The value of a counter, locked against changes until the transaction ends. A missing one is no error: the
/// `COMMIT` behind this is on its way already.
pub(super) async fn counter_share(connection: &AsyncPgConnection, name: &str) -> QueryResult<Option<i64>> {
    let query = counters::table
        .filter(counters::name.eq(name))
        .select(counters::next)
        .for_share();
    let found: Vec<_> = query.load(&mut &*connection).await?;
    Ok(found.into_iter().next())
}

/// The answers stored for these idempotency keys.
pub(super) async fn answers_for_keys<'a>(
    connection: &'a AsyncPgConnection,
    wanted: &'a KeysOfWebhooks,
) -> QueryResult<Vec<(i64, String, KeyRow)>> {
    let query = RowsForKeys {
        wanted,
        columns: (
            idempotency_keys::webhook,
            idempotency_keys::key,
            columns::<KeyRow>(),
        ),
        from: "(SELECT * FROM idempotency_keys WHERE webhook = webhooks.id AND key = wanted.key LIMIT 1) \
               AS idempotency_keys",
    };
    query.load(connection).await
}

/// The incidents of the deliveries that these idempotency keys belong to, if they touched several.
pub(super) async fn touched_for_keys<'a>(
    connection: &'a AsyncPgConnection,
    wanted: &'a KeysOfWebhooks,
) -> QueryResult<Vec<TouchedRow>> {
    let query = RowsForKeys {
        wanted,
        columns: columns::<TouchedRow>(),
        from: "(SELECT delivery FROM idempotency_keys WHERE webhook = webhooks.id AND key = wanted.key LIMIT 1) \
               AS found JOIN delivery_incidents ON delivery_incidents.delivery = found.delivery \
               ORDER BY delivery_incidents.delivery, delivery_incidents.position",
    };
    query.load(connection).await
}

/// The numbers of new incidents of these webhooks. They change only while the counters are locked.
pub(super) async fn new_incidents_of(
    connection: &AsyncPgConnection,
    handles: &[String],
) -> QueryResult<Vec<(i64, i64, i64)>> {
    if handles.is_empty() {
        return Ok(Vec::new());
    }
    let query = new_incidents::table
        .inner_join(webhooks::table)
        .filter(webhooks::handle.eq_any(handles))
        .select((
            new_incidents::webhook,
            new_incidents::minute,
            new_incidents::opened,
        ));
    query.load(&mut &*connection).await
}

/// The unresolved incidents with these dedup keys, locked until the transaction ends.
pub(super) async fn lock_unresolved<'a>(
    connection: &'a AsyncPgConnection,
    wanted: &'a KeysOfWebhooks,
) -> QueryResult<Vec<(i64, IncidentRow)>> {
    let query = RowsForKeys {
        wanted,
        columns: (incidents::webhook, columns::<IncidentRow>()),
        from: "(SELECT number FROM incidents WHERE webhook = webhooks.id AND dedup_key = wanted.key \
               AND status <> 'resolved' LIMIT 1) AS found JOIN incidents ON incidents.number = found.number \
               WHERE incidents.status <> 'resolved' ORDER BY incidents.number FOR UPDATE OF incidents",
    };
    query.load(connection).await
}

/// The incident of each of these dedup keys that a late `resolved` belongs to, locked until the transaction ends: the
/// unresolved one, which a person may have reopened after [`lock_unresolved`] looked for it, or else the newest
/// resolved one. A person may reopen that one while this waits for the lock.
pub(super) async fn lock_unresolved_or_newest<'a>(
    connection: &'a AsyncPgConnection,
    wanted: &'a KeysOfWebhooks,
) -> QueryResult<Vec<(i64, IncidentRow)>> {
    let query = RowsForKeys {
        wanted,
        columns: (incidents::webhook, columns::<IncidentRow>()),
        from: "(SELECT coalesce((SELECT number FROM incidents WHERE webhook = webhooks.id \
               AND dedup_key = wanted.key AND status <> 'resolved' LIMIT 1), \
               (SELECT number FROM incidents WHERE webhook = webhooks.id AND dedup_key = wanted.key \
               AND status = 'resolved' ORDER BY number DESC LIMIT 1)) AS number) AS found \
               JOIN incidents ON incidents.number = found.number \
               ORDER BY incidents.number FOR UPDATE OF incidents",
    };
    query.load(connection).await
}

/// The query for the rows that belong to pairs of a webhook and a key. Its text never changes, so it stays
/// prepared.
///
/// Rows are searched for in a subquery with a limit, which the planner leaves as it is: it searches an index
/// for both columns of each pair. As a join it might search for the webhook alone.
struct RowsForKeys<'a, C> {
    wanted: &'a KeysOfWebhooks,
    columns: C,
    /// The table of the rows, found by `webhooks.id` and `wanted.key`, and the rest of the statement.
    from: &'static str,
}

impl<'a, C: 'a> RowsForKeys<'a, C> {
    /// All rows, without a query if no pair is wanted.
    async fn load<U>(self, connection: &'a AsyncPgConnection) -> QueryResult<Vec<U>>
    where
        Self: LoadQuery<'a, &'a AsyncPgConnection, U>,
        U: Send,
    {
        if self.wanted.keys.is_empty() {
            return Ok(Vec::new());
        }
        RunQueryDsl::load(self, &mut &*connection).await
    }
}

impl<C> QueryId for RowsForKeys<'_, C> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<C: Expression> Query for RowsForKeys<'_, C> {
    type SqlType = C::SqlType;
}

impl<C: QueryFragment<Pg>> QueryFragment<Pg> for RowsForKeys<'_, C> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("SELECT ");
        self.columns.walk_ast(out.reborrow())?;
        out.push_sql(" FROM unnest(");
        out.push_bind_param::<Array<Text>, _>(&self.wanted.handles)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<Text>, _>(&self.wanted.keys)?;
        out.push_sql(
            ") AS wanted (handle, key) \
                      JOIN webhooks ON webhooks.handle = wanted.handle CROSS JOIN LATERAL ",
        );
        out.push_sql(self.from);
        Ok(())
    }
}
