//! Recipients of the URL and of the signing secret of a webhook, and the mark that one of them has left. None
//! of it is policy: it raises no revision, and does not affect how deliveries are judged.

use diesel::prelude::*;
use hookgate_people::NewAudit;

use super::webhooks::lock_policies;
use crate::connection::{Connection, RunQueryDsl};
use crate::schema::webhooks;

/// Keys in one statement, because databases limit the bound values of a statement.
const KEYS_AT_ONCE: usize = 500;

/// The recipient for its column: the ID of the actor, or the kind of an actor without one.
fn shown_to(audit: &NewAudit) -> String {
    audit.actor.id().unwrap_or_else(|| audit.actor.kind().to_owned())
}

/// Stores the recipient of a webhook's new URL, and removes the mark of a leaver, who does not know the new
/// URL.
pub(crate) fn url_shown(connection: &mut Connection, webhook: i64, audit: &NewAudit) -> QueryResult<()> {
    diesel::update(webhooks::table.filter(webhooks::id.eq(webhook)))
        .set((
            webhooks::url_shown_to.eq(shown_to(audit)),
            webhooks::leaver.eq(None::<String>),
            webhooks::leaver_at.eq(None::<i64>),
        ))
        .execute(connection)
        .map(drop)
}

/// Stores the recipient of a new signing secret.
pub(crate) fn secret_shown(connection: &mut Connection, webhook: i64, audit: &NewAudit) -> QueryResult<()> {
    diesel::update(webhooks::table.filter(webhooks::id.eq(webhook)))
        .set(webhooks::secret_shown_to.eq(shown_to(audit)))
        .execute(connection)
        .map(drop)
}

/// The sealed signing secret of the webhook with this key.
pub(crate) fn sealed_secret(connection: &mut Connection, webhook: i64) -> QueryResult<Option<Vec<u8>>> {
    let query = webhooks::table.filter(webhooks::id.eq(webhook));
    query.select(webhooks::signing_secret).get_result(connection)
}

/// Marks these webhooks as known to a member who left, except those that an earlier leaver knows.
pub(crate) fn leaver_mark(connection: &mut Connection, keys: &[i64], name: &str, at: i64) -> QueryResult<()> {
    if keys.is_empty() {
        return Ok(());
    }
    // Row locks are not fair: a steady stream of deliveries would starve the update. These locks queue.
    lock_policies(connection)?;
    for keys in keys.chunks(KEYS_AT_ONCE) {
        let rows = webhooks::table
            .filter(webhooks::id.eq_any(keys))
            .filter(webhooks::leaver_at.is_null());
        diesel::update(rows)
            .set((webhooks::leaver.eq(name), webhooks::leaver_at.eq(at)))
            .execute(connection)?;
    }
    Ok(())
}
