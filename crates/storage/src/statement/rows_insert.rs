//! Inserts of the rows that every delivery stores: many rows in one statement, each statement as one fragment
//! of SQL.
//!
//! Diesel's own insert walks a tuple of columns several times for each row; this binds a row in half the
//! time. A statement of many rows opens the tables and finds its place in the indexes once, not once for each
//! row. It is for SQLite; a server gets whole columns.

/// Declares the `INSERT` of rows of one organization, which stays prepared: `name(Statement, Row) into "table":
/// column: SqlType, ...`, where each column is also a field of the row. A column that is the same in all rows has
/// its SQL instead of a type: `column = "SQL"`. Each bound value costs some 600 instructions.
///
/// The statement has [`ROWS`](crate::statement::rows_insert::ROWS) terms, and its `LIMIT` is the number of rows:
/// SQLite stops before the terms without values. So one prepared statement inserts any number of rows up to
/// that. `+ 0`, because SQLite prepares a statement again whenever a bound value that is the whole `LIMIT` changes.
/// The first two values are named before the rows, so that all terms can refer to them by number.
///
/// A row that can't be stored fails the whole transaction, and so the statement need not be able to take back its own
/// rows (`OR FAIL`), for which SQLite would copy pages.
macro_rules! rows_insert {
    ($(#[$documentation:meta])* $name:ident($statement:ident, $row:ident) into $table:literal: $first:ident: $first_type:ty, $($column:ident $(: $type:ty)? $(= $sql:literal)?),+ $(,)?) => {
        $(#[$documentation])*
        pub(crate) fn $name(connection: &mut diesel::SqliteConnection, rows: &[$row<'_>]) -> diesel::QueryResult<()> {
            for alike in rows.chunk_by(|row, next| row.organization == next.organization) {
                for rows in alike.chunks($crate::statement::rows_insert::ROWS) {
                    let limit = i64::try_from(rows.len()).unwrap_or(i64::MAX);
                    diesel::RunQueryDsl::execute($statement { limit, rows }, connection)?;
                }
            }
            Ok(())
        }

        struct $statement<'a> {
            limit: i64,
            rows: &'a [$row<'a>],
        }

        impl diesel::query_builder::QueryId for $statement<'_> {
            type QueryId = $statement<'static>;
            const HAS_STATIC_QUERY_ID: bool = true;
        }

        impl<Connection> diesel::RunQueryDsl<Connection> for $statement<'_> {}

        impl diesel::query_builder::QueryFragment<diesel::sqlite::Sqlite> for $statement<'_> {
            fn walk_ast<'b>(
                &'b self,
                mut out: diesel::query_builder::AstPass<'_, 'b, diesel::sqlite::Sqlite>,
            ) -> diesel::QueryResult<()> {
                let Some(first) = self.rows.first() else {
                    return Ok(());
                };
                out.push_sql("WITH batch (rows, organization) AS (VALUES (");
                out.push_bind_param::<diesel::sql_types::BigInt, _>(&self.limit)?;
                out.push_sql(", ");
                out.push_bind_param::<diesel::sql_types::BigInt, _>(&first.organization)?;
                out.push_sql(concat!(
                    ")) INSERT OR FAIL INTO ", $table, " (organization, ", stringify!($first), $(", ", stringify!($column)),+, ")"
                ));
                for (index, row) in self.rows.iter().enumerate() {
                    out.push_sql(if index == 0 { " SELECT ?2, " } else { " UNION ALL SELECT ?2, " });
                    out.push_bind_param::<$first_type, _>(&row.$first)?;
                    $(
                        $(
                            out.push_sql(", ");
                            out.push_bind_param::<$type, _>(&row.$column)?;
                        )?
                        $(out.push_sql(concat!(", ", $sql));)?
                    )+
                }
                for _ in self.rows.len()..$crate::statement::rows_insert::ROWS {
                    out.push_sql(concat!(
                        " UNION ALL SELECT ?2, ?" $(, ", ", $crate::statement::rows_insert::rows_insert!(@term $(: $type)? $(= $sql)?))+
                    ));
                }
                out.push_sql(" LIMIT ?1 + 0");
                Ok(())
            }
        }
    };
    (@term : $type:ty) => { "?" };
    (@term = $sql:literal) => { $sql };
}
pub(crate) use rows_insert;

/// Maximum number of rows of a statement: its own cost is next to nothing for each row then. Each term that it does not
/// need costs some 35 instructions.
pub(crate) const ROWS: usize = 32;
