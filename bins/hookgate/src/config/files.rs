//! Checks the files that a configuration names, with the functions that a server uses at its start. Nothing is created,
//! bound or called.

use hookgate_storage::{Exposed, exposed_data};

use super::{Config, SEALING_KEY_FILE, StorePlace};
use crate::adapters::SealingKey;
use crate::certificate_files::CertificateFiles;
use crate::failure::Failure;
use crate::file_problem::FileProblem;

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

    /// Problems of the certificates.
    pub(crate) fn certificate_problems(&self) -> impl Iterator<Item = FileProblem> {
        self.certificates().filter_map(|files| files.load().err())
    }

    /// The certificates of both listeners.
    fn certificates(&self) -> impl Iterator<Item = &CertificateFiles> {
        [Some(&self.certificate), self.console_certificate.as_ref()]
            .into_iter()
            .flatten()
    }

    /// Files with secrets that other users of the machine can open. A server starts nevertheless: a container may have no
    /// other users, and the files of a volume are often open.
    pub(crate) fn exposed_files(&self) -> Vec<FileProblem> {
        let data = match &self.store {
            StorePlace::Directory(directory) => exposed_data(directory),
            StorePlace::Server(_) => Vec::new(),
        };
        let key = Exposed::find(&self.sealing_key).filter(|key| !data.contains(key));
        let data = data
            .iter()
            .map(|exposed| FileProblem::exposed("store.url", exposed));
        let named = self.password_files.iter();
        let named =
            named.filter_map(|(setting, path)| Some(FileProblem::exposed(setting, &Exposed::find(path)?)));
        data.chain(key.map(|key| FileProblem::exposed(SEALING_KEY_FILE, &key)))
            .chain(named)
            .chain(self.certificates().filter_map(CertificateFiles::exposed_key))
            .collect()
    }

    /// Problems of files that a running server does not read again.
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
        Some(FileProblem::of(SEALING_KEY_FILE, sentence))
    }
}
