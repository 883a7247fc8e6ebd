//! What the use cases about people have in common: how they fail.

use std::time::Duration;

use hookgate_domain::{Actor, MemberError, PasswordError, TokenError};
use thiserror::Error;

use crate::{ActorContext, EntropyError, Forbidden, Gate, PasswordsError, PeopleStore, Store, StoreError};

/// Why something about people could not be done.
#[derive(Debug, Error)]
pub enum PeopleError {
    /// There is no such member, session or token.
    #[error("not found")]
    NotFound,
    /// The actor's role does not include it.
    #[error(transparent)]
    Forbidden(#[from] Forbidden),
    /// Somebody has this name.
    #[error("this name is already in use")]
    NameTaken,
    /// A rule about owners forbids it.
    #[error(transparent)]
    Member(#[from] MemberError),
    /// A rule about tokens forbids it.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// A program asks for what only people may make: a way in that would outlive its token.
    #[error(
        "an API token makes no sign-in links and sets no passwords: a member does in the console, or the command line"
    )]
    ByToken,
    /// A session that began by a member's link asks for what would outlive it: whoever made the link may be in it.
    #[error(
        "this session began by a sign-in link that a member created: sign in with your password to create tokens and sign-in \
         links, or to set the password of another member"
    )]
    ByLink,
    /// The new password is one that everybody tries first, or none.
    #[error(transparent)]
    Password(#[from] PasswordError),
    /// The current password is another one.
    #[error("the current password is wrong")]
    WrongPassword,
    /// Too many wrong passwords from there.
    #[error("too many attempts")]
    TooMany {
        /// When to try again.
        retry_after: Duration,
    },
    /// Passwords can't be hashed now.
    #[error(transparent)]
    Passwords(#[from] PasswordsError),
    /// The store could not do it.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// No randomness for a new ID or secret.
    #[error(transparent)]
    Entropy(#[from] EntropyError),
}

impl<S> Gate<S> {
    /// Random bytes for a public ID.
    pub(crate) fn random(&self) -> Result<[u8; 10], EntropyError> {
        let mut random = [0; 10];
        self.ports.entropy.fill(&mut random)?;
        Ok(random)
    }
}

impl<S: Store + PeopleStore> Gate<S> {
    /// Refuses to make a way in that outlives the credential that asks for it: an API token, and a session that began by a member's
    /// link, which ends with whoever made that link.
    pub(crate) async fn check_lasting(&self, acting: &ActorContext) -> Result<(), PeopleError> {
        if let Actor::Token { .. } = acting.actor {
            return Err(PeopleError::ByToken);
        }
        self.check_own_session(acting).await
    }

    /// Refuses a session that began by a member's link.
    pub(crate) async fn check_own_session(&self, acting: &ActorContext) -> Result<(), PeopleError> {
        let Some(id) = acting.session else {
            return Ok(());
        };
        let session = self.store.session_by_id(id).await?;
        match session.and_then(|session| session.made_by) {
            Some(_) => Err(PeopleError::ByLink),
            None => Ok(()),
        }
    }
}
