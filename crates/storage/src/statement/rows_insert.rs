//! Inserts of the rows that every delivery stores: many rows in one statement, which stays prepared. A statement of many
//! rows opens the tables and finds its place in the indexes once, not once for each row. It is for SQLite; a server gets
//! whole columns.
//!
//! Diesel's own insert walks a tuple of columns several times for each row. It walks any statement twice for each run: to see
//! whether it may stay prepared, and to collect its values. These statements answer the first question at once.

use std::fmt::Write as _;

/// Declares the `INSERT` of rows of one organization: `name(Statement, Row) into "table": column: SqlType, ...`, where each
/// column is also a field of the row. Each bound value costs some 500 instructions, so columns that follow from others
/// have none:
///
/// - `column = "SQL"` is the same in all rows.
/// - `column counts SqlType` is one more in each row. Rows that don't count go to statements of their own.
/// - `column as other` has the value of another column of its row.
///
/// A row that can't be stored fails the whole transaction, and so the statement need not be able to take back its own
/// rows (`OR FAIL`), for which SQLite would copy pages.
macro_rules! rows_insert {
    ($(#[$documentation:meta])* $name:ident($statement:ident, $row:ident) into $table:literal: $($column:ident $(counts $counted:ty)? $(: $type:ty)? $(= $sql:literal)? $(as $other:ident)?),+ $(,)?) => {
        $(#[$documentation])*
        pub(crate) fn $name(connection: &mut diesel::SqliteConnection, rows: &[$row<'_>]) -> diesel::QueryResult<()> {
            let is_alike = |row: &$row<'_>, next: &$row<'_>| {
                row.organization == next.organization
                    $($(&& $crate::statement::rows_insert::rows_insert!(@counts $counted, row.$column, next.$column))?)+
            };
            for alike in rows.chunk_by(is_alike) {
                for rows in alike.chunks($crate::statement::rows_insert::ROWS) {
                    let limit = i64::try_from(rows.len()).unwrap_or(i64::MAX);
                    // `execute` would run a reference to the statement, which diesel walks twice all the same.
                    let mut none = diesel::connection::LoadConnection::load(connection, $statement { limit, rows })?;
                    none.next().transpose()?;
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

        impl diesel::query_builder::Query for $statement<'_> {
            type SqlType = diesel::sql_types::Untyped;
        }

        impl diesel::query_builder::QueryFragment<diesel::sqlite::Sqlite> for $statement<'_> {
            fn walk_ast<'b>(
                &'b self,
                mut out: diesel::query_builder::AstPass<'_, 'b, diesel::sqlite::Sqlite>,
            ) -> diesel::QueryResult<()> {
                use $crate::statement::rows_insert::{Value, rows_insert, text};
                static TEXT: std::sync::LazyLock<String> = std::sync::LazyLock::new(|| text($table, &[$(
                    (stringify!($column), rows_insert!(@value $(counts $counted)? $(: $type)? $(= $sql)? $(as $other)?)),
                )+]));
                let Some(first) = self.rows.first() else {
                    return Ok(());
                };
                out.push_sql(&TEXT);
                out.push_bind_param::<diesel::sql_types::BigInt, _>(&self.limit)?;
                out.push_bind_param::<diesel::sql_types::BigInt, _>(&first.organization)?;
                $($(out.push_bind_param::<$counted, _>(&first.$column)?;)?)+
                for row in self.rows {
                    $($(out.push_bind_param::<$type, _>(&row.$column)?;)?)+
                }
                Ok(())
            }

            /// Its text never changes.
            fn is_safe_to_cache_prepared(&self, _: &diesel::sqlite::Sqlite) -> diesel::QueryResult<bool> {
                Ok(true)
            }
        }
    };
    (@counts $counted:ty, $one:expr, $next:expr) => { $crate::statement::rows_insert::counts($one.into(), $next.into()) };
    (@value : $type:ty) => { Value::Bound };
    (@value = $sql:literal) => { Value::Sql($sql) };
    (@value counts $counted:ty) => { Value::Counts };
    (@value as $other:ident) => { Value::As(stringify!($other)) };
}
pub(crate) use rows_insert;

/// Maximum number of rows of a statement: its own cost is next to nothing for each row then. Each term that it does not
/// need costs some 35 instructions.
pub(crate) const ROWS: usize = 32;

/// The value of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    /// It is bound for each row.
    Bound,
    /// It is bound for the first row, and one more in each of the others.
    Counts,
    /// This SQL.
    Sql(&'static str),
    /// The value of this column.
    As(&'static str),
}

/// The text of a statement with [`ROWS`] terms. Its `LIMIT` is the number of rows: SQLite stops before the terms without
/// values. So one prepared statement inserts any number of rows up to that. `+ 0`, because SQLite prepares a
/// statement again whenever a bound value that is the whole `LIMIT` changes.
///
/// The values are numbered: the number of rows, the organization, columns that count, and then those of each row. They are
/// not written between the values, because that would be a call for each of them in each run. Diesel writes a `?` for
/// each all the same, and so the text ends with the beginning of a comment.
pub(crate) fn text(table: &str, columns: &[(&str, Value)]) -> String {
    let place_of = |kind: Value, name: &str| {
        let mut alike = columns.iter().filter(|(_, value)| *value == kind);
        alike.position(|(column, _)| *column == name).unwrap_or_default()
    };
    let count_of = |kind: Value| columns.iter().filter(|(_, value)| *value == kind).count();
    let first_of_row = |row: usize| 3 + count_of(Value::Counts) + row * count_of(Value::Bound);
    let mut text = format!("INSERT OR FAIL INTO {table} (organization");
    for (column, _) in columns {
        text.push_str(", ");
        text.push_str(column);
    }
    for row in 0..ROWS {
        text.push_str(if row == 0 {
            ") SELECT ?2"
        } else {
            " UNION ALL SELECT ?2"
        });
        for &(column, value) in columns {
            // Writing to a string never fails.
            let _ = match value {
                Value::Bound => write!(text, ", ?{}", first_of_row(row) + place_of(Value::Bound, column)),
                Value::Counts => write!(text, ", ?{} + {row}", 3 + place_of(Value::Counts, column)),
                Value::Sql(sql) => write!(text, ", {sql}"),
                Value::As(other) => write!(text, ", ?{}", first_of_row(row) + place_of(Value::Bound, other)),
            };
        }
    }
    text.push_str(" LIMIT ?1 + 0 --");
    text
}

/// `true` if the second value is one more than the first.
pub(crate) fn counts(one: Option<i64>, next: Option<i64>) -> bool {
    matches!((one, next), (Some(one), Some(next)) if one + 1 == next)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_numbered_in_the_order_in_which_they_are_collected() {
        let columns = [
            ("a", Value::Counts),
            ("b", Value::Bound),
            ("c", Value::Sql("'x'")),
            ("d", Value::Bound),
            ("e", Value::As("b")),
            ("f", Value::Counts),
        ];
        let text = text("t", &columns);
        let (head, rest) = text.split_once(" UNION ALL ").unwrap();
        assert_eq!(
            head,
            "INSERT OR FAIL INTO t (organization, a, b, c, d, e, f) SELECT ?2, ?3 + 0, ?5, 'x', ?6, ?5, ?4 + 0"
        );
        assert!(rest.starts_with("SELECT ?2, ?3 + 1, ?7, 'x', ?8, ?7, ?4 + 1 UNION ALL "));
        assert_eq!(rest.matches("SELECT").count(), ROWS - 1);
        assert!(rest.ends_with(" LIMIT ?1 + 0 --"));
    }

    #[test]
    fn rows_count_if_each_is_one_more() {
        assert!(counts(Some(6), Some(7)));
        for (one, next) in [
            (Some(7), Some(7)),
            (Some(6), Some(8)),
            (None, Some(7)),
            (Some(6), None),
            (None, None),
        ] {
            assert!(!counts(one, next));
        }
    }
}
