//! The files of a configuration: the one that is named, and those in which it keeps a secret. What they say is not known
//! here.

use std::path::Path;

use super::{Source, Values};
use crate::failure::Failure;

impl Values {
    /// Gathers the values for a configuration file from it, from the environment and from the defaults.
    pub(crate) fn gather(file: &Path, environment: impl Fn(&str) -> Option<String>) -> Result<Self, Failure> {
        let text = std::fs::read_to_string(file).map_err(|error| {
            Failure::usage(format!(
                "can't read the configuration {}: {error}",
                file.display()
            ))
        })?;
        let directory = file.parent().map(Path::to_path_buf).unwrap_or_default();
        let mut gathered = Self::of_text(&text, directory, environment)
            .map_err(|error| Failure::usage(format!("{} is not TOML: {error}", file.display())))?;
        gathered.read_store_url();
        Ok(gathered)
    }

    /// Takes the store's URL from the file that `store.url_file` names.
    fn read_store_url(&mut self) {
        let Some(file) = self.path("store.url_file") else {
            return;
        };
        if self.found.contains_key("store.url") {
            self.problems
                .push("store.url_file: store.url is set too; one of them is enough".to_owned());
        }
        match std::fs::read_to_string(&file) {
            Ok(url) => drop(
                self.found
                    .insert("store.url", (url.trim().to_owned(), Source::File)),
            ),
            Err(error) => self
                .problems
                .push(format!("store.url_file: can't read {}: {error}", file.display())),
        }
    }
}
