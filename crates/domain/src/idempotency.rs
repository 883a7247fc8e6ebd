//! Idempotency keys: how a sender marks a retry of the same delivery. Which header brought one is not known here.

use std::fmt::{self, Write};
use std::time::Duration;

use ring::digest::{SHA256, digest};
use thiserror::Error;

use crate::may_hold_secret;

/// How long a key is remembered.
///
/// ```
/// use hookgate_domain::{IDEMPOTENCY_WINDOW, Timestamp};
///
/// let first = Timestamp::from_micros(0);
/// assert_eq!(first.after(IDEMPOTENCY_WINDOW).as_micros(), 24 * 3_600 * 1_000_000);
/// ```
pub const IDEMPOTENCY_WINDOW: Duration = Duration::from_hours(24);

/// Longest key, in bytes: it is kept with every delivery for the whole window.
const MAX_KEY_BYTES: usize = 255;

/// A sender's own name for a delivery: the same key within [24 hours](IDEMPOTENCY_WINDOW) means the same delivery.
///
/// Senders put it into `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header) or `webhook-id` (Standard
/// Webhooks).
///
/// ```
/// use hookgate_domain::IdempotencyKey;
///
/// assert_eq!(IdempotencyKey::parse(b"7f3c-1")?.as_str(), "7f3c-1");
/// assert!(IdempotencyKey::parse(b"").is_err());
/// # Ok::<(), hookgate_domain::IdempotencyKeyError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct IdempotencyKey(Box<str>);

impl IdempotencyKey {
    /// Reads a key: 1 to 255 visible ASCII characters (`VCHAR` of RFC 5234), as they stand in the header.
    ///
    /// ```
    /// use hookgate_domain::{IdempotencyKey, IdempotencyKeyError};
    ///
    /// assert!(IdempotencyKey::parse(&[b'k'; 255]).is_ok());
    /// assert_eq!(IdempotencyKey::parse(&[b'k'; 256]), Err(IdempotencyKeyError));
    /// assert_eq!(IdempotencyKey::parse(b"two words"), Err(IdempotencyKeyError));
    /// ```
    ///
    /// # Errors
    /// [`IdempotencyKeyError`] for everything else.
    pub fn parse(bytes: &[u8]) -> Result<Self, IdempotencyKeyError> {
        let fits = (1..=MAX_KEY_BYTES).contains(&bytes.len()) && bytes.iter().all(u8::is_ascii_graphic);
        let text = str::from_utf8(bytes)
            .ok()
            .filter(|_| fits)
            .ok_or(IdempotencyKeyError)?;
        Ok(Self(text.into()))
    }

    /// The key that a sender gave in a header, whatever it is: one that is no key by the rules, or that may hold a secret, counts
    /// by its SHA-256, so that a retry is still known. `None` for an empty one.
    ///
    /// ```
    /// use hookgate_domain::IdempotencyKey;
    ///
    /// let key = |bytes| IdempotencyKey::from_header(bytes);
    /// assert_eq!(key(b"7f3c-1"), IdempotencyKey::parse(b"7f3c-1").ok());
    /// assert_eq!(key(b" "), None);
    /// assert_eq!(key("Größe 1".as_bytes()), key("Größe 1".as_bytes()));
    /// assert_ne!(key(&[b'k'; 256]), key(&[b'k'; 257]));
    /// ```
    #[must_use]
    pub fn from_header(bytes: &[u8]) -> Option<Self> {
        let bytes = bytes.trim_ascii();
        if bytes.is_empty() {
            return None;
        }
        let key = Self::parse(bytes).ok().filter(|_| !may_hold_secret(bytes));
        Some(key.unwrap_or_else(|| Self::of_digest("sha256:", &PayloadDigest::of(bytes))))
    }

    /// The key that stands for a text by a keyed digest of it. What is kept tells nothing that people put into the text.
    ///
    /// ```
    /// use hookgate_domain::{IdempotencyKey, PayloadDigest};
    ///
    /// let key = IdempotencyKey::of_keyed(&PayloadDigest::from_bytes([7; 32]));
    /// assert!(key.as_str().starts_with("hmac:0707") && key.as_str().len() == 69);
    /// ```
    #[must_use]
    pub fn of_keyed(digest: &PayloadDigest) -> Self {
        Self::of_digest("hmac:", digest)
    }

    fn of_digest(kind: &str, digest: &PayloadDigest) -> Self {
        let mut text = kind.to_owned();
        for byte in digest.0 {
            // Writing to a text does not fail.
            let _ = write!(text, "{byte:02x}");
        }
        Self(text.into())
    }

    /// The key.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for IdempotencyKey {
    /// A sender may have put anything into it, so it isn't shown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IdempotencyKey(…)")
    }
}

/// The text is no idempotency key.
///
/// ```
/// let error = hookgate_domain::IdempotencyKeyError;
/// assert_eq!(error.to_string(), "an idempotency key has 1 to 255 visible ASCII characters");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("an idempotency key has 1 to 255 visible ASCII characters")]
pub struct IdempotencyKeyError;

/// A digest of a payload, 32 bytes: whether a retry brings the same body. Where it is kept it is an HMAC by a key that the store
/// does not have, so that nobody can try guesses of a short body against it.
///
/// ```
/// use hookgate_domain::PayloadDigest;
///
/// assert_eq!(PayloadDigest::of(b"{}"), PayloadDigest::of(b"{}"));
/// assert_ne!(PayloadDigest::of(b"{}"), PayloadDigest::of(b"{} "));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PayloadDigest([u8; 32]);

impl PayloadDigest {
    /// SHA-256 (FIPS 180-4) of a payload.
    #[must_use]
    pub fn of(payload: &[u8]) -> Self {
        let mut bytes = [0; 32];
        bytes.copy_from_slice(digest(&SHA256, payload).as_ref());
        Self(bytes)
    }

    /// A digest that was made elsewhere, or read back from a store.
    ///
    /// ```
    /// use hookgate_domain::PayloadDigest;
    ///
    /// let digest = PayloadDigest::of(b"{}");
    /// assert_eq!(PayloadDigest::from_bytes(*digest.as_bytes()), digest);
    /// ```
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes to store.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}
