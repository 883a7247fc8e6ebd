//! Signing in, by password or by link, and the sessions that begin.

use std::net::IpAddr;
use std::time::Duration;

use hookgate_domain::leaks::may_hold_secret;
use hookgate_domain::policy::SealedSecret;
use hookgate_people::{
    Actor, AuditAct, AuditSubject, LinkMaker, Member, MemberId, MemberName, Password, Permission, Role,
    Session, SessionId, SessionToken, SignInLink, SignInMeans, SignInSecret,
};
use thiserror::Error;

use super::login_limiter::{TooMany, Trier};
use super::members::member_subject;
use super::password_queue::Asker;
use crate::{
    ActorContext, CredentialError, EntropyError, FailedSignIns, Gate, PageSize, PasswordsError, PeopleError,
    PeopleStore, Store, StoreError,
};

/// Name of the owner that the very first sign-in link creates.
const FIRST_OWNER: &str = "owner";
/// Minimum time between two updates of the last use of a session or token: at most one write a minute.
pub(crate) const TOUCH_EVERY: Duration = Duration::from_mins(1);
/// Maximum length of a browser's name that is kept, in characters.
const MAX_USER_AGENT: usize = 300;

/// Errors of signing in.
#[derive(Debug, Error)]
pub enum SignInError {
    /// Wrong name or password, or a link that is unknown, used or expired. The error does not say which.
    #[error("wrong name or password, or the link no longer works")]
    Wrong,
    /// Too many attempts from this source or browser.
    #[error("too many attempts")]
    TooMany {
        /// Time until the next attempt.
        retry_after: Duration,
    },
    /// Too many attempts at this name, from all sources. Only sign-in links, and browsers in which the member has
    /// signed in before, still work.
    #[error("too many attempts at this name")]
    Guessed {
        /// Time until the next attempt.
        retry_after: Duration,
    },
    /// Too many passwords are being checked now. This one was not checked, and is not counted as an attempt.
    #[error("too many passwords are being checked")]
    Busy {
        /// Time until the next attempt.
        retry_after: Duration,
    },
    /// Passwords can't be checked.
    #[error(transparent)]
    Passwords(PasswordsError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// No randomness for a session.
    #[error(transparent)]
    Entropy(#[from] EntropyError),
}

impl From<PasswordsError> for SignInError {
    fn from(error: PasswordsError) -> Self {
        match error {
            PasswordsError::Busy { retry_after } => Self::Busy { retry_after },
            error @ PasswordsError::Failed => Self::Passwords(error),
        }
    }
}

impl From<CredentialError> for SignInError {
    fn from(error: CredentialError) -> Self {
        match error {
            CredentialError::TooMany { retry_after } => Self::TooMany { retry_after },
            CredentialError::Store(error) => Self::Store(error),
        }
    }
}

impl From<TooMany> for SignInError {
    fn from(error: TooMany) -> Self {
        match error {
            TooMany::Source(retry_after) => Self::TooMany { retry_after },
            TooMany::Name(retry_after) => Self::Guessed { retry_after },
        }
    }
}

/// The browser that signs a member in.
#[derive(Clone, Copy, Debug)]
pub struct Browser<'a> {
    /// Source address.
    pub from: IpAddr,
    /// `User-Agent`.
    pub user_agent: Option<&'a str>,
    /// The device cookie of [`Gate::device`], if a member has signed in with this browser before.
    pub device: Option<&'a SealedSecret>,
    /// Bytes of the request that are held until the password is checked.
    pub held: usize,
}

impl<S: Store + PeopleStore> Gate<S> {
    /// Signs a member in. An unknown name costs as much time as a wrong password.
    ///
    /// # Errors
    /// [`SignInError`].
    pub async fn sign_in(
        &self,
        name: &MemberName,
        password: Password,
        browser: Browser<'_>,
    ) -> Result<(SessionToken, Session, Member), SignInError> {
        let Browser { from, user_agent, .. } = browser;
        let known = browser.device.and_then(|device| self.device_of(name, device));
        let by = known.map_or(Trier::Source(from), Trier::Known);
        let is_known = matches!(by, Trier::Known(_));
        let attempt = self.login_limiter.begin(name, by, self.now())?;
        let asker = if is_known {
            Asker::Known(name.key())
        } else {
            Asker::Stranger {
                source: from,
                name: name.key(),
                failures: self.login_limiter.failures(from, self.now()),
            }
        };
        // A password that could not be checked for lack of our own resources is not counted as an attempt.
        let (member, is_right) = match self.check_password(asker, name, password, browser.held).await {
            Ok(checked) => checked,
            Err(error) => {
                attempt.give_back();
                return Err(error);
            }
        };
        let Some(member) = member.as_ref().filter(|_| is_right) else {
            self.note_failure(member.as_ref(), from).await?;
            return Err(SignInError::Wrong);
        };
        let begun = self.begin_session(member, from, user_agent).await;
        if begun.is_ok() {
            attempt.succeeded();
        } else {
            attempt.give_back();
        }
        let (token, session) = begun?;
        Ok((token, session, member.clone()))
    }

