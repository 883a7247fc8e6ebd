//! The two ways in: name with password, and the one-time link.

use std::time::Duration;

use askama::Template;

use super::screen;
use crate::assets;
use crate::shell::CsrfField;
use crate::text::{SecretText, UserText};
use crate::when;

/// `/sign-in`: name and password.
#[derive(Clone, Debug, Template)]
#[template(path = "sign_in.html")]
pub struct SignIn {
    /// The form's token.
    pub csrf: String,
    /// The name as it was typed before.
    pub name: String,
    /// Path to go on to, sent back as `next`; empty for the start page.
    pub next: String,
    /// Why the last try failed. It never tells whether the name exists.
    pub problem: Option<UserText>,
    /// How long to wait before the next try, after too many.
    pub retry_after: Option<Duration>,
}

screen!(SignIn);

impl SignIn {
    fn wait(&self) -> Option<String> {
        self.retry_after.map(|wait| when::span(wait.as_secs().max(1)))
    }
}

/// `/sign-in/{secret}`: the one-time link. Opening it changes nothing, so that a link preview can't use it up; the button does.
#[derive(Clone, Debug, Template)]
#[template(path = "sign_in_link.html")]
pub struct SignInLink {
    /// The form's token.
    pub csrf: String,
    /// The secret of the link.
    pub secret: SecretText,
    /// Whom it signs in.
    pub member: UserText,
    /// Why it can't be used; the button is then gone.
    pub problem: Option<UserText>,
}

screen!(SignInLink);
