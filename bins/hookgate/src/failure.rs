//! The failure of a command: an exit code for scripts, and a sentence with a remedy for people.

use std::fmt::Display;
use std::io::Write;
use std::process::ExitCode;

use hookgate_domain::invisible::with_hidden_shown;
use hookgate_gate::{
    AuditQueryError, IncidentActError, ManageError, PasswordsError, PeopleError, StoreError,
};
use hookgate_storage::{LockError, OpenError};
use hookgate_wire::json_text;
use serde::Serialize;

/// The failure of a command.
#[derive(Debug)]
pub(crate) struct Failure {
    kind: Kind,
    message: String,
}

/// The kind of a failure, which scripts see as exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Failed,
    Usage,
    NotFound,
    Refused,
    Unreachable,
    /// The reader of the output has closed it, which is not an error.
    OutputClosed,
    /// The output can't be written: the disk is full, for instance.
    OutputFailed,
}

impl Kind {
    /// The exit code.
    const fn exit_code(self) -> u8 {
        match self {
            Self::OutputClosed => 0,
            Self::Failed | Self::OutputFailed => 1,
            Self::Usage => 2,
            Self::NotFound => 3,
            Self::Refused => 4,
            Self::Unreachable => 5,
        }
    }
}

impl Failure {
    /// An error without a more precise kind.
    pub(crate) fn failed(message: impl Display) -> Self {
        Self::new(Kind::Failed, message)
    }

    /// The command line or the configuration is wrong.
    pub(crate) fn usage(message: impl Display) -> Self {
        Self::new(Kind::Usage, message)
    }

    /// The requested object does not exist.
    pub(crate) fn not_found(message: impl Display) -> Self {
        Self::new(Kind::NotFound, message)
    }

    /// A rule forbids the act.
    pub(crate) fn refused(message: impl Display) -> Self {
        Self::new(Kind::Refused, message)
    }

    /// The store can't be reached.
    pub(crate) fn unreachable(message: impl Display) -> Self {
        Self::new(Kind::Unreachable, message)
    }

    /// The act succeeded, but its output could not be printed.
    pub(crate) fn unprinted(message: impl Display) -> Self {
        Self::new(Kind::OutputFailed, message)
    }

    /// `true` if the output failed, and not the act itself.
    pub(crate) const fn is_of_output(&self) -> bool {
        matches!(self.kind, Kind::OutputClosed | Kind::OutputFailed)
    }

    /// Standard input can't be read, or is not text.
    pub(crate) fn unreadable_input(error: impl Display) -> Self {
        Self::failed(format!("can't read standard input: {error}"))
    }

    fn new(kind: Kind, message: impl Display) -> Self {
        Self {
            kind,
            message: message.to_string(),
        }
    }

    /// The same failure, with the interrupted act before its message.
    pub(crate) fn after(self, interrupted: &str) -> Self {
        Self::new(self.kind, format!("{interrupted}: {}", self.message))
    }

    /// The same failure with another message, which contains its own.
    pub(crate) fn with_message(self, message: impl Display) -> Self {
        Self::new(self.kind, message)
    }

    /// The error message.
    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    /// The message for people.
    fn lines(&self) -> String {
        let lines: Vec<_> = self.message.lines().map(with_hidden_shown).collect();
        format!("hookgate: {}", lines.join("\n  "))
    }

    /// Prints the failure on standard error and returns the exit code.
    pub(crate) fn report(&self, as_json: bool) -> ExitCode {
        let code = match self.kind {
            Kind::OutputClosed => return ExitCode::SUCCESS,
            Kind::Failed => "INTERNAL",
            Kind::Usage => "USAGE",
            Kind::NotFound => "NOT_FOUND",
            Kind::Refused => "REFUSED",
            Kind::Unreachable => "UNAVAILABLE",
            Kind::OutputFailed => "OUTPUT_FAILED",
        };
        let json = as_json.then(|| envelope(code, &self.message));
        // A script that gets no JSON still gets the message.
        let line = json.and_then(Result::ok).unwrap_or_else(|| self.lines());
        // If standard error is closed, nobody can read the error.
        let _ = writeln!(std::io::stderr(), "{line}");
        ExitCode::from(self.kind.exit_code())
    }
}

