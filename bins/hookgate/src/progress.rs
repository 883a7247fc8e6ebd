//! The progress of a slow command: one line on a terminal, which is cleared at the end.

use std::io::{IsTerminal, Write, stderr};

/// Returns to the start of the line and clears it (ECMA-48).
const CLEAR: &str = "\r\x1b[K";

/// The progress line.
pub(crate) struct Progress {
    is_seen: bool,
}

impl Progress {
    /// Shows progress only if standard error is a terminal.
    pub(crate) fn start() -> Self {
        Self {
            is_seen: stderr().is_terminal(),
        }
    }

    /// Shows the current step.
    pub(crate) fn tell(&self, what: impl std::fmt::Display) {
        if self.is_seen {
            // Progress is optional, so an error is ignored.
            let _ = write!(stderr(), "{CLEAR}{what}");
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.tell("");
    }
}
