//! Signing in, by password or by link, and the sessions that come of it.

use std::net::IpAddr;
use std::time::Duration;

use hookgate_domain::{
    Actor, AuditAct, AuditSubject, LinkMaker, Member, MemberId, MemberName, Password, Permission, Role,
    SealedSecret, Session, SessionId, SessionToken, SignInLink, SignInMeans, SignInSecret, may_hold_secret,
};
use thiserror::Error;

use crate::login_limiter::{TooMany, Trier};
use crate::members::member_subject;
use crate::password_queue::Asker;
use crate::{
    ActorContext, CredentialError, EntropyError, FailedSignIns, Gate, PageSize, PasswordsError, PeopleError,
    PeopleStore, Store, StoreError,
};

/// What the owner is called that the very first sign-in link makes.
const FIRST_OWNER: &str = "owner";
/// How exactly it is kept when a session or token was last used: a write a minute, whatever the traffic.
pub(crate) const TOUCH_EVERY: Duration = Duration::from_mins(1);
/// Longest name of a browser that is kept, in characters.
const MAX_USER_AGENT: usize = 300;

/// Why somebody can't sign in.
#[derive(Debug, Error)]
pub enum SignInError {
    /// Wrong name or password, or a link that is unknown, used or over. Which of them is not told.
    #[error("wrong name or password, or the link no longer works")]
    Wrong,
    /// Too many attempts from there.
    #[error("too many attempts")]
    TooMany {
        /// When to try again.
        retry_after: Duration,
    },
    /// Too many attempts at this name, wherever from: only browsers that the member has signed in with go on, and links.
    #[error("too many attempts at this name")]
    Guessed {
        /// When to try again.
        retry_after: Duration,
    },
    /// Passwords are checked for too many others just now. This one was not looked at, and is counted for nobody.
    #[error("too many passwords are being checked")]
    Busy {
        /// When to try again.
        retry_after: Duration,
    },
    /// Passwords can't be checked.
    #[error(transparent)]
    Passwords(PasswordsError),
    /// The store could not do it.
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

/// From where somebody signs in.
#[derive(Clone, Copy, Debug)]
pub struct Browser<'a> {
    /// From which address.
    pub from: IpAddr,
    /// What the browser calls itself.
    pub user_agent: Option<&'a str>,
    /// What [`Gate::device`] gave it when a member signed in with it.
    pub device: Option<&'a SealedSecret>,
    /// Bytes of its request that are held until the password is checked.
    pub held: usize,
}

impl<S: Store + PeopleStore> Gate<S> {
    /// Signs a member in. An unknown name costs as much as a wrong password.
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
        let attempt = self.attempts.begin(name, by, self.now())?;
        let asker = if is_known {
            Asker::Known(name.key())
        } else {
            Asker::Stranger {
                source: from,
                name: name.key(),
                failures: self.attempts.failures(from, self.now()),
            }
        };
        // What nobody could judge for lack of our own means is no fault of whoever tries.
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

    /// The member of this name, and whether the password is theirs.
    async fn check_password(
        &self,
        asker: Asker,
        name: &MemberName,
        password: Password,
        held: usize,
    ) -> Result<(Option<Member>, bool), SignInError> {
        // Who has no turn costs the store nothing.
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

    /// Makes a link that signs a member in, once. An earlier one of that member no longer works.
    ///
    /// Without a name it is for the owner who came first; in a store without members it makes one, named `owner` and
    /// without a password.
    ///
    /// # Errors
    /// [`PeopleError::NotFound`], [`PeopleError::Forbidden`], [`PeopleError::ByToken`] if an API token asks, [`PeopleError::ByLink`]
    /// in a session that a member's link began, [`PeopleError::Member`] if it is for an owner and somebody else asks, or what its surroundings can't do.
    pub async fn sign_in_link(
        &self,
        acting: &ActorContext,
        name: Option<&MemberName>,
    ) -> Result<(SignInSecret, SignInLink, Member), PeopleError> {
        acting.require(Permission::ManagePeople)?;
        self.check_lasting(acting).await?;
        let (member, is_new) = match name {
            Some(name) => (self.store.member_by_name(name).await?, false),
            None => self.first_owner().await?,
        };
        let member = member.ok_or(PeopleError::NotFound)?;
        member.check_changeable(acting.role())?;
        let secret = SignInSecret::generate(|buffer| self.ports.entropy.fill(buffer))?;
        let link = SignInLink {
            digest: secret.digest(),
            member: member.id,
            created_at: self.now(),
            made_by: maker(acting),
        };
        let audit = acting.note(
            AuditAct::SignInLinkCreate,
            member_subject(&member),
            link.created_at,
        );
        let first = is_new.then(|| member.clone());
        self.store.sign_in_link_insert(link, first, audit).await?;
        Ok((secret, link, member))
    }

    /// The sign-in link and its member, as long as it works.
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

    /// Signs a member in by a link and uses it up. Of several that try at once, one gets in.
    ///
    /// # Errors
    /// [`SignInError`]. There is nothing to guess; what is limited is the work of looking unknown links up.
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

    /// Whose session it is, with the role of this moment; `None` if it is unknown or over. The session is used by this.
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

    /// As [`Self::signed_in`], for what a browser asks by itself: it is no use of the session, which goes on to rest.
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

    /// The failed sign-ins of the member since the sign-in before this one, to tell the member of them.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn failed_sign_ins(&self, session: &Session) -> Result<Option<FailedSignIns>, StoreError> {
        self.store.failed_sign_ins(session.member, session.id).await
    }

