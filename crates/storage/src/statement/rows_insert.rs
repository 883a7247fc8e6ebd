//! Inserts of the rows that every delivery stores: several rows in one statement, each statement as one
//! fragment of SQL.
//!
//! Diesel's own insert walks a tuple of columns several times for each row; this binds a row in half the
//! time. A statement of several rows finds its place in the tables and indexes once, not once for each row.
//! It is for SQLite; a server gets whole columns.

/// Declares the `INSERT` of rows, which stay prepared: `name(Statement, Row) into "table": column: SqlType, ...`, where
/// each column is also a field of the row.
///
/// A row that can't be stored fails the whole transaction, and so the statement need not be able to take back its own
/// rows (`OR FAIL`), for which SQLite would copy pages.
macro_rules! rows_insert {
    ($(#[$documentation:meta])* $name:ident($statement:ident, $row:ident) into $table:literal: $first:ident: $first_type:ty, $($column:ident: $type:ty),+ $(,)?) => {
        $(#[$documentation])*
        pub(crate) fn $name(connection: &mut diesel::SqliteConnection, rows: &[$row<'_>]) -> diesel::QueryResult<()> {
            let (many, rest) = rows.as_chunks::<{ $crate::statement::rows_insert::ROWS_OF_LARGE_INSERT }>();
            let (some, single) = rest.as_chunks::<{ $crate::statement::rows_insert::ROWS_OF_SMALL_INSERT }>();
            for rows in many {
                diesel::RunQueryDsl::execute($statement(rows), connection)?;
            }
            for rows in some {
                diesel::RunQueryDsl::execute($statement(rows), connection)?;
            }
            for row in single {
                diesel::RunQueryDsl::execute($statement(std::array::from_ref(row)), connection)?;
            }
            Ok(())
        }

        struct $statement<'a, const ROWS: usize>(&'a [$row<'a>; ROWS]);

        impl<const ROWS: usize> diesel::query_builder::QueryId for $statement<'_, ROWS> {
            type QueryId = $statement<'static, ROWS>;
            const HAS_STATIC_QUERY_ID: bool = true;
        }

        impl<Connection, const ROWS: usize> diesel::RunQueryDsl<Connection> for $statement<'_, ROWS> {}

        impl<const ROWS: usize> diesel::query_builder::QueryFragment<diesel::sqlite::Sqlite> for $statement<'_, ROWS> {
            fn walk_ast<'b>(
                &'b self,
                mut out: diesel::query_builder::AstPass<'_, 'b, diesel::sqlite::Sqlite>,
            ) -> diesel::QueryResult<()> {
                out.push_sql(concat!("INSERT OR FAIL INTO ", $table, " (", stringify!($first), $(", ", stringify!($column)),+, ") VALUES "));
                for (index, row) in self.0.iter().enumerate() {
                    out.push_sql(if index == 0 { "(" } else { ", (" });
                    out.push_bind_param::<$first_type, _>(&row.$first)?;
                    $(
                        out.push_sql(", ");
                        out.push_bind_param::<$type, _>(&row.$column)?;
                    )+
                    out.push_sql(")");
                }
                Ok(())
            }
        }
    };
}
pub(crate) use rows_insert;

/// Rows of the largest statement: its own cost is next to nothing for each row then.
pub(crate) const ROWS_OF_LARGE_INSERT: usize = 16;
/// Rows of the statement for the rest, so that few rows need a statement each.
pub(crate) const ROWS_OF_SMALL_INSERT: usize = 4;
