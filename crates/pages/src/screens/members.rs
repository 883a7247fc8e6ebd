//! The people of the organization.

use askama::Template;
use hookgate_domain::Timestamp;

use super::screen;
use crate::assets;
use crate::shell::{Problem, Problems, Shell, problem_of};
use crate::text::{SecretText, UserText};
use crate::when;

/// `/members`.
#[derive(Clone, Debug, Template)]
#[template(path = "members.html")]
pub struct Members {
    /// The frame.
    pub shell: Shell,
    /// Everybody.
    pub rows: Vec<MemberRow>,
    /// The roles that the person at the page may give.
    pub roles: Vec<String>,
    /// `name` of the new member, as typed before.
    pub name: String,
    /// `role` of the new member, as chosen before; the least if it was not.
    pub role: String,
    /// What is wrong with the form.
    pub problems: Vec<Problem>,
    /// A link that was just made.
    pub link: Option<SignInLinkMade>,
}

screen!(Members, "members");

impl Members {
    fn problem(&self, field: &str) -> Option<&Problem> {
        problem_of(&self.problems, field)
    }
}

/// One member.
#[derive(Clone, Debug)]
pub struct MemberRow {
    /// Their name in paths.
    pub id: String,
    /// Their name.
    pub name: UserText,
    /// Their role.
    pub role: String,
    /// Since when they belong to the organization.
    pub since: Timestamp,
    /// When they were last here.
    pub last_seen: Option<Timestamp>,
    /// Whether this is the person at the page.
    pub is_you: bool,
    /// Whether the person at the page may change their role, remove them and make links for them.
    pub may_change: bool,
}

/// A one-time sign-in link that was just made.
#[derive(Clone, Debug)]
pub struct SignInLinkMade {
    /// For whom.
    pub member: UserText,
    /// The link and until when it can be used; none once it was shown.
    pub link: Option<(SecretText, Timestamp)>,
}
