//! What the program remembers about itself.

use diesel::{ExpressionMethods, OptionalExtension, QueryDsl, QueryResult};
use diesel_async::RunQueryDsl;

use crate::connection::ReadConnection;
use crate::schema::settings;

/// The value of a setting.
pub(crate) async fn setting_by_key(
    connection: &mut ReadConnection,
    key: &str,
) -> QueryResult<Option<String>> {
    let query = settings::table
        .filter(settings::key.eq(key))
        .select(settings::value);
    query.get_result(connection).await.optional()
}
