//! The look-up of many digests at once. In a flood of unknown URLs nearly none of them is known.

use std::collections::HashSet;

use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::Binary;
use diesel::sqlite::Sqlite;
use diesel::{ExpressionMethods, QueryDsl, QueryResult, SqliteConnection};
use hookgate_domain::WebhookIdDigest;

use crate::connection::{Connection, RunQueryDsl};
use crate::schema::{retired_urls, webhooks};

/// Maximum number of digests of a statement on SQLite. A flood over 64 connections has some 30 that wait; more terms would
/// cost more than a second statement if few wait.
const DIGESTS_AT_ONCE: usize = 16;

/// For each of these digests, `true` if it belongs to a URL, live or retired.
pub(crate) fn digests_known(
    connection: &mut Connection,
    digests: &[WebhookIdDigest],
) -> QueryResult<Vec<bool>> {
    let digests: Vec<_> = digests
        .iter()
        .map(|digest| digest.as_bytes().as_slice())
        .collect();
    let known = match connection {
        Connection::Sqlite(connection) => known_in_file(connection, &digests)?,
        Connection::Postgres(_) => known_on_server(connection, &digests)?,
    };
    Ok(digests.iter().map(|digest| known.contains(*digest)).collect())
}

fn known_in_file(connection: &mut SqliteConnection, digests: &[&[u8]]) -> QueryResult<HashSet<Vec<u8>>> {
    let mut known = HashSet::new();
    for digests in digests.chunks(DIGESTS_AT_ONCE) {
        let found: Vec<Vec<u8>> = diesel::RunQueryDsl::load(KnownDigests(digests), connection)?;
        known.extend(found);
    }
    Ok(known)
}

/// The known ones of up to [`DIGESTS_AT_ONCE`] digests. It stays prepared, because it always has as many terms: those
/// without a value are `NULL`, which no digest equals. A list would be compiled anew for each of its lengths.
struct KnownDigests<'a>(&'a [&'a [u8]]);

impl Query for KnownDigests<'_> {
    type SqlType = Binary;
}

impl QueryId for KnownDigests<'_> {
    type QueryId = KnownDigests<'static>;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl<C> diesel::RunQueryDsl<C> for KnownDigests<'_> {}

impl QueryFragment<Sqlite> for KnownDigests<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        out.push_sql("WITH wanted (digest) AS (VALUES ");
        for (index, digest) in self.0.iter().enumerate() {
            out.push_sql(if index == 0 { "(" } else { ", (" });
            out.push_bind_param::<Binary, _>(*digest)?;
            out.push_sql(")");
        }
        for _ in self.0.len()..DIGESTS_AT_ONCE {
            out.push_sql(", (?)");
        }
        // Both tables are read in one statement, so a URL that is retired meanwhile is found in one of them. Joins open
        // the indexes once, while `EXISTS` would open them for each digest.
        out.push_sql(
            ") SELECT wanted.digest FROM wanted \
             LEFT JOIN webhooks ON webhooks.digest = wanted.digest \
             LEFT JOIN retired_urls ON retired_urls.digest = wanted.digest \
             WHERE wanted.digest IS NOT NULL AND (webhooks.id IS NOT NULL OR retired_urls.digest IS NOT NULL)",
        );
        Ok(())
    }
}

fn known_on_server(connection: &mut Connection, digests: &[&[u8]]) -> QueryResult<HashSet<Vec<u8>>> {
    let active = webhooks::table
        .filter(webhooks::digest.eq_any(digests))
        .select(webhooks::digest);
    let active: Vec<Option<Vec<u8>>> = active.load(connection)?;
    // Retired URLs come second: a URL that is retired in between is found here.
    let retired = retired_urls::table
        .filter(retired_urls::digest.eq_any(digests))
        .select(retired_urls::digest);
    let mut known: HashSet<Vec<u8>> = retired.load(connection)?.into_iter().collect();
    known.extend(active.into_iter().flatten());
    Ok(known)
}

#[cfg(test)]
mod tests {
    use hookgate_domain::WebhookIdDigest;
    use hookgate_gate::Store;
    use hookgate_testkit::samples::{audit, webhook, webhook_id};

    use super::{DIGESTS_AT_ONCE, digests_known};
    use crate::connection::Connection;
    use crate::{Database, OpenMode};

    fn digest(seed: u64) -> WebhookIdDigest {
        webhook_id(seed).unwrap().digest()
    }

    /// Whatever their number is, and also if fewer are asked for after more.
    #[tokio::test]
    async fn each_known_digest_is_found() {
        let directory = tempfile::tempdir().unwrap();
        let database = Database::open(directory.path(), OpenMode::Create).unwrap();
        for seed in [1, 3, 40] {
            database.webhook_insert(webhook(seed), audit()).await.unwrap();
        }
        let most = DIGESTS_AT_ONCE as u64;
        for (first, last) in [(1, 2 * most + 1), (2, most + 1), (3, 3), (2, 2), (1, 40), (5, 4)] {
            let wanted: Vec<_> = (first..=last).map(digest).collect();
            let read = move |connection: &mut Connection| Ok(digests_known(connection, &wanted)?);
            let known = database.read("digests", read).await.unwrap();
            let expected: Vec<_> = (first..=last).map(|seed| [1, 3, 40].contains(&seed)).collect();
            assert_eq!(known, expected, "{first} to {last}");
        }
    }
}
