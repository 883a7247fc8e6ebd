//! Size of the database.

use diesel::QueryableByName;
use diesel::result::QueryResult;
use diesel::sql_types::BigInt;

use crate::connection::{Connection, RunQueryDsl};

/// Bytes of the database on disk, including free pages.
pub(crate) fn database_bytes(connection: &mut Connection) -> QueryResult<i64> {
    #[derive(QueryableByName)]
    struct Size {
        #[diesel(sql_type = BigInt)]
        bytes: i64,
    }
    let query = match connection {
        Connection::Sqlite(_) => {
            "SELECT page_count * page_size AS bytes FROM pragma_page_count, pragma_page_size"
        }
        Connection::Postgres(_) => "SELECT pg_database_size(current_database()) AS bytes",
    };
    let size: Size = diesel::sql_query(query).get_result(connection)?;
    Ok(size.bytes)
}
