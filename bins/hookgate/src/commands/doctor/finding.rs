//! A finding of `hookgate doctor`.

use crate::file_problem::FileProblem;

/// A problem that was found.
pub(super) struct Finding {
    /// The object of the problem.
    pub(super) subject: String,
    /// The problem and the remedy.
    pub(super) sentence: String,
}

impl From<FileProblem> for Finding {
    fn from(problem: FileProblem) -> Self {
        Self {
            subject: problem.setting.unwrap_or_else(|| "file".to_owned()),
            sentence: problem.sentence,
        }
    }
}
