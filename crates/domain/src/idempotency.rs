//! Idempotency keys, by which a sender marks a retry of the same delivery. The headers that carry them are read elsewhere.

use std::fmt::{self, Write};
use std::time::Duration;

use ring::digest::{SHA256, digest};
use thiserror::Error;

use crate::leaks::may_hold_secret;

/// Time for which a key is stored.
pub const IDEMPOTENCY_WINDOW: Duration = Duration::from_hours(24);

/// Longest key, in bytes. A key is stored with its delivery for the whole window.
const MAX_KEY_BYTES: usize = 255;

/// A sender's name for a delivery. The same key within [24 hours](IDEMPOTENCY_WINDOW) means the same delivery.
///
/// Senders put it into `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header) or `webhook-id` (Standard
/// Webhooks).
///
/// ```
/// use hookgate_domain::idempotency::IdempotencyKey;
///
/// assert_eq!(IdempotencyKey::parse(b"7f3c-1")?.as_str(), "7f3c-1");
/// assert!(IdempotencyKey::parse(b"").is_err());
/// # Ok::<(), hookgate_domain::idempotency::IdempotencyKeyError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct IdempotencyKey(Box<str>);

impl IdempotencyKey {
    /// Reads a key: 1 to 255 visible ASCII characters (`VCHAR` of RFC 5234), as they stand in the header.
    ///
    /// ```
    /// use hookgate_domain::idempotency::{IdempotencyKey, IdempotencyKeyError};
    ///
    /// assert!(IdempotencyKey::parse(&[b'k'; 255]).is_ok());
    /// assert_eq!(IdempotencyKey::parse(&[b'k'; 256]), Err(IdempotencyKeyError));
    /// assert_eq!(IdempotencyKey::parse(b"two words"), Err(IdempotencyKeyError));
    /// ```
    ///
    /// # Errors
    /// [`IdempotencyKeyError`] for any other text.
    pub fn parse(bytes: &[u8]) -> Result<Self, IdempotencyKeyError> {
        let fits = (1..=MAX_KEY_BYTES).contains(&bytes.len()) && bytes.iter().all(u8::is_ascii_graphic);
        let text = str::from_utf8(bytes)
            .ok()
            .filter(|_| fits)
            .ok_or(IdempotencyKeyError)?;
        Ok(Self(text.into()))
    }

    /// Makes a key from any header value. A value that is not a valid key, or may hold a secret, is replaced by its SHA-256,
    /// so that a retry is recognized all the same. `None` for an empty value.
    ///
    /// ```
    /// use hookgate_domain::idempotency::IdempotencyKey;
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

    /// Makes a key from the HMAC of a text. The stored key reveals nothing of the text.
    #[must_use]
    pub fn of_keyed(digest: &PayloadDigest) -> Self {
        Self::of_digest("hmac:", digest)
    }

    fn of_digest(kind: &str, digest: &PayloadDigest) -> Self {
        let mut text = kind.to_owned();
        for byte in digest.0 {
            // Writing to a `String` does not fail.
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
    /// Hides the key: a sender may put anything into it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IdempotencyKey(…)")
    }
}

/// The text is not an idempotency key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("an idempotency key has 1 to 255 visible ASCII characters")]
pub struct IdempotencyKeyError;

/// A digest of a payload, 32 bytes, to compare the body of a retry. Stored digests are HMACs with a key that the store does
/// not have, so that nobody with the store can find a short body by guessing.
///
/// ```
/// use hookgate_domain::idempotency::PayloadDigest;
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

    /// Wraps a digest that was computed elsewhere or read from a store.
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
