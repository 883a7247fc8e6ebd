//! Webhooks and tombstones.

use diesel::dsl::{count_star, min};
use diesel::{ExpressionMethods, NullableExpressionMethods, OptionalExtension, QueryDsl, QueryResult};
use hookgate_domain::WebhookIdDigest;

use super::row::{RetiredRow, WebhookRow};
use crate::connection::{Connection, RunQueryDsl, columns};
use crate::schema::{retired_urls, webhooks};

/// The webhook whose live URL has this digest.
pub(crate) fn webhook_by_digest(
    connection: &mut Connection,
    digest: &WebhookIdDigest,
) -> QueryResult<Option<WebhookRow>> {
    let query = webhooks::table.filter(webhooks::digest.eq(digest.as_bytes().as_slice()));
    query
        .select(columns::<WebhookRow>())
        .get_result(connection)
        .optional()
}

/// The revision of the webhook whose live URL has this digest.
pub(crate) fn revision_by_digest(
    connection: &mut Connection,
    digest: &WebhookIdDigest,
) -> QueryResult<Option<i64>> {
    let query = webhooks::table.filter(webhooks::digest.eq(digest.as_bytes().as_slice()));
    query.select(webhooks::revision).get_result(connection).optional()
}

/// The tombstone with this digest, and the handle of its webhook.
pub(crate) fn retired_by_digest(
    connection: &mut Connection,
    digest: &WebhookIdDigest,
) -> QueryResult<Option<(RetiredRow, String)>> {
    let query = retired_urls::table.inner_join(webhooks::table);
    let query = query.filter(retired_urls::digest.eq(digest.as_bytes().as_slice()));
    query
        .select((columns::<RetiredRow>(), webhooks::handle))
        .get_result(connection)
        .optional()
}

/// Sealed signing secrets, with the handles of their webhooks.
pub(crate) fn sealed_secrets(connection: &mut Connection, limit: u16) -> QueryResult<Vec<(String, Vec<u8>)>> {
    let query = webhooks::table.filter(webhooks::signing_secret.is_not_null());
    query
        .order(webhooks::id)
        .limit(limit.into())
        .select((webhooks::handle, webhooks::signing_secret.assume_not_null()))
        .load(connection)
}

/// The webhook with this handle.
pub(crate) fn webhook_by_handle(
    connection: &mut Connection,
    handle: &str,
) -> QueryResult<Option<WebhookRow>> {
    let query = webhooks::table.filter(webhooks::handle.eq(handle));
    query
        .select(columns::<WebhookRow>())
        .get_result(connection)
        .optional()
}

/// Up to `most` webhooks with this name, active ones first: `active` sorts before `revoked`.
pub(crate) fn webhooks_by_name(
    connection: &mut Connection,
    name: &str,
    most: i64,
) -> QueryResult<Vec<WebhookRow>> {
    let query = webhooks::table
        .filter(webhooks::name.eq(name))
        .order(webhooks::state)
        .limit(most);
    query.select(columns::<WebhookRow>()).load(connection)
}

/// Up to `most` webhooks behind a handle, in the order of handles; the empty text is before all of them.
pub(crate) fn webhook_page(
    connection: &mut Connection,
    after: &str,
    most: i64,
) -> QueryResult<Vec<WebhookRow>> {
    let query = webhooks::table
        .filter(webhooks::handle.gt(after))
        .order(webhooks::handle)
        .limit(most);
    query.select(columns::<WebhookRow>()).load(connection)
}

/// Each state with its number of webhooks and the time of its oldest URL, from the index alone.
pub(crate) fn webhook_counts(connection: &mut Connection) -> QueryResult<Vec<(String, i64, Option<i64>)>> {
    let query = webhooks::table.group_by(webhooks::state).select((
        webhooks::state,
        count_star(),
        min(webhooks::issued_at),
    ));
    query.load(connection)
}
