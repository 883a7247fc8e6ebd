//! The webhook ID: the secret in a webhook's URL. It both identifies and authenticates, so this module prevents that it
//! is printed, compared or stored by accident: only its [`WebhookIdDigest`] is stored.

#[cfg(test)]
pub(crate) mod samples;
mod search;
mod spelling;
mod windows;

use std::fmt;

use thiserror::Error;

pub(crate) use search::{Checked, Sought, decoded_layers, holds_checked, visit};
pub use search::{find_webhook_ids, holds_webhook_id};
pub(crate) use spelling::may_belong_to_secret;
pub(crate) use windows::DIGITS;

use crate::base62;
use crate::secret::{SecretError, SecretText, WEBHOOK_ID_PREFIX, length};

/// Length of a webhook ID.
const WEBHOOK_ID_LENGTH: usize = length(WEBHOOK_ID_PREFIX);
/// Random digits in a hint. Four of 32 leave 166 bits unknown.
const HINT_DIGITS: usize = 4;

/// The secret part of a webhook's URL: `wh_`, 32 random base-62 digits (190 bits) and a checksum of six.
///
/// It has no `Display`, no equality and no serialization, its `Debug` shows the [hint](WebhookIdHint) only, and its
/// memory is wiped when it is dropped. [`reveal`](Self::reveal) is the only way to its text. To compare two, compare
/// their [digests](Self::digest): the time of that does not depend on the secret.
///
/// The digits are `0` to `9`, `A` to `Z`, `a` to `z`. The checksum is CRC-32 (that of RFC 1952) over prefix and random
/// digits, so that a miscopied ID costs no lookup and a leak scanner can tell a real ID.
///
/// ```
/// use hookgate_domain::WebhookId;
///
/// let mut byte = 0_u8;
/// let id = WebhookId::generate(|buffer| {
///     // Use a cryptographic source here, for instance `ring::rand::SystemRandom`.
///     buffer.fill_with(|| { byte = byte.wrapping_add(37); byte });
///     Ok::<(), std::convert::Infallible>(())
/// })?;
/// assert_eq!(id.reveal().len(), 41);
///
/// let parsed: WebhookId = id.reveal().parse()?;
/// assert_eq!(parsed.digest(), id.digest());
/// assert!(!format!("{id:?}").contains(id.reveal()));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct WebhookId(SecretText<WEBHOOK_ID_LENGTH>);

impl WebhookId {
    /// Makes a new ID from random bytes. `fill` overwrites the whole buffer from a cryptographic source each time it is
    /// called, which is once or a few times: bytes that would make some digits likelier than others are dropped. (A
    /// source that gives nothing but bytes above 247 makes the loop endless.)
    ///
    /// ```
    /// use hookgate_domain::WebhookId;
    /// use ring::rand::{SecureRandom, SystemRandom};
    ///
    /// let random = SystemRandom::new();
    /// let id = WebhookId::generate(|buffer| random.fill(buffer))?;
    /// assert!(id.reveal().starts_with("wh_"));
    /// # Ok::<(), ring::error::Unspecified>(())
    /// ```
    ///
    /// # Errors
    /// The error of `fill`, if it has no randomness to give.
    pub fn generate<E>(fill: impl FnMut(&mut [u8]) -> Result<(), E>) -> Result<Self, E> {
        SecretText::generate(WEBHOOK_ID_PREFIX, fill).map(Self)
    }

    /// The secret itself, for the one answer that shows it. Keep it out of logs, errors and databases.
    ///
    /// ```
    /// use hookgate_domain::WebhookId;
    ///
    /// let id = WebhookId::generate(|buffer| Ok::<(), std::convert::Infallible>(buffer.fill(7)))?;
    /// assert_eq!(id.reveal(), "wh_777777777777777777777777777777774c13vo");
    /// # Ok::<(), std::convert::Infallible>(())
    /// ```
    #[must_use]
    pub fn reveal(&self) -> &str {
        self.0.reveal()
    }

    /// The SHA-256 (FIPS 180-4) of the whole ID: the only form that is stored or looked up.
    ///
    /// ```
    /// use hookgate_domain::WebhookId;
    ///
    /// let id = WebhookId::generate(|buffer| Ok::<(), std::convert::Infallible>(buffer.fill(7)))?;
    /// assert_eq!(id.digest(), id.clone().digest());
    /// # Ok::<(), std::convert::Infallible>(())
    /// ```
    #[must_use]
    pub fn digest(&self) -> WebhookIdDigest {
        WebhookIdDigest(self.0.digest())
    }

    /// The first characters, for people to tell URLs apart.
    ///
    /// ```
    /// use hookgate_domain::WebhookId;
    ///
    /// let id = WebhookId::generate(|buffer| Ok::<(), std::convert::Infallible>(buffer.fill(7)))?;
    /// assert_eq!(id.hint().to_string(), "wh_7777");
    /// # Ok::<(), std::convert::Infallible>(())
    /// ```
    #[must_use]
    pub fn hint(&self) -> WebhookIdHint {
        let mut digits = [0; HINT_DIGITS];
        digits.copy_from_slice(
            &self.0.reveal().as_bytes()[WEBHOOK_ID_PREFIX.len()..WEBHOOK_ID_PREFIX.len() + HINT_DIGITS],
        );
        WebhookIdHint(digits)
    }
}

