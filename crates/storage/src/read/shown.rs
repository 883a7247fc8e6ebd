//! The webhooks whose URL or signing secret was shown to a member.

use diesel::{ExpressionMethods, NullableExpressionMethods, QueryDsl, QueryResult, Queryable};

use crate::connection::{Connection, RunQueryDsl};
use crate::schema::people::tokens;
use crate::schema::webhooks;

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
