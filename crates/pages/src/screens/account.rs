//! A member's own sessions and password.

use std::net::IpAddr;

use askama::Template;
use hookgate_domain::Timestamp;

use crate::assets;
use crate::render::screen;
use crate::shell::{Problem, Problems, Shell, problem_of};
use crate::text::UserText;
use crate::when;

/// `/account`.
#[derive(Clone, Debug, Template)]
#[template(path = "account.html")]
pub struct Account {
    /// The frame.
    pub shell: Shell,
    /// `true` if the member has a password, which is asked for before it is changed.
    pub has_password: bool,
    /// Minimum length of a password, in characters.
    pub password_least: u16,
    /// Failed sign-ins since the last successful one, if there were any.
    pub failed: Option<FailedSignIns>,
    /// Problems of the form.
    pub problems: Vec<Problem>,
    /// Sessions of the member, this browser first.
    pub sessions: Vec<SessionRow>,
}

screen!(Account, "account");

impl Account {
    fn problem(&self, field: &str) -> Option<&Problem> {
        problem_of(&self.problems, field)
    }
}

/// Failed sign-ins with the name of the member.
#[derive(Clone, Copy, Debug)]
pub struct FailedSignIns {
    /// Number of failed sign-ins.
    pub count: u64,
    /// Time of the last one.
    pub last_at: Timestamp,
    /// Source address of the last one.
    pub last_from: IpAddr,
}

impl FailedSignIns {
    /// The plain text of the message above a page.
    #[must_use]
    pub fn text(&self) -> String {
        let Self { last_from, .. } = self;
        format!("{}{} from {last_from}.", self.start(), when::text(self.last_at))
    }

    /// The sentence up to the time.
    fn start(&self) -> String {
        match self.count {
            1 => "1 failed sign-in since your last sign-in, at ".to_owned(),
            count => format!("{count} failed sign-ins since your last sign-in, the last at "),
        }
    }
}

/// One session.
#[derive(Clone, Debug)]
pub struct SessionRow {
    /// ID of the session in paths.
    pub id: String,
    /// Start of the session.
    pub started_at: Timestamp,
    /// Time of the last use.
    pub last_seen: Timestamp,
    /// Source address of the last use.
    pub source: IpAddr,
    /// The browser.
    pub user_agent: Option<UserText>,
    /// `true` if this is the session of the page.
    pub is_this: bool,
}
