//! Statements that write many rows at once on PostgreSQL, from one array for each column. Their text never
//! changes, so they stay prepared.

/// Declares the columns of rows and the statement that writes them: `Name: column: SqlType = RustType, ...;`
/// and the SQL before and behind the list of arrays in `unnest(...)`. `Name<'a>` borrows its rows for `'a`.
macro_rules! column_statement {
    ($(#[$doc:meta])* $name:ident $(<$life:lifetime>)?: $first:ident: $first_sql:ty = $first_type:ty, $($column:ident: $sql:ty = $type:ty),+ $(,)?; $before:literal .. $behind:literal) => {
        $(#[$doc])*
        #[derive(Default)]
        pub(crate) struct $name $(<$life>)? {
            pub(crate) $first: Vec<$first_type>,
            $(pub(crate) $column: Vec<$type>,)+
        }

        const _: () = {
            pub(crate) struct Id;

            impl $(<$life>)? diesel::query_builder::QueryId for $name $(<$life>)? {
                type QueryId = Id;
                const HAS_STATIC_QUERY_ID: bool = true;
            }
        };

        impl $(<$life>)? diesel::query_builder::QueryFragment<diesel::pg::Pg> for $name $(<$life>)? {
            fn walk_ast<'b>(
                &'b self,
                mut out: diesel::query_builder::AstPass<'_, 'b, diesel::pg::Pg>,
            ) -> diesel::QueryResult<()> {
                out.push_sql(concat!($before, " unnest("));
                out.push_bind_param::<diesel::sql_types::Array<$first_sql>, _>(&self.$first)?;
                $(
                    out.push_sql(", ");
                    out.push_bind_param::<diesel::sql_types::Array<$sql>, _>(&self.$column)?;
                )+
                out.push_sql(concat!(") ", $behind));
                Ok(())
            }
        }

        impl $(<$life>)? $name $(<$life>)? {
            /// Runs the statement, unless there are no rows.
            pub(crate) async fn execute(self, connection: &diesel_async::AsyncPgConnection) -> diesel::QueryResult<()> {
                if self.$first.is_empty() {
                    return Ok(());
                }
                diesel_async::RunQueryDsl::execute(self, &mut &*connection).await.map(drop)
            }
        }
    };
}
pub(crate) use column_statement;
