//! Secrets that senders sign with, and the public keys of senders. They leave no copy in memory, and have no `Debug`.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use thiserror::Error;
use zeroize::{Zeroize, Zeroizing};

use super::encoding::Encoding;
use super::scheme::SignatureScheme;

/// Bytes of a new secret.
const SECRET_BYTES: usize = 32;
/// Bytes of a secret of Standard Webhooks, by the scheme.
const STANDARD_BYTES: std::ops::RangeInclusive<usize> = 24..=64;
/// Bytes of a public key of Ed25519.
const PUBLIC_KEY_BYTES: usize = 32;
/// Prefix of a secret in text form, by Standard Webhooks.
const SECRET_PREFIX: &str = "whsec_";
/// Prefix of a public key in text form, by Standard Webhooks.
const PUBLIC_KEY_PREFIX: &str = "whpk_";
/// Minimum length of a secret that somebody else made. A shorter one is guessed from a single signed delivery.
const MIN_SECRET: usize = 8;
/// Maximum length of a secret that somebody else made.
const MAX_SECRET: usize = 512;

/// A webhook's signing secret by Standard Webhooks. It is shown once and stored encrypted.
pub struct SigningSecret(Zeroizing<[u8; SECRET_BYTES]>);

impl SigningSecret {
    /// Generates a secret from the random bytes that `fill` supplies.
    ///
    /// # Errors
    /// The error of `fill`.
    pub fn generate<E>(fill: impl FnOnce(&mut [u8]) -> Result<(), E>) -> Result<Self, E> {
        let mut bytes = Zeroizing::new([0; SECRET_BYTES]);
        fill(&mut bytes[..])?;
        Ok(Self(bytes))
    }

    /// The secret in the text form for senders: `whsec_` and base 64. For another scheme than Standard Webhooks, this text
    /// can be the secret: [`SenderSecret::read`] takes it.
    #[must_use]
    pub fn reveal(&self) -> Zeroizing<String> {
        let mut encoded = STANDARD.encode(&self.0[..]);
        let text = Zeroizing::new(format!("{SECRET_PREFIX}{encoded}"));
        encoded.zeroize();
        text
    }

    /// The bytes of the HMAC key, to be encrypted and stored.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0[..]
    }
}

/// A secret that the sender, or somebody else, made: a key of HMAC, a credential, or the sender's public key.
pub struct SenderSecret(Zeroizing<Vec<u8>>);

impl SenderSecret {
    /// Reads the text form of the scheme: `whsec_…` and `whpk_…` of Standard Webhooks, Discord's public key in hexadecimal
    /// digits, `user:password`, or any text of 8 to 512 bytes. White space around it is ignored.
    ///
    /// # Errors
    /// [`SecretError`]
    pub fn read(text: &str, scheme: SignatureScheme) -> Result<Self, SecretError> {
        let text = text.trim();
        let key = match scheme {
            SignatureScheme::StandardWebhooks => symmetric(text).ok_or(SecretError::Symmetric)?,
            SignatureScheme::StandardWebhooksEd25519 => {
                let encoded = text
                    .strip_prefix(PUBLIC_KEY_PREFIX)
                    .ok_or(SecretError::PublicKey)?;
                public_key(encoded, Encoding::Base64).ok_or(SecretError::PublicKey)?
            }
            SignatureScheme::Discord => public_key(text, Encoding::Hex).ok_or(SecretError::HexPublicKey)?,
            _ => plain(text, scheme)?,
        };
        Ok(Self(key))
    }

    /// The bytes of the key, to be encrypted and stored, and for [`Verifier::verify`](crate::Verifier::verify).
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

fn symmetric(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    let encoded = text.strip_prefix(SECRET_PREFIX)?;
    let key = Zeroizing::new(STANDARD.decode(encoded).ok()?);
    STANDARD_BYTES.contains(&key.len()).then_some(key)
}

fn public_key(text: &str, encoding: Encoding) -> Option<Zeroizing<Vec<u8>>> {
    let decoded = encoding.decode(text.as_bytes(), PUBLIC_KEY_BYTES)?;
    let (key, _) = decoded.split_at(PUBLIC_KEY_BYTES);
    Some(Zeroizing::new(key.to_vec()))
}

fn plain(text: &str, scheme: SignatureScheme) -> Result<Zeroizing<Vec<u8>>, SecretError> {
    if !(MIN_SECRET..=MAX_SECRET).contains(&text.len()) {
        Err(SecretError::Length)
    } else if text.contains(char::is_control) {
        Err(SecretError::Characters)
    } else if scheme == SignatureScheme::Basic && !text.contains(':') {
        Err(SecretError::UserAndPassword)
    } else {
        Ok(Zeroizing::new(text.as_bytes().to_vec()))
    }
}

/// The error of reading a secret. It never quotes the secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum SecretError {
    /// It is no secret of Standard Webhooks.
    #[error("a secret of Standard Webhooks is `whsec_` and the base 64 of 24 to 64 bytes")]
    Symmetric,
    /// It is no public key of Standard Webhooks.
    #[error("a public key of Standard Webhooks is `whpk_` and the base 64 of 32 bytes")]
    PublicKey,
    /// It is no public key of Discord.
    #[error("a public key of Discord has 64 hexadecimal digits")]
    HexPublicKey,
    /// It is too short or too long.
    #[error("a secret has 8 to 512 bytes")]
    Length,
    /// It has control characters, such as a line break.
    #[error("a secret has no control characters")]
    Characters,
    /// It is no user name with a password.
    #[error("a secret of this scheme is `user:password`")]
    UserAndPassword,
}
