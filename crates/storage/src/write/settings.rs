//! What the program remembers about itself.

use diesel::prelude::*;

use crate::schema::settings;

/// Sets a setting.
pub(crate) fn setting_put(connection: &mut SqliteConnection, key: &str, value: &str) -> QueryResult<()> {
    let row = (settings::key.eq(key), settings::value.eq(value));
    diesel::replace_into(settings::table)
        .values(row)
        .execute(connection)
        .map(drop)
}
