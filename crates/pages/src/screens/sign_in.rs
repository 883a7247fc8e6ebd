//! The two ways to sign in: with name and password, or with a one-time link.

use std::time::Duration;

use askama::Template;

use crate::assets;
use crate::render::screen;
use crate::shell::CsrfField;
use crate::text::{SecretText, UserText};
use crate::when;

/// `/sign-in`: name and password.
#[derive(Clone, Debug, Template)]
#[template(path = "sign_in.html")]
pub struct SignIn {
    /// The form's token.
    pub csrf: String,
    /// The name as typed.
    pub name: String,
    /// The path to open after the sign-in, sent back as `next`; empty for the start page.
    pub next: String,
    /// A form that was sent without a session, to be shown again afterwards.
    pub kept: Option<KeptForm>,
    /// The reason for which the last try failed. It does not tell if the name exists.
    pub problem: Option<UserText>,
    /// Time to wait before the next try, after too many.
    pub retry_after: Option<Duration>,
}

screen!(SignIn);

/// A form that was sent after its session had ended. Nobody can read it without a sign-in, except its author.
#[derive(Clone, Debug)]
pub struct KeptForm {
    /// Target path of the form, sent back as `form_path`.
    pub path: String,
    /// Its fields, encoded as they were sent, sent back as `form`.
    pub fields: String,
}

impl SignIn {
    fn wait(&self) -> Option<String> {
        self.retry_after.map(|wait| when::span(wait.as_secs().max(1)))
    }
}

/// `/sign-in/{secret}`: the one-time link. A GET changes nothing, so that a link preview can't use the link up; the button
/// does.
#[derive(Clone, Debug, Template)]
#[template(path = "sign_in_link.html")]
pub struct SignInLink {
    /// The form's token.
    pub csrf: String,
    /// The secret of the link.
    pub secret: SecretText,
    /// The member whom the link signs in.
    pub member: UserText,
    /// The reason for which the link can't be used; the button is then missing.
    pub problem: Option<UserText>,
}

screen!(SignInLink);
