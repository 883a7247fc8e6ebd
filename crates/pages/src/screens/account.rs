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
