//! Inserts of single rows that run often, each as one fragment of SQL.
//!
//! Diesel's own insert walks a tuple of columns several times for each row; this binds a row in half the
//! time.

/// Declares an `INSERT` of one row that stays prepared: `Name(Row) into "table": column: SqlType, ...`, where
/// each column is also a field of the row. The text after `then` is the end of the statement.
macro_rules! row_insert {
    ($name:ident($row:ident) into $table:literal: $first:ident: $first_type:ty, $($column:ident: $type:ty),+ $(,)? $(; then $then:literal)?) => {
        struct $name<'a>(&'a $row<'a>);

        impl diesel::query_builder::QueryId for $name<'_> {
            type QueryId = $name<'static>;
            const HAS_STATIC_QUERY_ID: bool = true;
        }

        $crate::statement::fragment::fragment!($name<'_>, self, out => {
            out.push_sql(concat!("INSERT INTO ", $table, " (", stringify!($first), $(", ", stringify!($column)),+, ") VALUES ("));
            out.push_bind_param::<$first_type, _>(&self.0.$first)?;
            $(
                out.push_sql(", ");
                out.push_bind_param::<$type, _>(&self.0.$column)?;
            )+
            out.push_sql(concat!(")" $(, " ", $then)?));
            Ok(())
        });
    };
}
pub(crate) use row_insert;
