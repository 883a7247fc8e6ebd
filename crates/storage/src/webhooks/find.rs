//! Finds URLs and webhooks with the current networks of their allowlists.

use hookgate_domain::{KnownUrl, Webhook, WebhookIdDigest};

use super::queries::{retired_by_digest, webhook_by_digest};
use super::row::WebhookRow;
use crate::address_sets::queries::{NetworkCache, resolve};
use crate::connection::Connection;
use crate::query_error::QueryError;

/// The live URL or the tombstone with a digest.
pub(crate) fn url_by_digest(
    connection: &mut Connection,
    digest: &WebhookIdDigest,
    cache: &NetworkCache,
) -> Result<Option<KnownUrl>, QueryError> {
    // In this order: a URL that is retired in between is found as a tombstone.
    if let Some(row) = webhook_by_digest(connection, digest)? {
        return Ok(Some(KnownUrl::Live(read_webhook(connection, row, cache)?)));
    }
    let retired = retired_by_digest(connection, digest)?;
    let retired = retired.map(|(row, handle)| row.read(*digest, &handle));
    Ok(retired.transpose()?.map(KnownUrl::Retired))
}

/// A webhook with the current networks of the sets in its allowlist.
pub(crate) fn read_webhook(
    connection: &mut Connection,
    row: WebhookRow,
    cache: &NetworkCache,
) -> Result<Webhook, QueryError> {
    let mut webhook = Webhook::try_from(row)?;
    webhook.policy.allowlist = resolve(connection, &webhook.policy.allowlist, cache)?;
    Ok(webhook)
}
