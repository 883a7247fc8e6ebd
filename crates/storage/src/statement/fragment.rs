//! Statements as one fragment of SQL, for both databases. Diesel does not keep updates prepared, and walks a
//! tuple of columns several times for each row.

/// Implements a statement, written to `$out`, for both databases.
macro_rules! fragment {
    ($name:ty, $this:ident, $out:ident => $body:block) => {
        $crate::statement::fragment::fragment!(diesel::sqlite::Sqlite, $name, $this, $out => $body);
        $crate::statement::fragment::fragment!(diesel::pg::Pg, $name, $this, $out => $body);
    };
    ($backend:ty, $name:ty, $this:ident, $out:ident => $body:block) => {
        impl diesel::query_builder::QueryFragment<$backend> for $name {
            fn walk_ast<'b>(
                &'b $this,
                mut $out: diesel::query_builder::AstPass<'_, 'b, $backend>,
            ) -> diesel::QueryResult<()> $body
        }
    };
}
pub(crate) use fragment;
