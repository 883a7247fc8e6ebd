//! Errors and checks that the use cases about people share.

use std::time::Duration;

use hookgate_people::{Actor, MemberError, PasswordError, TokenError};
use thiserror::Error;

use crate::{ActorContext, EntropyError, Forbidden, Gate, PasswordsError, PeopleStore, Store, StoreError};

/// Errors of the use cases about people.
#[derive(Debug, Error)]
pub enum PeopleError {
    /// There is no such member, session or token.
    #[error("not found")]
    NotFound,
    /// The actor's role does not have the permission.
    #[error(transparent)]
    Forbidden(#[from] Forbidden),
    /// Another member has this name.
    #[error("this name is already in use")]
    NameTaken,
    /// A rule about owners forbids it.
    #[error(transparent)]
    Member(#[from] MemberError),
    /// A rule about tokens forbids it.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// A token asks for a credential that would outlive it. Only people may make sign-in links and set passwords.
    #[error(
        "an API token makes no sign-in links and sets no passwords: a member does in the console, or the command line"
    )]
    ByToken,
    /// A session that began by a member's link asks for a credential that would outlive it: the maker of the link may
    /// be using the session.
    #[error(
        "this session began by a sign-in link that a member created: sign in with your password to create tokens and sign-in \
         links, or to set the password of another member"
    )]
    ByLink,
    /// The new password is too common, or no valid password.
    #[error(transparent)]
    Password(#[from] PasswordError),
    /// The current password is wrong.
    #[error("the current password is wrong")]
    WrongPassword,
    /// Too many wrong passwords from this source or session.
    #[error("too many attempts")]
    TooMany {
        /// Time until the next attempt.
        retry_after: Duration,
    },
    /// Passwords can't be hashed now.
    #[error(transparent)]
    Passwords(#[from] PasswordsError),
    /// The store failed.
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
    /// Refuses to make a credential that outlives the one that asks for it: an API token, or a session that began by a
    /// member's link, which ends with the access of the maker of that link.
    pub(crate) async fn check_lasting(&self, actor: &ActorContext) -> Result<(), PeopleError> {
        if let Actor::Token { .. } = actor.identity {
            return Err(PeopleError::ByToken);
        }
        self.check_own_session(actor).await
    }

    /// Refuses a session that began by a member's link.
    pub(crate) async fn check_own_session(&self, actor: &ActorContext) -> Result<(), PeopleError> {
        let Some(id) = actor.session else {
            return Ok(());
        };
        let session = self.store.session_by_id(id).await?;
        match session.and_then(|session| session.made_by) {
            Some(_) => Err(PeopleError::ByLink),
            None => Ok(()),
        }
    }
}
