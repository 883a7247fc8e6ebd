//! Files with secrets that other users of the machine can open, before and after the store is opened.

use hookgate_storage::exposed_data;

use super::finding::Finding;
use crate::app;
use crate::cli::Options;
use crate::config::Config;
use crate::file_problem::FileProblem;

/// The files that other users can open now.
pub(super) fn exposed_files(options: &Options, config: Option<&Config>) -> Vec<FileProblem> {
    match config {
        Some(config) => config.exposed_files(),
        None => exposed_data(&app::data_directory(options))
            .iter()
            .map(|exposed| FileProblem::exposed("data directory", exposed))
            .collect(),
    }
}

/// Findings on files that were open to others before the store was opened. Opening the store closes its own files.
pub(super) fn findings(before: Vec<FileProblem>, now: &[FileProblem]) -> impl Iterator<Item = Finding> {
    before.into_iter().map(|mut problem| {
        if !now.contains(&problem) {
            problem
                .sentence
                .push_str(". It was closed just now; others may have read it before");
        }
        problem.into()
    })
}
