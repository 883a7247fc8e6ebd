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
    /// A form that was sent without a session, to be shown again afterwards.
    pub kept: Option<KeptForm>,
    /// Why the last try failed. It never tells whether the name exists.
    pub problem: Option<UserText>,
    /// How long to wait before the next try, after too many.
    pub retry_after: Option<Duration>,
}

screen!(SignIn);

/// A form that was sent when the session had ended. Nobody who is not signed in can read it but the one who typed it.
#[derive(Clone, Debug)]
pub struct KeptForm {
    /// Where it was sent, sent back as `form_path`.
    pub path: String,
    /// Its fields, encoded as they were sent, sent back as `form`.
    pub fields: String,
}

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
