//! What the gate needs of its surroundings besides a store: time, randomness, a seal for secrets at rest, and a
//! hash for passwords.

use std::fmt;
use std::pin::Pin;
use std::time::Duration;

use hookgate_domain::{Password, PasswordHash, SealedSecret, SessionId, Timestamp, WebhookHandle};
use thiserror::Error;
use zeroize::Zeroizing;

/// Tells the time.
pub trait Clock: Send + Sync {
    /// Now.
    fn now(&self) -> Timestamp;
}

/// Gives random bytes fit for secrets.
pub trait Entropy: Send + Sync {
    /// Fills the buffer.
    ///
    /// # Errors
    /// [`EntropyError`] if the system has none to give.
    fn fill(&self, buffer: &mut [u8]) -> Result<(), EntropyError>;
}

/// The system has no randomness to give.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the system gives no random bytes")]
pub struct EntropyError;

/// Encrypts secrets that leave the process, with a key that the store never sees.
pub trait Seal: Send + Sync {
    /// Seals a secret. It opens for the same purpose only.
    ///
    /// # Errors
    /// [`SealError`] if that can't be done.
    fn seal(&self, secret: &[u8], purpose: SealPurpose<'_>) -> Result<SealedSecret, SealError>;

    /// Opens a sealed secret.
    ///
    /// # Errors
    /// [`SealError`] if it was sealed by another key, for another purpose, or is damaged.
    fn open(&self, sealed: &SealedSecret, purpose: SealPurpose<'_>) -> Result<Zeroizing<Vec<u8>>, SealError>;

    /// A digest of a request, by a key that the store does not have: nobody can guess from it what was in the request.
    ///
    /// # Errors
    /// [`SealError`] if there is no key.
    fn digest(&self, request: &[u8]) -> Result<[u8; 32], SealError>;
}

/// The use of a sealed secret. Its text is authenticated, so that a secret can't be moved from one use to another.
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
    /// What tells a browser in which a member has signed in, in a cookie of its own.
    Device {
        /// The member's name, in lower case.
        name: &'a str,
    },
}

impl fmt::Display for SealPurpose<'_> {
    /// No two purposes have the same text: a handle begins with `hk_`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Signing(webhook) => write!(f, "{webhook}"),
            Self::ShownOnce { session, path } => write!(f, "shown once {session} {path}"),
            Self::Device { name } => write!(f, "device {name}"),
        }
    }
}

/// A signing secret can't be sealed or opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error(
    "the signing secret can't be sealed or opened: is the installation's sealing key the one it was made with?"
)]
pub struct SealError;

/// Hashes passwords, slowly on purpose, and never on the threads that serve.
pub trait Passwords: Send + Sync {
    /// Hashes a new password.
    fn hash(&self, password: Password) -> Hashing<'_, PasswordHash>;

    /// Whether it is the password of this hash. Without a hash it is not, and that costs the same.
    fn verify(&self, password: Password, hash: Option<PasswordHash>) -> Hashing<'_, bool>;
}

/// What a password port is busy with.
pub type Hashing<'a, T> = Pin<Box<dyn Future<Output = Result<T, PasswordsError>> + Send + 'a>>;

/// Passwords can't be hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum PasswordsError {
    /// Too many wait already.
    #[error("too many passwords are being checked")]
    Busy {
        /// When to try again.
        retry_after: Duration,
    },
    /// The function that hashes failed, or the stored hash is none of its own.
    #[error("the password can't be hashed or checked")]
    Failed,
}

/// The surroundings of a gate.
pub struct Ports {
    /// Tells the time.
    pub clock: Box<dyn Clock>,
    /// Gives randomness.
    pub entropy: Box<dyn Entropy>,
    /// Seals secrets at rest.
    pub seal: Box<dyn Seal>,
    /// Hashes passwords.
    pub passwords: Box<dyn Passwords>,
}
