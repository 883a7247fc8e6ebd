//! A person's own sessions and password.

use std::net::IpAddr;

use askama::Template;
use hookgate_domain::Timestamp;

use super::screen;
use crate::assets;
use crate::shell::{Problem, Problems, Shell, problem_of};
use crate::text::UserText;
use crate::when;

/// `/account`.
#[derive(Clone, Debug, Template)]
#[template(path = "account.html")]
pub struct Account {
    /// The frame.
    pub shell: Shell,
    /// Whether there is a password to be asked for before it is changed.
    pub has_password: bool,
    /// The least characters of a password.
    pub password_least: u16,
    /// Failed sign-ins since the last one that did not fail, if there were any.
    pub failed: Option<FailedSignIns>,
    /// What is wrong with the form.
    pub problems: Vec<Problem>,
    /// Where the person is signed in, this browser first.
    pub sessions: Vec<SessionRow>,
}

screen!(Account, "account");

impl Account {
    fn problem(&self, field: &str) -> Option<&Problem> {
        problem_of(&self.problems, field)
    }
}

/// Failed sign-ins, for the member whose name they tried.
#[derive(Clone, Copy, Debug)]
pub struct FailedSignIns {
    /// How many.
    pub count: u64,
    /// When the last of them was.
    pub last_at: Timestamp,
    /// From where that came.
    pub last_from: IpAddr,
}

impl FailedSignIns {
    /// The same in plain text, for above a page.
    #[must_use]
    pub fn text(&self) -> String {
        let Self { last_from, .. } = self;
        format!("{}{} from {last_from}.", self.start(), when::text(self.last_at))
    }

    /// What stands before the time.
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
    /// Its name in paths.
    pub id: String,
    /// When it began.
    pub started_at: Timestamp,
    /// When it was last used.
    pub last_seen: Timestamp,
    /// From where it was last used.
    pub source: IpAddr,
    /// The browser.
    pub user_agent: Option<UserText>,
    /// Whether it is this one.
    pub is_this: bool,
}
