//! Events of an incident after it was opened. A further delivery is an event only if it changes something.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use crate::Severity;

/// Longest note, in characters.
pub const MAX_NOTE: usize = 2_000;

/// An event of an incident.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IncidentEvent {
    /// A sender changed the severity.
    Severity {
        /// The severity before.
        from: Severity,
        /// The severity after.
        to: Severity,
    },
    /// A sender changed the title.
    Title {
        /// The title before.
        from: String,
        /// The title after.
        to: String,
    },
    /// A person or a sender acknowledged it.
    Acknowledged,
    /// A person or a sender resolved it.
    Resolved,
    /// A sender reported it as resolved after a person had resolved it.
    ResolvedLate,
    /// A person reopened it.
    Reopened,
    /// A person added a note.
    Note(IncidentNote),
}

impl IncidentEvent {
    /// The word for the kind of event. The words are stable.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Severity { .. } => "severity",
            Self::Title { .. } => "title",
            Self::Acknowledged => "acknowledged",
            Self::Resolved => "resolved",
            Self::ResolvedLate => "resolved_late",
            Self::Reopened => "reopened",
            Self::Note(_) => "note",
        }
    }
}

/// A note on an incident: 1 to 2,000 characters, without space around them, lines ended by LF.
///
/// ```
/// use hookgate_domain::incident::IncidentNote;
///
/// let note: IncidentNote = " Restarted db1.\r\nWatching. ".parse()?;
/// assert_eq!(note.as_str(), "Restarted db1.\nWatching.");
/// assert!(" \r\n".parse::<IncidentNote>().is_err());
/// # Ok::<(), hookgate_domain::incident::IncidentNoteError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IncidentNote(String);

impl IncidentNote {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for IncidentNote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl FromStr for IncidentNote {
    type Err = IncidentNoteError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // PostgreSQL can't store a NUL in a text.
        let text = text
            .replace("\r\n", "\n")
            .replace('\r', "\n")
            .replace('\0', "\u{FFFD}");
        let text = text.trim_start_matches('\u{FEFF}').trim();
        if text.is_empty() || text.chars().count() > MAX_NOTE {
            return Err(IncidentNoteError);
        }
        Ok(Self(text.to_owned()))
    }
}

/// The text is no note.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("a note has 1 to 2,000 characters")]
pub struct IncidentNoteError;
