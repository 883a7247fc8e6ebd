//! The secrets that people and programs sign in with. Each has a digest type of its own; only the digest is stored.

use std::fmt;
use std::str::FromStr;

use ring::digest::{Context, SHA256};

use hookgate_domain::secret::{
    API_TOKEN_PREFIX, SESSION_PREFIX, SIGN_IN_PREFIX, SecretError, SecretText, length,
};

/// Declares a secret and its digest.
macro_rules! secret {
    ($(#[$doc:meta])* $name:ident, $digest:ident, $prefix:expr) => {
        $(#[$doc])*
        ///
        /// It has the form of a [`WebhookId`](hookgate_domain::WebhookId) with another prefix, and the same means keep it from
        /// being printed, compared or stored.
        ///
        /// ```
        #[doc = concat!("use hookgate_people::", stringify!($name), ";")]
        ///
        #[doc = concat!("let secret = ", stringify!($name), "::generate(|buffer| Ok::<(), std::convert::Infallible>(buffer.fill(7)))?;")]
        /// assert_eq!(secret.reveal().len(), 42);
        #[doc = concat!("assert_eq!(secret.reveal().parse::<", stringify!($name), ">()?.digest(), secret.digest());")]
        #[doc = concat!("assert_eq!(format!(\"{secret:?}\"), \"", stringify!($name), "(…)\");")]
        /// # Ok::<(), Box<dyn std::error::Error>>(())
        /// ```
        #[derive(Clone)]
        pub struct $name(SecretText<{ length($prefix) }>);

        impl $name {
            /// Makes a new secret from random bytes. `fill` overwrites the whole buffer from a cryptographic source
            /// each time it is called, which is once or a few times.
            ///
            /// # Errors
            /// The error of `fill`, if it has no randomness to give.
            pub fn generate<E>(fill: impl FnMut(&mut [u8]) -> Result<(), E>) -> Result<Self, E> {
                SecretText::generate($prefix, fill).map(Self)
            }

            /// The secret itself, for the one answer that shows it. Keep it out of logs, errors and databases.
            #[must_use]
            pub fn reveal(&self) -> &str {
                self.0.reveal()
            }

            /// SHA-256 of it: the only form that is stored or looked up.
            #[must_use]
            pub fn digest(&self) -> $digest {
                $digest(self.0.digest())
            }
        }

        impl FromStr for $name {
            type Err = SecretError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                SecretText::parse($prefix, text).map(Self)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(…)"))
            }
        }

        #[doc = concat!("SHA-256 of a [`", stringify!($name), "`]: what the store keeps and looks up.")]
        ///
        /// ```
        #[doc = concat!("use hookgate_people::", stringify!($digest), ";")]
        ///
        #[doc = concat!("let digest = ", stringify!($digest), "::from_bytes([7; 32]);")]
        /// assert_eq!(digest.as_bytes(), &[7; 32]);
        #[doc = concat!("assert_eq!(format!(\"{digest:?}\"), \"", stringify!($digest), "(…)\");")]
        /// ```
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $digest([u8; 32]);

        impl $digest {
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

        impl fmt::Debug for $digest {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($digest), "(…)"))
            }
        }
    };
}

secret! {
    /// The secret of an API token, with which a program authenticates: `hgt_`, 32 random base-62 digits and a checksum
    /// of six.
    ApiToken, ApiTokenDigest, API_TOKEN_PREFIX
}
secret! {
    /// The secret in a session's cookie: `hgs_`, 32 random base-62 digits and a checksum of six.
    SessionToken, SessionDigest, SESSION_PREFIX
}
secret! {
    /// The secret at the end of a sign-in link: `hgl_`, 32 random base-62 digits and a checksum of six.
    SignInSecret, SignInSecretDigest, SIGN_IN_PREFIX
}

impl SessionToken {
    /// The CSRF token of this session's forms, which shows that a page of the session made the form: 64 hexadecimal
    /// digits that reveal nothing of the session token.
    ///
    /// ```
    /// use hookgate_people::SessionToken;
    ///
    /// let token = |byte| SessionToken::generate(|buffer| Ok::<(), std::convert::Infallible>(buffer.fill(byte)));
    /// assert_eq!(token(7)?.form_token(), token(7)?.form_token());
    /// assert_ne!(token(7)?.form_token(), token(8)?.form_token());
    /// assert_eq!(token(7)?.form_token().len(), 64);
    /// # Ok::<(), std::convert::Infallible>(())
    /// ```
    #[must_use]
    pub fn form_token(&self) -> String {
        let mut context = Context::new(&SHA256);
        context.update(b"hookgate form\0");
        context.update(self.reveal().as_bytes());
        let mut text = String::with_capacity(64);
        for byte in context.finish().as_ref() {
            for digit in [byte >> 4, byte & 15] {
                text.push(char::from_digit(digit.into(), 16).unwrap_or('0'));
            }
        }
        text
    }
}

/// The digest of a credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Credential {
    /// A session.
    Session(SessionDigest),
    /// An API token.
    Token(ApiTokenDigest),
}
