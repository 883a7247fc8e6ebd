//! Changes of members with all their consequences, and the webhooks that a member knows.

use std::cmp::Ordering;

use hookgate_domain::{Timestamp, WebhookName};
use hookgate_gate::{ActorContext, KnownWebhook, KnownWebhooks, MemberChange};
use hookgate_people::{Member, MemberError, MemberId, Role};

use super::actor::actor_check;
use super::links;
use super::queries::member_by_id;
use super::statements::{
    NO_SESSION, member_delete, member_update, owner_count, sessions_delete_but, tokens_revoke_for_member,
};
use crate::audit::statements::audit_insert;
use crate::connection::Connection;
use crate::locks::members::{LockMode, lock_members};
use crate::query_error::{CorruptRow, QueryError};
use crate::rows::{read_count, read_handle, read_row};
use crate::webhooks::shown;
use crate::webhooks::shown::leaver_mark;

/// Applies a change to the member as it is now. `None` if there is no such member; an inner error if the
/// rules refuse it.
pub(crate) fn act(
    connection: &mut Connection,
    id: MemberId,
    change: &MemberChange,
    actor: &ActorContext,
    now: Timestamp,
) -> Result<Option<Result<Member, MemberError>>, QueryError> {
    lock_members(connection, LockMode::Exclusive)?;
    actor_check(connection, &actor.identity, actor.session, now)?;
    let key = id.to_string();
    let Some(member) = read_row::<_, Member>(member_by_id(connection, &key)?)? else {
        return Ok(None);
    };
    let owners = read_count(
        "members",
        "count",
        owner_count(connection, member.organization.get())?,
    )?;
    let before = member.role;
    let (member, audit) = match change.apply(member, owners, actor, now) {
        Ok(applied) => applied,
        Err(refused) => return Ok(Some(Err(refused))),
    };
    match change {
        MemberChange::Role { .. } => {
            member_update(connection, &member)?;
            made_end(connection, &key, before, member.role)?;
        }
        MemberChange::Password(_, kept) => {
            member_update(connection, &member)?;
            let kept = kept.map_or_else(|| NO_SESSION.to_owned(), |id| id.to_string());
            sessions_delete_but(connection, &key, &kept)?;
            links::link_delete_for_member(connection, &key)?;
            links::made_delete_by(connection, &key, &kept)?;
        }
        MemberChange::Remove => {
            let known = shown::webhooks_known_to(connection, &key)?;
            leaver_mark(connection, &known, member.name.as_str(), now.as_micros())?;
            links::made_delete_by(connection, &key, NO_SESSION)?;
            tokens_revoke_for_member(connection, &key, now.as_micros())?;
            member_delete(connection, &key)?;
        }
    }
    audit_insert(connection, &audit)?;
    Ok(Some(Ok(member)))
}

/// Ends sign-in links, and the sessions that began by them, after a change of role. A higher role ends those
/// for the member: whoever has one would get the rights of the new role. A lower role ends those that the
/// member made, because the new role might not allow them.
fn made_end(connection: &mut Connection, member: &str, before: Role, after: Role) -> Result<(), QueryError> {
    match after.cmp(&before) {
        Ordering::Greater => links::made_delete_for(connection, member)?,
        Ordering::Less => links::made_delete_by(connection, member, NO_SESSION)?,
        Ordering::Equal => {}
    }
    Ok(())
}

/// The webhooks of which a member was shown a secret: their number, and the first `most` of them.
pub(crate) fn known_webhooks(
    connection: &mut Connection,
    member: &str,
    most: usize,
) -> Result<KnownWebhooks, QueryError> {
    let keys = shown::webhooks_known_to(connection, member)?;
    let tokens = shown::tokens_for_member(connection, member)?;
    let is_theirs = |shown_to: &Option<String>| {
        let shown_to = shown_to.as_deref();
        shown_to == Some(member) || tokens.iter().any(|token| shown_to == Some(token.as_str()))
    };
    let mut webhooks = Vec::new();
    for row in shown::known_webhooks(connection, &keys[..keys.len().min(most)])? {
        let corrupt = |column| CorruptRow::at("webhooks", &row.handle, column);
        webhooks.push(KnownWebhook {
            handle: read_handle(&row.handle)?,
            name: WebhookName::from_stored(&row.name).ok_or_else(|| corrupt("name"))?,
            hint: row.hint.parse().map_err(|_| corrupt("hint"))?,
            url: is_theirs(&row.url_shown_to),
            signing_secret: is_theirs(&row.secret_shown_to),
        });
    }
    Ok(KnownWebhooks {
        webhooks,
        count: u64::try_from(keys.len()).unwrap_or(u64::MAX),
        others_unknown: shown::has_unknown_urls(connection)?,
    })
}
