//! The words that senders use for severities and statuses. These tables are the only ones: a test compares the documentation
//! with them.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// Buffer for one normalized word, in bytes. No word of a table is longer.
const MAX_WORD_BYTES: usize = 16;

/// Looks a text up in a table. Case, spaces, hyphens and underscores are ignored.
fn known<T: Copy>(text: &str, words: &[(&str, T)]) -> Result<T, UnknownWord> {
    let mut letters = [0; MAX_WORD_BYTES];
    let mut length = 0;
    for byte in text.trim().bytes().filter(|byte| !b" -_".contains(byte)) {
        *letters.get_mut(length).ok_or(UnknownWord)? = byte.to_ascii_lowercase();
        length += 1;
    }
    // Most words differ in the first letter, which is cheaper to compare.
    let is_same = |word: &[u8]| word.first() == letters.first() && *word == letters[..length];
    words
        .iter()
        .find(|(word, _)| is_same(word.as_bytes()))
        .map(|(_, value)| *value)
        .ok_or(UnknownWord)
}

/// The severity of an incident, from `SEV0` (worst) to `SEV4`. Many words of senders are read; the text form is one of the
/// five.
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
    /// `SEV2`, medium: the default.
    #[default]
    Sev2,
    /// `SEV3`, low.
    Sev3,
    /// `SEV4`, info.
    Sev4,
}

impl Severity {
    /// The accepted words in lower case, each with its meaning. The values' own names come first.
    ///
    /// `P1` is the worst of five in `PagerDuty`, Opsgenie and Jira, and `P0` in tools that count from zero: both are
    /// [`Sev0`](Self::Sev0).
    ///
    /// ```
    /// use hookgate_domain::Severity;
    ///
    /// for (word, severity) in Severity::WORDS {
    ///     assert_eq!(word.to_uppercase().parse(), Ok(*severity));
    /// }
    /// ```
    pub const WORDS: &'static [(&'static str, Self)] = &[
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
        ("warning", Self::Sev2),
        ("error", Self::Sev1),
        ("crit", Self::Sev0),
        ("fatal", Self::Sev0),
        ("emergency", Self::Sev0),
        ("emerg", Self::Sev0),
        ("disaster", Self::Sev0),
        ("alert", Self::Sev0),
        ("panic", Self::Sev0),
        ("page", Self::Sev0),
        ("blocker", Self::Sev0),
        ("highest", Self::Sev0),
        ("p0", Self::Sev0),
        ("p1", Self::Sev0),
        ("err", Self::Sev1),
        ("major", Self::Sev1),
        ("severe", Self::Sev1),
        ("important", Self::Sev1),
        ("p2", Self::Sev1),
        ("warn", Self::Sev2),
        ("moderate", Self::Sev2),
        ("average", Self::Sev2),
        ("p3", Self::Sev2),
        ("minor", Self::Sev3),
        ("notice", Self::Sev3),
        ("ticket", Self::Sev3),
        ("p4", Self::Sev3),
        ("information", Self::Sev4),
        ("informational", Self::Sev4),
        ("debug", Self::Sev4),
        ("trace", Self::Sev4),
        ("lowest", Self::Sev4),
        ("trivial", Self::Sev4),
        ("ok", Self::Sev4),
        ("normal", Self::Sev4),
        ("none", Self::Sev4),
        ("p5", Self::Sev4),
        ("sev5", Self::Sev4),
        ("0", Self::Sev0),
        ("1", Self::Sev0),
        ("2", Self::Sev1),
        ("3", Self::Sev2),
        ("4", Self::Sev3),
        ("5", Self::Sev4),
    ];

    /// Returns `true` if tools differ in the meaning of this word: a bare number is the worst in one and the least in
    /// another, and `none` is the least severity or no severity.
    pub(super) fn is_ambiguous(word: &str) -> bool {
        word.bytes().all(|byte| byte.is_ascii_digit()) || word.eq_ignore_ascii_case("none")
    }

    /// The name: `SEV0` to `SEV4`.
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
        known(text, Self::WORDS)
    }
}

/// The status of an incident.
///
/// ```
/// use hookgate_domain::IncidentStatus;
///
/// assert_eq!("investigating".parse(), Ok(IncidentStatus::Acknowledged));
/// assert_eq!("In Progress".parse(), Ok(IncidentStatus::Acknowledged));
/// assert_eq!(IncidentStatus::Open.as_str(), "open");
/// assert_eq!(IncidentStatus::Resolved.to_string(), "resolved");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum IncidentStatus {
    /// The incident is open and not acknowledged.
    #[default]
    Open,
    /// A person works on the incident.
    Acknowledged,
    /// The incident is over. Deliveries never reopen it: the same problem opens a new incident.
    Resolved,
}

impl IncidentStatus {
    /// The accepted words in lower case, each with its meaning. The values' own names come first.
    ///
    /// ```
    /// use hookgate_domain::IncidentStatus;
    ///
    /// for (word, status) in IncidentStatus::WORDS {
    ///     assert_eq!(word.to_uppercase().parse(), Ok(*status));
    /// }
    /// ```
    pub const WORDS: &'static [(&'static str, Self)] = &[
        ("open", Self::Open),
        ("acknowledged", Self::Acknowledged),
        ("resolved", Self::Resolved),
        ("firing", Self::Open),
        ("new", Self::Open),
        ("fired", Self::Open),
        ("alerting", Self::Open),
        ("alert", Self::Open),
        ("alarm", Self::Open),
        ("triggered", Self::Open),
        ("trigger", Self::Open),
        ("active", Self::Open),
        ("activated", Self::Open),
        ("opened", Self::Open),
        ("created", Self::Open),
        ("reopened", Self::Open),
        ("unresolved", Self::Open),
        ("problem", Self::Open),
        ("down", Self::Open),
        ("critical", Self::Open),
        ("error", Self::Open),
        ("warning", Self::Open),
        ("warn", Self::Open),
        ("failed", Self::Open),
        ("failure", Self::Open),
        ("failing", Self::Open),
        ("unhealthy", Self::Open),
        ("degraded", Self::Open),
        ("outage", Self::Open),
        ("nodata", Self::Open),
        ("acknowledge", Self::Acknowledged),
        ("acked", Self::Acknowledged),
        ("ack", Self::Acknowledged),
        ("investigating", Self::Acknowledged),
        ("identified", Self::Acknowledged),
        ("monitoring", Self::Acknowledged),
        ("inprogress", Self::Acknowledged),
        ("resolve", Self::Resolved),
        ("ok", Self::Resolved),
        ("okay", Self::Resolved),
        ("closed", Self::Resolved),
        ("close", Self::Resolved),
        ("recovered", Self::Resolved),
        ("recovery", Self::Resolved),
        ("up", Self::Resolved),
        ("normal", Self::Resolved),
        ("inactive", Self::Resolved),
        ("deactivated", Self::Resolved),
        ("cleared", Self::Resolved),
        ("clear", Self::Resolved),
        ("fixed", Self::Resolved),
        ("solved", Self::Resolved),
        ("healthy", Self::Resolved),
        ("operational", Self::Resolved),
        ("restored", Self::Resolved),
        ("success", Self::Resolved),
    ];

    /// The name: `open`, `acknowledged` or `resolved`.
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
        known(text, Self::WORDS)
    }
}

/// The text is not a known word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("not one of the known words")]
pub struct UnknownWord;
