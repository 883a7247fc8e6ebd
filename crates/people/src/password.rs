//! Passwords. They must be long enough and not among the most frequent ones (NIST SP 800-63B, section 3.1.1). There are
//! no composition rules, because these make people choose worse passwords.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;
use zeroize::Zeroizing;

use hookgate_domain::invisible::has_hidden;

/// Shortest password, in characters.
///
/// ```
/// use hookgate_people::{MIN_PASSWORD_CHARACTERS, Password};
///
/// assert!("ä".repeat(MIN_PASSWORD_CHARACTERS).parse::<Password>().is_ok());
/// ```
pub const MIN_PASSWORD_CHARACTERS: usize = 8;
/// Longest password, in characters: a bound on the work of hashing one.
///
/// ```
/// use hookgate_people::{MAX_PASSWORD_CHARACTERS, Password, PasswordError};
///
/// let long = "a".repeat(MAX_PASSWORD_CHARACTERS + 1);
/// assert_eq!(long.parse::<Password>().unwrap_err(), PasswordError::TooLong);
/// ```
pub const MAX_PASSWORD_CHARACTERS: usize = 200;

/// The most frequent passwords of at least eight characters, in lower case: some eight thousand of the twenty thousand that
/// leaked most often, as lists of leaked passwords that are published for this purpose count them.
const COMMON: &str = include_str!("common_passwords.txt");

/// A password of 8 to 200 characters that can be typed. Its `Debug` is masked and its memory is wiped.
///
/// ```
/// use hookgate_people::Password;
///
/// let password: Password = "correct horse battery".parse()?;
/// assert_eq!(password.reveal(), "correct horse battery");
/// assert_eq!(format!("{password:?}"), "Password(…)");
/// # Ok::<(), hookgate_people::PasswordError>(())
/// ```
#[derive(Clone)]
pub struct Password(Zeroizing<String>);

impl Password {
    /// The password itself, for the function that hashes it.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Refuses a new password that is among the most frequent ones, in whatever case.
    ///
    /// ```
    /// use hookgate_people::{Password, PasswordError};
    ///
    /// let password: Password = "Password123".parse()?;
    /// assert_eq!(password.check_uncommon(), Err(PasswordError::Common));
    /// # Ok::<(), PasswordError>(())
    /// ```
    ///
    /// # Errors
    /// [`PasswordError::Common`].
    pub fn check_uncommon(&self) -> Result<(), PasswordError> {
        let lower = Zeroizing::new(self.0.to_lowercase());
        if COMMON.split_ascii_whitespace().any(|common| common == *lower) {
            return Err(PasswordError::Common);
        }
        Ok(())
    }
}

impl FromStr for Password {
    type Err = PasswordError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // No keyboard gives these characters: they came from a file or a program, and the member could never sign in. U+FFFD
        // stands for bytes that some program could not read.
        if has_hidden(text) || text.contains(char::REPLACEMENT_CHARACTER) {
            return Err(PasswordError::Untypeable);
        }
        // Not trimmed: space is as good a character as any.
        match text.chars().count() {
            length if length < MIN_PASSWORD_CHARACTERS => Err(PasswordError::TooShort),
            length if length > MAX_PASSWORD_CHARACTERS => Err(PasswordError::TooLong),
            _ => Ok(Self(Zeroizing::new(text.to_owned()))),
        }
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}

/// Errors of a password.
///
/// ```
/// use hookgate_people::{Password, PasswordError};
///
/// assert_eq!("seven77".parse::<Password>().unwrap_err(), PasswordError::TooShort);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum PasswordError {
    /// Under [`MIN_PASSWORD_CHARACTERS`].
    #[error("the password is shorter than {MIN_PASSWORD_CHARACTERS} characters")]
    TooShort,
    /// Among the most frequent ones.
    #[error("the password is one of the most common ones, which are tried first")]
    Common,
    /// Over [`MAX_PASSWORD_CHARACTERS`].
    #[error("the password is longer than {MAX_PASSWORD_CHARACTERS} characters")]
    TooLong,
    /// A character that no keyboard gives, such as a line break, a tab or a byte-order mark.
    #[error(
        "the password has a character that can't be typed, such as a line break, a tab or a byte-order mark"
    )]
    Untypeable,
}

/// A password as it is stored: a slow, salted hash, as text (for instance a PHC string). Its `Debug` is masked.
///
/// ```
/// let hash = hookgate_people::PasswordHash::from_text("$argon2id$…");
/// assert_eq!(hash.as_str(), "$argon2id$…");
/// assert_eq!(format!("{hash:?}"), "PasswordHash(…)");
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(Box<str>);

impl PasswordHash {
    /// A hash from a store or fresh from the function that hashes.
    #[must_use]
    pub fn from_text(text: impl Into<Box<str>>) -> Self {
        Self(text.into())
    }

    /// Its text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(…)")
    }
}
