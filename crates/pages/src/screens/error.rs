//! The page for everything that has no page.

use askama::Template;

use super::screen;
use crate::assets;
use crate::text::UserText;

/// An error, for somebody who may not be signed in. It never repeats the path, which may hold a secret.
#[derive(Clone, Debug, Template)]
#[template(path = "error.html")]
pub struct ErrorPage {
    /// The status of the answer.
    pub status: u16,
    /// What is wrong, in two or three words.
    pub title: String,
    /// What to do about it, in one sentence.
    pub sentence: UserText,
    /// The name of the request in the server's log.
    pub request_id: UserText,
}

screen!(ErrorPage);