impl From<std::io::Error> for Failure {
    /// Converts errors of the output. All other I/O errors are worded by their callers.
    fn from(error: std::io::Error) -> Self {
        let kind = if error.kind() == std::io::ErrorKind::BrokenPipe {
            Kind::OutputClosed
        } else {
            Kind::OutputFailed
        };
        Self::new(kind, error)
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        let message = with_sources(&error);
        match error {
            StoreError::Conflict => Self::failed(format!("{message}; try again")),
            StoreError::Actor(_) => Self::refused(message),
            StoreError::Unavailable { .. } => Self::unreachable(format!("{message}; try again in a moment")),
            StoreError::Corrupt { .. } => Self::failed(format!(
                "{message}; restore a backup, or ask for help with this line"
            )),
        }
    }
}

impl From<ManageError> for Failure {
    fn from(error: ManageError) -> Self {
        match error {
            ManageError::NotFound => Self::not_found("no such webhook; `hookgate webhook list` shows them"),
            ManageError::Forbidden(error) => Self::refused(error),
            ManageError::Refused(error) => Self::refused(error),
            ManageError::UnknownSet(_) => Self::not_found(error),
            ManageError::Store(error) => error.into(),
            error @ (ManageError::Changed | ManageError::Entropy(_) | ManageError::Seal(_)) => {
                Self::failed(error)
            }
        }
    }
}

impl From<IncidentActError> for Failure {
    fn from(error: IncidentActError) -> Self {
        match error {
            IncidentActError::NotFound => {
                Self::not_found("no such incident; `hookgate incidents list` shows them")
            }
            IncidentActError::Forbidden(error) => Self::refused(error),
            IncidentActError::Refused(error) => Self::refused(error),
            IncidentActError::Note(error) => Self::usage(error),
            IncidentActError::Store(error) => error.into(),
        }
    }
}

impl From<PeopleError> for Failure {
    fn from(error: PeopleError) -> Self {
        match error {
            PeopleError::NotFound => Self::not_found("no such member or token"),
            PeopleError::Store(error) => error.into(),
            PeopleError::Passwords(error @ PasswordsError::Failed) => Self::failed(error),
            PeopleError::Entropy(error) => Self::failed(error),
            PeopleError::Password(error) => Self::usage(error),
            error => Self::refused(error),
        }
    }
}

impl From<AuditQueryError> for Failure {
    fn from(error: AuditQueryError) -> Self {
        match error {
            AuditQueryError::UnknownActor { .. } | AuditQueryError::UnknownSubject(_) => {
                Self::not_found(error)
            }
            AuditQueryError::AmbiguousActor { .. } | AuditQueryError::NoTime => Self::usage(error),
            AuditQueryError::Forbidden(error) => Self::refused(error),
            AuditQueryError::Store(error) => error.into(),
        }
    }
}

impl From<OpenError> for Failure {
    fn from(error: OpenError) -> Self {
        Self::unreachable(with_sources(&error))
    }
}

impl From<LockError> for Failure {
    fn from(error: LockError) -> Self {
        Self::unreachable(with_sources(&error))
    }
}

/// The JSON envelope of every error in the product.
fn envelope(code: &'static str, message: &str) -> Result<String, serde_json::Error> {
    #[derive(Serialize)]
    struct Envelope<'a> {
        success: bool,
        error: ErrorBody<'a>,
    }
    #[derive(Serialize)]
    struct ErrorBody<'a> {
        code: &'static str,
        message: &'a str,
    }
    json_text(&Envelope {
        success: false,
        error: ErrorBody { code, message },
    })
}

/// The error with its sources, outermost first.
pub(crate) fn with_sources(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        let below = error.to_string();
        if !text.contains(&below) {
            text = format!("{text}: {below}");
        }
        source = error.source();
    }
    text
}
