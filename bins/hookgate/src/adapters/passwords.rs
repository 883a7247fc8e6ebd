//! Password hashes by argon2id, computed off the threads that serve, with a limit on concurrent ones that bounds the memory.

use std::sync::Arc;

use argon2::password_hash::phc::PasswordHash as Phc;
use argon2::password_hash::{CustomizedPasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use hookgate_gate::{Entropy, Hashing, PASSWORDS_AT_ONCE, Passwords, PasswordsError};
use hookgate_people::{Password, PasswordHash};
use tokio::sync::Semaphore;

use super::entropy::SystemEntropy;

/// Memory of one hash, in KiB: the OWASP password storage cheat sheet's first choice for argon2id, with two passes.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;
/// Bytes of salt (RFC 9106, section 3.1).
const SALT_BYTES: usize = 16;

/// Password hashes by argon2id.
pub(super) struct Argon2Passwords {
    entropy: SystemEntropy,
    at_once: Arc<Semaphore>,
}

impl Argon2Passwords {
    /// Takes salts from this source.
    pub(super) fn new(entropy: SystemEntropy) -> Self {
        Self {
            entropy,
            at_once: Arc::new(Semaphore::new(PASSWORDS_AT_ONCE)),
        }
    }

    fn salt(&self) -> Result<[u8; SALT_BYTES], PasswordsError> {
        let mut salt = [0; SALT_BYTES];
        self.entropy.fill(&mut salt).map_err(|_| PasswordsError::Failed)?;
        Ok(salt)
    }

    /// Runs the work on a blocking thread. The work goes on if the caller is dropped, and holds its permit until it is done,
    /// so that the memory is bounded in any case. The gate has queued the caller before.
    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, PasswordsError> + Send + 'static,
    ) -> Result<T, PasswordsError> {
        let turn = Arc::clone(&self.at_once).acquire_owned().await;
        let turn = turn.map_err(|_| PasswordsError::Failed)?;
        let done = tokio::task::spawn_blocking(move || {
            let _held = turn;
            work()
        });
        done.await.unwrap_or(Err(PasswordsError::Failed))
    }
}

impl Passwords for Argon2Passwords {
    fn hash(&self, password: Password) -> Hashing<'_, PasswordHash> {
        Box::pin(async move {
            let salt = self.salt()?;
            self.run(move || hash(&password, &salt)).await
        })
    }

    fn verify(&self, password: Password, stored: Option<PasswordHash>) -> Hashing<'_, bool> {
        Box::pin(async move {
            let salt = self.salt()?;
            self.run(move || match stored {
                Some(stored) => verify(&password, &stored),
                None => hash(&password, &salt).map(|_| false),
            })
            .await
        })
    }
}

fn hash(password: &Password, salt: &[u8]) -> Result<PasswordHash, PasswordsError> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).map_err(|_| PasswordsError::Failed)?;
    let hashed: Result<Phc, _> = Argon2::default().hash_password_customized(
        password.reveal().as_bytes(),
        salt,
        Some(Algorithm::Argon2id.as_str()),
        Some(Version::V0x13.into()),
        params,
    );
    let hashed = hashed.map_err(|_| PasswordsError::Failed)?;
    Ok(PasswordHash::from_text(hashed.to_string()))
}

/// Verifies with the parameters of the stored hash, so that the current parameters may be raised later.
fn verify(password: &Password, stored: &PasswordHash) -> Result<bool, PasswordsError> {
    let stored = Phc::new(stored.as_str()).map_err(|_| PasswordsError::Failed)?;
    let verified = Argon2::default().verify_password(password.reveal().as_bytes(), &stored);
    match verified {
        Ok(()) => Ok(true),
        Err(argon2::password_hash::Error::PasswordInvalid) => Ok(false),
        Err(_) => Err(PasswordsError::Failed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passwords() -> Argon2Passwords {
        Argon2Passwords::new(super::super::random())
    }

    fn password(text: &str) -> Password {
        text.parse().unwrap()
    }

    #[tokio::test]
    async fn a_password_is_known_again_and_no_other() {
        let passwords = passwords();
        let hash = passwords.hash(password("correct horse")).await.unwrap();
        assert!(hash.as_str().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        assert_ne!(passwords.hash(password("correct horse")).await.unwrap(), hash);
        let verify = |text, hash| passwords.verify(password(text), hash);
        assert_eq!(verify("correct horse", Some(hash.clone())).await, Ok(true));
        assert_eq!(verify("Correct horse", Some(hash)).await, Ok(false));
        assert_eq!(verify("correct horse", None).await, Ok(false));
        let broken = PasswordHash::from_text("plain");
        assert_eq!(
            verify("correct horse", Some(broken)).await,
            Err(PasswordsError::Failed)
        );
    }
}
