//! What the use cases about people have in common: how they fail.

use std::time::Duration;

use hookgate_domain::{Actor, MemberError, PasswordError, TokenError};
use thiserror::Error;

use crate::{Acting, EntropyError, Forbidden, Gate, PasswordsError, StoreError};

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
    #[error("there is a member of this name already")]
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

impl Acting {
    /// Refuses a program: what it makes must not outlive its token.
    pub(crate) const fn is_no_token(&self) -> Result<(), PeopleError> {
        match self.actor {
            Actor::Token { .. } => Err(PeopleError::ByToken),
            Actor::Member { .. } | Actor::CommandLine { .. } | Actor::System => Ok(()),
        }
    }
}
