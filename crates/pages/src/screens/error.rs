//! The page for everything that has no page.

use askama::Template;

use super::screen;
use crate::assets;
use crate::shell::Shell;
use crate::text::UserText;

/// An error, for somebody who may not be signed in. It never repeats the path, which may hold a secret.
#[derive(Clone, Debug, Template)]
#[template(path = "error.html")]
pub struct ErrorPage {
    /// The status of the answer.
    pub status: u16,
    /// The problem in two or three words.
    pub title: String,
    /// The remedy in one sentence.
    pub sentence: UserText,
    /// The name of the request in the server's log.
    pub request_id: UserText,
}

screen!(ErrorPage);

/// The same for somebody who is signed in: inside the frame, with the way back.
#[derive(Clone, Debug, Template)]
#[template(path = "error_screen.html")]
pub struct ErrorScreen {
    /// The frame.
    pub shell: Shell,
    /// The status of the answer.
    pub status: u16,
    /// The problem in two or three words.
    pub title: String,
    /// The context and the remedy, in one or two sentences.
    pub sentence: UserText,
    /// The link that leads on: its path and its text.
    pub back: (&'static str, &'static str),
    /// The name of the request in the server's log.
    pub request_id: UserText,
}

screen!(ErrorScreen);

impl ErrorScreen {
    /// The part of the navigation that the page would belong to.
    fn section(&self) -> &'static str {
        self.back.0.trim_start_matches('/')
    }
}
