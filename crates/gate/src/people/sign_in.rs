//! Signing in by password.

use std::net::IpAddr;
use std::time::Duration;

use hookgate_domain::policy::SealedSecret;
use hookgate_people::{
    Actor, AuditAct, AuditSubject, Member, MemberName, Password, Session, SessionToken, SignInMeans,
};
use thiserror::Error;

use super::login_limiter::{AttemptOrigin, TooMany};
use super::members::member_subject;
use super::password_queue::PasswordCaller;
use crate::{
    ActorContext, CredentialError, EntropyError, Gate, PasswordsError, PeopleStore, Store, StoreError,
};

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
    /// The device cookie of [`Gate::new_device_cookie`], if a member has signed in with this browser before.
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
        let known = browser.device.and_then(|device| self.device_id(name, device));
        let by = known.map_or(AttemptOrigin::Source(from), AttemptOrigin::Known);
        let is_known = matches!(by, AttemptOrigin::Known(_));
        let attempt = self.login_limiter.begin(name, by, self.now())?;
        let caller = if is_known {
            PasswordCaller::Known(name.key())
        } else {
            PasswordCaller::Stranger {
                source: from,
                name: name.key(),
                failures: self.login_limiter.failures(from, self.now()),
            }
        };
        // A password that could not be checked for lack of our own resources is not counted as an attempt.
        let (member, is_right) = match self.check_password(caller, name, password, browser.held).await {
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
        caller: PasswordCaller,
        name: &MemberName,
        password: Password,
        held: usize,
    ) -> Result<(Option<Member>, bool), SignInError> {
        // Without a turn, the store is not read.
        let _turn = self.password_queue.turn(caller, held).await?;
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
        let (token, session, audit) =
            self.new_session(member, SignInMeans::Password, None, from, user_agent)?;
        let inserted = self.store.session_insert(session.clone(), member.clone(), audit);
        match inserted.await {
            Err(StoreError::Conflict) => return Err(SignInError::Wrong),
            inserted => inserted?,
        }
        self.credentials.remember(*session.digest.as_bytes());
        Ok((token, session))
    }

    /// Records a failed sign-in. An unknown name is left out: it may be a password in the wrong field.
    async fn note_failure(&self, member: Option<&Member>, from: IpAddr) -> Result<(), StoreError> {
        let subject = member.map_or_else(|| AuditSubject::new("", "unknown name"), member_subject);
        let actor = ActorContext::remote(Actor::System, from);
        let audit = actor.note(AuditAct::SessionSignInFailed, subject, self.now());
        self.store.audit_insert(audit).await
    }
}
