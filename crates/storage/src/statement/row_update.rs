//! Updates of single rows that run often, each as one fragment of SQL.
//!
//! Diesel compiles an update of its own anew whenever it runs, which costs more than running it.

/// Declares an `UPDATE` of one row that stays prepared: `Name(Row) of "table": column: SqlType, ...; where key: SqlType`,
/// where each column and the key are also fields of the row.
macro_rules! row_update {
    ($name:ident($row:ident) of $table:literal: $first:ident: $first_type:ty, $($column:ident: $type:ty),+; where $key:ident: $key_type:ty) => {
        struct $name<'a>(&'a $row<'a>);

        impl diesel::query_builder::QueryId for $name<'_> {
            type QueryId = $name<'static>;
            const HAS_STATIC_QUERY_ID: bool = true;
        }

        $crate::statement::fragment::fragment!($name<'_>, self, out => {
            out.push_sql(concat!("UPDATE ", $table, " SET ", stringify!($first), " = "));
            out.push_bind_param::<$first_type, _>(&self.0.$first)?;
            $(
                out.push_sql(concat!(", ", stringify!($column), " = "));
                out.push_bind_param::<$type, _>(&self.0.$column)?;
            )+
            out.push_sql(concat!(" WHERE ", stringify!($key), " = "));
            out.push_bind_param::<$key_type, _>(&self.0.$key)
        });
    };
}
pub(crate) use row_update;
