//! The people of the organization.

use askama::Template;
use hookgate_domain::Timestamp;

use crate::assets;
use crate::render::screen;
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
    /// The roles that the reader may give.
    pub roles: Vec<String>,
    /// `name` of the new member, as typed.
    pub name: String,
    /// `role` of the new member, as chosen; the lowest role by default.
    pub role: String,
    /// Problems of the form.
    pub problems: Vec<Problem>,
    /// A link that was just created.
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
    /// ID of the member in paths.
    pub id: String,
    /// Their name.
    pub name: UserText,
    /// Their role.
    pub role: String,
    /// Start of the membership.
    pub since: Timestamp,
    /// Time of the member's last request.
    pub last_seen: Option<Timestamp>,
    /// `true` if this member is the reader.
    pub is_you: bool,
    /// `true` if the reader may change the member's role, remove the member and create sign-in links.
    pub may_change: bool,
}

/// A one-time sign-in link that was just created.
#[derive(Clone, Debug)]
pub struct SignInLinkMade {
    /// The member of the link.
    pub member: UserText,
    /// The link and the end of its validity; `None` once it was shown.
    pub link: Option<(SecretText, Timestamp)>,
}
