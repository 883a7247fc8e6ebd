//! Members, sessions and tokens.

use diesel::dsl::count_star;
use diesel::prelude::*;
use hookgate_domain::networks::address_bytes;
use hookgate_people::{AuditAct, Member, NewAudit, PasswordHash, Role, Session, Token};

use super::row::{MemberRow, NewFailureRow, SessionRow, TokenRow};
use crate::connection::{Connection, RunQueryDsl};
use crate::schema::people::{failed_sign_ins, members, sessions, sign_in_links, tokens};

/// Removes every session and every sign-in link.
pub(crate) fn delete_all_sessions(connection: &mut Connection) -> QueryResult<usize> {
    let links = diesel::delete(sign_in_links::table).execute(connection)?;
    let sessions = diesel::delete(sessions::table).execute(connection)?;
    Ok(links + sessions)
}

/// Stores a new member.
pub(crate) fn member_insert(connection: &mut Connection, member: &Member) -> QueryResult<()> {
    diesel::insert_into(members::table)
        .values(MemberRow::from(member))
        .execute(connection)
        .map(drop)
}

/// `true` if there is no member at all.
pub(crate) fn no_member(connection: &mut Connection) -> QueryResult<bool> {
    let one = members::table.select(members::id).limit(1);
    Ok(one.load::<String>(connection)?.is_empty())
}

/// Number of owners of an organization.
pub(crate) fn owner_count(connection: &mut Connection, organization: i64) -> QueryResult<i64> {
    let query = members::table
        .filter(members::organization.eq(organization))
        .filter(members::role.eq(Role::Owner.as_str()));
    query.select(count_star()).get_result(connection)
}

/// Stores role and password of a member.
pub(crate) fn member_update(connection: &mut Connection, member: &Member) -> QueryResult<()> {
    let row = members::table.filter(members::id.eq(member.id.to_string()));
    let password = member.password.as_ref().map(PasswordHash::as_str);
    diesel::update(row)
        .set((
            members::role.eq(member.role.as_str()),
            members::password.eq(password),
        ))
        .execute(connection)
        .map(drop)
}

/// Removes a member; sessions and link go with it.
pub(crate) fn member_delete(connection: &mut Connection, id: &str) -> QueryResult<()> {
    diesel::delete(members::table.filter(members::id.eq(id)))
        .execute(connection)
        .map(drop)
}

/// Stores a new session.
pub(crate) fn session_insert(connection: &mut Connection, session: &Session) -> QueryResult<()> {
    diesel::insert_into(sessions::table)
        .values(SessionRow::from(session))
        .execute(connection)
        .map(drop)
}

/// Ends the sessions of a member beyond the newest `most`.
pub(crate) fn sessions_trim(connection: &mut Connection, member: &str, most: i64) -> QueryResult<()> {
    let ids = sessions::table
        .filter(sessions::member.eq(member))
        .select(sessions::id)
        .order(sessions::id.desc());
    let surplus: Vec<String> = ids.offset(most).limit(i64::MAX).load(connection)?;
    diesel::delete(sessions::table.filter(sessions::id.eq_any(surplus)))
        .execute(connection)
        .map(drop)
}

/// Ends the sessions of a member, except `kept`.
pub(crate) fn sessions_delete_but(connection: &mut Connection, member: &str, kept: &str) -> QueryResult<()> {
    let ended = sessions::table
        .filter(sessions::member.eq(member))
        .filter(sessions::id.ne(kept));
    diesel::delete(ended).execute(connection).map(drop)
}

/// Ends a session. `true` if there was one.
pub(crate) fn session_delete(connection: &mut Connection, id: &str) -> QueryResult<bool> {
    let ended = diesel::delete(sessions::table.filter(sessions::id.eq(id))).execute(connection)?;
    Ok(ended > 0)
}

/// Stores the time at which a session was used.
pub(crate) fn session_touch(connection: &mut Connection, id: &str, at: i64) -> QueryResult<()> {
    let row = sessions::table
        .filter(sessions::id.eq(id))
        .filter(sessions::last_seen_at.lt(at));
    diesel::update(row)
        .set(sessions::last_seen_at.eq(at))
        .execute(connection)
        .map(drop)
}

