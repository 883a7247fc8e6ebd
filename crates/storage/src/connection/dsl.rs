//! Runs queries on a connection of either kind. The methods have the names of diesel's, so that queries read
//! the same.

use diesel::query_dsl::methods::{ExecuteDsl, LoadQuery};
use diesel::result::{Error, QueryResult};
use diesel::sqlite::Sqlite;
use diesel::{Selectable, SqliteConnection};
use diesel_async::AsyncPgConnection;

use super::postgres::PgConnection;
use super::{Connection, on};

/// Runs queries that compile for both databases.
pub(crate) trait RunQueryDsl: Sized {
    /// Runs a statement. Returns the number of rows that it changed.
    fn execute(self, connection: &mut Connection) -> QueryResult<usize>
    where
        Self: ExecuteDsl<SqliteConnection> + ExecuteDsl<PgConnection>,
    {
        on!(connection, c => ExecuteDsl::execute(self, c))
    }

    /// All rows.
    fn load<'query, U>(self, connection: &mut Connection) -> QueryResult<Vec<U>>
    where
        Self: LoadQuery<'query, SqliteConnection, U>
            + diesel_async::methods::LoadQuery<'query, AsyncPgConnection, U>,
        Self: 'query,
        U: Send,
    {
        match connection {
            Connection::Sqlite(connection) => LoadQuery::internal_load(self, connection)?.collect(),
            // diesel's blocking interface would enter the runtime for each row.
            Connection::Postgres(link) => link.all_rows(self),
        }
    }

    /// The first row; [`Error::NotFound`] if there is none.
    fn get_result<'query, U>(self, connection: &mut Connection) -> QueryResult<U>
    where
        Self: LoadQuery<'query, SqliteConnection, U> + LoadQuery<'query, PgConnection, U>,
    {
        on!(connection, c => self.internal_load(c)?.next().unwrap_or(Err(Error::NotFound)))
    }
}

impl<T> RunQueryDsl for T {}

/// The columns of a row type. Diesel's `as_select` names the same ones, but for one kind of database.
pub(crate) fn columns<T: Selectable<Sqlite>>() -> T::SelectExpression {
    T::construct_selection()
}
