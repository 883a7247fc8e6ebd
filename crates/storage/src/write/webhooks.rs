//! Webhooks and tombstones.

use diesel::prelude::*;
use hookgate_domain::{RetiredUrl, Webhook};

use crate::rows::WebhookFields;
use crate::schema::{retired_urls, webhooks};

/// What a transaction has to know of a webhook before it writes for it.
#[derive(Clone, Copy, Debug, Queryable, Selectable)]
#[diesel(table_name = webhooks, check_for_backend(diesel::sqlite::Sqlite))]
pub(crate) struct Target {
    /// Its key inside the database.
    pub(crate) id: i64,
    /// Who owns it.
    pub(crate) organization: i64,
    /// Its revision now.
    pub(crate) revision: i64,
}

/// The webhook with this handle, as far as a transaction has to know it.
pub(crate) fn target_by_handle(
    connection: &mut SqliteConnection,
    handle: &str,
) -> QueryResult<Option<Target>> {
    let query = webhooks::table.filter(webhooks::handle.eq(handle));
    query
        .select(Target::as_select())
        .get_result(connection)
        .optional()
}

/// Stores a new webhook.
pub(crate) fn webhook_insert(connection: &mut SqliteConnection, webhook: &Webhook) -> QueryResult<()> {
    diesel::insert_into(webhooks::table)
        .values(WebhookFields::from(webhook))
        .execute(connection)
        .map(drop)
}

/// Stores a webhook over the row with this key.
pub(crate) fn webhook_update(
    connection: &mut SqliteConnection,
    id: i64,
    webhook: &Webhook,
) -> QueryResult<()> {
    let row = webhooks::table.filter(webhooks::id.eq(id));
    diesel::update(row)
        .set(WebhookFields::from(webhook))
        .execute(connection)
        .map(drop)
}

/// Stores the tombstone of a URL of the webhook with this key.
pub(crate) fn retired_insert(
    connection: &mut SqliteConnection,
    webhook: i64,
    retired: &RetiredUrl,
) -> QueryResult<()> {
    let row = (
        retired_urls::digest.eq(retired.digest.as_bytes().as_slice()),
        retired_urls::hint.eq(retired.hint.to_string()),
        retired_urls::webhook.eq(webhook),
        retired_urls::because.eq(retired.because.as_str()),
        retired_urls::at.eq(retired.at.as_micros()),
    );
    diesel::insert_into(retired_urls::table)
        .values(row)
        .execute(connection)
        .map(drop)
}
