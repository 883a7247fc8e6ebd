//! Settings that the program stores for itself.

use diesel::prelude::*;

use crate::connection::{Connection, RunQueryDsl};
use crate::schema::settings;

/// The value of a setting.
pub(crate) fn setting_by_key(connection: &mut Connection, key: &str) -> QueryResult<Option<String>> {
    let query = settings::table
        .filter(settings::key.eq(key))
        .select(settings::value);
    query.get_result(connection).optional()
}

/// Sets a setting.
pub(crate) fn upsert_setting(connection: &mut Connection, key: &str, value: &str) -> QueryResult<()> {
    let row = (settings::key.eq(key), settings::value.eq(value));
    diesel::insert_into(settings::table)
        .values(row)
        .on_conflict(settings::key)
        .do_update()
        .set(settings::value.eq(value))
        .execute(connection)
        .map(drop)
}

/// Sets a setting that is not set, and returns the value that it has then.
pub(crate) fn setting_claim(connection: &mut Connection, key: &str, value: &str) -> QueryResult<String> {
    let row = (settings::key.eq(key), settings::value.eq(value));
    diesel::insert_into(settings::table)
        .values(row)
        .on_conflict(settings::key)
        .do_nothing()
        .execute(connection)?;
    let query = settings::table.filter(settings::key.eq(key));
    query.select(settings::value).get_result(connection)
}

/// Removes a setting.
pub(crate) fn setting_delete(connection: &mut Connection, key: &str) -> QueryResult<()> {
    diesel::delete(settings::table.filter(settings::key.eq(key)))
        .execute(connection)
        .map(drop)
}
