//! Changes by an actor: the check of the actor, the change and its entry of the audit trail are one
//! transaction.

use hookgate_domain::Timestamp;
use hookgate_gate::check_actor;
use hookgate_people::{Actor, Member, NewAudit, Role, Session, SessionId, Token};

use super::queries::{member_by_id, session_by_id, token_by_id};
use crate::audit::statements::audit_insert;
use crate::connection::Connection;
use crate::locks::members::{LockMode, lock_members};
use crate::query_error::QueryError;

/// Checks the actor, runs `work` and stores the entry of the audit trail. There is no entry if `work` returns
/// `None`.
pub(crate) fn audited<T>(
    connection: &mut Connection,
    audit: &NewAudit,
    work: impl FnOnce(&mut Connection) -> Result<Option<T>, QueryError>,
) -> Result<Option<T>, QueryError> {
    lock_members(connection, LockMode::Shared)?;
    actor_check(connection, &audit.actor, audit.session, audit.at)?;
    let done = work(connection)?;
    if done.is_some() {
        audit_insert(connection, audit)?;
    }
    Ok(done)
}

/// Refuses an actor that may no longer act. Runs before anything is written.
pub(crate) fn actor_check(
    connection: &mut Connection,
    actor: &Actor,
    session: Option<SessionId>,
    now: Timestamp,
) -> Result<(), QueryError> {
    let role = match actor {
        Actor::Member { id, .. } => {
            let member = member_by_id(connection, &id.to_string())?;
            let member = member.map(Member::try_from).transpose()?;
            let is_alive = match session {
                Some(session) => is_alive(connection, session, now)?,
                None => true,
            };
            member.filter(|_| is_alive).map(|member| member.role)
        }
        Actor::Token { id, .. } => token_role(connection, &id.to_string(), now)?,
        Actor::CommandLine { .. } | Actor::System => return Ok(()),
    };
    Ok(check_actor(actor, role)?)
}

fn is_alive(connection: &mut Connection, session: SessionId, now: Timestamp) -> Result<bool, QueryError> {
    let row = session_by_id(connection, &session.to_string())?;
    let session = row.map(Session::try_from).transpose()?;
    Ok(session.is_some_and(|session| !session.is_over(now)))
}

fn token_role(connection: &mut Connection, id: &str, now: Timestamp) -> Result<Option<Role>, QueryError> {
    let row = token_by_id(connection, id)?;
    let Some(token) = row.map(Token::try_from).transpose()? else {
        return Ok(None);
    };
    let owner = match token.owner {
        Some(owner) => member_by_id(connection, &owner.to_string())?,
        None => None,
    };
    let owner = owner.map(Member::try_from).transpose()?;
    Ok(token.live_role(owner.as_ref(), now))
}