    /// The member with this name, and `true` if the password is right.
    async fn check_password(
        &self,
        asker: Asker,
        name: &MemberName,
        password: Password,
        held: usize,
    ) -> Result<(Option<Member>, bool), SignInError> {
        // Without a turn, the store is not read.
        let _turn = self.password_queue.turn(asker, held).await?;
        let member = self.store.member_by_name(name).await?;
        let hash = member.as_ref().and_then(|member| member.password.clone());
        let is_right = self.ports.passwords.verify(password, hash).await?;
        Ok((member, is_right))
    }

    async fn begin_session(
        &self,
        member: &Member,
        from: IpAddr,
        user_agent: Option<&str>,
    ) -> Result<(SessionToken, Session), SignInError> {
        let (token, session) = self.new_session(member, SignInMeans::Password, from, user_agent)?;
        let audit = ActorContext::remote(member, from).note(
            AuditAct::SessionSignIn,
            AuditSubject::new(session.id, SignInMeans::Password.as_str()),
            session.created_at,
        );
        let inserted = self.store.session_insert(session.clone(), member.clone(), audit);
        match inserted.await {
            Err(StoreError::Conflict) => Err(SignInError::Wrong),
            inserted => {
                inserted?;
                self.credentials.remember(*session.digest.as_bytes());
                Ok((token, session))
            }
        }
    }

    /// Makes a link that signs a member in, once. An earlier link of that member no longer works.
    ///
    /// Without a name the link is for the first owner. In a store without members it creates one, named `owner` and
    /// without a password.
    ///
    /// # Errors
    /// [`PeopleError::NotFound`], [`PeopleError::Forbidden`], [`PeopleError::ByToken`] for an API token,
    /// [`PeopleError::ByLink`] in a session that a member's link began, [`PeopleError::Member`] if the link is for an
    /// owner and the actor is none, or a failure of a port.
    pub async fn sign_in_link(
        &self,
        actor: &ActorContext,
        name: Option<&MemberName>,
    ) -> Result<(SignInSecret, SignInLink, Member), PeopleError> {
        actor.require(Permission::ManagePeople)?;
        self.check_lasting(actor).await?;
        let (member, is_new) = match name {
            Some(name) => (self.store.member_by_name(name).await?, false),
            None => self.first_owner().await?,
        };
        let member = member.ok_or(PeopleError::NotFound)?;
        member.check_changeable(actor.role())?;
        let secret = SignInSecret::generate(|buffer| self.ports.entropy.fill(buffer))?;
        let link = SignInLink {
            digest: secret.digest(),
            member: member.id,
            created_at: self.now(),
            made_by: maker(actor),
        };
        let audit = actor.note(
            AuditAct::SignInLinkCreate,
            member_subject(&member),
            link.created_at,
        );
        let first = is_new.then(|| member.clone());
        self.store.sign_in_link_insert(link, first, audit).await?;
        Ok((secret, link, member))
    }

    /// The sign-in link and its member, unless it has expired or was used.
    ///
    /// # Errors
    /// [`CredentialError`].
    pub async fn sign_in_link_of(
        &self,
        secret: &SignInSecret,
        from: IpAddr,
    ) -> Result<Option<(SignInLink, Member)>, CredentialError> {
        let (now, digest) = (self.now(), secret.digest());
        let look_up = self.store.sign_in_link_by_digest(&digest);
        let found = self.credentials.find(digest.as_bytes(), from, now, look_up);
        Ok(found.await?.filter(|(link, _)| !link.is_over(now)))
    }

    /// Signs a member in by a link and uses it up. Of several concurrent attempts, one succeeds.
    ///
    /// # Errors
    /// [`SignInError`]. Links can't be guessed; the limit is for the work of looking unknown links up.
    pub async fn sign_in_by_link(
        &self,
        secret: &SignInSecret,
        from: IpAddr,
        user_agent: Option<&str>,
    ) -> Result<(SessionToken, Session, Member), SignInError> {
        let found = self.sign_in_link_of(secret, from).await?;
        let (link, member) = found.ok_or(SignInError::Wrong)?;
        let (token, session) = self.new_session(&member, SignInMeans::Link, from, user_agent)?;
        let session = Session {
            made_by: link.made_by,
            ..session
        };
        let audit = ActorContext::remote(&member, from).note(
            AuditAct::SessionSignIn,
            AuditSubject::new(session.id, SignInMeans::Link.as_str()),
            session.created_at,
        );
        if self
            .store
            .sign_in_link_use(link.digest, session.clone(), audit)
            .await?
        {
            self.credentials.remember(*session.digest.as_bytes());
            Ok((token, session, member))
        } else {
            Err(SignInError::Wrong)
        }
    }

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
        let found = self.signed_in_at_rest(token, from).await?;
        let now = self.now();
        if let Some((_, session)) = &found
            && now.since(session.last_seen_at) >= TOUCH_EVERY
        {
            self.store.session_touch(session.id, now).await?;
        }
        Ok(found)
    }

