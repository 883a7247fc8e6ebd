//! Migrations of the tables: the applied ones, the known ones, and a run of the missing ones.

use std::error::Error;

use diesel::backend::Backend;
use diesel::connection::{LoadConnection, SimpleConnection};
use diesel::deserialize::FromSql;
use diesel::migration::MigrationSource;
use diesel::query_dsl::methods::LoadQuery;
use diesel::result::QueryResult;
use diesel::{Connection, QueryableByName, RunQueryDsl, SqliteConnection, sql_query, sql_types};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use crate::connection::postgres::PgConnection;

/// Migrations of an embedded store.
pub(crate) const SQLITE: EmbeddedMigrations = embed_migrations!("../../migrations/sqlite");
/// Migrations of a store on a server, with the same names.
pub(crate) const POSTGRES: EmbeddedMigrations = embed_migrations!("../../migrations/postgres");
/// Query for the table of applied migrations.
pub(crate) const SQLITE_TABLE: &str =
    "SELECT name AS version FROM sqlite_schema WHERE name = '__diesel_schema_migrations'";
/// The same on a server.
pub(crate) const POSTGRES_TABLE: &str = "SELECT tablename::text AS version FROM pg_tables WHERE tablename = '__diesel_schema_migrations' AND schemaname = current_schema()";
/// Takes the lock of the node that runs the migrations of a server. They run without timeouts, because they
/// may take long.
const POSTGRES_LOCK: &str = "SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0; \
    SELECT pg_advisory_xact_lock(5209673104)";
/// Waits for running commits and keeps new ones out: each commit locks the rows of its webhooks first, and
/// counting locks its counter, before either touches deliveries. A migration that alters several tables would
/// deadlock with transactions that hold some of them.
const POSTGRES_QUIET: &str = "DO $$ BEGIN IF to_regclass('webhooks') IS NOT NULL THEN \
    LOCK TABLE webhooks, counters, deliveries IN ACCESS EXCLUSIVE MODE; END IF; END $$";

/// The schema of a store, compared with the migrations that this program knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Schema {
    /// No migration is applied.
    None,
    /// Some migrations are missing.
    Older,
    /// All known migrations are applied.
    Current,
    /// Migrations are applied that this program does not know.
    Newer,
}

impl Schema {
    /// Compares the applied versions with the known ones.
    pub(crate) fn of(found: &[String], known: &[String]) -> Self {
        if found.iter().any(|version| !known.contains(version)) {
            Self::Newer
        } else if found.is_empty() {
            Self::None
        } else if found.len() < known.len() {
            Self::Older
        } else {
            Self::Current
        }
    }
}

/// Runs the missing migrations in one transaction, so that several processes may start at once.
pub(crate) fn migrate_file(connection: &mut SqliteConnection) -> Result<(), Box<dyn Error + Send + Sync>> {
    connection.immediate_transaction(|connection| connection.run_pending_migrations(SQLITE).map(drop))
}

/// Runs the missing migrations in one transaction, so that several nodes may start at once.
pub(crate) fn migrate_server(connection: &mut PgConnection) -> Result<(), Box<dyn Error + Send + Sync>> {
    connection.transaction(|connection| {
        connection.batch_execute(POSTGRES_LOCK)?;
        connection.batch_execute(POSTGRES_QUIET)?;
        connection.run_pending_migrations(POSTGRES).map(drop)
    })
}

/// The versions of the known migrations, oldest first.
pub(crate) fn known_versions<DB: Backend>(
    migrations: &EmbeddedMigrations,
) -> Result<Vec<String>, Box<dyn Error + Send + Sync>> {
    let migrations = MigrationSource::<DB>::migrations(migrations)?;
    let mut versions: Vec<_> = migrations
        .iter()
        .map(|migration| migration.name().version().to_string())
        .collect();
    versions.sort();
    Ok(versions)
}

/// A column of versions.
#[derive(QueryableByName)]
pub(crate) struct Version {
    #[diesel(sql_type = sql_types::Text)]
    version: String,
}

/// The versions of the applied migrations; none if the query `table` finds no table of them. It writes
/// nothing.
pub(crate) fn applied_versions<C>(connection: &mut C, table: &str) -> QueryResult<Vec<String>>
where
    C: LoadConnection,
    for<'query> diesel::query_builder::SqlQuery: LoadQuery<'query, C, Version>,
    String: FromSql<sql_types::Text, C::Backend>,
{
    if sql_query(table).load::<Version>(connection)?.is_empty() {
        return Ok(Vec::new());
    }
    let versions = sql_query("SELECT version FROM __diesel_schema_migrations ORDER BY version")
        .load::<Version>(connection)?;
    Ok(versions.into_iter().map(|row| row.version).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::open::OpenMode;
    use crate::open::open_directory;

    #[test]
    fn migrations_go_up_and_down_and_up() {
        let directory = tempfile::tempdir().unwrap();
        let (path, mut connection) = open_directory(directory.path(), OpenMode::Create).unwrap();
        connection.revert_all_migrations(SQLITE).unwrap();
        let left = "SELECT name AS version FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%' AND name NOT LIKE '__diesel%'";
        assert!(
            sql_query(left)
                .load::<Version>(&mut connection)
                .unwrap()
                .is_empty()
        );
        connection.run_pending_migrations(SQLITE).unwrap();
        assert_eq!(
            applied_versions(&mut connection, SQLITE_TABLE).unwrap(),
            known_versions::<diesel::sqlite::Sqlite>(&SQLITE).unwrap()
        );
        drop(connection);
        assert_eq!(
            open_directory(directory.path(), OpenMode::Existing).unwrap().0,
            path
        );
    }

    #[test]
    fn a_schema_is_none_older_current_or_newer() {
        let versions = |versions: &[&str]| versions.iter().map(ToString::to_string).collect::<Vec<_>>();
        let known = versions(&["0001", "0002"]);
        assert_eq!(Schema::of(&[], &known), Schema::None);
        assert_eq!(Schema::of(&known[..1], &known), Schema::Older);
        assert_eq!(Schema::of(&known, &known), Schema::Current);
        assert_eq!(Schema::of(&versions(&["0001", "0003"]), &known), Schema::Newer);
    }

    #[test]
    fn space_can_be_given_back_and_commits_are_durable() {
        #[derive(QueryableByName)]
        struct Value {
            #[diesel(sql_type = sql_types::BigInt)]
            value: i64,
        }
        let directory = tempfile::tempdir().unwrap();
        let (_, mut connection) = open_directory(directory.path(), OpenMode::Create).unwrap();
        // Incremental, full, on.
        for (pragma, value) in [("auto_vacuum", 2), ("synchronous", 2), ("foreign_keys", 1)] {
            let query = sql_query(format!("SELECT {pragma} AS value FROM pragma_{pragma}"));
            assert_eq!(
                query.get_result::<Value>(&mut connection).unwrap().value,
                value,
                "{pragma}"
            );
        }
    }
}
