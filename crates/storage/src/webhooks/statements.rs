//! Webhooks and tombstones.

use diesel::prelude::*;
use hookgate_domain::{RetiredUrl, Webhook, WebhookIdDigest};

use super::row::WebhookFields;
use crate::connection::postgres::listener::{CHANNEL, digest_text};
use crate::connection::{Connection, RunQueryDsl, columns};
use crate::schema::{retired_urls, webhooks};

/// The columns of a webhook that a writing transaction needs.
#[derive(Clone, Copy, Debug, Queryable, Selectable)]
#[diesel(table_name = webhooks, check_for_backend(diesel::sqlite::Sqlite, diesel::pg::Pg))]
pub(crate) struct Target {
    /// Its key inside the database.
    pub(crate) id: i64,
    /// Its organization.
    pub(crate) organization: i64,
    /// Its revision now.
    pub(crate) revision: i64,
    /// Time since which it opens no more incidents, because its own fill most of the store.
    pub(crate) full_at: Option<i64>,
}

/// The webhook with this handle, with the columns that a writing transaction needs.
pub(crate) fn target_by_handle(connection: &mut Connection, handle: &str) -> QueryResult<Option<Target>> {
    let query = webhooks::table.filter(webhooks::handle.eq(handle));
    query
        .select(columns::<Target>())
        .get_result(connection)
        .optional()
}

/// Notifies other nodes of a changed URL, once the transaction is committed.
pub(crate) fn url_changed(connection: &mut Connection, digest: &WebhookIdDigest) -> QueryResult<()> {
    if let Connection::Sqlite(_) = connection {
        // A file has no other nodes.
        return Ok(());
    }
    let query = format!("SELECT pg_notify('{CHANNEL}', '{}')", digest_text(digest));
    connection.batch_execute(&query)
}

/// Stores a new webhook.
pub(crate) fn webhook_insert(connection: &mut Connection, webhook: &Webhook) -> QueryResult<()> {
    diesel::insert_into(webhooks::table)
        .values(WebhookFields::from(webhook))
        .execute(connection)
        .map(drop)
}

/// Stores a webhook over the row with this key.
pub(crate) fn webhook_update(connection: &mut Connection, id: i64, webhook: &Webhook) -> QueryResult<()> {
    let row = webhooks::table.filter(webhooks::id.eq(id));
    diesel::update(row)
        .set(WebhookFields::from(webhook))
        .execute(connection)
        .map(drop)
}

/// Stores the tombstone of a URL of the webhook with this key.
pub(crate) fn retired_insert(
    connection: &mut Connection,
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
