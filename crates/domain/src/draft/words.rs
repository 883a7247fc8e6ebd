//! The closed sets of words that senders use for how bad an incident is and where it stands.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// The word that a text spells, whatever its case.
fn known<T: Copy>(text: &str, words: &[(&str, T)]) -> Result<T, UnknownWord> {
    words
        .iter()
        .find(|(word, _)| text.eq_ignore_ascii_case(word))
        .map(|(_, value)| *value)
        .ok_or(UnknownWord)
}

/// How bad it is, from `SEV0` (worst) to `SEV4`. Read in any case, written in one.
///
/// ```
/// use hookgate_domain::Severity;
///
/// assert_eq!("Critical".parse(), Ok(Severity::Sev0));
/// assert_eq!("sev3".parse::<Severity>().map(Severity::as_str), Ok("SEV3"));
/// assert_eq!(Severity::default().to_string(), "SEV2");
/// assert!(Severity::Sev0 < Severity::Sev4);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Severity {
    /// `SEV0`, critical.
    Sev0,
    /// `SEV1`, high.
    Sev1,
    /// `SEV2`, medium: what an incident has unless its sender says otherwise.
    #[default]
    Sev2,
    /// `SEV3`, low.
    Sev3,
    /// `SEV4`, info.
    Sev4,
}

impl Severity {
    /// `SEV0` to `SEV4`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sev0 => "SEV0",
            Self::Sev1 => "SEV1",
            Self::Sev2 => "SEV2",
            Self::Sev3 => "SEV3",
            Self::Sev4 => "SEV4",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Severity {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let words = [
            ("sev0", Self::Sev0),
            ("sev1", Self::Sev1),
            ("sev2", Self::Sev2),
            ("sev3", Self::Sev3),
            ("sev4", Self::Sev4),
            ("critical", Self::Sev0),
            ("high", Self::Sev1),
            ("medium", Self::Sev2),
            ("low", Self::Sev3),
            ("info", Self::Sev4),
        ];
        known(text, &words)
    }
}

/// Where an incident stands.
///
/// ```
/// use hookgate_domain::IncidentStatus;
///
/// assert_eq!("investigating".parse(), Ok(IncidentStatus::Acknowledged));
/// assert_eq!(IncidentStatus::Open.as_str(), "open");
/// assert_eq!(IncidentStatus::Resolved.to_string(), "resolved");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum IncidentStatus {
    /// Nobody has it yet.
    #[default]
    Open,
    /// Somebody works on it.
    Acknowledged,
    /// Over. Deliveries never reopen it: the same trouble opens a new incident.
    Resolved,
}

impl IncidentStatus {
    /// `open`, `acknowledged` or `resolved`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Acknowledged => "acknowledged",
            Self::Resolved => "resolved",
        }
    }
}

impl fmt::Display for IncidentStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for IncidentStatus {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let words = [
            ("open", Self::Open),
            ("new", Self::Open),
            ("acknowledged", Self::Acknowledged),
            ("investigating", Self::Acknowledged),
            ("resolved", Self::Resolved),
        ];
        known(text, &words)
    }
}

/// The text is none of the words of a closed set.
///
/// ```
/// use hookgate_domain::{IncidentStatus, Severity, UnknownWord};
///
/// assert_eq!("catastrophic".parse::<Severity>(), Err(UnknownWord));
/// assert_eq!("closed".parse::<IncidentStatus>(), Err(UnknownWord));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("not one of the known words")]
pub struct UnknownWord;
