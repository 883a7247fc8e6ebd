//! The files that a configuration names, read by the functions that a server reads them with at its start. Nothing is
//! created, bound or called.

use super::{Config, StorePlace};
use crate::adapters::SealingKey;
use crate::certificate_files::FileProblem;
use crate::failure::Failure;

impl Config {
    /// Reads the files, or says what is wrong with each of them.
    ///
    /// # Errors
    /// All problems: a server would not start with any of them.
    pub(crate) fn check_files(&self) -> Result<(), Failure> {
        let problems = self.certificate_problems().chain(self.other_problems());
        let sentences: Vec<_> = problems.map(|problem| problem.to_string()).collect();
        if sentences.is_empty() {
            Ok(())
        } else {
            Err(Failure::usage(sentences.join("\n")))
        }
    }

    /// What is wrong with the certificates.
    pub(crate) fn certificate_problems(&self) -> impl Iterator<Item = FileProblem> {
        let all = [Some(&self.certificate), self.console_certificate.as_ref()];
        all.into_iter().flatten().filter_map(|files| files.load().err())
    }

    /// What is wrong with files that a running server does not read again.
    pub(crate) fn other_problems(&self) -> impl Iterator<Item = FileProblem> {
        [
            self.lists.fetcher().err(),
            self.store_problem(),
            self.sealing_key_problem(),
        ]
        .into_iter()
        .flatten()
    }

    fn store_problem(&self) -> Option<FileProblem> {
        let sentence = match &self.store {
            StorePlace::Server(address) => address.check_files().err()?.to_string(),
            StorePlace::Directory(directory) if directory.exists() && !directory.is_dir() => {
                format!("{} is not a directory", directory.display())
            }
            StorePlace::Directory(_) => return None,
        };
        Some(FileProblem::of("store.url", sentence))
    }

    fn sealing_key_problem(&self) -> Option<FileProblem> {
        let error = SealingKey::read(&self.sealing_key).err()?;
        let sentence = format!("{} can't be used: {error}", self.sealing_key.display());
        Some(FileProblem::of("store.sealing_key_file", sentence))
    }
}
