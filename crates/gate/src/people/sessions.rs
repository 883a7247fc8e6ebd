//! Sessions: beginning, using, listing and ending them.

use std::net::IpAddr;
use std::time::Duration;

use hookgate_domain::leaks::may_hold_secret;
use hookgate_people::{
    AuditAct, AuditSubject, LinkMaker, Member, MemberId, NewAudit, Permission, Session, SessionId,
    SessionToken, SignInMeans,
};

use crate::{ActorContext, CredentialError, EntropyError, Gate, PeopleError, PeopleStore, Store};

/// Minimum time between two updates of the last use of a session or token: at most one write a minute.
pub(super) const TOUCH_INTERVAL: Duration = Duration::from_mins(1);
/// Maximum length of a browser's name that is kept, in characters.
const MAX_USER_AGENT: usize = 300;

impl<S: Store + PeopleStore> Gate<S> {
    /// The member of a session with the present role, and the session; `None` if it is unknown or over. This counts as
    /// a use of the session.
    ///
    /// # Errors
    /// [`CredentialError`].
    pub async fn signed_in(
        &self,
        token: &SessionToken,
        from: IpAddr,
    ) -> Result<Option<(Member, Session)>, CredentialError> {
        let found = self.signed_in_without_use(token, from).await?;
        let now = self.now();
        if let Some((_, session)) = &found
            && now.since(session.last_seen_at) >= TOUCH_INTERVAL
        {
            self.store.session_touch(session.id, now).await?;
        }
        Ok(found)
    }

    /// As [`Self::signed_in`], for requests that a browser makes by itself: they do not count as a use of the session.
    ///
    /// # Errors
    /// [`CredentialError`].
    pub async fn signed_in_without_use(
        &self,
        token: &SessionToken,
        from: IpAddr,
    ) -> Result<Option<(Member, Session)>, CredentialError> {
        let (now, digest) = (self.now(), token.digest());
        let look_up = self.live_session(&digest);
        let found = self.credentials.find(digest.as_bytes(), from, now, look_up);
        found.await
    }

    /// Ends the session that the actor is in.
    ///
    /// # Errors
    /// [`PeopleError::Store`]. A session that has ended already is no error.
    pub async fn sign_out(&self, actor: &ActorContext, session: &Session) -> Result<(), PeopleError> {
        let subject = AuditSubject::new(session.id, actor.identity.name());
        let audit = actor.note(AuditAct::SessionSignOut, subject, self.now());
        self.store.session_remove(session.id, audit).await?;
        Ok(())
    }

    /// The live sessions of a member, newest first. Members may see their own; those of others need the permission to
    /// manage people.
    ///
    /// # Errors
    /// [`PeopleError::Forbidden`] or [`PeopleError::Store`].
    pub async fn sessions(&self, actor: &ActorContext, of: MemberId) -> Result<Vec<Session>, PeopleError> {
        if !actor.is_member(of) {
            actor.require(Permission::ManagePeople)?;
        }
        let mut sessions = self.store.sessions_for_member(of).await?;
        let now = self.now();
        sessions.retain(|session| !session.is_over(now));
        Ok(sessions)
    }

    /// Ends a session, which no longer works when this returns. Members may end their own; those of others need the
    /// permission to manage people.
    ///
    /// # Errors
    /// [`PeopleError::NotFound`], also for a session that the actor may not see; [`PeopleError::Member`] if it belongs to
    /// an owner and the actor is no owner; [`PeopleError::Store`].
    pub async fn session_end(&self, actor: &ActorContext, id: SessionId) -> Result<(), PeopleError> {
        let session = self.store.session_by_id(id).await?.ok_or(PeopleError::NotFound)?;
        let member = self.store.member_by_id(session.member).await?;
        let member = member.ok_or(PeopleError::NotFound)?;
        if !actor.is_member(member.id) {
            actor
                .require(Permission::ManagePeople)
                .map_err(|_| PeopleError::NotFound)?;
            member.check_changeable(actor.role())?;
        }
        let subject = AuditSubject::new(session.id, &member.name);
        let audit = actor.note(AuditAct::SessionSignOut, subject, self.now());
        if self.store.session_remove(id, audit).await? {
            Ok(())
        } else {
            Err(PeopleError::NotFound)
        }
    }

    /// A new session of the member that is not stored yet, and the entry of the audit trail for it.
    pub(super) fn new_session(
        &self,
        member: &Member,
        means: SignInMeans,
        made_by: Option<LinkMaker>,
        from: IpAddr,
        user_agent: Option<&str>,
    ) -> Result<(SessionToken, Session, NewAudit), EntropyError> {
        let now = self.now();
        let token = SessionToken::generate(|buffer| self.ports.entropy.fill(buffer))?;
        let session = Session {
            id: SessionId::new(now, self.random()?),
            digest: token.digest(),
            member: member.id,
            means,
            created_at: now,
            last_seen_at: now,
            source: from.to_canonical(),
            user_agent: user_agent
                .filter(|text| !may_hold_secret(text.as_bytes()))
                .map(|text| text.chars().take(MAX_USER_AGENT).collect()),
            made_by,
        };
        let subject = AuditSubject::new(session.id, means.as_str());
        let audit = ActorContext::remote(member, from).note(AuditAct::SessionSignIn, subject, now);
        Ok((token, session, audit))
    }
}
