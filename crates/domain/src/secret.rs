//! The form that all secrets of Hookgate share: a prefix, 32 random base-62 digits (190 bits) and a checksum of six.
//! Each kind of secret has a type of its own around it, so that none is used for another.

use ring::digest::{SHA256, digest};
use thiserror::Error;
use zeroize::Zeroizing;

use crate::base62;

/// Prefix of webhook IDs. Like the other prefixes, it never changes, because leak scanners search for it.
pub const WEBHOOK_ID_PREFIX: &str = "wh_";
/// Prefix of API tokens.
pub const API_TOKEN_PREFIX: &str = "hgt_";
/// Prefix of the secrets in the cookies of sessions.
pub const SESSION_PREFIX: &str = "hgs_";
/// Prefix of the secrets at the end of sign-in links.
pub const SIGN_IN_PREFIX: &str = "hgl_";
/// Prefix of signing secrets, as Standard Webhooks has it. Base 64 follows, without a checksum.
pub const SIGNING_PREFIX: &str = "whsec_";
/// Prefixes of the secrets whose digits end in a checksum.
pub(crate) const CHECKED_PREFIXES: [&str; 4] = [
    WEBHOOK_ID_PREFIX,
    API_TOKEN_PREFIX,
    SESSION_PREFIX,
    SIGN_IN_PREFIX,
];

/// Random digits after the prefix: 32 of base 62 are 190 bits.
pub const RANDOM_DIGITS: usize = 32;
/// Digits of the CRC-32 (that of RFC 1952) over prefix and random digits.
pub const CHECK_DIGITS: usize = 6;

/// Length of a secret with this prefix.
#[must_use]
pub const fn length(prefix: &str) -> usize {
    prefix.len() + RANDOM_DIGITS + CHECK_DIGITS
}

/// A secret of `LENGTH` characters, wiped when it is dropped.
///
/// ```
/// use hookgate_domain::secret::{SecretText, length};
///
/// let fill = |buffer: &mut [u8]| Ok::<(), std::convert::Infallible>(buffer.fill(7));
/// let secret = SecretText::<{ length("abc_") }>::generate("abc_", fill)?;
/// assert!(secret.reveal().starts_with("abc_7777"));
/// # Ok::<(), std::convert::Infallible>(())
/// ```
#[derive(Clone)]
pub struct SecretText<const LENGTH: usize>(Box<Zeroizing<[u8; LENGTH]>>);

/// Errors of reading a secret of this form. They never quote the text.
///
/// ```
/// use hookgate_domain::secret::{SecretError, SecretText, length};
///
/// let read = |text| SecretText::<{ length("abc_") }>::parse("abc_", text).map(|_| ());
/// assert_eq!(read("abc_short"), Err(SecretError::Form));
/// assert_eq!(read("abc_77777777777777777777777777777777000000"), Err(SecretError::Checksum));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum SecretError {
    /// Wrong length, prefix or characters.
    #[error("not of the right form: was it copied whole?")]
    Form,
    /// The form is right and the checksum is not: a typing or copying error, or a guess.
    #[error("the checksum does not match: was it copied whole?")]
    Checksum,
}

impl<const LENGTH: usize> SecretText<LENGTH> {
    /// A new secret. `fill` is called again to replace bytes that would make some digits likelier than others.
    ///
    /// # Errors
    /// The error of `fill`.
    pub fn generate<E>(prefix: &str, mut fill: impl FnMut(&mut [u8]) -> Result<(), E>) -> Result<Self, E> {
        let mut secret = Self(Box::new(Zeroizing::new([0; LENGTH])));
        secret.0[..prefix.len()].copy_from_slice(prefix.as_bytes());
        let mut random = Zeroizing::new([0; RANDOM_DIGITS]);
        let end = prefix.len() + RANDOM_DIGITS;
        let mut places = secret.0[prefix.len()..end].iter_mut();
        while places.len() > 0 {
            fill(&mut random[..])?;
            let digits = random
                .iter()
                .filter_map(|byte| base62::digit_of_random_byte(*byte));
            for (digit, place) in digits.zip(places.by_ref()) {
                *place = digit;
            }
        }
        let checksum = checksum(&secret.0[..end]);
        secret.0[end..].copy_from_slice(&checksum);
        Ok(secret)
    }

    /// Reads a secret back.
    ///
    /// # Errors
    /// [`SecretError`].
    pub fn parse(prefix: &str, text: &str) -> Result<Self, SecretError> {
        let bytes = Self::checked(prefix, text)?;
        Ok(Self(Box::new(Zeroizing::new(*bytes))))
    }

    /// The SHA-256 (FIPS 180-4) of a secret, as [`digest`](Self::digest) gives it, without a copy of the secret.
    ///
    /// ```
    /// use hookgate_domain::secret::{SecretText, length};
    ///
    /// type Secret = SecretText<{ length("abc_") }>;
    /// let secret = Secret::generate("abc_", |buffer| Ok::<(), std::convert::Infallible>(buffer.fill(7)))?;
    /// assert_eq!(Secret::digest_of("abc_", secret.reveal()), Ok(secret.digest()));
    /// # Ok::<(), std::convert::Infallible>(())
    /// ```
    ///
    /// # Errors
    /// [`SecretError`].
    pub fn digest_of(prefix: &str, text: &str) -> Result<[u8; 32], SecretError> {
        Self::checked(prefix, text).map(|bytes| sha_256(bytes))
    }

    /// The bytes of a text that has the form and the checksum of a secret.
    fn checked<'t>(prefix: &str, text: &'t str) -> Result<&'t [u8; LENGTH], SecretError> {
        let bytes: &[u8; LENGTH] = text.as_bytes().try_into().map_err(|_| SecretError::Form)?;
        let (covered, written) = bytes.split_at(LENGTH - CHECK_DIGITS);
        let digits = bytes.strip_prefix(prefix.as_bytes()).ok_or(SecretError::Form)?;
        // A fold without an early exit is vectorized.
        if !digits
            .iter()
            .fold(true, |sofar, byte| sofar & base62::is_digit(*byte))
        {
            return Err(SecretError::Form);
        }
        if checksum(covered) != written {
            return Err(SecretError::Checksum);
        }
        Ok(bytes)
    }

    /// The secret itself. Keep it out of logs, errors and databases.
    #[must_use]
    pub fn reveal(&self) -> &str {
        // Both ways in let ASCII pass only, so the default can't be reached.
        str::from_utf8(&self.0[..]).unwrap_or_default()
    }

    /// The SHA-256 (FIPS 180-4) of the whole secret.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        sha_256(&self.0[..])
    }
}

fn sha_256(secret: &[u8]) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes.copy_from_slice(digest(&SHA256, secret).as_ref());
    bytes
}

fn checksum(covered: &[u8]) -> [u8; CHECK_DIGITS] {
    base62::six_digits(crc32fast::hash(covered))
}
