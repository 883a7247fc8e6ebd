//! Recipients of the URL and of the signing secret of a webhook, and the mark that one of them has left. None
//! of it is policy: it raises no revision, and does not affect how deliveries are judged.

use diesel::prelude::*;
use hookgate_people::NewAudit;

use crate::connection::{Connection, RunQueryDsl};
use crate::locks::policies::lock_policies;
use crate::schema::people::tokens;
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

/// The keys of the active webhooks of which this member, or a token of the member, was shown a secret.
pub(crate) fn webhooks_known_to(connection: &mut Connection, member: &str) -> QueryResult<Vec<i64>> {
    let theirs = || {
        let tokens = tokens::table.filter(tokens::owner.eq(member));
        tokens.select(tokens::id.nullable())
    };
    let alive = || {
        let alive = webhooks::table.filter(webhooks::digest.is_not_null());
        alive.select(webhooks::id)
    };
    // Four queries, because each has an index of its own.
    let mut keys: Vec<i64> = alive()
        .filter(webhooks::url_shown_to.eq(member))
        .load(connection)?;
    let of_secret = alive().filter(webhooks::secret_shown_to.eq(member));
    keys.append(&mut of_secret.load(connection)?);
    let by_token = alive().filter(webhooks::url_shown_to.eq_any(theirs()));
    keys.append(&mut by_token.load(connection)?);
    let secret_by_token = alive().filter(webhooks::secret_shown_to.eq_any(theirs()));
    keys.append(&mut secret_by_token.load(connection)?);
    keys.sort_unstable();
    keys.dedup();
    Ok(keys)
}

/// A webhook whose secrets a member was shown, as the removal of the member reports it.
#[derive(Queryable)]
pub(crate) struct KnownWebhookRow {
    pub(crate) handle: String,
    pub(crate) name: String,
    pub(crate) hint: String,
    pub(crate) url_shown_to: Option<String>,
    pub(crate) secret_shown_to: Option<String>,
}

/// The webhooks with these keys, in the order of their handles.
pub(crate) fn known_webhooks(connection: &mut Connection, keys: &[i64]) -> QueryResult<Vec<KnownWebhookRow>> {
    let query = webhooks::table.filter(webhooks::id.eq_any(keys)).select((
        webhooks::handle,
        webhooks::name,
        webhooks::hint,
        webhooks::url_shown_to,
        webhooks::secret_shown_to,
    ));
    query.order(webhooks::handle).load(connection)
}

/// The IDs of the tokens of a member, revoked and expired ones too.
pub(crate) fn tokens_for_member(connection: &mut Connection, member: &str) -> QueryResult<Vec<String>> {
    let query = tokens::table.filter(tokens::owner.eq(member));
    query.select(tokens::id).load(connection)
}

/// `true` if a live URL has no record of the member or token that it was shown to.
pub(crate) fn has_unknown_urls(connection: &mut Connection) -> QueryResult<bool> {
    let unknown = webhooks::table
        .filter(webhooks::url_shown_to.is_null())
        .filter(webhooks::digest.is_not_null())
        .select(webhooks::id)
        .limit(1);
    Ok(!unknown.load::<i64>(connection)?.is_empty())
}
