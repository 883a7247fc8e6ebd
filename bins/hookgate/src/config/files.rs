//! The files that a configuration names, read by the functions that a server reads them with at its start. Nothing is
//! created, bound or called.

use super::{Config, StorePlace};
use crate::adapters::SealingKey;
use crate::failure::Failure;

impl Config {
    /// Reads the files, or says what is wrong with each of them.
    ///
    /// # Errors
    /// All problems: a server would not start with any of them.
    pub(crate) fn check_files(&self) -> Result<(), Failure> {
        let certificates = [Some(&self.certificate), self.console_certificate.as_ref()];
        let mut problems: Vec<String> = certificates
            .into_iter()
            .flatten()
            .filter_map(|files| files.load().err())
            .map(|failure| failure.message().to_owned())
            .collect();
        problems.extend(
            self.lists
                .fetcher()
                .err()
                .map(|failure| failure.message().to_owned()),
        );
        problems.extend(self.store_problem());
        if let Err(error) = SealingKey::read(&self.sealing_key) {
            problems.push(format!(
                "store.sealing_key_file: {} can't be used: {error}",
                self.sealing_key.display()
            ));
        }
        if problems.is_empty() {
            Ok(())
        } else {
            Err(Failure::usage(problems.join("\n")))
        }
    }

    fn store_problem(&self) -> Option<String> {
        match &self.store {
            StorePlace::Server(address) => address
                .check_files()
                .err()
                .map(|error| format!("store.url: {error}")),
            StorePlace::Directory(directory) if directory.exists() && !directory.is_dir() => {
                Some(format!("store.url: {} is not a directory", directory.display()))
            }
            StorePlace::Directory(_) => None,
        }
    }
}
