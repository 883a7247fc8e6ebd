//! A problem of a file that the configuration names, or of one in the data directory.

use std::fmt::{self, Display};

use hookgate_storage::Exposed;

use crate::failure::Failure;

/// A file that can't be used, with the setting that names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FileProblem {
    /// The configuration key, if there is one.
    pub(crate) setting: Option<String>,
    /// The problem, with the file's path.
    pub(crate) sentence: String,
}

impl FileProblem {
    /// The problem of a file that the setting names.
    pub(crate) fn of(setting: &str, sentence: String) -> Self {
        Self {
            setting: Some(setting.to_owned()),
            sentence,
        }
    }

    /// The problem of a file that other users of the machine can open.
    pub(crate) fn exposed(setting: &str, exposed: &Exposed) -> Self {
        Self::of(setting, exposed_sentence(exposed))
    }
}

impl Display for FileProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(setting) = &self.setting {
            write!(f, "{setting}: ")?;
        }
        f.write_str(&self.sentence)
    }
}

impl From<FileProblem> for Failure {
    fn from(problem: FileProblem) -> Self {
        Self::usage(problem)
    }
}

/// The sentence about a file that other users of the machine can open.
pub(crate) fn exposed_sentence(exposed: &Exposed) -> String {
    format!("{exposed}: only the user that runs Hookgate should be able to open it")
}
