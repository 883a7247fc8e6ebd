//! Settings that the program stores for itself.

use diesel::{ExpressionMethods, OptionalExtension, QueryDsl, QueryResult};

use crate::connection::{Connection, RunQueryDsl};
use crate::schema::settings;

/// The value of a setting.
pub(crate) fn setting_by_key(connection: &mut Connection, key: &str) -> QueryResult<Option<String>> {
    let query = settings::table
        .filter(settings::key.eq(key))
        .select(settings::value);
    query.get_result(connection).optional()
}
