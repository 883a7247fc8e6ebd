//! A connection to either database. Queries are written once: [`RunQueryDsl`] runs every query that compiles
//! for both.

mod dsl;
pub(crate) mod pool;
pub(crate) mod postgres;
pub(crate) mod sqlite;

use std::time::Duration;

use diesel::SqliteConnection;
use diesel::connection::{SimpleConnection, TransactionManager};
use diesel::result::{DatabaseErrorKind, Error, QueryResult};

pub(crate) use dsl::{RunQueryDsl, columns};

use postgres::{Deadline, Link};

/// A connection to either database.
pub(crate) enum Connection {
    /// To the file of an embedded one.
    Sqlite(SqliteConnection),
    /// To a server.
    Postgres(Box<Link>),
}

/// Runs the same expression on the connection of either kind. For queries that diesel ties to one kind, such as boxed ones.
macro_rules! on {
    ($connection:expr, $inner:ident => $query:expr) => {
        match $connection {
            $crate::connection::Connection::Sqlite($inner) => $query,
            $crate::connection::Connection::Postgres(link) => {
                let $inner = &mut link.connection;
                $query
            }
        }
    };
}
pub(crate) use on;

impl Connection {
    /// Runs work in a transaction that may write. An error rolls it back.
    pub(crate) fn transaction<T, E: From<Error>>(
        &mut self,
        work: impl FnOnce(&mut Self) -> Result<T, E>,
    ) -> Result<T, E> {
        self.begin()?;
        match work(self) {
            Ok(done) => {
                on!(self, c => TransactionManagerOf::commit(c))?;
                Ok(done)
            }
            Err(error) => {
                // The first error is the one to return. A connection that can't roll back is broken, which
                // `is_broken` reports.
                let _ = on!(self, c => TransactionManagerOf::rollback(c));
                Err(error)
            }
        }
    }

    /// `true` if the state of its transaction is unknown, or if it is closed.
    pub(crate) fn is_broken(&mut self) -> bool {
        on!(self, c => TransactionManagerOf::is_broken(c))
            || matches!(self, Self::Postgres(link) if link.is_closed())
    }

    /// Cuts a connection that does not answer in time, unless the deadline is dropped before. `None` for a
    /// file.
    pub(crate) fn deadline(&self) -> Option<Deadline> {
        match self {
            Self::Sqlite(_) => None,
            Self::Postgres(link) => Some(link.deadline()),
        }
    }

    /// The same with a limit of `longest`.
    pub(crate) fn deadline_after(&self, longest: Duration) -> Option<Deadline> {
        match self {
            Self::Sqlite(_) => None,
            Self::Postgres(link) => Some(link.deadline_after(longest)),
        }
    }

    /// Runs statements without results.
    pub(crate) fn batch_execute(&mut self, statements: &str) -> QueryResult<()> {
        on!(self, c => c.batch_execute(statements))
    }

    fn begin(&mut self) -> QueryResult<()> {
        match self {
            // `IMMEDIATE` takes the write lock at once: a lock that is taken later fails if another
            // connection wrote in between.
            Self::Sqlite(connection) => diesel::connection::AnsiTransactionManager::begin_transaction_sql(
                connection,
                "BEGIN IMMEDIATE",
            ),
            Self::Postgres(link) => TransactionManagerOf::begin(&mut link.connection),
        }
    }
}

/// The transaction manager as methods of a connection.
trait TransactionManagerOf: diesel::Connection {
    fn begin(&mut self) -> QueryResult<()> {
        Self::TransactionManager::begin_transaction(self)
    }

    fn commit(&mut self) -> QueryResult<()> {
        Self::TransactionManager::commit_transaction(self)
    }

    fn rollback(&mut self) -> QueryResult<()> {
        Self::TransactionManager::rollback_transaction(self)
    }

    fn is_broken(&mut self) -> bool {
        Self::TransactionManager::is_broken_transaction_manager(self)
    }
}

impl<C: diesel::Connection> TransactionManagerOf for C {}

/// `true` if a transaction lost against a concurrent one, so that repeating it helps.
pub(crate) const fn is_lost_race(error: &Error) -> bool {
    matches!(
        error,
        Error::DatabaseError(DatabaseErrorKind::SerializationFailure, _)
    )
}