impl std::str::FromStr for WebhookId {
    type Err = WebhookIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(SecretText::parse(WEBHOOK_ID_PREFIX, text)?))
    }
}

impl fmt::Debug for WebhookId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WebhookId({}…)", self.hint())
    }
}

/// Errors of reading a webhook ID. They never quote the text, which may be a secret with a typing error.
///
/// ```
/// use hookgate_domain::{WebhookId, WebhookIdError};
///
/// assert_eq!("wh_short".parse::<WebhookId>().unwrap_err(), WebhookIdError::Form);
/// let miscopied = "wh_77777777777777777777777777777777000000";
/// assert_eq!(miscopied.parse::<WebhookId>().unwrap_err(), WebhookIdError::Checksum);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum WebhookIdError {
    /// Wrong length, prefix or characters.
    #[error("not of the form of a webhook ID (wh_ and 38 letters or digits)")]
    Form,
    /// The form is right and the checksum is not: a typing or copying error, or a guess.
    #[error("the checksum of the webhook ID does not match: was it copied whole?")]
    Checksum,
}

impl From<SecretError> for WebhookIdError {
    fn from(error: SecretError) -> Self {
        match error {
            SecretError::Form => Self::Form,
            SecretError::Checksum => Self::Checksum,
        }
    }
}

/// SHA-256 of a webhook ID, which the store keeps and looks up. It can't be turned back into the ID, and needs neither
/// salt nor stretching, because 190 random bits can't be guessed.
///
/// Its `Debug` is masked all the same, so that no log line links a digest to a URL.
///
/// ```
/// use hookgate_domain::WebhookIdDigest;
///
/// let digest = WebhookIdDigest::from_bytes([7; 32]);
/// assert_eq!(digest.as_bytes(), &[7; 32]);
/// assert_eq!(format!("{digest:?}"), "WebhookIdDigest(…)");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct WebhookIdDigest([u8; 32]);

impl WebhookIdDigest {
    /// The digest of the webhook ID in a text, as [`WebhookId::digest`] gives it, without a copy of the secret.
    ///
    /// ```
    /// use hookgate_domain::{WebhookId, WebhookIdDigest, WebhookIdError};
    ///
    /// let id: WebhookId = "wh_777777777777777777777777777777774c13vo".parse()?;
    /// assert_eq!(WebhookIdDigest::of_id(id.reveal())?, id.digest());
    /// assert_eq!(WebhookIdDigest::of_id("wh_short"), Err(WebhookIdError::Form));
    /// # Ok::<(), WebhookIdError>(())
    /// ```
    ///
    /// # Errors
    /// [`WebhookIdError`], if the text is no webhook ID.
    pub fn of_id(text: &str) -> Result<Self, WebhookIdError> {
        Ok(Self(SecretText::<WEBHOOK_ID_LENGTH>::digest_of(
            WEBHOOK_ID_PREFIX,
            text,
        )?))
    }

    /// A digest read back from a store.
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

impl fmt::Debug for WebhookIdDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WebhookIdDigest(…)")
    }
}

/// The first characters of a webhook ID, `wh_` and four digits, for people to tell URLs apart.
///
/// ```
/// use hookgate_domain::WebhookIdHint;
///
/// let hint: WebhookIdHint = "wh_3kQz".parse()?;
/// assert_eq!(hint.to_string(), "wh_3kQz");
/// assert!("wh_3kQz7".parse::<WebhookIdHint>().is_err());
/// # Ok::<(), hookgate_domain::webhook_id::WebhookIdHintError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct WebhookIdHint([u8; HINT_DIGITS]);

impl fmt::Display for WebhookIdHint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = [0; WEBHOOK_ID_PREFIX.len() + HINT_DIGITS];
        let (prefix, digits) = text.split_at_mut(WEBHOOK_ID_PREFIX.len());
        prefix.copy_from_slice(WEBHOOK_ID_PREFIX.as_bytes());
        digits.copy_from_slice(&self.0);
        f.pad(str::from_utf8(&text).map_err(|_| fmt::Error)?)
    }
}

impl fmt::Debug for WebhookIdHint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WebhookIdHint({self})")
    }
}

impl std::str::FromStr for WebhookIdHint {
    type Err = WebhookIdHintError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = text
            .as_bytes()
            .strip_prefix(WEBHOOK_ID_PREFIX.as_bytes())
            .ok_or(WebhookIdHintError)?;
        let digits: [u8; HINT_DIGITS] = digits.try_into().map_err(|_| WebhookIdHintError)?;
        if digits.iter().all(|byte| base62::is_digit(*byte)) {
            Ok(Self(digits))
        } else {
            Err(WebhookIdHintError)
        }
    }
}

/// The text is no hint of a webhook ID.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("not a webhook ID hint (wh_ and 4 letters or digits)")]
pub struct WebhookIdHintError;
