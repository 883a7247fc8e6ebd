//! The ports of the gate: storage, clock, randomness, encryption of secrets at rest, and password hashing.

pub(crate) mod address_store;
pub(crate) mod people_store;
pub(crate) mod search_store;
pub(crate) mod store;

use std::fmt;
use std::pin::Pin;
use std::time::Duration;

use hookgate_domain::policy::SealedSecret;
use hookgate_domain::{Timestamp, WebhookHandle};
use hookgate_people::{Password, PasswordHash, SessionId};
use thiserror::Error;
use zeroize::Zeroizing;

/// The clock.
pub trait Clock: Send + Sync {
    /// The current time.
    fn now(&self) -> Timestamp;
}

/// A source of random bytes that are fit for secrets.
pub trait Entropy: Send + Sync {
    /// Fills the buffer.
    ///
    /// # Errors
    /// [`EntropyError`] if the operating system provides none.
    fn fill(&self, buffer: &mut [u8]) -> Result<(), EntropyError>;
}

/// The operating system provides no random bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the system gives no random bytes")]
pub struct EntropyError;

/// Encrypts secrets at rest and in cookies, with a key that the store never has.
pub trait Seal: Send + Sync {
    /// Seals a secret. It can be opened for the same purpose only.
    ///
    /// # Errors
    /// [`SealError`] if sealing fails, for instance because the key is missing.
    fn seal(&self, secret: &[u8], purpose: SealPurpose<'_>) -> Result<SealedSecret, SealError>;

    /// Opens a sealed secret.
    ///
    /// # Errors
    /// [`SealError`] if it was sealed by another key, for another purpose, or is damaged.
    fn open(&self, sealed: &SealedSecret, purpose: SealPurpose<'_>) -> Result<Zeroizing<Vec<u8>>, SealError>;

    /// A keyed digest of a request. The store does not have the key, so nobody can guess the content of the request
    /// from the digest.
    ///
    /// # Errors
    /// [`SealError`] if the key is missing.
    fn digest(&self, request: &[u8]) -> Result<[u8; 32], SealError>;
}

/// The use of a sealed secret. Its text is authenticated, so a secret can't be moved from one use to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SealPurpose<'a> {
    /// The signing secret of a webhook, in the store.
    Signing(WebhookHandle),
    /// Secrets on their way to the one page of the console that shows them, in a cookie of this session.
    ShownOnce {
        /// The session that may see them.
        session: SessionId,
        /// The path of the page.
        path: &'a str,
    },
    /// A device cookie: the ID of a browser in which a member has signed in.
    Device {
        /// The member's name, in lower case.
        name: &'a str,
    },
}

impl fmt::Display for SealPurpose<'_> {
    /// Writes a text that differs for all purposes: a handle begins with `hk_`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Signing(webhook) => write!(f, "{webhook}"),
            Self::ShownOnce { session, path } => write!(f, "shown once {session} {path}"),
            Self::Device { name } => write!(f, "device {name}"),
        }
    }
}

/// A secret can't be sealed or opened, or a keyed digest can't be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error(
    "the signing secret can't be sealed or opened: is the installation's sealing key the one it was made with?"
)]
pub struct SealError;

/// Hashes passwords, slowly on purpose, and never on the threads that serve.
pub trait Passwords: Send + Sync {
    /// Hashes a new password.
    fn hash(&self, password: Password) -> Hashing<'_, PasswordHash>;

    /// Checks a password against this hash. Without a hash the result is `false`, after the same work.
    fn verify(&self, password: Password, hash: Option<PasswordHash>) -> Hashing<'_, bool>;
}

/// The future of hashing or checking a password.
pub type Hashing<'a, T> = Pin<Box<dyn Future<Output = Result<T, PasswordsError>> + Send + 'a>>;

/// Errors of hashing and checking passwords.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum PasswordsError {
    /// Too many callers wait already.
    #[error("too many passwords are being checked")]
    Busy {
        /// Time until the next attempt.
        retry_after: Duration,
    },
    /// The hash function failed, or the stored hash is none of its own.
    #[error("the password can't be hashed or checked")]
    Failed,
}

/// The ports of a gate beside its store.
pub struct Ports {
    /// The clock.
    pub clock: Box<dyn Clock>,
    /// Random bytes.
    pub entropy: Box<dyn Entropy>,
    /// Encryption of secrets at rest.
    pub seal: Box<dyn Seal>,
    /// Password hashing.
    pub passwords: Box<dyn Passwords>,
}
