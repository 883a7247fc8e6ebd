//! The public names of members, tokens and sessions: a prefix and a UUIDv7 (RFC 9562) in 26 characters of base 32. They
//! give no access, and their order is the order of creation.

use std::fmt;
use std::str::FromStr;

use hookgate_domain::Timestamp;
use hookgate_domain::base32::{read_base32, uuid_v7, write_name};
use thiserror::Error;

/// Declares a public name.
macro_rules! public_id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal, $error:ident) => {
        $(#[$doc])*
        ///
        /// ```
        #[doc = concat!("use hookgate_people::", stringify!($name), ";")]
        #[doc = "use hookgate_domain::Timestamp;"]
        ///
        #[doc = concat!("let id = ", stringify!($name), "::new(Timestamp::from_micros(1_700_000_000_000_000), [0xAB; 10]);")]
        #[doc = concat!("assert!(id.to_string().starts_with(\"", $prefix, "\") && id.to_string().len() == 30);")]
        /// assert_eq!(id.to_string().parse(), Ok(id));
        /// ```
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(u128);

        impl $name {
            /// An ID from the time of creation and ten random bytes. A time before 1970 counts as 1970.
            ///
            /// ```
            #[doc = concat!("use hookgate_people::", stringify!($name), ";")]
        #[doc = "use hookgate_domain::Timestamp;"]
            ///
            #[doc = concat!("let first = ", stringify!($name), "::new(Timestamp::from_micros(0), [0xFF; 10]);")]
            #[doc = concat!("assert!(first < ", stringify!($name), "::new(Timestamp::from_micros(1_000), [0; 10]));")]
            /// ```
            #[must_use]
            pub fn new(created_at: Timestamp, random: [u8; 10]) -> Self {
                Self(uuid_v7(created_at, random))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write_name::<30>(f, $prefix, self.0)
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                let digits = text.strip_prefix($prefix).ok_or(IdError::$error)?;
                read_base32::<26>(digits).map(Self).ok_or(IdError::$error)
            }
        }
    };
}

public_id! {
    /// The public name of a member, `mem_` and 26 characters.
    MemberId, "mem_", Member
}
public_id! {
    /// The public name of an API token, `tok_` and 26 characters. It is not the token.
    TokenId, "tok_", Token
}
public_id! {
    /// The public name of a session, `ses_` and 26 characters. It is not the session token in the cookie.
    SessionId, "ses_", Session
}

/// The text is not a public name of the kind that was asked for.
///
/// ```
/// use hookgate_people::{IdError, MemberId};
///
/// assert_eq!("mem_42".parse::<MemberId>(), Err(IdError::Member));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum IdError {
    /// No member ID.
    #[error("not a member ID (mem_ and 26 characters)")]
    Member,
    /// No token ID.
    #[error("not a token ID (tok_ and 26 characters)")]
    Token,
    /// No session ID.
    #[error("not a session ID (ses_ and 26 characters)")]
    Session,
}
