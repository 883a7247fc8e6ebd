//! What a command that takes long is doing: one line on a terminal, gone when it is done.

use std::io::{IsTerminal, Write, stderr};

/// Back to the start of the line, and nothing on it (ECMA-48).
const CLEAR: &str = "\r\x1b[K";

/// The line.
pub(crate) struct Progress {
    is_seen: bool,
}

impl Progress {
    /// On a terminal only.
    pub(crate) fn start() -> Self {
        Self {
            is_seen: stderr().is_terminal(),
        }
    }

    /// Says what is done now.
    pub(crate) fn tell(&self, what: impl std::fmt::Display) {
        if self.is_seen {
            // A line that can't be shown changes nothing.
            let _ = write!(stderr(), "{CLEAR}{what}");
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.tell("");
    }
}
