//! API tokens.

use askama::Template;
use hookgate_domain::Timestamp;

use super::screen;
use crate::assets;
use crate::shell::{Problem, Problems, Shell, problem_of};
use crate::text::{SecretText, UserText};
use crate::when::{self, Given};

/// `/tokens`.
#[derive(Clone, Debug, Template)]
#[template(path = "tokens.html")]
pub struct Tokens {
    /// The frame.
    pub shell: Shell,
    /// All tokens that still work, then those that don't.
    pub rows: Vec<TokenRow>,
    /// The roles that the person at the page may give.
    pub roles: Vec<String>,
    /// `name` of the new token, as typed before.
    pub name: String,
    /// `role` of the new token, as chosen before; the least if it was not.
    pub role: String,
    /// `expires_days` of the new token: a number of days, or empty for never.
    pub expires: String,
    /// What is wrong with the form.
    pub problems: Vec<Problem>,
    /// A token that was just made.
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
    /// Its name in paths.
    pub id: String,
    /// What people call it.
    pub name: UserText,
    /// What it may do.
    pub role: String,
    /// Who made it.
    pub made_by: UserText,
    /// When.
    pub made_at: Timestamp,
    /// Until when it works.
    pub expires_at: Option<Timestamp>,
    /// When it was last used.
    pub last_used: Option<Timestamp>,
    /// When it was revoked.
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

/// A token that was just made.
#[derive(Clone, Debug)]
pub struct TokenMade {
    /// What it is called.
    pub name: UserText,
    /// The token; none once it was shown.
    pub token: Option<SecretText>,
}