    /// Ends the session that the actor is in.
    ///
    /// # Errors
    /// [`PeopleError::Store`]. A session that is gone already is no error.
    pub async fn sign_out(&self, acting: &ActorContext, session: &Session) -> Result<(), PeopleError> {
        let subject = AuditSubject::new(session.id, acting.actor.name());
        let audit = acting.note(AuditAct::SessionSignOut, subject, self.now());
        self.store.session_remove(session.id, audit).await?;
        Ok(())
    }

    /// The living sessions of a member, newest first: one's own, or of others for who manages people.
    ///
    /// # Errors
    /// [`PeopleError::Forbidden`] or [`PeopleError::Store`].
    pub async fn sessions(&self, acting: &ActorContext, of: MemberId) -> Result<Vec<Session>, PeopleError> {
        if !is_self(&acting.actor, of) {
            acting.require(Permission::ManagePeople)?;
        }
        let mut sessions = self.store.sessions_for_member(of).await?;
        let now = self.now();
        sessions.retain(|session| !session.is_over(now));
        Ok(sessions)
    }

    /// Ends a session: one's own, or of others for who manages people. It is dead when this returns.
    ///
    /// # Errors
    /// [`PeopleError::NotFound`], also for what the actor may not see; [`PeopleError::Member`] if it is an owner's and
    /// somebody else asks; [`PeopleError::Store`].
    pub async fn session_end(&self, acting: &ActorContext, id: SessionId) -> Result<(), PeopleError> {
        let session = self.store.session_by_id(id).await?.ok_or(PeopleError::NotFound)?;
        let member = self.store.member_by_id(session.member).await?;
        let member = member.ok_or(PeopleError::NotFound)?;
        if !is_self(&acting.actor, member.id) {
            acting
                .require(Permission::ManagePeople)
                .map_err(|_| PeopleError::NotFound)?;
            member.check_changeable(acting.role())?;
        }
        let subject = AuditSubject::new(session.id, &member.name);
        let audit = acting.note(AuditAct::SessionSignOut, subject, self.now());
        if self.store.session_remove(id, audit).await? {
            Ok(())
        } else {
            Err(PeopleError::NotFound)
        }
    }

    /// Writes a failed sign-in down. A name that nobody has is left out: it may be a password in the wrong field.
    async fn note_failure(&self, member: Option<&Member>, from: IpAddr) -> Result<(), StoreError> {
        let subject = member.map_or_else(|| AuditSubject::new("", "unknown name"), member_subject);
        let acting = ActorContext::remote(Actor::System, from);
        let audit = acting.note(AuditAct::SessionSignInFailed, subject, self.now());
        self.store.audit_insert(audit).await
    }

    /// The owner who came first, or the one to make if there is no member at all, and which of them it is.
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

/// The member who makes a link, if one does.
fn maker(acting: &ActorContext) -> Option<LinkMaker> {
    match acting.actor {
        Actor::Member { id, .. } => Some(LinkMaker {
            member: id,
            session: acting.session,
        }),
        Actor::Token { .. } | Actor::CommandLine { .. } | Actor::System => None,
    }
}

fn is_self(actor: &Actor, member: MemberId) -> bool {
    matches!(actor, Actor::Member { id, .. } if *id == member)
}
