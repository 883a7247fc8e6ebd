//! The page for everything that has no page.

use askama::Template;

use crate::assets;
use crate::render::screen;
use crate::shell::Shell;
use crate::text::UserText;

/// An error page for a visitor without a session. It never repeats the path, which may hold a secret.
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

/// An error page for a signed-in member: inside the frame, with a link that leads on.
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
