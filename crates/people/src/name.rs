//! The names of members and tokens. They are shown on terminals, in logs and in tables.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

use thiserror::Error;

use hookgate_domain::invisible::{has_hidden, looks_alike};
use hookgate_domain::leaks::may_hold_secret;

/// Longest name, in characters: it has to fit a table row.
const MAX_CHARACTERS: usize = 100;
/// Prefixes of public IDs. A name must not start with one, because people would take it for an ID.
const IDS: [&str; 4] = ["mem_", "tok_", "ses_", "hk_"];

/// Declares a name.
macro_rules! people_name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        ///
        /// It has 1 to 100 characters, none of them invisible, and space around it does not count. Two names
        /// that differ in case only are the same.
        ///
        /// ```
        #[doc = concat!("use hookgate_people::", stringify!($name), ";")]
        ///
        #[doc = concat!("let name: ", stringify!($name), " = \" Ada@Example.org \".parse()?;")]
        /// assert_eq!(name.as_str(), "Ada@Example.org");
        /// assert_eq!(name, "ada@example.ORG".parse()?);
        /// # Ok::<(), hookgate_people::PeopleNameError>(())
        /// ```
        #[derive(Clone, Debug, Eq)]
        pub struct $name(Box<str>);

        impl $name {
            /// The name as it was written, without surrounding space.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// A name from a store. Rules for names have become stricter over time, and names from before stay valid:
            /// only the length is checked. `None` if it is wrong.
            #[must_use]
            pub fn from_stored(text: &str) -> Option<Self> {
                let is_sound = (1..=MAX_CHARACTERS).contains(&text.chars().count());
                is_sound.then(|| Self(text.into()))
            }

            /// The name in lower case, by which names are compared.
            #[must_use]
            pub fn key(&self) -> String {
                self.0.to_lowercase()
            }

            /// `true` if people could confuse the two names: they differ at most in case, in spaces, in compatibility
            /// forms, and in letters of other scripts that look alike (UTS #39).
            ///
            /// ```
            #[doc = concat!("use hookgate_people::", stringify!($name), ";")]
            ///
            #[doc = concat!("let cyrillic: ", stringify!($name), " = \"\\u{430}d\\u{430}\".parse()?;")]
            #[doc = concat!("let name: ", stringify!($name), " = \"Ada\".parse()?;")]
            /// assert!(cyrillic != name && cyrillic.looks_like(&name));
            /// # Ok::<(), hookgate_people::PeopleNameError>(())
            /// ```
            #[must_use]
            pub fn looks_like(&self, other: &Self) -> bool {
                looks_alike(&self.0, &other.0)
            }
        }

        impl PartialEq for $name {
            fn eq(&self, other: &Self) -> bool {
                self.key() == other.key()
            }
        }

        impl Hash for $name {
            fn hash<H: Hasher>(&self, state: &mut H) {
                self.key().hash(state);
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = PeopleNameError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                check(text).map(|name| Self(name.into()))
            }
        }
    };
}

people_name! {
    /// The name that a member signs in with: a name or an e-mail address.
    MemberName
}
people_name! {
    /// The display name of an API token.
    TokenName
}

fn check(text: &str) -> Result<&str, PeopleNameError> {
    let name = text.trim();
    match name.chars().count() {
        0 => Err(PeopleNameError::Empty),
        length if length > MAX_CHARACTERS => Err(PeopleNameError::TooLong),
        _ if has_hidden(name) => Err(PeopleNameError::ControlCharacter),
        _ if may_hold_secret(name.as_bytes()) => Err(PeopleNameError::LooksLikeSecret),
        _ if IDS.iter().any(|id| name.starts_with(id)) => Err(PeopleNameError::LooksLikeSecret),
        _ => Ok(name),
    }
}

/// Errors of a name of a member or token. They never quote the text, which may be a secret in the wrong field.
///
/// ```
/// use hookgate_people::{MemberName, PeopleNameError};
///
/// assert_eq!(" ".parse::<MemberName>(), Err(PeopleNameError::Empty));
/// assert_eq!("two\nlines".parse::<MemberName>(), Err(PeopleNameError::ControlCharacter));
/// assert_eq!("mem_ada".parse::<MemberName>(), Err(PeopleNameError::LooksLikeSecret));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum PeopleNameError {
    /// Nothing but space.
    #[error("the name is empty")]
    Empty,
    /// Over 100 characters.
    #[error("the name is longer than {MAX_CHARACTERS} characters")]
    TooLong,
    /// A line break, an escape, or a character that hides or turns text.
    #[error("the name contains a control character or an invisible one")]
    ControlCharacter,
    /// It may hold a secret, or be taken for a public ID.
    #[error("the name looks like a secret or an ID: choose another")]
    LooksLikeSecret,
}