    /// As [`Self::signed_in`], for requests that a browser makes by itself: they do not count as a use of the session.
    ///
    /// # Errors
    /// [`CredentialError`].
    pub async fn signed_in_at_rest(
        &self,
        token: &SessionToken,
        from: IpAddr,
    ) -> Result<Option<(Member, Session)>, CredentialError> {
        let (now, digest) = (self.now(), token.digest());
        let look_up = self.live_session(&digest);
        let found = self.credentials.find(digest.as_bytes(), from, now, look_up);
        found.await
    }

    /// The failed sign-ins of the member since the sign-in before this one, to show them to the member.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn failed_sign_ins(&self, session: &Session) -> Result<Option<FailedSignIns>, StoreError> {
        self.store.failed_sign_ins(session.member, session.id).await
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
        if !is_self(&actor.identity, of) {
            actor.require(Permission::ManagePeople)?;
        }
        let mut sessions = self.store.sessions_for_member(of).await?;
        let now = self.now();
        sessions.retain(|session| !session.is_over(now));
        Ok(sessions)
    }

    /// Ends a session, which is dead when this returns. Members may end their own; those of others need the permission
    /// to manage people.
    ///
    /// # Errors
    /// [`PeopleError::NotFound`], also for a session that the actor may not see; [`PeopleError::Member`] if it belongs to
    /// an owner and the actor is no owner; [`PeopleError::Store`].
    pub async fn session_end(&self, actor: &ActorContext, id: SessionId) -> Result<(), PeopleError> {
        let session = self.store.session_by_id(id).await?.ok_or(PeopleError::NotFound)?;
        let member = self.store.member_by_id(session.member).await?;
        let member = member.ok_or(PeopleError::NotFound)?;
        if !is_self(&actor.identity, member.id) {
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

    /// Records a failed sign-in. An unknown name is left out: it may be a password in the wrong field.
    async fn note_failure(&self, member: Option<&Member>, from: IpAddr) -> Result<(), StoreError> {
        let subject = member.map_or_else(|| AuditSubject::new("", "unknown name"), member_subject);
        let actor = ActorContext::remote(Actor::System, from);
        let audit = actor.note(AuditAct::SessionSignInFailed, subject, self.now());
        self.store.audit_insert(audit).await
    }

    /// The first owner, or a new one if there is no member at all; `true` if it is new.
    async fn first_owner(&self) -> Result<(Option<Member>, bool), PeopleError> {
        let mut after = None;
        loop {
            let page = self.store.member_page(after, PageSize::MAX).await?;
            let last = page.last().map(|member| member.id);
            if let Some(owner) = page.into_iter().find(|member| member.role == Role::Owner) {
                return Ok((Some(owner), false));
            }
            match last {
                Some(last) => after = Some(last),
                None if after.is_none() => break,
                None => return Ok((None, false)),
            }
        }
        let name = FIRST_OWNER.parse().map_err(|_| PeopleError::NotFound)?;
        Ok((Some(self.new_member(name, Role::Owner)?), true))
    }

    fn new_session(
        &self,
        member: &Member,
        means: SignInMeans,
        source: IpAddr,
        user_agent: Option<&str>,
    ) -> Result<(SessionToken, Session), EntropyError> {
        let now = self.now();
        let token = SessionToken::generate(|buffer| self.ports.entropy.fill(buffer))?;
        let session = Session {
            id: SessionId::new(now, self.random()?),
            digest: token.digest(),
            member: member.id,
            means,
            created_at: now,
            last_seen_at: now,
            source: source.to_canonical(),
            user_agent: user_agent
                .filter(|text| !may_hold_secret(text.as_bytes()))
                .map(|text| text.chars().take(MAX_USER_AGENT).collect()),
            made_by: None,
        };
        Ok((token, session))
    }
}

/// The member that makes a link; `None` for another actor.
fn maker(actor: &ActorContext) -> Option<LinkMaker> {
    match actor.identity {
        Actor::Member { id, .. } => Some(LinkMaker {
            member: id,
            session: actor.session,
        }),
        Actor::Token { .. } | Actor::CommandLine { .. } | Actor::System => None,
    }
}

fn is_self(actor: &Actor, member: MemberId) -> bool {
    matches!(actor, Actor::Member { id, .. } if *id == member)
}
