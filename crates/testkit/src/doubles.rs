//! Doubles of the small ports. Clones share their state, so that a test can keep one and pass another to the gate.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use hookgate_domain::Timestamp;
use hookgate_domain::idempotency::PayloadDigest;
use hookgate_domain::policy::SealedSecret;
use hookgate_gate::{Clock, Entropy, EntropyError, Hashing, Passwords, Seal, SealError, SealPurpose};
use hookgate_people::{Password, PasswordHash};
use zeroize::Zeroizing;

/// A clock that only moves when a test sets it.
#[derive(Clone, Debug)]
pub struct FixedClock(Arc<AtomicI64>);

impl FixedClock {
    /// A clock that shows this time.
    #[must_use]
    pub fn at(now: Timestamp) -> Self {
        Self(Arc::new(AtomicI64::new(now.as_micros())))
    }

    /// Sets the time.
    pub fn set(&self, now: Timestamp) {
        self.0.store(now.as_micros(), Ordering::SeqCst);
    }

    /// Moves the clock forward.
    pub fn advance(&self, span: Duration) {
        self.set(self.now().after(span));
    }
}

impl Clock for FixedClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.load(Ordering::SeqCst))
    }
}

/// Pseudorandom bytes that never repeat and are the same in every run (`SplitMix64`). Not for real secrets.
#[derive(Clone, Debug)]
pub struct SeededEntropy(Arc<AtomicU64>);

impl SeededEntropy {
    /// Entropy from this seed; other seeds give other bytes.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(Arc::new(AtomicU64::new(seed)))
    }
}

impl Entropy for SeededEntropy {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), EntropyError> {
        const STEP: u64 = 0x9E37_79B9_7F4A_7C15;
        for bytes in buffer.chunks_mut(8) {
            let mut word = self.0.fetch_add(STEP, Ordering::SeqCst).wrapping_add(STEP);
            word = (word ^ (word >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            word = (word ^ (word >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            word ^= word >> 31;
            bytes.copy_from_slice(&word.to_be_bytes()[..bytes.len()]);
        }
        Ok(())
    }
}

/// A seal without encryption. It refuses a secret that was sealed for another purpose.
#[derive(Clone, Copy, Debug, Default)]
pub struct ClearSeal;

impl Seal for ClearSeal {
    fn seal(&self, secret: &[u8], purpose: SealPurpose<'_>) -> Result<SealedSecret, SealError> {
        let mut sealed = purpose.to_string().into_bytes();
        sealed.extend_from_slice(secret);
        Ok(SealedSecret::from_bytes(sealed))
    }

    fn open(&self, sealed: &SealedSecret, purpose: SealPurpose<'_>) -> Result<Zeroizing<Vec<u8>>, SealError> {
        let secret = sealed
            .as_bytes()
            .strip_prefix(purpose.to_string().as_bytes())
            .ok_or(SealError)?;
        Ok(Zeroizing::new(secret.to_vec()))
    }

    fn digest(&self, request: &[u8]) -> Result<[u8; 32], SealError> {
        Ok(*PayloadDigest::of(request).as_bytes())
    }
}

/// Passwords whose hash is the password itself, so that hashing takes no time.
#[derive(Clone, Copy, Debug, Default)]
pub struct FastPasswords;

impl Passwords for FastPasswords {
    fn hash(&self, password: Password) -> Hashing<'_, PasswordHash> {
        Box::pin(async move { Ok(PasswordHash::from_text(password.reveal())) })
    }

    fn verify(&self, password: Password, hash: Option<PasswordHash>) -> Hashing<'_, bool> {
        Box::pin(async move { Ok(hash.is_some_and(|hash| hash.as_str() == password.reveal())) })
    }
}

#[cfg(test)]
mod tests {
    use hookgate_domain::WebhookHandle;

    use super::*;

    #[test]
    fn entropy_repeats_between_runs_and_never_within_one() {
        let draw = |entropy: &SeededEntropy| {
            let mut bytes = [0; 20];
            entropy.fill(&mut bytes).map(|()| bytes)
        };
        let (first, second) = (SeededEntropy::new(1), SeededEntropy::new(1));
        assert_eq!(draw(&first), draw(&second));
        assert_ne!(draw(&first), draw(&first));
    }

    #[test]
    fn a_seal_opens_for_its_purpose_only() {
        let handle =
            |random| SealPurpose::Signing(WebhookHandle::new(Timestamp::from_micros(0), [random; 10]));
        let sealed = ClearSeal.seal(b"secret", handle(1)).unwrap();
        assert_eq!(*ClearSeal.open(&sealed, handle(1)).unwrap(), b"secret");
        assert_eq!(ClearSeal.open(&sealed, handle(2)), Err(SealError));
    }
}
