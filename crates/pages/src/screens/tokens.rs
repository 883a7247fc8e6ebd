//! API tokens.

use askama::Template;
use hookgate_domain::Timestamp;

use crate::assets;
use crate::render::screen;
use crate::shell::{Problem, Problems, Shell, problem_of};
use crate::text::{SecretText, UserText};
use crate::when::{self, Given};

/// `/tokens`.
#[derive(Clone, Debug, Template)]
#[template(path = "tokens.html")]
pub struct Tokens {
    /// The frame.
    pub shell: Shell,
    /// All tokens: the active ones, then the others.
    pub rows: Vec<TokenRow>,
    /// The roles that the reader may give.
    pub roles: Vec<String>,
    /// `name` of the new token, as typed.
    pub name: String,
    /// `role` of the new token, as chosen; the lowest role by default.
    pub role: String,
    /// `expires_days` of the new token: a number of days, or empty for never.
    pub expires: String,
    /// Problems of the form.
    pub problems: Vec<Problem>,
    /// A token that was just created.
    pub made: Option<TokenMade>,
}

screen!(Tokens, "tokens");

impl Tokens {
    fn problem(&self, field: &str) -> Option<&Problem> {
        problem_of(&self.problems, field)
    }

    #[expect(clippy::unused_self, reason = "templates call methods")]
    const fn lives(&self) -> [(&'static str, &'static str); 4] {
        [
            ("30", "in 30 days"),
            ("90", "in 90 days"),
            ("365", "in a year"),
            ("", "never"),
        ]
    }
}

/// One token.
#[derive(Clone, Debug)]
pub struct TokenRow {
    /// ID of the token in paths.
    pub id: String,
    /// Name of the token.
    pub name: UserText,
    /// Role of the token.
    pub role: String,
    /// The member or program that created the token.
    pub made_by: UserText,
    /// Time of creation.
    pub made_at: Timestamp,
    /// Time of expiry.
    pub expires_at: Option<Timestamp>,
    /// Time of the last use.
    pub last_used: Option<Timestamp>,
    /// Time of revocation.
    pub revoked_at: Option<Timestamp>,
}

impl TokenRow {
    fn state(&self, now: impl Given<Timestamp>) -> (&'static str, &'static str) {
        if self.revoked_at.is_some() {
            ("dim", "revoked")
        } else if self.expires_at.is_some_and(|end| end <= now.given()) {
            ("dim", "expired")
        } else {
            ("ok", "active")
        }
    }
}

/// A token that was just created.
#[derive(Clone, Debug)]
pub struct TokenMade {
    /// Name of the token.
    pub name: UserText,
    /// The token; `None` once it was shown.
    pub token: Option<SecretText>,
}
