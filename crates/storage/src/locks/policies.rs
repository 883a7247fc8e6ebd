//! Locks of the policies of webhooks: a change of a policy waits for the deliveries that are judged by it.

use diesel::prelude::*;
use diesel::sql_types::{Array, Integer};
use diesel_async::AsyncPgConnection;
use hookgate_domain::WebhookHandle;

use crate::connection::Connection;
use crate::connection::postgres::PgConnection;

/// Number of advisory locks that the policies share: a server has room for some thousands in all, and a batch
/// takes each one that it needs.
const POLICY_BUCKETS: i32 = 64;
/// First half of the keys of advisory locks on policies. No other lock of the program uses it.
const POLICY_LOCK: i32 = 0x486B;

/// The advisory lock of a webhook's policy. Some policies share one, which costs a moment of waiting and
/// nothing else.
pub(crate) fn policy_bucket(handle: WebhookHandle) -> i32 {
    let text = handle.to_string();
    text.bytes()
        .fold(0, |sum: i32, byte| (sum * 31 + i32::from(byte)) % POLICY_BUCKETS)
}

/// Waits for the deliveries in progress before a webhook's policy is changed, and lets later ones wait.
pub(crate) fn lock_policy(connection: &mut Connection, handle: WebhookHandle) -> QueryResult<()> {
    match connection {
        // SQLite runs one writing transaction at a time.
        Connection::Sqlite(_) => Ok(()),
        Connection::Postgres(link) => policy_lock(&mut link.connection, policy_bucket(handle)),
    }
}

/// The same for all webhooks, because many of them change together.
pub(crate) fn lock_policies(connection: &mut Connection) -> QueryResult<()> {
    let Connection::Postgres(link) = connection else {
        return Ok(());
    };
    // Batches take these locks in this order.
    (0..POLICY_BUCKETS).try_for_each(|bucket| policy_lock(&mut link.connection, bucket))
}

/// Takes shared locks on these policies until the transaction ends: changes wait for it, and it waits for
/// changes that run or queue.
///
/// Correctness depends on the row locks. But row locks are not fair: a steady stream of deliveries would
/// starve a policy change. Advisory locks queue.
pub(crate) async fn share_policies(connection: &AsyncPgConnection, buckets: &[i32]) -> QueryResult<()> {
    diesel_async::RunQueryDsl::execute(LockPolicies(buckets), &mut &*connection)
        .await
        .map(drop)
}

/// Takes an exclusive lock on a policy: waits for the deliveries that are in progress, and later ones wait.
fn policy_lock(connection: &mut PgConnection, bucket: i32) -> QueryResult<()> {
    let query = diesel::sql_query("SELECT pg_advisory_xact_lock($1, $2)");
    query
        .bind::<Integer, _>(POLICY_LOCK)
        .bind::<Integer, _>(bucket)
        .execute(connection)
        .map(drop)
}

struct LockPolicies<'a>(&'a [i32]);

impl diesel::query_builder::QueryId for LockPolicies<'_> {
    type QueryId = LockPolicies<'static>;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl diesel::query_builder::QueryFragment<diesel::pg::Pg> for LockPolicies<'_> {
    fn walk_ast<'b>(
        &'b self,
        mut out: diesel::query_builder::AstPass<'_, 'b, diesel::pg::Pg>,
    ) -> QueryResult<()> {
        out.push_sql("SELECT pg_advisory_xact_lock_shared(");
        out.push_bind_param::<Integer, _>(&POLICY_LOCK)?;
        out.push_sql(", bucket) FROM unnest(");
        out.push_bind_param::<Array<Integer>, _>(self.0)?;
        out.push_sql(") AS bucket");
        Ok(())
    }
}