/// Stores a new token.
pub(crate) fn token_insert(connection: &mut Connection, token: &Token) -> QueryResult<()> {
    diesel::insert_into(tokens::table)
        .values(TokenRow::from(token))
        .execute(connection)
        .map(drop)
}

/// Stores the time at which a token was used.
pub(crate) fn token_touch(connection: &mut Connection, id: &str, at: i64) -> QueryResult<()> {
    diesel::update(tokens::table.filter(tokens::id.eq(id)))
        .set(tokens::last_used_at.eq(at))
        .execute(connection)
        .map(drop)
}

/// Stores the time at which a token was revoked.
pub(crate) fn token_revoke(connection: &mut Connection, id: &str, at: i64) -> QueryResult<()> {
    diesel::update(tokens::table.filter(tokens::id.eq(id)))
        .set(tokens::revoked_at.eq(at))
        .execute(connection)
        .map(drop)
}

/// Revokes the tokens of a member that are not revoked yet.
pub(crate) fn tokens_revoke_for_member(connection: &mut Connection, owner: &str, at: i64) -> QueryResult<()> {
    let theirs = tokens::table
        .filter(tokens::owner.eq(owner))
        .filter(tokens::revoked_at.is_null());
    diesel::update(theirs)
        .set(tokens::revoked_at.eq(at))
        .execute(connection)
        .map(drop)
}

/// Revokes the tokens that this one made, those that they made, and so on.
pub(crate) fn tokens_revoke_by(connection: &mut Connection, id: String, at: i64) -> QueryResult<()> {
    let mut makers = vec![id];
    while !makers.is_empty() {
        let made = tokens::table
            .filter(tokens::made_by.eq_any(&makers))
            .filter(tokens::revoked_at.is_null());
        makers = made.select(tokens::id).load(connection)?;
        diesel::update(tokens::table.filter(tokens::id.eq_any(&makers)))
            .set(tokens::revoked_at.eq(at))
            .execute(connection)?;
    }
    Ok(())
}

/// Stands for no session. The failed sign-ins after which no session has begun are stored with it.
pub(crate) const NO_SESSION: &str = "";

/// Counts a failed sign-in of a member. Other entries are ignored.
pub(crate) fn failure_count(connection: &mut Connection, entry: &NewAudit) -> QueryResult<()> {
    let (AuditAct::SessionSignInFailed, Some(from)) = (entry.act, entry.from) else {
        return Ok(());
    };
    let (member, at, source) = (
        entry.subject.id.as_str(),
        entry.at.as_micros(),
        address_bytes(from),
    );
    let ids = members::table.filter(members::id.eq(member)).select(members::id);
    if ids.load::<String>(connection)?.is_empty() {
        return Ok(());
    }
    let row = NewFailureRow {
        member,
        session: NO_SESSION,
        attempts: 1,
        last_at: at,
        source: &source,
    };
    diesel::insert_into(failed_sign_ins::table)
        .values(row)
        .on_conflict((failed_sign_ins::member, failed_sign_ins::session))
        .do_update()
        .set((
            failed_sign_ins::attempts.eq(failed_sign_ins::attempts + 1),
            failed_sign_ins::last_at.eq(at),
            failed_sign_ins::source.eq(&source[..]),
        ))
        .execute(connection)
        .map(drop)
}

/// Assigns the failed sign-ins so far to the session that begins, and removes those of the session before.
pub(crate) fn failures_take(connection: &mut Connection, member: &str, session: &str) -> QueryResult<()> {
    let theirs = failed_sign_ins::table.filter(failed_sign_ins::member.eq(member));
    diesel::delete(theirs.filter(failed_sign_ins::session.ne(NO_SESSION))).execute(connection)?;
    diesel::update(theirs)
        .set(failed_sign_ins::session.eq(session))
        .execute(connection)
        .map(drop)
}
