//! Inserts and replaces webhooks, with everything that changes along with them in the same transaction.

use hookgate_domain::policy::SealedSecret;
use hookgate_domain::webhook::RetiredBecause;
use hookgate_domain::{RetiredUrl, Webhook, WebhookState};
use hookgate_people::NewAudit;

use super::shown::{sealed_secret, secret_shown, url_shown};
use super::statements::{retired_insert, target_by_handle, url_changed, webhook_insert, webhook_update};
use crate::address_sets::statements::{sets_for_webhook, upsert_allowlist_sets};
use crate::connection::Connection;
use crate::locks::policies::lock_policy;
use crate::query_error::QueryError;

/// Stores a new webhook. Writes nothing if its allowlist names a set that does not exist.
pub(crate) fn store_webhook(
    connection: &mut Connection,
    webhook: &Webhook,
    audit: &NewAudit,
) -> Result<Option<()>, QueryError> {
    let Some(sets) = sets_for_webhook(connection, &webhook.policy.allowlist)? else {
        return Ok(None);
    };
    webhook_insert(connection, webhook)?;
    if let Some(target) = target_by_handle(connection, &webhook.handle.to_string())? {
        upsert_allowlist_sets(connection, target.id, &sets)?;
        url_shown(connection, target.id, audit)?;
        if webhook.policy.signing_secret.is_some() {
            secret_shown(connection, target.id, audit)?;
        }
    }
    Ok(Some(()))
}

/// Replaces the webhook. Writes nothing if another change came first, or if its allowlist names a set that
/// does not exist.
pub(crate) fn replace_webhook(
    connection: &mut Connection,
    webhook: &Webhook,
    retired: Option<&RetiredUrl>,
    audit: &NewAudit,
) -> Result<Option<()>, QueryError> {
    lock_policy(connection, webhook.handle)?;
    let target = target_by_handle(connection, &webhook.handle.to_string())?;
    let Some(target) = target.filter(|target| target.revision.checked_add(1) == Some(webhook.revision))
    else {
        return Ok(None);
    };
    let Some(sets) = sets_for_webhook(connection, &webhook.policy.allowlist)? else {
        return Ok(None);
    };
    let secret = webhook.policy.signing_secret.as_ref().map(SealedSecret::as_bytes);
    if secret.is_some() && sealed_secret(connection, target.id)?.as_deref() != secret {
        secret_shown(connection, target.id, audit)?;
    }
    if retired.is_some_and(|retired| retired.because == RetiredBecause::Regenerated) {
        url_shown(connection, target.id, audit)?;
    }
    webhook_update(connection, target.id, webhook)?;
    // A revoked webhook uses no sets.
    let is_alive = matches!(webhook.state, WebhookState::Active(_));
    upsert_allowlist_sets(connection, target.id, if is_alive { &sets } else { &[] })?;
    if let Some(retired) = retired {
        retired_insert(connection, target.id, retired)?;
        url_changed(connection, &retired.digest)?;
    } else if let WebhookState::Active(url) = &webhook.state {
        url_changed(connection, &url.digest)?;
    }
    Ok(Some(()))
}
