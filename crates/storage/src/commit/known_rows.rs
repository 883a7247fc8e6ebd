//! Rows that the writer of a file keeps from batch to batch: most batches read the same ones.

use std::collections::BTreeMap;

use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::result::QueryResult;
use diesel::sql_types::BigInt;
use diesel::sqlite::Sqlite;
use diesel::{RunQueryDsl, SqliteConnection};
use hookgate_domain::WebhookHandle;

use super::backend::NextNumbers;
use crate::webhooks::statements::Target;

/// Maximum number of webhooks that are kept for the next batch.
const MAX_TARGETS: usize = 1024;

/// Rows as the writer's connection read or wrote them.
#[derive(Default)]
pub(super) struct KnownRows {
    /// SQLite's number for the state of the file that they were read from. `None` if they must not be used in another
    /// transaction.
    version: Option<i64>,
    /// Webhooks; `None` for handles that no webhook has.
    pub(super) targets: BTreeMap<WebhookHandle, Option<Target>>,
    /// The next numbers.
    pub(super) numbers: Option<NextNumbers>,
}

impl KnownRows {
    /// Forgets the rows if another connection has changed the file since. Called at the start of each transaction, which
    /// has the write lock already: nobody can change the file until it ends.
    pub(super) fn refresh(&mut self, connection: &mut SqliteConnection) -> QueryResult<()> {
        let version: i64 = DataVersion.get_result(connection)?;
        if self.version != Some(version) || self.targets.len() > MAX_TARGETS {
            *self = Self {
                version: Some(version),
                ..Self::default()
            };
        }
        Ok(())
    }

    /// Forgets the webhooks now, and the rest after this transaction: it was rolled back, or something else in it may have
    /// changed the rows.
    pub(super) fn invalidate(&mut self) {
        self.targets.clear();
        self.version = None;
    }
}

/// The query for a number that changes whenever another connection commits, and never by commits of this one.
struct DataVersion;

impl QueryId for DataVersion {
    type QueryId = Self;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl Query for DataVersion {
    type SqlType = BigInt;
}

impl RunQueryDsl<SqliteConnection> for DataVersion {}

impl QueryFragment<Sqlite> for DataVersion {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        out.push_sql("PRAGMA data_version");
        Ok(())
    }
}
