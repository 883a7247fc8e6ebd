//! Changes by an actor: the check of the actor, the change and its entry of the audit trail are one
//! transaction.

use diesel::connection::SimpleConnection;
use diesel::result::QueryResult;
use hookgate_domain::Timestamp;
use hookgate_gate::{StoreError, check_actor};
use hookgate_people::{Actor, Member, NewAudit, Role, Session, SessionId, Token};

use crate::Database;
use crate::connection::Connection;
use crate::query_error::QueryError;
use crate::read::people;
use crate::write::audit::audit_insert;

impl Database {
    /// Runs a change for an actor, with its entry of the audit trail. `None` if other changes made it
    /// impossible.
    pub(crate) async fn audited<T: Send + 'static>(
        &self,
        what: &'static str,
        audit: NewAudit,
        work: impl Fn(&mut Connection) -> Result<Option<T>, QueryError> + Send + 'static,
    ) -> Result<Option<T>, StoreError> {
        let work = move |connection: &mut Connection| audited(connection, &audit, &work);
        self.change(what, work).await
    }
}

/// Checks the actor, runs `work` and stores the entry of the audit trail. There is no entry if `work` returns
/// `None`.
pub(crate) fn audited<T>(
    connection: &mut Connection,
    audit: &NewAudit,
    work: impl FnOnce(&mut Connection) -> Result<Option<T>, QueryError>,
) -> Result<Option<T>, QueryError> {
    lock_members(connection, Hold::Shared)?;
    actor_check(connection, &audit.actor, audit.session, audit.at)?;
    let done = work(connection)?;
    if done.is_some() {
        audit_insert(connection, audit)?;
    }
    Ok(done)
}

/// Lock of the members while a change runs.
#[derive(Clone, Copy)]
pub(crate) enum Hold {
    /// For a change of anything else. Such changes run at the same time.
    Shared,
    /// For the change of a member.
    Alone,
}

/// Makes changes of members and changes by members wait for each other. Must be the first statement of a
/// transaction.
///
/// A removal reads which URLs the member was shown, and a change reads whether its member exists, so each of
/// them makes the other one repeat. A slow removal would refuse quick changes for as long as it runs, however
/// often they are repeated. A table lock queues them instead, and it is the one statement that is served
/// before the snapshot of the transaction is taken.
pub(crate) fn lock_members(connection: &mut Connection, hold: Hold) -> QueryResult<()> {
    // SQLite runs one writing transaction at a time.
    let Connection::Postgres(link) = connection else {
        return Ok(());
    };
    link.connection.batch_execute(match hold {
        Hold::Shared => "LOCK TABLE members IN ROW SHARE MODE",
        Hold::Alone => "LOCK TABLE members IN EXCLUSIVE MODE",
    })
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
            let member = people::member_by_id(connection, &id.to_string())?;
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
    let row = people::session_by_id(connection, &session.to_string())?;
    let session = row.map(Session::try_from).transpose()?;
    Ok(session.is_some_and(|session| !session.is_over(now)))
}

fn token_role(connection: &mut Connection, id: &str, now: Timestamp) -> Result<Option<Role>, QueryError> {
    let row = people::token_by_id(connection, id)?;
    let Some(token) = row.map(Token::try_from).transpose()? else {
        return Ok(None);
    };
    let owner = match token.owner {
        Some(owner) => people::member_by_id(connection, &owner.to_string())?,
        None => None,
    };
    let owner = owner.map(Member::try_from).transpose()?;
    Ok(token.live_role(owner.as_ref(), now))
}
